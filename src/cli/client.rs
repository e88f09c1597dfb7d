//! The HTTP client of the commands: one request at a time, and a clear word when it fails.
//!
//! Not a general client: no redirects, no proxies. A refused request is an error like
//! any other; whether it is tried again is for the command to decide.
//!
//! - Every wait has an end: connecting, the head of the answer, each piece of its body.
//! - An answer that is held in memory has at most [`ANSWER_BYTES_MAX`] bytes; a download is not held.
//! - The key goes into one header and nowhere else.

mod download;
mod probe;
mod upload;

use std::ffi::OsString;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, body::Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use uuid::Uuid;

use super::key::{self, KeyError};
use super::problem::Problem;
use super::url::{BaseUrl, UrlError};
use crate::authorities::{self, NoAuthorities};
use crate::environment;

/// An answer: a million services with their edges.
const ANSWER_BYTES_MAX: usize = 1 << 30;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than a server lets a request take by default, so that its own word arrives.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// What is done for an operator may take as long as the graph is large.
const WORK_TIMEOUT: Duration = Duration::from_mins(10);
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("watershed/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Which server, the same for every command that talks to one.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ServerOption {
    /// Where the server listens. The environment is read by hand, for only what was typed may exclude
    /// other options.
    #[arg(long, help = URL_HELP, value_name = "URL")]
    url: Option<String>,
}

const DEFAULT_URL: &str = "http://127.0.0.1:8000";
const URL_VARIABLE: &str = "WATERSHED_URL";
const URL_HELP: &str = "\
The server to talk to. Its API key, where one is needed, is read from the environment variable \
WATERSHED_API_KEY or from the file that WATERSHED_API_KEY_FILE names; SSL_CERT_FILE names the authorities whose \
certificates are trusted instead of the system's [env: WATERSHED_URL] \
[default: http://127.0.0.1:8000]";

impl ServerOption {
    fn resolve(&self) -> Result<String, UrlError> {
        let given = self.url.clone().map(OsString::from).or_else(|| environment::variable(URL_VARIABLE));
        match given.unwrap_or_default().into_string() {
            Ok(url) if url.is_empty() => Ok(DEFAULT_URL.to_owned()),
            Ok(url) => Ok(url),
            Err(url) => Err(UrlError::Malformed(url.to_string_lossy().into_owned())),
        }
    }
}

/// Why there is no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// The address is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The server has a certificate, and nobody is trusted to have signed it.
    #[error(transparent)]
    Authorities(#[from] NoAuthorities),
    /// The system gives us no event loop.
    #[error("the client cannot start: {0}")]
    Runtime(std::io::Error),
    /// Nobody listens there.
    #[error(
        "cannot reach {url}: {cause}. `watershed serve` starts a server; --url or WATERSHED_URL names another one"
    )]
    Unreachable {
        /// The server.
        url: String,
        /// What the system said.
        cause: String,
    },
    /// The server took too long.
    #[error("{url} did not answer within {} seconds", .limit.as_secs())]
    TimedOut {
        /// The server.
        url: String,
        /// How long we waited.
        limit: Duration,
    },
    /// The connection ended before the answer did.
    #[error("the connection to {url} broke: {cause}")]
    Broken {
        /// The server.
        url: String,
        /// What happened.
        cause: String,
    },
    /// The answer has more than [`ANSWER_BYTES_MAX`] bytes.
    #[error("the answer of {url} is longer than {ANSWER_BYTES_MAX} bytes; ask for less")]
    TooLarge {
        /// The server.
        url: String,
    },
    /// Something answered, but not in our words.
    #[error("the answer of {url} is not understood: {cause}; is it a watershed server of this version?")]
    Foreign {
        /// The server.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// What is downloaded has no place.
    #[error("cannot write what is downloaded: {0}")]
    Keep(std::io::Error),
    /// The server said no.
    #[error("{0}")]
    Refused(Box<Problem>),
}

/// The body of a request.
type Sent = UnsyncBoxBody<Bytes, std::io::Error>;

/// A connection to one server.
pub(super) struct Client {
    base: BaseUrl,
    authorization: Option<HeaderValue>,
    http: legacy::Client<HttpsConnector<HttpConnector>, Sent>,
    runtime: Runtime,
}

