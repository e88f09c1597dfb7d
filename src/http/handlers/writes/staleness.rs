//! `POST /api/v1/admin/staleness/run`: staleness judged now.

use std::sync::Arc;

use super::{answer, change};
use crate::clock;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::render;
use crate::types::{Change, Outcome};

/// Sweeps, by the thresholds that are set; what a source did not get to report is left alone.
pub(in crate::http) async fn run_staleness(app: &Arc<App>, caller: Caller) -> Result<Answer, Problem> {
    let live = app.live()?;
    let sweep = live.discovery.hold_back(app.settings.sweep, clock::now(), &live.reader.load());
    let committed = change(app, caller, Change::Sweep(sweep), None).await?;
    let Outcome::Swept(swept) = committed.outcome else { return Err(Problem::internal()) };
    let mut body = Vec::with_capacity(128);
    render::swept(&mut body, swept, committed.version);
    Ok(answer(committed.version, body))
}
