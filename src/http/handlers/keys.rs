//! API keys over HTTP: made, listed, revoked.
//!
//! - One change at a time, and each is on disk before it is answered. A revocation holds from the next request on.
//! - The key itself is in the answer that made it and nowhere else.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use serde_json::{Value, json};
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
use crate::types::{LimitClass, Timestamp};

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
        let mut answer = item(&record, None);
        answer["key"] = token.expose().into();
        Ok(json_answer(StatusCode::CREATED, &answer))
    };
    spawn_blocking(work).await.map_err(|_| Problem::internal())?
}

/// `GET /api/v1/admin/api-keys`: all that there ever were, the oldest first.
pub(in crate::http) async fn keys(app: &App) -> Result<Answer, Problem> {
    let store = app.live()?.keys.lock().await;
    let items: Vec<Value> =
        store.keys().records().iter().map(|record| item(record, app.auth.last_used(record.id))).collect();
    Ok(json_answer(StatusCode::OK, &json!({"items": items, "next_cursor": null})))
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

/// Everything about a key that is no secret.
fn item(record: &Record, used_since_start: Option<Timestamp>) -> Value {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let rate = |class: LimitClass| record.rate_limits[class as usize];
    json!({
        "id": record.id.to_string(),
        "name": &*record.name,
        "role": record.role.as_str(),
        "prefix": format!("ws_{}", record.key_id.as_str()),
        "created_at": record.created_at.to_string(),
        "created_by": &*record.created_by,
        "expires_at": text(record.expires_at),
        "last_used_at": text(record.last_used_at.max(used_since_start)),
        "revoked_at": text(record.revoked.as_ref().map(|(at, _)| *at)),
        "revoked_by": record.revoked.as_ref().map(|(_, by)| &**by),
        "rate_limits": {
            "ingestion": rate(LimitClass::Ingestion),
            "query": rate(LimitClass::Query),
            "default": rate(LimitClass::Default),
        },
    })
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    Answer::new(status, Content::Whole(body.to_string().into_bytes()))
}
