//! `POST /api/v1/graph/import`: a report of any length, line by line, applied in batches.
//!
//! ```text
//! body ─▶ lines ─▶ ingest::entry ─▶ batch ─▶ writer ─▶ progress line … done or error line
//! ```
//!
//! - What is held is a line and a batch, however long the stream: nothing more is read while a batch waits for
//!   the writer. A replacement holds 8 bytes for each dependency that the source reports already, see `unseen`.
//! - An error in the first line is an answer like any other. From then on the answer is a stream of its own, and
//!   an error is its last line, with what was applied before it: batches are atomic, the stream is not.
//! - Progress is told where there is room for it: a client that sends everything before it reads is not held up.
//! - `Idempotency-Key` means nothing here: a stream can be sent again, and gives the same graph.

mod applied;
mod lines;
mod unseen;

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Sender, channel};

use super::commit;
use crate::http::answer::{Answer, Content};
use crate::http::body::check_stream_type;
use crate::http::caller::Caller;
use crate::http::problem::Problem;
use crate::http::query_string::Parameters;
use crate::http::state::App;
use crate::ingest::{EntryBatch, Invalid, ReportHead, entry, parse_json, report_head};
use crate::types::{Change, Command, Mode, Outcome, Upserted, Withdrawal};
use crate::writer::{Committed, Refusal, WriteError};
use crate::{clock, limits};
use applied::Applied;
use lines::Lines;
use unseen::Unseen;

const CONTENT_TYPE: &str = "application/x-ndjson";
const PATH: &str = "/api/v1/graph/import";

/// A stream is applied as it comes: who takes it for a rehearsal must not find it carried out.
fn refuse_dry_run(head: &Parts) -> Result<(), Problem> {
    if Parameters::parse(head.uri.query())?.flag("dry_run")?.unwrap_or(false) {
        let reason = "a stream is applied as it comes; POST /api/v1/services/dependencies takes dry_run";
        return Err(Invalid::new("dry_run", Some("true"), reason).into());
    }
    Ok(())
}

/// Begins an import. The rest of it goes on beside the answer.
pub(in crate::http) async fn import(
    app: &Arc<App>,
    caller: Caller,
    head: &Parts,
    body: Incoming,
    correlation_id: &str,
) -> Result<Answer, Problem> {
    check_stream_type(&head.headers, CONTENT_TYPE).map_err(Problem::closing)?;
    refuse_dry_run(head).map_err(Problem::closing)?;
    let live = app.live().map_err(|problem| problem.not_applied().closing())?;
    let turn = Arc::clone(&app.imports).try_acquire_owned();
    let turn =
        turn.map_err(|_| Problem::unavailable("too many imports are under way; try again", 1).closing())?;
    let mut lines = Lines::new(body, app.settings.request_timeout);
    let report = first_line(&mut lines).await.map_err(|problem| problem.at_line(lines.number()).closing())?;
    let unseen = match report.mode {
        Mode::Upsert => None,
        Mode::Replace => {
            let graph = live.reader.load();
            Some(app.queries.run(move || Unseen::of(&graph, report.source)).await?)
        }
    };
    let (answer, answer_lines) = channel(limits::IMPORT_ANSWER_LINES_MAX);
    let import = Import {
        app: Arc::clone(app),
        caller,
        lines,
        report,
        unseen,
        batch: EntryBatch::default(),
        batch_bytes: 0,
        applied: Applied::default(),
        answer,
        correlation_id: correlation_id.to_owned(),
        _turn: turn,
    };
    tokio::spawn(import.run());
    Ok(Answer { content_type: CONTENT_TYPE, ..Answer::new(StatusCode::OK, Content::Lines(answer_lines)) })
}

async fn first_line(lines: &mut Lines) -> Result<ReportHead, Problem> {
    let line = lines.next().await?;
    let line =
        line.ok_or_else(|| Problem::bad_request("the stream is empty; its first line names the source"))?;
    Ok(report_head(&parse_json(&line)?, clock::now())?)
}

/// An import whose first line was taken.
struct Import {
    app: Arc<App>,
    caller: Caller,
    lines: Lines,
    report: ReportHead,
    /// What a replacement has not come across.
    unseen: Option<Unseen>,
    batch: EntryBatch,
    batch_bytes: usize,
    applied: Applied,
    answer: Sender<Bytes>,
    correlation_id: String,
    _turn: OwnedSemaphorePermit,
}

