//! One way out over HTTP, for sources that answer requests.
//!
//! - One deadline for a whole exchange, from connecting to the last byte.
//! - An answer that is longer than [`limits::FOREIGN_ANSWER_BYTES_MAX`] is not read to its end.
//! - Redirects are not followed: where to ask is the operator's word.
//! - Certificates are checked against the system's roots; `SSL_CERT_FILE` adds others.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::timeout;

use crate::authorities;
use crate::causes::causes;
use crate::limits;

const AGENT: &str = concat!("watershed/", env!("CARGO_PKG_VERSION"));
const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

/// How a source knows who asks.
#[derive(Clone)]
pub enum Authorization {
    /// `Authorization: Bearer …`
    Bearer(String),
    /// `Authorization: Basic …`, of a user and a password with a colon between them.
    Basic(String),
}

/// Why an exchange came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The settings do not make an address or a header.
    #[error("{0}")]
    Settings(String),
    /// No connection, or it broke.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The answer is too long.
    #[error("an answer of more than {} bytes", limits::FOREIGN_ANSWER_BYTES_MAX)]
    TooLarge,
}

/// A server that is asked.
pub struct Wire {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
}

impl Wire {
    /// Of the server at `base`, an `http` or `https` URL without a slash at its end.
    pub fn new(
        base: &str,
        authorization: Option<&Authorization>,
        tenant: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, WireError> {
        let uri: Uri = base.parse().map_err(|error| WireError::Settings(format!("{base:?}: {error}")))?;
        let header = |name: HeaderName, text: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| WireError::Settings(format!("a value that {name} cannot hold")))?;
            value.set_sensitive(true);
            Ok((name, value))
        };
        let mut headers = vec![(USER_AGENT, HeaderValue::from_static(AGENT))];
        match authorization {
            Some(Authorization::Bearer(token)) => {
                headers.push(header(AUTHORIZATION, &format!("Bearer {token}"))?);
            }
            Some(Authorization::Basic(pair)) => {
                headers.push(header(AUTHORIZATION, &format!("Basic {}", BASE64_STANDARD.encode(pair)))?);
            }
            None => {}
        }
        if let Some(tenant) = tenant {
            headers.push(header(TENANT, tenant)?);
        }
        let connector = authorities::connector(HttpConnector::new(), uri.scheme_str() == Some("https"))
            .map_err(|error| WireError::Settings(error.to_string()))?;
        let client =
            Client::builder(TokioExecutor::new()).pool_idle_timeout(limits::FOREIGN_IDLE).build(connector);
        Ok(Self { client, base: base.to_owned(), headers, timeout })
    }

    /// Posts a form to a path below the base.
    pub async fn post_form(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<(StatusCode, Bytes), WireError> {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pairs = form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(body))
            .map_err(|error| WireError::Settings(error.to_string()))?;
        request.headers_mut().extend(self.headers.iter().cloned());
        timeout(self.timeout, self.exchange(request)).await.map_err(|_| WireError::TimedOut(self.timeout))?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), WireError> {
        let response = self.client.request(request).await;
        let response = response.map_err(|error| WireError::Unreachable(causes(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), limits::FOREIGN_ANSWER_BYTES_MAX).collect().await;
        match body {
            Ok(body) => Ok((status, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(WireError::TooLarge),
            Err(error) => Err(WireError::Unreachable(causes(&*error))),
        }
    }
}
