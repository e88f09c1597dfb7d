//! What breaks when services fail.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;

use super::load;
use crate::graph::Graph;
use crate::http::answer::{Answer, Content, Pieces};
use crate::http::body::read_json;
use crate::http::problem::Problem;
use crate::http::query_string::{Parameters, decode};
use crate::http::state::App;
use crate::ingest::CheckedImpact;
use crate::query::{ImpactQuestion, OverBudget, impact as ask, impact_totals};
use crate::render::{ImpactAnswer, ImpactForm, impact_summary};
use crate::types::ServiceId;
use crate::{ingest, limits};

/// `GET /api/v1/services/{service_id}/impact`
pub(in crate::http) async fn impact(
    app: &Arc<App>,
    head: &Parts,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    let service_id = decode(encoded_id)?;
    let parameters = Parameters::parse(head.uri.query())?;
    let depth = parameters.integer("depth", 1, u32::from(limits::IMPACT_DEPTH_MAX))?;
    let include_soft = parameters.flag("include_soft")?.unwrap_or(true);
    let summary = parameters.flag("summary")?.unwrap_or(false);
    let loaded = load(app, head)?;
    let failing = vec![loaded.find(&service_id)?];
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let depth = depth.map_or(limits::IMPACT_DEPTH_DEFAULT, |depth| depth as u8);
    let question = ImpactQuestion { failing, depth, include_soft };
    let content = answer(app, &loaded.graph, question, ImpactForm::One, summary).await?;
    Ok(loaded.answer(StatusCode::OK, content))
}

/// `POST /api/v1/impact`
pub(in crate::http) async fn joint_impact(
    app: &Arc<App>,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Problem> {
    let (checked, _room) = read_json(app, &head.headers, body, ingest::impact).await?;
    let CheckedImpact { service_ids, depth, include_soft, summary } = checked;
    let graph = app.live()?.reader.load();
    let find = |id: &ServiceId| {
        graph.find(id.as_str()).ok_or_else(|| Problem::unknown_service_in("service_ids", id.as_str()))
    };
    let failing = service_ids.iter().map(find).collect::<Result<_, _>>()?;
    let question = ImpactQuestion { failing, depth, include_soft };
    let content = answer(app, &graph, question, ImpactForm::Several, summary).await?;
    Ok(Answer { version: Some(graph.version()), ..Answer::new(StatusCode::OK, content) })
}

/// A question that looks at few dependencies is answered where it was read, another one off the async threads.
async fn answer(
    app: &Arc<App>,
    graph: &Arc<Graph>,
    question: ImpactQuestion,
    form: ImpactForm,
    summary: bool,
) -> Result<Content, Problem> {
    let inline = begin(graph, question.clone(), form, summary, limits::QUERY_INLINE_EDGES_MAX);
    if let Ok(content) = inline {
        return Ok(content);
    }
    let graph = Arc::clone(graph);
    let work = move || begin(&graph, question, form, summary, limits::QUERY_HEAVY_EDGES_MAX);
    app.queries.run(work).await?.map_err(over_budget)
}

fn over_budget(error: OverBudget) -> Problem {
    let detail = format!("{error}: ask for a smaller depth, or for fewer services at once");
    Problem { field: Some("depth".into()), ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
}

fn begin(
    graph: &Arc<Graph>,
    question: ImpactQuestion,
    form: ImpactForm,
    summary: bool,
    budget: u64,
) -> Result<Content, OverBudget> {
    let mut first = Vec::with_capacity(512);
    if summary {
        let totals = impact_totals(graph, &question, budget)?;
        impact_summary(&mut first, graph, &question, &totals, form);
        return Ok(Content::Whole(first.into()));
    }
    let impact = ask(graph, question, budget)?;
    let mut answer = Box::new(ImpactAnswer::new(Arc::clone(graph), impact, form));
    if answer.write(&mut first, limits::ANSWER_WHOLE_BYTES_MAX) {
        return Ok(Content::Whole(first.into()));
    }
    Ok(Content::Pieces(first, Pieces::of_impact(answer)))
}
