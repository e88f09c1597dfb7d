//! One request to the ingestion endpoint, sent until the server takes it or means its no; or one stream, sent once.
//!
//! Not a blind retry: a request is sent again only where the server said that nothing was applied
//! and that it may be tried later. All tries carry one idempotency key.
//!
//! - At most [`TRIES_MAX`] tries; no wait is longer than [`WAIT_MAX`].

use std::io;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cli::client::{Client, ClientError};
use crate::cli::console::{Console, printable};
use crate::cli::problem::Problem;
use crate::clock;

use super::ImportError;
use super::progress::Progress;
use super::totals::{Receipt, StreamReceipt, Totals};

const STREAM_PATH: &str = "/api/v1/graph/import";
pub(super) const PATH: &str = "/api/v1/services/dependencies";
/// How often a request is sent.
const TRIES_MAX: u32 = 10;
/// A server that wants more time than this is asked again by a person.
const WAIT_MAX: Duration = Duration::from_mins(2);
/// The first wait, where the server names none; doubled each time.
const WAIT_FIRST: Duration = Duration::from_millis(100);

/// Sends a request; waits and sends it again while the server asks for that.
pub(super) fn request(
    client: &Client,
    body: &Bytes,
    progress: &Progress,
    console: &mut Console,
) -> Result<Receipt, ClientError> {
    let id = clock::new_id();
    let answer = patiently(client, progress, console, || client.post(PATH, body.clone(), id))?;
    client.understand(&answer)
}

/// Tries; waits and tries again while the server asks for that.
pub(super) fn patiently(
    client: &Client,
    progress: &Progress,
    console: &mut Console,
    mut attempt: impl FnMut() -> Result<Bytes, ClientError>,
) -> Result<Bytes, ClientError> {
    let mut tries = 1;
    loop {
        let problem = match attempt() {
            Ok(answer) => return Ok(answer),
            Err(ClientError::Refused(problem)) => problem,
            Err(error) => return Err(error),
        };
        let wait = problem.retry_after.unwrap_or(WAIT_FIRST * 2_u32.pow(tries - 1)).max(WAIT_FIRST);
        if !problem.may_be_retried() || tries == TRIES_MAX || wait > WAIT_MAX {
            return Err(ClientError::Refused(problem));
        }
        let notice = format!(
            "the server asks to wait: {} {}; next try in {} s",
            problem.status.as_u16(),
            problem.status.canonical_reason().unwrap_or_default(),
            wait.as_secs_f32()
        );
        progress.notice(&printable(&notice), console);
        client.wait(wait);
        tries += 1;
    }
}

/// A line that comes back from a stream: progress, unless it is the last one.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(default)]
    done: bool,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    applied: Option<StreamReceipt>,
    nodes: Option<u64>,
    edges: Option<u64>,
}

/// What is read of a problem here.
#[derive(Deserialize)]
struct Fault {
    status: u16,
    line: Option<u64>,
}

/// Sends a stream; it is not sent again, for batches of it may have been applied.
pub(super) fn stream(
    client: &Client,
    pieces: impl Iterator<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    progress: &Progress,
    totals: &mut Totals,
) -> Result<(), ImportError> {
    let mut end: Option<Result<StreamReceipt, ImportError>> = None;
    let sent = client.upload(STREAM_PATH, pieces, |line| {
        match client.understand(line)? {
            Line { done: true, .. } => end = Some(Ok(client.understand(line)?)),
            Line { error: Some(error), applied, .. } => {
                let Fault { status, line } = client.understand(error.get().as_bytes())?;
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let problem = Problem::read(status, &HeaderMap::new(), error.get().as_bytes());
                let applied = applied.map_or(0, |applied| applied.entries());
                let cause = ClientError::Refused(Box::new(problem));
                end = Some(Err(ImportError::Stream { line, applied, cause }));
            }
            Line { nodes, edges, .. } => {
                progress.stands_at(nodes.unwrap_or_default() + edges.unwrap_or_default());
            }
        }
        Ok(())
    });
    progress.end();
    let broken = |cause| ImportError::Stream { line: None, applied: 0, cause };
    match (end, sent) {
        (Some(Ok(receipt)), _) => {
            totals.add_stream(&receipt);
            Ok(())
        }
        (Some(Err(error)), _) => Err(error),
        (None, Err(cause)) => Err(broken(cause)),
        (None, Ok(())) => Err(broken(client.foreign("the stream has no last line".to_owned()))),
    }
}