impl Client {
    /// Prepares to talk to a server; nothing is sent yet.
    pub(super) fn new(option: &ServerOption) -> Result<Self, ClientError> {
        let base = BaseUrl::parse(&option.resolve()?)?;
        let authorization = key::authorization(|name| environment::variable(name))?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let connector = authorities::connector(connector, base.is_tls())?;
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { base, authorization, http, runtime })
    }

    /// The JSON at a path, as the server sent it.
    pub(super) fn get(&self, path: &str) -> Result<Bytes, ClientError> {
        self.exchange(self.request(Method::GET, path, Bytes::new())?, HEAD_TIMEOUT)
    }

    /// What stands at a path, in whatever form it is asked for there.
    pub(super) fn get_text(&self, path: &str) -> Result<Bytes, ClientError> {
        let request = self.request(Method::GET, path, Bytes::new())?;
        self.runtime
            .block_on(async { self.collect(self.head(request, HEAD_TIMEOUT).await?.into_body()).await })
    }

    /// Puts JSON at a path; returns the JSON that came back.
    pub(super) fn put(&self, path: &str, body: Bytes) -> Result<Bytes, ClientError> {
        let mut request = self.request(Method::PUT, path, body)?;
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        self.exchange(request, HEAD_TIMEOUT)
    }

    /// Takes away what stands at a path.
    pub(super) fn delete(&self, path: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, path, Bytes::new())?;
        self.runtime.block_on(async { self.head(request, HEAD_TIMEOUT).await }).map(drop)
    }

    /// Asks for work that has no input; returns the JSON that came back.
    pub(super) fn work(&self, path: &str) -> Result<Bytes, ClientError> {
        self.exchange(self.request(Method::POST, path, Bytes::new())?, WORK_TIMEOUT)
    }

    /// Sends JSON to a path; returns the JSON that came back. The same `attempt` id with the same body
    /// is done at most once.
    pub(super) fn post(&self, path: &str, body: Bytes, attempt: Uuid) -> Result<Bytes, ClientError> {
        let mut request = self.request(Method::POST, path, body)?;
        let key = HeaderValue::try_from(attempt.to_string()).expect("a UUID is ASCII");
        request.headers_mut().insert(IDEMPOTENCY_KEY, key);
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        self.exchange(request, HEAD_TIMEOUT)
    }

    /// Reads an answer of the form that a command expects.
    pub(super) fn understand<'a, T: serde::Deserialize<'a>>(&self, body: &'a [u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|error| self.foreign(error.to_string()))
    }

    /// Lets time pass, before a request is sent again.
    pub(super) fn wait(&self, duration: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(duration).await });
    }

    /// An answer that a watershed server would not give.
    pub(super) fn foreign(&self, cause: String) -> ClientError {
        ClientError::Foreign { url: self.url(), cause }
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Sent>, ClientError> {
        let mut request = Request::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
        *request.method_mut() = method;
        *request.uri_mut() = self.base.join(path)?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, AGENT);
        headers.insert(ACCEPT, JSON);
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }

    fn exchange(&self, request: Request<Sent>, patience: Duration) -> Result<Bytes, ClientError> {
        self.runtime.block_on(async { self.json(self.head(request, patience).await?).await })
    }

    async fn json(&self, response: Response<Incoming>) -> Result<Bytes, ClientError> {
        if !has_type(response.headers(), "application/json") {
            return Err(self.foreign("it is no JSON".to_owned()));
        }
        self.collect(response.into_body()).await
    }

    /// Sends a request and waits for the head of an answer that is no refusal.
    async fn head(
        &self,
        request: Request<Sent>,
        patience: Duration,
    ) -> Result<Response<Incoming>, ClientError> {
        self.accepted(self.send(request, patience).await?).await
    }

    async fn send(
        &self,
        request: Request<Sent>,
        patience: Duration,
    ) -> Result<Response<Incoming>, ClientError> {
        timeout(patience, self.http.request(request))
            .await
            .map_err(|_| ClientError::TimedOut { url: self.url(), limit: patience })?
            .map_err(|error| self.no_answer(&error))
    }

    async fn accepted(&self, response: Response<Incoming>) -> Result<Response<Incoming>, ClientError> {
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let problem = Problem::read(head.status, &head.headers, &self.collect(body).await?);
        Err(ClientError::Refused(Box::new(problem)))
    }

    async fn collect(&self, mut body: Incoming) -> Result<Bytes, ClientError> {
        let mut bytes = BytesMut::new();
        while let Some(piece) = self.piece(&mut body).await? {
            if bytes.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(ClientError::TooLarge { url: self.url() });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }

    /// The next bytes of a body; `None` at its end.
    async fn piece(&self, body: &mut Incoming) -> Result<Option<Bytes>, ClientError> {
        self.piece_within(body, PIECE_TIMEOUT).await
    }

    async fn piece_within(&self, body: &mut Incoming, limit: Duration) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = timeout(limit, body.frame())
                .await
                .map_err(|_| ClientError::TimedOut { url: self.url(), limit })?;
            let Some(frame) = frame else { return Ok(None) };
            let frame =
                frame.map_err(|error| ClientError::Broken { url: self.url(), cause: root_cause(&error) })?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    fn no_answer(&self, error: &legacy::Error) -> ClientError {
        let mut cause = root_cause(error);
        if cause.starts_with("invalid peer certificate") {
            cause += " (SSL_CERT_FILE names a file with the authorities to trust)";
        }
        if error.is_connect() {
            ClientError::Unreachable { url: self.url(), cause }
        } else {
            ClientError::Broken { url: self.url(), cause }
        }
    }

    fn url(&self) -> String {
        self.base.as_str().to_owned()
    }
}

