//! `POST /api/v1/services/dependencies`: read, check, hand to the writer, answer when it is durable.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Limited};
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::http::answer::{Answer, Content};
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::ingest::{CheckedUpsert, parse_json, upsert};
use crate::render::{self, Ingestion};
use crate::types::{Change, Command, Timestamp};
use crate::writer::{Committed, Outcome, WriteError};
use crate::{clock, limits};

/// Takes a report of a source.
pub(in crate::http) async fn ingest(app: &Arc<App>, head: &Parts, body: Incoming) -> Result<Answer, Problem> {
    check_content_type(&head.headers).map_err(Problem::closing)?;
    let body = read_body(app, body).await.map_err(Problem::closing)?;
    let live = app.live()?;
    let now = clock::now();
    let checked = check(app, body, now).await?;
    let CheckedUpsert { upsert, nodes_received, edges_received, mut warnings } = checked;
    let ingestion_id = clock::new_id();
    let command = Command { id: ingestion_id, at: now, change: Change::Upsert(upsert) };
    let (reply, answer) = oneshot::channel();
    // The caller may have gone away by the time the reply comes.
    live.writer.submit(command, Box::new(move |result| drop(reply.send(result))))?;
    // A writer that died took the reply with it: whether it got as far as the disk is not known.
    let Committed { version, outcome, durable } = answer.await.unwrap_or(Err(WriteError::OutcomeUnknown))?;
    let Outcome::Upserted(upserted) = outcome;
    if upserted.placeholders_created > 0 {
        let count = upserted.placeholders_created;
        warnings.push(format!("{count} unknown services auto-created as placeholders"));
    }
    let mut body = Vec::with_capacity(1024);
    let ingestion = Ingestion {
        ingestion_id,
        nodes_received,
        edges_received,
        upserted: &upserted,
        warnings: &warnings,
        version,
        durable,
    };
    render::ingestion(&mut body, &ingestion);
    Ok(Answer {
        status: StatusCode::ACCEPTED,
        content: Content::Whole(body),
        version: Some(version),
        etag: None,
    })
}

/// JSON, or nothing said.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(unsupported("compressed bodies are not taken; send the JSON as it is"));
    }
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let essence = given.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(unsupported("this endpoint takes application/json"))
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
}

/// The whole body, within its size and its time.
async fn read_body(app: &App, body: Incoming) -> Result<Bytes, Problem> {
    let limit = app.settings.max_body_bytes;
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    match timeout(app.settings.request_timeout, collect(Limited::new(body, limit))).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(_)) => Err(Problem::bad_request("the body could not be read to its end")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body came too slowly")),
    }
}

type BodyError = Box<dyn std::error::Error + Send + Sync>;

async fn collect(mut body: Limited<Incoming>) -> Result<Bytes, BodyError> {
    // What a peer declares is not yet sent: memory follows the bytes.
    let declared = body.size_hint().lower() as usize;
    let mut whole = BytesMut::with_capacity(declared.min(limits::BODY_INLINE_BYTES_MAX));
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("a body has at most {limit} bytes; split it into several requests");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Checks a body, off the async threads where it is long.
async fn check(app: &Arc<App>, body: Bytes, now: Timestamp) -> Result<CheckedUpsert, Problem> {
    let is_short = body.len() <= limits::BODY_INLINE_BYTES_MAX;
    let work = move || Ok(upsert(&parse_json(&body)?, now)?);
    if is_short {
        return work();
    }
    let _turn = app.bodies.acquire().await;
    spawn_blocking(work).await.unwrap_or_else(|_| Err(Problem::internal()))
}
