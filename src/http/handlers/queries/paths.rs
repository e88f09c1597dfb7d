//! Paths from one service to another.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::load;
use crate::graph::Graph;
use crate::http::answer::{Answer, Content};
use crate::http::problem::Problem;
use crate::http::query_string::Parameters;
use crate::http::state::App;
use crate::query::{PathsError, PathsQuestion, paths as find};
use crate::{limits, render};

/// `GET /api/v1/paths`
pub(in crate::http) async fn paths(app: &App, head: &Parts) -> Result<Answer, Problem> {
    let parameters = Parameters::parse(head.uri.query())?;
    let from = parameters.required("from", "the id of a service")?;
    let to = parameters.required("to", "the id of a service")?;
    let max_paths = parameters.integer("max_paths", 1, limits::PATHS_MAX)?;
    let loaded = load(app, head)?;
    let (from, to) = (loaded.find(from)?, loaded.find(to)?);
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let max_paths = max_paths.map_or(limits::PATHS_DEFAULT, |number| number as usize);
    let question = PathsQuestion { from, to, max_paths };
    let body = match write(&loaded.graph, question, limits::QUERY_INLINE_EDGES_MAX) {
        Err(PathsError::OverBudget(_)) => {
            let graph = Arc::clone(&loaded.graph);
            app.queries.run(move || write(&graph, question, limits::QUERY_HEAVY_EDGES_MAX)).await?
        }
        done => done,
    }?;
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body.into())))
}

/// The answer, found and written, since either may take long.
fn write(graph: &Graph, question: PathsQuestion, budget: u64) -> Result<Vec<u8>, PathsError> {
    let paths = find(graph, question, budget)?;
    let mut body = Vec::with_capacity(32 * (2 + paths.iter().map(Vec::len).sum::<usize>()));
    render::paths(&mut body, graph, (question.from, question.to), &paths);
    Ok(body)
}
