//! How spans get to a collector: over the runtime's HTTP client, from a thread that knows none.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::limits;

/// A client that does its work on the runtime it was made on.
pub(super) struct Client {
    http: HyperClient<HttpConnector, Full<Bytes>>,
    runtime: Handle,
    /// Whether the last batch did not arrive, so that it is said once.
    fails: Arc<AtomicBool>,
}

impl Client {
    /// Needs a runtime.
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(limits::TRACES_TIMEOUT));
        let http = HyperClient::builder(TokioExecutor::new()).build(connector);
        Self { http, runtime: Handle::current(), fails: Arc::default() }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Client")
    }
}

type Answer = Result<Response<Bytes>, HttpError>;

impl HttpClient for Client {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let (http, fails) = (self.http.clone(), Arc::clone(&self.fails));
        let exchange = async move {
            let answer = http.request(request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, limits::TRACES_ANSWER_BYTES_MAX).collect().await?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        let work = self.runtime.spawn(async { timeout(limits::TRACES_TIMEOUT, exchange).await });
        Box::pin(async move {
            let answer: Answer = work.await?.unwrap_or_else(|_| Err("it takes too long".into()));
            let has_arrived = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
            match (has_arrived, fails.swap(!has_arrived, Ordering::Relaxed)) {
                (false, false) => tracing::warn!("the collector does not take traces; they are dropped"),
                (true, true) => tracing::info!("the collector takes traces again"),
                (_, _) => {}
            }
            answer
        })
    }
}
