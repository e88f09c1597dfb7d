//! What somebody does about a circular dependency.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::http::request::Parts;
use uuid::Uuid;

use super::{answer, change};
use crate::http::answer::Answer;
use crate::http::body::{BodyRoom, read_json};
use crate::http::caller::Caller;
use crate::http::handlers::queries::alert_id;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::types::Change;
use crate::{ingest, query, render};

/// `POST /api/v1/circular-dependencies/{alert_id}/acknowledge`
pub(in crate::http) async fn acknowledge(
    app: &Arc<App>,
    caller: Caller,
    head: &Parts,
    body: Incoming,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    let (by, room) = read_json(app, &head.headers, body, ingest::acknowledgement).await?;
    act(app, caller, encoded_id, |alert_id| Change::Acknowledge { alert_id, by }, room).await
}

/// `POST /api/v1/circular-dependencies/{alert_id}/resolve`
pub(in crate::http) async fn resolve(
    app: &Arc<App>,
    caller: Caller,
    head: &Parts,
    body: Incoming,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    let (notes, room) = read_json(app, &head.headers, body, ingest::resolution).await?;
    act(app, caller, encoded_id, |alert_id| Change::Resolve { alert_id, notes }, room).await
}

/// Makes a change and answers with the alert as it stands then.
async fn act(
    app: &App,
    caller: Caller,
    encoded_id: &str,
    make: impl FnOnce(Uuid) -> Change,
    room: BodyRoom,
) -> Result<Answer, Problem> {
    let alert_id = alert_id(encoded_id)?;
    let version = change(app, caller, make(alert_id), room).await?.version;
    let graph = app.live()?.reader.load();
    let alert = graph.cycles().alert(alert_id).ok_or_else(Problem::unknown_alert)?;
    let mut body = Vec::with_capacity(512);
    render::alert(&mut body, &graph, &query::alert_found(&graph, alert));
    Ok(answer(version, body))
}