fn has_type(headers: &HeaderMap, expected: &str) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| text.split(';').next().is_some_and(|kind| kind.trim() == expected))
}

/// What lies under the layers of an error: mostly the word of the system.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::{StubServer, answer, json, problem};

    fn client(url: &str) -> Client {
        let mut client = Client::new(&ServerOption { url: Some(url.to_owned()) }).unwrap();
        client.authorization = Some(HeaderValue::from_static("Bearer ws_k3y"));
        client
    }

    #[test]
    fn an_answer_comes_back_unchanged() {
        let server = StubServer::start(vec![json("{ \"a\" : 1.0 }\n"), json("{}")]);
        let client = client(&server.url);
        assert_eq!(client.get("/api/v1/services?q=a").unwrap(), "{ \"a\" : 1.0 }\n");
        assert_eq!(client.post("/p", Bytes::from_static(b"{}"), Uuid::nil()).unwrap(), "{}");
        let requests = server.requests();
        assert!(requests[0].starts_with("GET /api/v1/services?q=a HTTP/1.1\r\n"), "{requests:?}");
        assert!(requests[0].contains("authorization: Bearer ws_k3y\r\n"), "{requests:?}");
        assert!(
            requests[1].contains("idempotency-key: 00000000-0000-0000-0000-000000000000"),
            "{requests:?}"
        );
        assert!(requests[1].contains("content-type: application/json"), "{requests:?}");
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let cases = [
            (
                problem("404 Not Found", "", r#"{"title":"Not Found","detail":"no such service"}"#),
                "404 Not Found: no",
            ),
            (answer("502 Bad Gateway", "", "<html>"), "502 Bad Gateway without an explanation"),
            (answer("302 Found", "location: /x\r\n", ""), "302 Found without an explanation"),
            (answer("200 OK", "content-type: text/html\r\n", "<html>"), "the answer of http://127.0.0.1:"),
            ("nonsense\r\n\r\n".to_owned(), "the connection to http://127.0.0.1:"),
            (
                json("{}").replace("content-length: 2", "content-length: 9"),
                "the connection to http://127.0.0.1:",
            ),
        ];
        for (answer, expected) in cases {
            let server = StubServer::start(vec![answer.clone()]);
            let message = client(&server.url).get("/a").unwrap_err().to_string();
            assert!(message.starts_with(expected), "{answer:?}: {message}");
            assert!(!message.contains("k3y"), "{message}");
        }
    }

    #[test]
    fn a_closed_port_says_how_to_start_a_server() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let message = client(&format!("http://127.0.0.1:{port}")).get("/").unwrap_err().to_string();
        assert!(message.starts_with(&format!("cannot reach http://127.0.0.1:{port}: ")), "{message}");
        assert!(message.contains("refused") && message.contains("`watershed serve` starts"), "{message}");
    }
}
