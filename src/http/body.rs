//! Request bodies: read within their size, their time and the room there is for bodies, then checked.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::problem::Problem;
use super::state::App;
use crate::ingest::{Invalid, Json, parse_json};
use crate::limits;

/// The place that a body takes among all bodies; free again when this is dropped.
pub(super) type BodyRoom = Option<OwnedSemaphorePermit>;

/// Reads a JSON body and checks it, off the async threads where it is long. The room that it takes is
/// for whoever keeps what was checked.
pub(super) async fn read_json<T: Send + 'static>(
    app: &App,
    headers: &HeaderMap,
    body: Incoming,
    check: impl FnOnce(&Json<'_>) -> Result<T, Invalid> + Send + 'static,
) -> Result<(T, BodyRoom), Problem> {
    let Body { bytes, room } = read(app, headers, body).await?;
    Ok((check_json(app, bytes, check).await?, room))
}

/// The whole of a JSON body, not looked at.
pub(super) async fn read(app: &App, headers: &HeaderMap, body: Incoming) -> Result<Body, Problem> {
    check_content_type(headers, "application/json").map_err(Problem::closing)?;
    read_body(app, body).await.map_err(Problem::closing)
}

/// Checks a JSON body, off the async threads where it is long.
pub(super) async fn check_json<T: Send + 'static>(
    app: &App,
    bytes: Bytes,
    check: impl FnOnce(&Json<'_>) -> Result<T, Invalid> + Send + 'static,
) -> Result<T, Problem> {
    let is_short = bytes.len() <= limits::BODY_INLINE_BYTES_MAX;
    let work = move || -> Result<T, Problem> { Ok(check(&parse_json(&bytes)?)?) };
    if is_short { work() } else { app.bodies.run(work).await.map_err(Problem::not_applied)? }
}

/// The one content type that an endpoint takes, or nothing said.
pub(super) fn check_content_type(headers: &HeaderMap, taken: &'static str) -> Result<(), Problem> {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(unsupported("compressed bodies are not taken; send the body as it is"));
    }
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let essence = given.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(taken) {
        return Ok(());
    }
    Err(unsupported(&format!("this endpoint takes {taken}")))
}

/// The content type of a stream, which has to be given: nothing said means JSON.
pub(super) fn check_stream_type(headers: &HeaderMap, taken: &'static str) -> Result<(), Problem> {
    if headers.contains_key(CONTENT_TYPE) {
        check_content_type(headers, taken)
    } else {
        Err(unsupported(&format!("this endpoint takes {taken}")))
    }
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
}

/// A body with the room that it takes, which is free again when this is dropped.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) room: BodyRoom,
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
