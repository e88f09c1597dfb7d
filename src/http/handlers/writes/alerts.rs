//! What somebody does about a circular dependency.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::http::request::Parts;
use uuid::Uuid;

use super::{answer, change};
use crate::http::answer::Answer;
use crate::http::body::read_json;
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
    let alert_id = alert_id(encoded_id)?;
    let version = change(app, caller, Change::Acknowledge { alert_id, by }, room).await?.version;
    alert(app, alert_id, version)
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
    let alert_id = alert_id(encoded_id)?;
    let version = change(app, caller, Change::Resolve { alert_id, notes }, room).await?.version;
    alert(app, alert_id, version)
}

/// The alert as it stands now.
fn alert(app: &App, alert_id: Uuid, version: u64) -> Result<Answer, Problem> {
    let graph = app.live()?.reader.load();
    let alert = graph.cycles().alert(alert_id).ok_or_else(Problem::unknown_alert)?;
    let mut body = Vec::with_capacity(512);
    render::alert(&mut body, &graph, &query::alert_found(&graph, alert));
    Ok(answer(version, body))
}
