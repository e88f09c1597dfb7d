//! `POST /api/v1/services/dependencies?dry_run=true`: what a report would change.
//!
//! - Nothing is written, remembered or counted as a report, and the writer is not asked: the answer stands while it
//!   does not take writes.
//! - Always off the async threads: one dependency that closes a cycle is worth a look at the whole graph.

use hyper::StatusCode;

use crate::http::answer::{Answer, Content, Pieces};
use crate::http::body::BodyRoom;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::limits;
use crate::query::difference;
use crate::render::{DryRun, DryRunAnswer};
use crate::traces;
use crate::types::{Change, Command, Outcome, Received};
use crate::writer::{Reader, Rehearsal};

/// 200 with what the command would change, compared with the graph as it is. The room of the request's body is kept
/// until that is known.
pub(super) async fn rehearse(
    app: &App,
    command: Command,
    received: Received,
    room: BodyRoom,
) -> Result<Answer, Problem> {
    let _part = traces::part("rehearsal");
    let reader = app.live().map_err(Problem::not_applied)?.reader.clone();
    let work = move || {
        let answer = begin(&reader, command, received);
        drop(room);
        answer
    };
    app.queries.run(work).await.map_err(Problem::not_applied)?
}

fn begin(reader: &Reader, command: Command, received: Received) -> Result<Answer, Problem> {
    let Rehearsal { before, after, outcome } = reader.rehearse(&command)?;
    let (Change::Upsert(upsert), Outcome::Upserted(upserted)) = (command.change, outcome) else {
        return Err(Problem::internal());
    };
    let difference = difference(&before, &after, &upsert);
    let version = Some(before.version());
    let mut answer = Box::new(DryRunAnswer::new(DryRun { before, after, difference, received, upserted }));
    let mut first = Vec::with_capacity(1024);
    let content = if answer.write(&mut first, limits::ANSWER_WHOLE_BYTES_MAX) {
        Content::Whole(first.into())
    } else {
        Content::Pieces(first, Pieces::of_dry_run(answer))
    };
    Ok(Answer { version, ..Answer::new(StatusCode::OK, content) })
}
