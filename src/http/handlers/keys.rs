//! API keys over HTTP: made, listed, revoked.
//!
//! - One change at a time, and each is on disk before it is answered. A revocation holds from the next request on.
//! - The key itself is in the answer that made it and nowhere else.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::clock;
use crate::http::answer::{Answer, Content};
use crate::http::body::read_json;
use crate::http::caller::Caller;
use crate::http::problem::Problem;
use crate::http::query_string::decode;
use crate::http::state::App;
use crate::ingest;
use crate::keys::{ChangeError, Record, Token};
use crate::render;

/// `POST /api/v1/admin/api-keys`
pub(in crate::http) async fn create_key(
    app: &Arc<App>,
    caller: Caller,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Problem> {
    let now = clock::now();
    let check = move |document: &ingest::Json<'_>| ingest::new_key(document, now);
    let (wanted, _room) = read_json(app, &head.headers, body, check).await?;
    let mut store = Arc::clone(&app.live()?.keys).lock_owned().await;
    let app = Arc::clone(app);
    // Goes on to its end, even where the request that wanted it is gone.
    let work = move || -> Result<Answer, Problem> {
        let (token, mut salt) = (Token::mint(clock::entropy), [0; 16]);
        clock::entropy(&mut salt);
        let record = Record::new(wanted, &token, salt, (clock::new_id(), now, caller.name()));
        store.create(record.clone(), now)?;
        app.auth.add(&record, &token);
        tracing::info!(id = %record.id, role = record.role.as_str(), by = &*record.created_by, "an API key was made");
        Ok(Answer { status: StatusCode::CREATED, ..Answer::json(render::new_api_key(&record, &token)) })
    };
    spawn_blocking(work).await.map_err(|_| Problem::internal())?
}

/// `GET /api/v1/admin/api-keys`: all that there ever were, the oldest first.
pub(in crate::http) async fn keys(app: &App) -> Result<Answer, Problem> {
    let store = app.live()?.keys.lock().await;
    let used = |record: &Record| app.auth.last_used(record.id);
    Ok(Answer::json(render::api_keys(store.keys().records(), used)))
}

/// `DELETE /api/v1/admin/api-keys/{key_id}`
pub(in crate::http) async fn revoke_key(
    app: &Arc<App>,
    caller: Caller,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    const HYPHENATED_BYTES: usize = 36;
    let text = decode(encoded_id)?;
    let id = if text.len() == HYPHENATED_BYTES { Uuid::try_parse(&text).ok() } else { None };
    let id = id.ok_or(ChangeError::Unknown)?;
    let mut store = Arc::clone(&app.live()?.keys).lock_owned().await;
    let app = Arc::clone(app);
    let work = move || -> Result<(), Problem> {
        store.revoke(id, clock::now(), caller.name())?;
        app.auth.revoke(id);
        tracing::info!(%id, by = &*caller.name(), "an API key was revoked");
        Ok(())
    };
    spawn_blocking(work).await.map_err(|_| Problem::internal())??;
    Ok(Answer::new(StatusCode::NO_CONTENT, Content::Empty))
}
