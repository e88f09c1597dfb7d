//! `POST /api/v1/slos/impact-analysis`: what a change of one service's SLO does to those that need it.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use uuid::Uuid;

use crate::graph::Graph;
use crate::http::answer::{Answer, Content, Pieces};
use crate::http::body::read_json;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::ingest::{CheckedSloChange, SliType, slo_change};
use crate::query::{AvailabilityChange, OverBudget, availability_callers, availability_impact};
use crate::render::{SloAnalysis, SloAnswer, SloProposal, Touched};
use crate::{clock, limits};

/// Answers an analysis.
pub(in crate::http) async fn analyse_slo(
    app: &Arc<App>,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Problem> {
    let (change, _room) = read_json(app, &head.headers, body, slo_change).await?;
    let graph = app.live()?.reader.load();
    let service_id = change.service_id.as_str();
    let unknown = || Problem::unknown_service_in("service_id", service_id);
    let node = graph.find(service_id).ok_or_else(unknown)?;
    let id = clock::new_id();
    let (version, counts) = (Some(graph.version()), graph.counts());
    // What the callers need is looked at as a whole, and may be everything.
    let is_long = u64::from(counts.services) + counts.dependencies > limits::QUERY_INLINE_EDGES_MAX;
    let work = move || analyse(&graph, node, &change, id, limits::QUERY_HEAVY_EDGES_MAX);
    let content = if is_long { app.queries.run(work).await? } else { work() }.map_err(over_budget)?;
    Ok(Answer { version, ..Answer::new(StatusCode::OK, content) })
}

fn analyse(
    graph: &Arc<Graph>,
    node: u32,
    change: &CheckedSloChange,
    id: Uuid,
    budget: u64,
) -> Result<Content, OverBudget> {
    let max_depth = change.max_depth;
    let touched = match change.sli_type {
        SliType::Availability => {
            let [current, proposed] =
                [change.current_target, change.proposed_target].map(|percent| percent / 100.0);
            let change = AvailabilityChange { node, current, proposed, max_depth };
            Touched::Availability(availability_impact(graph, change, budget)?)
        }
        SliType::Latency => Touched::Latency(availability_callers(graph, node, max_depth, budget)?),
    };
    let proposal = SloProposal {
        sli_type: change.sli_type.as_str(),
        current_target: change.current_target,
        proposed_target: change.proposed_target,
    };
    let mut first = Vec::with_capacity(1024);
    let analysis = SloAnalysis { id, node, proposal, touched };
    let mut answer = Box::new(SloAnswer::new(Arc::clone(graph), analysis));
    if answer.write(&mut first, limits::ANSWER_WHOLE_BYTES_MAX) {
        return Ok(Content::Whole(first.into()));
    }
    Ok(Content::Pieces(first, Pieces::of_slo(answer)))
}

fn over_budget(error: OverBudget) -> Problem {
    let detail = format!("{error}: ask for a smaller max_depth");
    Problem { field: Some("max_depth".into()), ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
}