impl Import {
    async fn run(mut self) {
        let last = match self.all().await {
            Ok(()) => self.applied.done_line(),
            Err(problem) => {
                let number = self.lines.number();
                tracing::info!(
                    correlation_id = self.correlation_id,
                    line = number,
                    "an import was broken off"
                );
                let problem = problem.at_line(number).body(PATH, &self.correlation_id);
                self.applied.error_line(&problem)
            }
        };
        // A client that is gone cannot be told.
        drop(self.answer.send(last.into()).await);
    }

    async fn all(&mut self) -> Result<(), Problem> {
        while let Some(line) = self.lines.next().await? {
            entry(&parse_json(&line)?, &mut self.batch)?;
            self.batch_bytes += line.len();
            let entries = self.batch.nodes() + self.batch.edges();
            if entries >= limits::IMPORT_BATCH_ENTRIES || self.batch_bytes >= limits::IMPORT_BATCH_BYTES {
                self.apply_batch().await?;
            }
        }
        if !self.batch.is_empty() {
            self.apply_batch().await?;
        }
        self.withdraw_unseen().await?;
        self.applied.version = self.applied.version.max(self.app.version().unwrap_or(0));
        Ok(())
    }

    async fn apply_batch(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let received = (batch.nodes(), batch.edges());
        let (upsert, merged) = batch.into_upsert(self.report);
        let pairs: Vec<_> = match &self.unseen {
            Some(_) => upsert.edges.iter().map(|edge| (edge.source.clone(), edge.target.clone())).collect(),
            None => Vec::new(),
        };
        let source = upsert.source;
        let committed = self.commit(Change::Upsert(upsert)).await?;
        let Outcome::Upserted(upserted) = &committed.outcome else { return Err(Problem::internal()) };
        self.app.metrics.work.report(source, upserted);
        self.note(received, merged, upserted, &committed);
        if let Some(unseen) = &mut self.unseen {
            let graph = self.app.live()?.reader.load();
            for (source, target) in &pairs {
                unseen.see(&graph, source, target);
            }
        }
        // There is room, or there is not: the next batch tells more.
        drop(self.answer.try_send(self.applied.progress_line().into()));
        Ok(())
    }

    fn note(
        &mut self,
        (nodes, edges): (usize, usize),
        merged: usize,
        upserted: &Upserted,
        committed: &Committed,
    ) {
        self.applied.nodes_received += nodes as u64;
        self.applied.edges_received += edges as u64;
        self.applied.duplicates_merged += merged as u64;
        self.applied.add(upserted, committed.version, committed.durable);
    }

    /// The end of a replacement: what the source reported before and not now is withdrawn.
    async fn withdraw_unseen(&mut self) -> Result<(), Problem> {
        let Some(unseen) = self.unseen.take() else { return Ok(()) };
        let source = Some(self.report.source);
        for pairs in unseen.pairs().chunks(limits::IMPORT_BATCH_ENTRIES) {
            let graph = self.app.live()?.reader.load();
            let name = |node: u32| graph.get(node).map(|node| node.service().service_id().clone());
            let named = pairs.iter().filter_map(|(from, to)| name(*from).zip(name(*to)));
            let edges: Vec<_> = named.collect();
            drop(graph);
            match self.commit(Change::Withdraw(Withdrawal { source, edges })).await {
                Ok(Committed { version, outcome: Outcome::Withdrawn { edges_removed }, durable }) => {
                    self.applied.edges_removed += u64::from(edges_removed);
                    self.applied.stands_at(version, durable);
                }
                Ok(_) => return Err(Problem::internal()),
                // It was withdrawn by somebody else meanwhile.
                Err(WriteError::Refused(Refusal::UnknownDependency | Refusal::UnknownService)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Commits a change; while the writer is busy the stream waits with it.
    async fn commit(&self, change: Change) -> Result<Committed, WriteError> {
        let live = self.app.live().map_err(|_| WriteError::Stopping)?;
        let mut tries = 0;
        loop {
            let command = Command::new(clock::new_id(), clock::now(), change.clone()).by(self.caller.name());
            match commit(&live.writer, command, None).await {
                Err(WriteError::Busy) if tries < limits::IMPORT_RETRIES_MAX => {
                    tries += 1;
                    tokio::time::sleep(limits::IMPORT_RETRY_WAIT).await;
                }
                result => return result,
            }
        }
    }
}
