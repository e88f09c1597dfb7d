//! `POST /api/v1/services/dependencies`: read, check, hand to the writer, answer when it is durable.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use tokio::sync::oneshot;

use crate::clock;
use crate::http::answer::{Answer, Content};
use crate::http::body::read_json;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::ingest::{CheckedUpsert, upsert};
use crate::render::{self, Ingestion};
use crate::types::{Change, Command};
use crate::writer::{Committed, Outcome, WriteError};

/// Takes a report of a source.
pub(in crate::http) async fn ingest(app: &Arc<App>, head: &Parts, body: Incoming) -> Result<Answer, Problem> {
    let now = clock::now();
    let (checked, room) = read_json(app, &head.headers, body, move |document| upsert(document, now)).await?;
    let live = app.live().map_err(Problem::not_applied)?;
    let CheckedUpsert { upsert, nodes_received, edges_received, mut warnings } = checked;
    let ingestion_id = clock::new_id();
    let command = Command { id: ingestion_id, at: now, change: Change::Upsert(upsert) };
    let (reply, answer) = oneshot::channel();
    let reply = move |result| {
        drop(room);
        // The caller may have gone away by the time the reply comes.
        drop(reply.send(result));
    };
    live.writer.submit(command, Box::new(reply))?;
    // A writer that died took the reply with it: whether it got as far as the disk is not known.
    let Committed { version, outcome, durable } = answer.await.unwrap_or(Err(WriteError::OutcomeUnknown))?;
    let Outcome::Upserted(upserted) = outcome;
    if upserted.placeholders_created > 0 {
        let count = upserted.placeholders_created;
        warnings.push(format!("{count} unknown services auto-created as placeholders"));
    }
    let mut body = Vec::with_capacity(1024);
    let ingestion = Ingestion {
        ingestion_id,
        nodes_received,
        edges_received,
        upserted: &upserted,
        warnings: &warnings,
        version,
        durable,
    };
    render::ingestion(&mut body, &ingestion);
    Ok(Answer { version: Some(version), ..Answer::new(StatusCode::ACCEPTED, Content::Whole(body)) })
}
