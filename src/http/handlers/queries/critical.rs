//! Single points of failure.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::load;
use crate::http::answer::{Answer, Content};
use crate::http::problem::Problem;
use crate::http::query_string::Parameters;
use crate::http::state::App;
use crate::{limits, query, render};

/// `GET /api/v1/graph/critical`
pub(in crate::http) async fn critical(app: &App, head: &Parts) -> Result<Answer, Problem> {
    let parameters = Parameters::parse(head.uri.query())?;
    let limit = parameters.page_limit()?;
    let loaded = load(app, head)?;
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let graph = Arc::clone(&loaded.graph);
    let counts = graph.counts();
    // Every dependency is looked at four times or more.
    let is_long = (u64::from(counts.services) + counts.dependencies) * 4 > limits::QUERY_INLINE_EDGES_MAX;
    let find = move || query::critical(&graph, limit);
    let items = if is_long { app.queries.run(find).await? } else { find() };
    let mut body = Vec::with_capacity(96 * (items.len() + 1));
    render::critical(&mut body, &loaded.graph, &items);
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body.into())))
}
