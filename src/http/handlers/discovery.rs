//! The sources that are asked: how they stand, and a run of one now.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::clock;
use crate::http::answer::Answer;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::sources::runner::{Circuit, Run, RunOutcome, RunRefused, Status};
use crate::types::DiscoverySource;

/// How every source stands.
pub(in crate::http) fn discovery(app: &App) -> Result<Answer, Problem> {
    let sources: Vec<Value> = app.live()?.discovery.statuses().iter().map(status).collect();
    Ok(Answer::json(json!({ "sources": sources }).to_string().into_bytes()))
}

/// Runs a source, and answers when the run has ended, however it ended.
pub(in crate::http) async fn run_discovery(app: &App, source: &str) -> Result<Answer, Problem> {
    let source = DiscoverySource::parse(source)
        .filter(|source| *source != DiscoverySource::Manual)
        .ok_or_else(|| no_such_source(StatusCode::NOT_FOUND, "there is no such source of discovery"))?;
    match app.live()?.discovery.run_now(source).await {
        Ok(run) => {
            let mut body = render(&run);
            body["source"] = source.as_str().into();
            Ok(Answer::json(body.to_string().into_bytes()))
        }
        Err(RunRefused::NotSetUp) => Err(no_such_source(StatusCode::CONFLICT, setting_of(source))),
        Err(refused @ RunRefused::CircuitOpen { seconds }) => {
            Err(Problem::unavailable(refused.to_string(), seconds))
        }
        Err(refused @ (RunRefused::Busy | RunRefused::Stopping)) => {
            Err(Problem::unavailable(refused.to_string(), 1))
        }
    }
}

fn no_such_source(status: StatusCode, detail: &'static str) -> Problem {
    Problem::new(status, detail)
}

fn setting_of(source: DiscoverySource) -> &'static str {
    match source {
        DiscoverySource::OtelServiceGraph => "the source is not set up; PROMETHEUS_URL says where it is",
        DiscoverySource::ServiceMesh => {
            "the source is not set up; PROMETHEUS_URL and SERVICE_MESH say where and what it is"
        }
        DiscoverySource::Kubernetes => "the source is not set up; KUBERNETES_DISCOVERY says where it is",
        DiscoverySource::Manual => "the source is never asked",
    }
}

fn status(status: &Status) -> Value {
    let now = clock::monotonic();
    let (circuit, seconds) = match status.circuit {
        Circuit::Open(until) if now < until => ("open", Some((until - now).as_secs() + 1)),
        Circuit::Open(_) | Circuit::HalfOpen => ("half_open", None),
        Circuit::Closed => ("closed", None),
    };
    let runs = RunOutcome::ALL
        .iter()
        .zip(status.runs)
        .map(|(outcome, runs)| (outcome.as_str().to_owned(), runs.into()));
    json!({
        "source": status.source.as_str(),
        "running": status.is_running,
        "interval_seconds": status.interval.as_secs(),
        "next_run_at": status.next_run_at.map(|at| at.to_string()),
        "last_complete_at": status.last_complete_at.map(|at| at.to_string()),
        "circuit": circuit,
        "circuit_open_seconds": seconds,
        "runs": Value::Object(runs.collect()),
        "last_run": status.last_run.as_deref().map(render),
    })
}

fn render(run: &Run) -> Value {
    json!({
        "outcome": run.outcome.as_str(),
        "trigger": run.trigger.as_str(),
        "started_at": run.started_at.to_string(),
        "duration_ms": run.milliseconds,
        "services": run.services,
        "dependencies": run.dependencies,
        "nodes_upserted": run.nodes_upserted,
        "edges_upserted": run.edges_upserted,
        "circular_dependencies": run.cycles,
        "left_out": run.left_out,
        "notes": run.notes,
        "error": run.error,
        "version": run.version,
    })
}
