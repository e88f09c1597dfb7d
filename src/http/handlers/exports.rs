//! The export to PostgreSQL: how it stands, and a run of it now.

use hyper::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::export::{Exports, Mode, Run};
use crate::http::answer::Answer;
use crate::http::problem::Problem;
use crate::http::query_string::decode;
use crate::http::state::App;

/// `GET /api/v1/admin/exports/postgres`: the runs since the start, the newest first.
pub(in crate::http) fn exports(app: &App) -> Result<Answer, Problem> {
    let runs = app.live()?.exports.as_ref().map(|exports| exports.standing().runs).unwrap_or_default();
    let items: Vec<Value> = runs.iter().map(render).collect();
    Ok(json_answer(&json!({"items": items, "next_cursor": null})))
}

/// `POST /api/v1/admin/exports/postgres`: begins a run, unless one is under way, and does not wait for it.
pub(in crate::http) fn run_export(app: &App) -> Result<Answer, Problem> {
    let run = set_up(app)?.request();
    Ok(Answer { status: StatusCode::ACCEPTED, ..json_answer(&render(&run)) })
}

/// `GET /api/v1/admin/exports/postgres/{run_id}`
pub(in crate::http) fn export(app: &App, encoded_id: &str) -> Result<Answer, Problem> {
    let id = decode(encoded_id)?;
    let runs = app.live()?.exports.as_ref().map(|exports| exports.standing().runs).unwrap_or_default();
    let run = Uuid::try_parse(&id).ok().and_then(|id| runs.iter().find(|run| run.id == id));
    run.map(|run| json_answer(&render(run))).ok_or_else(|| {
        let detail =
            "no run since the start of the server has this id; GET /api/v1/admin/exports/postgres lists them";
        Problem::new(StatusCode::NOT_FOUND, detail)
    })
}

fn set_up(app: &App) -> Result<&Exports, Problem> {
    let detail = "the export is not set up; DATABASE_URL says where the database is";
    app.live()?.exports.as_ref().ok_or_else(|| Problem::new(StatusCode::CONFLICT, detail))
}

fn json_answer(body: &Value) -> Answer {
    Answer::json(body.to_string().into_bytes())
}

fn render(run: &Run) -> Value {
    json!({
        "run_id": run.id.to_string(),
        "state": run.state.as_str(),
        "mode": run.mode.map(Mode::as_str),
        "version": run.version,
        "rows": run.rows,
        "started_at": run.started_at.to_string(),
        "finished_at": run.finished_at.map(|at| at.to_string()),
        "error": run.error,
    })
}
