//! `POST /api/v1/services/dependencies`: a report of a source.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use uuid::Uuid;

use super::dry_run::rehearse;
use super::{commit, once};
use crate::clock;
use crate::http::answer::{Answer, Content};
use crate::http::body::{Body, check_json, read};
use crate::http::caller::Caller;
use crate::http::problem::Problem;
use crate::http::query_string::Parameters;
use crate::http::state::App;
use crate::ingest::{CheckedUpsert, Json, upsert};
use crate::render::{self, Ingestion};
use crate::types::{Change, Command, Hash, Once, Outcome, Received, Upserted};
use crate::writer::Committed;

const ROUTE: &str = "/api/v1/services/dependencies";

/// What is to become of a report.
enum Wish {
    /// It is carried out: only once, where it came with a key, by that and by the body.
    Apply(Option<(Hash, Hash)>),
    /// Nothing.
    Rehearse,
}

/// Takes a report of a source.
pub(in crate::http) async fn ingest(
    app: &Arc<App>,
    caller: Caller,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Problem> {
    let Body { bytes, room } = read(app, &head.headers, body).await?;
    let live = app.live().map_err(Problem::not_applied)?;
    let now = clock::now();
    let dry_run = Parameters::parse(head.uri.query())?.flag("dry_run");
    let key = once::key(&head.headers, &caller, ROUTE);
    let sent = bytes.clone();
    let check = move |document: &Json<'_>| {
        // A rehearsal refuses the key that the report would be refused for.
        let (dry_run, key) = (dry_run?.unwrap_or(false), key?);
        let checked = upsert(document, now)?;
        if dry_run {
            return Ok((checked, Wish::Rehearse));
        }
        Ok((checked, Wish::Apply(key.map(|key| (key, *blake3::hash(&sent).as_bytes())))))
    };
    let (CheckedUpsert { upsert, received }, wish) = check_json(app, bytes, check).await?;
    let key = match wish {
        Wish::Apply(key) => key,
        Wish::Rehearse => {
            let command = Command::new(clock::new_id(), now, Change::Upsert(upsert)).by(caller.name());
            return rehearse(app, command, received, room).await;
        }
    };
    let once = key.map(|(key, body)| Box::new(Once { key, body, received: received.clone() }));
    let source = upsert.source;
    let command = Command::new(clock::new_id(), now, Change::Upsert(upsert));
    let ingestion_id = command.id;
    let command = Command { once, ..command }.by(caller.name());
    let Committed { version, outcome, durable } = commit(&live.writer, command, room).await?;
    match outcome {
        Outcome::Upserted(upserted) => {
            app.metrics.work.report(source, &upserted);
            Ok(accepted(ingestion_id, &received, &upserted, (version, durable)))
        }
        Outcome::Repeated(before) => {
            let version = (before.version, durable);
            Ok(accepted(before.command_id, &before.received, &before.upserted, version))
        }
        Outcome::Registered { .. }
        | Outcome::Withdrawn { .. }
        | Outcome::Removed
        | Outcome::TargetSet
        | Outcome::Swept(_)
        | Outcome::AlertChanged => Err(Problem::internal()),
    }
}

fn accepted(
    ingestion_id: Uuid,
    received: &Received,
    upserted: &Upserted,
    (version, durable): (u64, bool),
) -> Answer {
    let mut body = Vec::with_capacity(1024);
    render::ingestion(&mut body, &Ingestion { ingestion_id, received, upserted, version, durable });
    Answer { version: Some(version), ..Answer::new(StatusCode::ACCEPTED, Content::Whole(body.into())) }
}
