//! One connection: HTTP/1.1, or HTTP/2 where its preface comes first, or ALPN says so.
//!
//! - A head that does not come in time gets a bare 408.
//! - When the server drains, a connection ends after its exchange, which says so. One that rests is closed only
//!   after a moment, in which its client may still ask and be told: a request that meets a closing connection
//!   is one that the client cannot account for.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::answer::AnswerBody;
use super::exchange::exchange;
use super::guarded_io::{GuardedIo, Patience, Phase};
use super::state::App;
use super::stream::Stream;
use super::tls::{self, Tls};
use crate::limits;

const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves a connection to its end. `draining` turns true when it should end after its exchange.
pub(super) async fn serve(app: Arc<App>, stream: TcpStream, mut draining: watch::Receiver<bool>) {
    let header_timeout = app.settings.header_timeout;
    let patience = Patience {
        header: header_timeout,
        idle: limits::CONNECTION_IDLE.max(header_timeout),
        write: app.settings.request_timeout,
    };
    let peer = peer(&stream);
    let mut stream = Some(stream);
    let begins = timeout(header_timeout, begin(app.settings.tls.as_deref(), &mut stream));
    let begun = tokio::select! {
        biased;
        begun = begins => begun,
        // A connection on which nothing was asked need not be waited for.
        () = notice_is_over(&mut draining), if !app.is_draining() => return,
    };
    let (stream, is_http2) = match (begun, stream) {
        (Ok(Ok(Begun::Tls(stream, is_http2))), _) => (Stream::Tls(stream), is_http2),
        (Ok(Ok(Begun::Plain(is_http2))), Some(stream)) => (Stream::Plain(stream), is_http2),
        (Err(_), Some(stream)) => {
            let io = GuardedIo::new(Stream::Plain(stream), patience, Phase::default());
            return request_timeout(io).await;
        }
        // Whoever was there has gone, or speaks another language.
        (Ok(Ok(Begun::Plain(_)) | Err(_)) | Err(_), _) => return,
    };
    if is_http2 {
        serve_http2(app, peer, stream, patience, &mut draining).await;
    } else {
        serve_http1(app, peer, stream, patience, &mut draining).await;
    }
}

/// What came before HTTP, and whether HTTP/2 follows.
enum Begun {
    Plain(bool),
    Tls(Box<TlsStream<TcpStream>>, bool),
}

/// Under TLS the stream is taken, and ALPN says what follows; else the first bytes say it.
async fn begin(tls: Option<&Tls>, stream: &mut Option<TcpStream>) -> io::Result<Begun> {
    match (tls, stream) {
        (None, Some(stream)) => Ok(Begun::Plain(begins_with_http2_preface(stream).await?)),
        (Some(tls), stream) => {
            let stream = stream.take().ok_or(io::ErrorKind::NotConnected)?;
            let stream = tls.acceptor().accept(stream).await?;
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2);
            Ok(Begun::Tls(Box::new(stream), is_http2))
        }
        (None, None) => Err(io::ErrorKind::NotConnected.into()),
    }
}

/// Looks at the first bytes without taking them. An end of the stream reads as HTTP/1.1.
async fn begins_with_http2_preface(stream: &TcpStream) -> io::Result<bool> {
    let mut start = [0; HTTP2_PREFACE.len()];
    let mut wait = Duration::from_millis(1);
    loop {
        let length = stream.peek(&mut start).await?;
        if !HTTP2_PREFACE.starts_with(&start[..length]) || length == 0 {
            return Ok(false);
        }
        if length == HTTP2_PREFACE.len() {
            return Ok(true);
        }
        // A look does not take the bytes, so the stream stays readable: wait, ever longer, for more.
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_millis(256));
    }
}

async fn serve_http1(
    app: Arc<App>,
    peer: IpAddr,
    stream: Stream,
    patience: Patience,
    draining: &mut watch::Receiver<bool>,
) {
    let phase = Phase::default();
    let io = TokioIo::new(GuardedIo::new(stream, patience, phase.clone()));
    let service = service_fn(move |request| answer(Arc::clone(&app), peer, request, Some(&phase)));
    let mut drained = *draining.borrow();
    let mut connection = http1::Builder::new()
        .keep_alive(!drained)
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(limits::HEADERS_MAX)
        .max_header_size(limits::HEAD_BYTES_MAX)
        .serve_connection(io, service);
    let result = loop {
        tokio::select! {
            result = &mut connection => break result,
            () = notice_is_over(draining), if !drained => {
                drained = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let io = connection.into_parts().io.into_inner();
    if result.is_err() && io.head_came_too_slowly() {
        request_timeout(io).await;
    }
}

async fn serve_http2(
    app: Arc<App>,
    peer: IpAddr,
    stream: Stream,
    patience: Patience,
    draining: &mut watch::Receiver<bool>,
) {
    let phase = Phase::default();
    let io = TokioIo::new(GuardedIo::new(stream, patience, phase.clone()));
    // HTTP/2 has its own keep-alive, so the guard's read time-outs stay off.
    let _exchange = phase.exchange();
    let service = service_fn(move |request| answer(Arc::clone(&app), peer, request, None));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::HTTP2_STREAMS_MAX)
        .max_header_list_size(limits::HTTP2_HEADER_LIST_BYTES_MAX)
        .max_pending_accept_reset_streams(limits::HTTP2_PENDING_RESETS_MAX)
        .keep_alive_interval(Some(limits::HTTP2_PING_INTERVAL))
        .keep_alive_timeout(limits::HTTP2_PING_INTERVAL)
        .serve_connection(io, service);
    tokio::pin!(connection);
    let mut drained = false;
    loop {
        tokio::select! {
            // What ended an HTTP/2 connection is between the peers; hyper has told the other one.
            _ = connection.as_mut() => return,
            () = drain_begins(draining), if !drained => {
                drained = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Who is at the other end. One that is gone already has no address; nobody will read its answer.
fn peer(stream: &TcpStream) -> IpAddr {
    let address = stream.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    address.to_canonical()
}

/// The future is boxed because hyper wants to move it when it lends the stream back at the end.
fn answer(
    app: Arc<App>,
    peer: IpAddr,
    request: Request<Incoming>,
    phase: Option<&Phase>,
) -> Pin<Box<impl Future<Output = Result<Response<AnswerBody>, Infallible>> + use<>>> {
    let under_way = phase.map(Phase::exchange);
    Box::pin(exchange(app, peer, request, under_way))
}

async fn drain_begins(draining: &mut watch::Receiver<bool>) {
    // The sender is gone when the grace is over: that is an end, too.
    drop(draining.wait_for(|draining| *draining).await);
}

/// Some time after the drain began.
async fn notice_is_over(draining: &mut watch::Receiver<bool>) {
    drain_begins(draining).await;
    tokio::time::sleep(limits::DRAIN_NOTICE).await;
}

async fn request_timeout(mut io: GuardedIo) {
    let answer = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    // The peer may be gone: then there is nobody left to tell.
    if io.write_all(answer).await.is_ok() {
        drop(io.shutdown().await);
    }
}
