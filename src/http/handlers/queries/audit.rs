//! `GET /api/v1/admin/audit`: who changed what, when, from which version to which; newest first.

use hyper::http::request::Parts;

use crate::http::answer::Answer;
use crate::http::cursor;
use crate::http::problem::Problem;
use crate::http::query_string::Parameters;
use crate::http::state::App;
use crate::render;

/// The name under which cursors of the audit log are issued.
const AUDIT: &str = "audit";

/// A page of the audit log.
pub(in crate::http) fn audit(app: &App, head: &Parts) -> Result<Answer, Problem> {
    let parameters = Parameters::parse(head.uri.query())?;
    let limit = parameters.page_limit()?;
    let expected = || "a cursor that this server issued";
    let before = parameters.read("cursor", expected, |text| cursor::read(AUDIT, text)?.parse().ok())?;
    let graph = app.live()?.reader.load();
    let mut page: Vec<_> = graph.ledger().audit().before(before).take(limit + 1).collect();
    let more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| more);
    let next_cursor = last.map(|last| cursor::issue(AUDIT, &last.version.to_string()));
    let mut body = Vec::with_capacity(256 * (page.len() + 1));
    render::audit_page(&mut body, &page, next_cursor.as_deref());
    Ok(Answer { version: Some(graph.version()), ..Answer::json(body) })
}
