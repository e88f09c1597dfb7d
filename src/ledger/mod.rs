//! What has been done, beside what is: durable and deterministic like the graph, and no part of what queries see.
//!
//! - The audit trail: one entry for each command, see [`AuditEntry`].
//! - The memory of what not to do twice, see [`Ledger::recall`].
//! - When staleness was last judged.
//!
//! All of it follows from the commands alone, is carried by the graph's value and travels in its snapshots, so
//! a restart neither forgets nor invents anything. A clone shares; both parts are bounded.

mod audit;
mod memory;

pub use audit::{AuditEntry, AuditLog, Subject};
pub use memory::{Memory, Recalled};

use crate::types::{Command, Once, Remembered, Timestamp};

/// What has been done.
#[derive(Clone, Default)]
pub struct Ledger {
    audit: AuditLog,
    memory: Memory,
    swept_at: Option<Timestamp>,
}

impl Ledger {
    /// A ledger from all its parts, as a snapshot holds them.
    pub fn from_parts(audit: AuditLog, memory: Memory, swept_at: Option<Timestamp>) -> Self {
        Self { audit, memory, swept_at }
    }

    /// The audit trail.
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// What is not to be done twice.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// When the last sweep said it was.
    pub fn swept_at(&self) -> Option<Timestamp> {
        self.swept_at
    }

    /// Whether a command with this mark was carried out before, as it stands at `now`.
    pub fn recall(&self, once: &Once, now: Timestamp) -> Option<Recalled<'_>> {
        self.memory.recall(once, now)
    }

    /// This ledger after a command that gave the graph its `version`.
    #[must_use]
    pub fn noted(&self, command: &Command, version: u64) -> Self {
        let mut next = self.clone();
        next.audit.push(AuditEntry::of(command, version));
        next
    }

    /// This ledger with something that is not to be done twice.
    #[must_use]
    pub fn remembering(mut self, remembered: Remembered) -> Self {
        self.memory.remember(remembered);
        self
    }

    /// This ledger after a sweep at `at`; entries of the audit trail from before `audit_from` go.
    #[must_use]
    pub fn swept(mut self, at: Timestamp, audit_from: Option<Timestamp>) -> Self {
        self.swept_at = Some(at);
        if let Some(from) = audit_from {
            self.audit.drop_before(from);
        }
        self
    }
}
