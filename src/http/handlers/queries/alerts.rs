//! Circular dependency alerts.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;
use uuid::Uuid;

use super::load;
use crate::graph::Graph;
use crate::http::answer::{Answer, Content};
use crate::http::cursor;
use crate::http::problem::Problem;
use crate::http::query_string::{Parameters, decode};
use crate::http::state::App;
use crate::query::{AlertFilter, alert_found, list_alerts};
use crate::types::{AlertStatus, Timestamp};
use crate::{limits, render};

/// The name under which cursors of the alerts' listing are issued.
const ALERTS: &str = "alerts";

/// The id of an alert in a path: a text that is no UUID is the id of none.
pub(in crate::http::handlers) fn alert_id(encoded_id: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(&decode(encoded_id)?).map_err(|_| Problem::unknown_alert())
}

/// `GET /api/v1/circular-dependencies/{alert_id}`
pub(in crate::http) async fn alert(
    app: &Arc<App>,
    head: &Parts,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    let alert_id = alert_id(encoded_id)?;
    let loaded = load(app, head)?;
    if loaded.graph.cycles().alert(alert_id).is_none() {
        return Err(Problem::unknown_alert());
    }
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let graph = Arc::clone(&loaded.graph);
    let write = move || {
        let alert = graph.cycles().alert(alert_id)?;
        let mut body = Vec::with_capacity(512);
        render::alert(&mut body, &graph, &alert_found(&graph, alert));
        Some(body)
    };
    let body = if is_long(&loaded.graph) { app.queries.run(write).await? } else { write() };
    let body = body.ok_or_else(Problem::unknown_alert)?;
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body.into())))
}

/// `GET /api/v1/circular-dependencies`
pub(in crate::http) async fn alerts(app: &Arc<App>, head: &Parts) -> Result<Answer, Problem> {
    let parameters = Parameters::parse(head.uri.query())?;
    let limit = parameters.page_limit()?;
    let expected = || "a cursor that this server issued";
    let after = parameters.read("cursor", expected, |text| read_place(&cursor::read(ALERTS, text)?))?;
    let filter = AlertFilter {
        status: parameters.name("status", AlertStatus::NAMES, AlertStatus::parse)?,
        active: parameters.flag("active")?,
        strong: parameters.flag("strong")?,
    };
    let loaded = load(app, head)?;
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let graph = Arc::clone(&loaded.graph);
    let write = move || page(&graph, filter, after, limit);
    let body = if is_long(&loaded.graph) { app.queries.run(write).await? } else { write() };
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body.into())))
}

fn page(graph: &Graph, filter: AlertFilter, after: Option<(Timestamp, Uuid)>, limit: usize) -> Vec<u8> {
    let (page, more) = list_alerts(graph, filter, after, limit);
    let last = page.last().filter(|_| more).map(|last| last.alert);
    let next = last.map(|last| format!("{} {}", last.detected_at.as_microseconds(), last.id));
    let next_cursor = next.map(|place| cursor::issue(ALERTS, &place));
    let mut body = Vec::with_capacity(512 * (page.len() + 1));
    render::alert_page(&mut body, graph, &page, next_cursor.as_deref());
    body
}

fn read_place(text: &str) -> Option<(Timestamp, Uuid)> {
    let (at, id) = text.split_once(' ')?;
    Some((Timestamp::from_microseconds(at.parse().ok()?)?, Uuid::try_parse(id).ok()?))
}

/// Whether an answer may look at more dependencies than an async thread should.
fn is_long(graph: &Graph) -> bool {
    let cycles = graph.cycles();
    let members: usize = cycles.components().map(|(_, component)| component.members.len()).sum();
    members + cycles.alerts().count() > limits::LIST_INLINE_SERVICES_MAX as usize
}
