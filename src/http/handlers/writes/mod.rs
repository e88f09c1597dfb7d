//! Changes of the graph: each checks its request, hands one command to the writer and answers when the command is
//! durable and visible.

mod alerts;
mod dry_run;
mod import;
mod ingest;
mod once;
mod services;
mod staleness;

pub(in crate::http) use alerts::{acknowledge, resolve};
pub(in crate::http) use import::import;
pub(in crate::http) use ingest::ingest;
pub(in crate::http) use services::{delete_dependency, delete_service, put_service, put_slo};
pub(in crate::http) use staleness::run_staleness;

use hyper::StatusCode;
use tokio::sync::oneshot;

use crate::clock;
use crate::http::answer::{Answer, Content};
use crate::http::body::BodyRoom;
use crate::http::caller::Caller;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::traces;
use crate::types::{Change, Command};
use crate::writer::{Committed, Handle, WriteError};

/// Commits what a caller asked for. The room of the request's body is kept until then.
async fn change(app: &App, caller: Caller, change: Change, room: BodyRoom) -> Result<Committed, Problem> {
    let live = app.live().map_err(Problem::not_applied)?;
    let command = Command::new(clock::new_id(), clock::now(), change).by(caller.name());
    Ok(commit(&live.writer, command, room).await?)
}

async fn commit(writer: &Handle, command: Command, room: BodyRoom) -> Result<Committed, WriteError> {
    let _part = traces::part("commit");
    let (reply, answer) = oneshot::channel();
    let reply = move |result| {
        drop(room);
        // The caller may have gone away by the time the reply comes.
        drop(reply.send(result));
    };
    writer.submit(command, Box::new(reply))?;
    // A writer that died took the reply with it: whether it got as far as the disk is not known.
    answer.await.unwrap_or(Err(WriteError::OutcomeUnknown))
}

/// 200 with what a version came to.
fn answer(version: u64, body: Vec<u8>) -> Answer {
    Answer { version: Some(version), ..Answer::json(body) }
}

/// 204: it is done, and there is nothing to say.
fn done(version: u64) -> Answer {
    Answer { version: Some(version), ..Answer::new(StatusCode::NO_CONTENT, Content::Empty) }
}
