//! Commands staged for one commit: the graph they lead to, their log records, and who is waiting.

use std::sync::Arc;
use std::time::Instant;

use super::{Committed, Reply, WriteError};
use crate::apply;
use crate::graph::Graph;
use crate::limits;
use crate::types::{Command, Outcome};
use crate::wal;

/// A commit before it is written.
pub(super) struct Staged {
    graph: Arc<Graph>,
    records: wal::Batch,
    waiting: Vec<(Reply, Result<Committed, WriteError>)>,
    /// Whether a reply means that the command is on disk.
    durable: bool,
    begun: Instant,
}

impl Staged {
    pub(super) fn on(graph: Arc<Graph>, durable: bool, begun: Instant) -> Self {
        let records = wal::Batch::starting_at(graph.version() + 1);
        Self { graph, records, waiting: Vec::new(), durable, begun }
    }

    /// When the first of it was taken up.
    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    /// Admits and applies a command on top of those before it.
    pub(super) fn add(&mut self, command: &Command, reply: Reply) {
        let result = self.stage(command);
        self.waiting.push((reply, result));
    }

    fn stage(&mut self, command: &Command) -> Result<Committed, WriteError> {
        let known = apply::recall(&self.graph, command)?.or_else(|| apply::without_effect(command));
        let outcome = match known {
            Some(outcome) => outcome,
            None => self.apply(command)?,
        };
        Ok(Committed { version: self.graph.version(), outcome, durable: self.durable })
    }

    fn apply(&mut self, command: &Command) -> Result<Outcome, WriteError> {
        let (next, outcome) = next(&self.graph, command, &mut self.records)?;
        self.graph = Arc::new(next);
        Ok(outcome)
    }

    /// Whether another command should wait for the next commit.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= limits::COMMIT_COMMANDS_MAX
            || self.records.payload_bytes() >= limits::COMMIT_BYTES_TARGET
    }

    /// The graph, the records to be written if there are any, and the replies.
    pub(super) fn into_parts(self) -> (Arc<Graph>, Option<wal::Batch>, Waiting) {
        let records = (self.records.records() > 0).then_some(self.records);
        (self.graph, records, Waiting(self.waiting))
    }
}

/// The graph that follows when a command is taken and its record put behind those before it.
pub(super) fn next(
    graph: &Graph,
    command: &Command,
    records: &mut wal::Batch,
) -> Result<(Graph, Outcome), WriteError> {
    apply::admit(graph, command)?;
    records.push(command).map_err(|_| WriteError::TooLarge)?;
    Ok(apply::apply(graph, command))
}

/// Replies with what to say if the commit succeeds.
pub(super) struct Waiting(Vec<(Reply, Result<Committed, WriteError>)>);

impl Waiting {
    /// Tells everybody what their command came to.
    pub(super) fn succeed(self) {
        for (reply, result) in self.0 {
            reply(result);
        }
    }

    /// Tells everybody that the commit failed; who was refused anyway hears why.
    pub(super) fn fail(self, error: WriteError) {
        for (reply, result) in self.0 {
            reply(result.and(Err(error)));
        }
    }
}
