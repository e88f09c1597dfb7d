//! Dependencies that what runs and what is declared do not agree about.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::load;
use crate::graph::Graph;
use crate::http::answer::{Answer, Content};
use crate::http::cursor;
use crate::http::problem::Problem;
use crate::http::query_string::Parameters;
use crate::http::state::App;
use crate::query::{Divergence, DivergencePage, OverBudget, divergence as find};
use crate::{limits, render};

/// The name under which cursors of a kind are issued: a list of its own.
fn list(kind: Divergence) -> &'static str {
    match kind {
        Divergence::Undeclared => "divergence/undeclared",
        Divergence::Unobserved => "divergence/unobserved",
    }
}

/// `GET /api/v1/graph/divergence`
pub(in crate::http) async fn divergence(app: &App, head: &Parts) -> Result<Answer, Problem> {
    let parameters = Parameters::parse(head.uri.query())?;
    parameters.required("kind", "undeclared or unobserved")?;
    let kind = parameters.name("kind", Divergence::NAMES, Divergence::parse)?;
    let kind = kind.expect("a value that is required and no name is refused");
    let limit = parameters.page_limit()?;
    let expected = || "a cursor that this server issued for this kind";
    let after = parameters.read("cursor", expected, |text| cursor::read_pair(list(kind), text))?;
    let loaded = load(app, head)?;
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let graph = Arc::clone(&loaded.graph);
    let find = move |budget| page(&graph, kind, after.as_ref(), limit, budget);
    let page = match find(limits::QUERY_INLINE_EDGES_MAX) {
        Ok(page) => page,
        // Where nothing diverges every dependency is looked at, however many there are.
        Err(OverBudget { .. }) => app.queries.run(move || find(u64::MAX)).await??,
    };
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|(source, link)| {
        let name = |node| loaded.graph.name(node).as_str();
        cursor::issue_pair(list(kind), name(*source), name(link.node))
    });
    let mut body = Vec::with_capacity(128 * (page.items.len() + 2));
    render::divergence_page(&mut body, &loaded.graph, kind, &page, next_cursor.as_deref());
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body.into())))
}

fn page(
    graph: &Graph,
    kind: Divergence,
    after: Option<&(String, String)>,
    limit: usize,
    budget: u64,
) -> Result<DivergencePage, OverBudget> {
    let after = after.map(|(source, target)| (source.as_str(), target.as_str()));
    find(graph, kind, after, limit, budget)
}
