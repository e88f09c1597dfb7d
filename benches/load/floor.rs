//! The floor: the least that an answer of some size costs over hyper on this machine.
//!
//! The benchmark's own executable, started again: the runtime, the HTTP library and the allocator
//! of the server, and a body that never changes.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Serves `body_bytes` to every request until standard input ends, which it does with the parent.
/// Writes its port to standard output.
pub(crate) fn run(body_bytes: usize, workers: usize) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(workers).enable_all().build().context("cannot start the runtime")?;
    let (parent, gone) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        drop(parent);
    });
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
        tokio::spawn(accept(listener, Bytes::from(vec![b' '; body_bytes])));
        drop(gone.await);
        Ok(())
    })
}

async fn accept(listener: TcpListener, body: Bytes) {
    while let Ok((stream, _)) = listener.accept().await {
        if stream.set_nodelay(true).is_ok() {
            tokio::spawn(serve(stream, body.clone()));
        }
    }
}

async fn serve(stream: TcpStream, body: Bytes) {
    let answer = service_fn(move |_: Request<Incoming>| {
        let mut response = Response::new(Full::new(body.clone()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        async move { Ok::<_, Infallible>(response) }
    });
    // How a connection ends is the client's affair.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
}
