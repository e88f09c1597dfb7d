//! `POST /api/v1/slos/impact-analysis`: what a change of one service's SLO does to those that need it.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use uuid::Uuid;

use crate::graph::Graph;
use crate::http::answer::{Answer, Content};
use crate::http::body::read_json;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::ingest::{CheckedSloChange, SliType, slo_change};
use crate::query::{AvailabilityChange, OverBudget, availability_callers, availability_impact};
use crate::render::{SloAnalysis, SloProposal, Touched, slo_analysis};
use crate::{clock, limits};

/// Answers an analysis.
pub(in crate::http) async fn analyse_slo(
    app: &Arc<App>,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Problem> {
    let (change, _room) = read_json(app, &head.headers, body, slo_change).await?;
    let graph = app.live()?.reader.load();
    let node = graph.find(change.service_id.as_str()).ok_or_else(Problem::unknown_service)?;
    let id = clock::new_id();
    let (version, counts) = (Some(graph.version()), graph.counts());
    // What the callers need is looked at as a whole, and may be everything.
    let is_long = u64::from(counts.services) + counts.dependencies > limits::QUERY_INLINE_EDGES_MAX;
    let work = move || analyse(&graph, node, &change, id, limits::QUERY_HEAVY_EDGES_MAX);
    let body = if is_long { app.queries.run(work).await? } else { work() }.map_err(over_budget)?;
    Ok(Answer { version, ..Answer::new(StatusCode::OK, Content::Whole(body)) })
}

fn analyse(
    graph: &Graph,
    node: u32,
    change: &CheckedSloChange,
    id: Uuid,
    budget: u64,
) -> Result<Vec<u8>, OverBudget> {
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
    let mut body = Vec::with_capacity(1024);
    slo_analysis(&mut body, graph, &SloAnalysis { id, node, proposal, touched });
    Ok(body)
}

fn over_budget(error: OverBudget) -> Problem {
    let detail = format!("{error}: ask for a smaller max_depth");
    Problem { field: Some("max_depth".into()), ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
}
