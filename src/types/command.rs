//! What changes a graph: self-contained commands, the unit of the log.
//!
//! - Everything a command needs travels in it. Applying it reads no clock and draws no number, so
//!   the same commands give the same graph.
//! - Each applied command adds 1 to the graph's version.

use std::sync::Arc;

use uuid::Uuid;

use super::{Attributes, DiscoverySource, Metadata, ServiceId, Timestamp};

/// One change, with the identity and the instant it was given at the edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The request's own id; the ids of what the command creates are derived from it.
    pub id: Uuid,
    /// When the server took it.
    pub at: Timestamp,
    /// Who asked for it, at most [`crate::limits::ACTOR_BYTES_MAX`]; `None` in logs of the time before actors
    /// were noted.
    pub actor: Option<Arc<str>>,
    /// Whether it is to be carried out only once, however often it comes.
    pub once: Option<Box<Once>>,
    /// What is to change.
    pub change: Change,
}

impl Command {
    /// A command that nobody in particular asked for.
    pub fn new(id: Uuid, at: Timestamp, change: Change) -> Self {
        Self { id, at, actor: None, once: None, change }
    }

    /// The same on behalf of somebody.
    #[must_use]
    pub fn by(self, actor: impl Into<Arc<str>>) -> Self {
        Self { actor: Some(actor.into()), ..self }
    }
}

/// What tells a request that is sent again from another one, and what its answer says beyond the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// A hash of the client, the route and the key it chose.
    pub key: Hash,
    /// A hash of what it sent.
    pub body: Hash,
    /// What was received.
    pub received: Received,
}

/// 256 bits of a cryptographic hash.
pub type Hash = [u8; 32];

/// What an ingestion request held before duplicates were merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Services in the request.
    pub nodes: u32,
    /// Dependencies in the request.
    pub edges: u32,
    /// What the caller should know about them.
    pub warnings: Vec<String>,
}

/// The kinds of change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Services and dependencies that a source reports.
    Upsert(Upsert),
    /// A service that somebody writes down: its `manual` metadata is replaced.
    Register(NodeReport),
    /// Observations that do not hold any more.
    Withdraw(Withdrawal),
    /// A service that is gone, and its dependencies with it.
    RemoveService(ServiceId),
    /// Another SLO target of a service.
    SetAvailabilityTarget {
        /// Which service.
        service_id: ServiceId,
        /// In percent, above 0 and at most 100; `None` for no target.
        percent: Option<f64>,
    },
    /// What has not been observed for long is marked.
    Sweep(Sweep),
    /// Somebody looks after a circular dependency.
    Acknowledge {
        /// The alert that stands for it.
        alert_id: Uuid,
        /// Who.
        by: Arc<str>,
    },
    /// A circular dependency was dealt with.
    Resolve {
        /// The alert that stands for it.
        alert_id: Uuid,
        /// How.
        notes: Arc<str>,
    },
}

/// What one source reports at one time. Nothing in it occurs twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Upsert {
    /// Who reports.
    pub source: DiscoverySource,
    /// When it was observed.
    pub observed_at: Timestamp,
    /// What becomes of what the source reported before.
    pub mode: Mode,
    /// Services, each id once.
    pub nodes: Vec<NodeReport>,
    /// Dependencies, each pair once, no self-loops.
    pub edges: Vec<EdgeReport>,
}

/// What becomes of what a source reported before and does not report now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It stays.
    Upsert,
    /// Its observations of dependencies are withdrawn.
    Replace,
}

/// A service that a source vouches for.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeReport {
    /// Which service.
    pub service_id: ServiceId,
    /// What is said about it; `None` leaves what the source said before.
    pub metadata: Option<Metadata>,
}

/// A dependency that a source observed.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeReport {
    /// Who calls.
    pub source: ServiceId,
    /// Who is called.
    pub target: ServiceId,
    /// How.
    pub attributes: Attributes,
}

/// Observations that are taken back; a dependency without any is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Whose; `None` for those of all sources.
    pub source: Option<DiscoverySource>,
    /// Of which dependencies: who calls and who is called, each pair once. Unknown ones are passed over.
    pub edges: Vec<(ServiceId, ServiceId)>,
}

/// Which observations count as stale from now on, and what goes for good. All in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// By the position of the source in [`DiscoverySource::ALL`]: those last made longer ago than this are
    /// stale; `None` for never.
    pub stale_after: [Option<i64>; 4],
    /// Dependencies that are marked and passed their threshold longer ago are removed, and placeholders without
    /// dependencies; `None` for neither.
    pub purge_after: Option<i64>,
    /// Entries of the audit log that are older are dropped; `None` for none.
    pub audit_retain: Option<i64>,
}

impl Upsert {
    /// Whether it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty() && self.mode == Mode::Upsert
    }
}
