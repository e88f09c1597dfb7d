//! What a command would come to, were it the next one: applied to the published graph, and shown to who asked alone.
//!
//! - Nothing is queued, logged, published or remembered; the writer does not hear of it. A log that cannot be written
//!   is no reason to refuse.
//! - A command is refused for what it is, or for what the graph is, exactly as the writer would refuse it.
//! - Whether a command was carried out before is not asked: a rehearsal is of the change, not of the request.

use std::sync::Arc;

use super::batch::next;
use super::{Reader, WriteError};
use crate::apply;
use crate::graph::Graph;
use crate::types::{Command, Outcome};
use crate::wal;

/// A command with the graph that was there and the one it would lead to.
pub struct Rehearsal {
    /// The published graph.
    pub before: Arc<Graph>,
    /// What would be published; the same one where the command has no effect.
    pub after: Arc<Graph>,
    /// What the command would do.
    pub outcome: Outcome,
}

impl Reader {
    /// Applies a command on the caller's thread, for as long as the writer would need.
    pub fn rehearse(&self, command: &Command) -> Result<Rehearsal, WriteError> {
        let before = self.load();
        if let Some(outcome) = apply::without_effect(command) {
            return Ok(Rehearsal { after: Arc::clone(&before), before, outcome });
        }
        let mut records = wal::Batch::starting_at(before.version() + 1);
        let (after, outcome) = next(&before, command, &mut records)?;
        Ok(Rehearsal { before, after: Arc::new(after), outcome })
    }
}
