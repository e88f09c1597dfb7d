//! The subgraph around a service.
//!
//! A query that looks at few dependencies is answered on the async thread that read it. One that looks
//! at more begins anew off the async threads, with the first piece of its answer.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::load_as;
use crate::clock;
use crate::graph::Graph;
use crate::http::accept;
use crate::http::answer::{Answer, Content, Pieces};
use crate::http::problem::Problem;
use crate::http::query_string::{Parameters, decode};
use crate::http::state::App;
use crate::ingest::Invalid;
use crate::limits;
use crate::query::{DependencyFilter, OverBudget, Scratch, TraverseQuestion, traverse};
use crate::render::{DependenciesAnswer, Format, View};
use crate::traces;
use crate::types::Direction;

/// `GET /api/v1/services/{service_id}/dependencies`
pub(in crate::http) async fn dependencies(
    app: &Arc<App>,
    head: &Parts,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    let service_id = decode(encoded_id)?;
    let parameters = Parameters::parse(head.uri.query())?;
    let format = format(&parameters, head)?;
    let question = question(&parameters)?;
    let loaded = load_as(app, head, format.as_str())?;
    let root = loaded.find(&service_id)?;
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let question = TraverseQuestion { root, ..question };
    let scratch = app.scratches.take();
    let asked_at = clock::monotonic();
    let part = traces::part("traversal");
    let begun = match begin(&loaded.graph, question, format, scratch, limits::QUERY_INLINE_EDGES_MAX) {
        Ok(begun) => begun,
        Err((_, scratch)) => {
            let graph = Arc::clone(&loaded.graph);
            let work = move || begin(&graph, question, format, scratch, limits::QUERY_HEAVY_EDGES_MAX);
            app.queries.run(work).await?.map_err(|(error, scratch)| {
                app.scratches.give_back(scratch);
                Problem::from(error)
            })?
        }
    };
    drop(part);
    app.metrics.work.traversal(question.direction, question.depth, asked_at.elapsed());
    let content = match begun.rest {
        Rest::Nothing(scratch) => {
            app.scratches.give_back(scratch);
            Content::Whole(begun.first.into())
        }
        Rest::Pieces(answer) => Content::Pieces(begun.first, Pieces::new(answer, Arc::clone(&app.scratches))),
    };
    let content_type = format.content_type();
    Ok(Answer { content_type, ..loaded.answer(StatusCode::OK, content) })
}

/// An answer of which the first piece, or all, is written.
struct Begun {
    first: Vec<u8>,
    rest: Rest,
}

enum Rest {
    Nothing(Scratch),
    Pieces(Box<DependenciesAnswer>),
}

fn begin(
    graph: &Arc<Graph>,
    question: TraverseQuestion,
    format: Format,
    scratch: Scratch,
    budget: u64,
) -> Result<Begun, (OverBudget, Scratch)> {
    let traversal = traverse(graph, question, scratch, budget)?;
    let mut first =
        Vec::with_capacity(estimate_bytes(traversal.nodes().len() as u64 + traversal.links_seen()));
    let mut answer = Box::new(DependenciesAnswer::new(Arc::clone(graph), traversal, format));
    let rest = if answer.write(&mut first, limits::ANSWER_WHOLE_BYTES_MAX) {
        Rest::Nothing(answer.into_scratch())
    } else {
        Rest::Pieces(answer)
    };
    Ok(Begun { first, rest })
}

/// Room for an answer of so many services and dependencies, so that it need not grow while written.
fn estimate_bytes(rows: u64) -> usize {
    const ROW_BYTES: usize = 384;
    (rows as usize + 2)
        .saturating_mul(ROW_BYTES)
        .min(limits::ANSWER_WHOLE_BYTES_MAX + limits::ANSWER_PIECE_BYTES)
}

/// What the parameter names, else what `Accept` likes best, in the view that was asked for; only JSON has
/// one of ids alone.
fn format(parameters: &Parameters<'_>, head: &Parts) -> Result<Format, Invalid> {
    let named = parameters.name("format", Format::NAMES, Format::parse)?;
    let format = named.unwrap_or_else(|| {
        let types = Format::ALL.map(Format::content_type);
        Format::ALL[accept::preferred(&head.headers, &types).unwrap_or(0)]
    });
    let view = parameters.read(
        "view",
        || "full or ids",
        |text| match text {
            "full" => Some(View::Full),
            "ids" => Some(View::Ids),
            _ => None,
        },
    )?;
    match (format, view) {
        (Format::Json(_), Some(view)) => Ok(Format::Json(view)),
        (_, Some(View::Ids)) => {
            Err(Invalid::new("view", Some("ids"), "expected full: the view ids is for json"))
        }
        (format, _) => Ok(format),
    }
}

/// The question but for its root.
fn question(parameters: &Parameters<'_>) -> Result<TraverseQuestion, Invalid> {
    let direction = parameters.name("direction", Direction::NAMES, Direction::parse)?;
    let depth = parameters.integer("depth", 1, u32::from(limits::QUERY_DEPTH_MAX))?;
    let include_stale = parameters.flag("include_stale")?;
    let include_external = parameters.flag("include_external")?;
    let min_confidence = parameters.read(
        "min_confidence",
        || "a ratio from 0 to 1",
        |text| text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio)),
    )?;
    let max_nodes = parameters.integer("max_nodes", 1, limits::QUERY_NODES_MAX)?;
    Ok(TraverseQuestion {
        root: 0,
        direction: direction.unwrap_or(Direction::Both),
        depth: depth.map_or(limits::QUERY_DEPTH_DEFAULT, |depth| depth as u8),
        filter: DependencyFilter {
            include_stale: include_stale.unwrap_or(false),
            include_external: include_external.unwrap_or(true),
            min_confidence: min_confidence.unwrap_or(0.0),
        },
        max_nodes: max_nodes.unwrap_or(limits::QUERY_NODES_DEFAULT),
    })
}
