//! The whole landscape in a few numbers.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::load;
use crate::http::answer::{Answer, Content};
use crate::http::problem::Problem;
use crate::http::query_string::Parameters;
use crate::http::state::App;
use crate::{limits, query, render};

/// `GET /api/v1/graph/stats`
pub(in crate::http) async fn stats(app: &App, head: &Parts) -> Result<Answer, Problem> {
    Parameters::parse(head.uri.query())?;
    let loaded = load(app, head)?;
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let graph = Arc::clone(&loaded.graph);
    let counts = graph.counts();
    // Every service and every dependency is looked at.
    let is_long = u64::from(counts.services) + counts.dependencies > limits::QUERY_INLINE_EDGES_MAX;
    let count = move || query::stats(&graph);
    let stats = if is_long { app.queries.run(count).await? } else { count() };
    let mut body = Vec::with_capacity(384);
    render::stats(&mut body, &loaded.graph, &stats);
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body.into())))
}
