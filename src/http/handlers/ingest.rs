//! `POST /api/v1/services/dependencies`: read, check, hand to the writer, answer when it is durable.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
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
    let Body { bytes, room } = read_body(app, body).await.map_err(Problem::closing)?;
    let live = app.live().map_err(Problem::not_applied)?;
    let now = clock::now();
    let checked = check(app, bytes, now).await?;
    let CheckedUpsert { upsert, nodes_received, edges_received, mut warnings } = checked;
    let ingestion_id = clock::new_id();
    let command = Command { id: ingestion_id, at: now, change: Change::Upsert(upsert) };
    let (reply, answer) = oneshot::channel();
    let reply = move |result| {
        drop(room);
        // The caller may have gone away by the time the reply comes.
        drop(reply.send(result));
    };
    live.writer.submit(command, Box::new(reply))?;
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
    Ok(Answer { version: Some(version), ..Answer::new(StatusCode::ACCEPTED, Content::Whole(body)) })
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

/// A body with the room that it takes, which is free again when this is dropped.
struct Body {
    bytes: Bytes,
    room: Option<OwnedSemaphorePermit>,
}

/// The whole body, within its size, its time, and the room there is for bodies.
async fn read_body(app: &App, body: Incoming) -> Result<Body, Problem> {
    let limit = app.settings.max_body_bytes;
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let too_slow = || Problem::new(StatusCode::REQUEST_TIMEOUT, "the body came too slowly");
    timeout(app.settings.request_timeout, collect(app, Limited::new(body, limit)))
        .await
        .unwrap_or_else(|_| Err(too_slow()))
}

async fn collect(app: &App, mut body: Limited<Incoming>) -> Result<Body, Problem> {
    // What a peer declares is not yet sent: memory follows the bytes.
    let declared = body.size_hint().lower() as usize;
    let mut bytes = BytesMut::with_capacity(declared.min(limits::BODY_INLINE_BYTES_MAX));
    let mut room: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let is_limit = error.is::<LengthLimitError>();
            let cut_short = || Problem::bad_request("the body could not be read to its end");
            if is_limit { too_large(app.settings.max_body_bytes) } else { cut_short() }
        })?;
        let Ok(data) = frame.into_data() else { continue };
        let taken = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * 1024;
        if bytes.len() + data.len() > taken {
            let needed = (bytes.len() + data.len() - taken).div_ceil(1024) as u32;
            let more = take_room(app, needed.next_multiple_of(limits::BODY_ROOM_KIB))?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Body { bytes: bytes.freeze(), room })
}

fn take_room(app: &App, kib: u32) -> Result<OwnedSemaphorePermit, Problem> {
    let full = |_| Problem::unavailable("too many large requests are under way; try again", 1).not_applied();
    Arc::clone(&app.body_room).try_acquire_many_owned(kib).map_err(full)
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("a body has at most {limit} bytes; split it into several requests");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Checks a body, off the async threads where it is long.
async fn check(app: &App, body: Bytes, now: Timestamp) -> Result<CheckedUpsert, Problem> {
    let is_short = body.len() <= limits::BODY_INLINE_BYTES_MAX;
    let work = move || -> Result<CheckedUpsert, Problem> { Ok(upsert(&parse_json(&body)?, now)?) };
    if is_short { work() } else { app.bodies.run(work).await.map_err(Problem::not_applied)? }
}
