//! What changes a graph: self-contained commands, the unit of the log.
//!
//! - Everything a command needs travels in it. Applying it reads no clock and draws no number, so
//!   the same commands give the same graph.
//! - Each applied command adds 1 to the graph's version.

use uuid::Uuid;

use super::{Attributes, DiscoverySource, Metadata, ServiceId, Timestamp};

/// One change, with the identity and the instant it was given at the edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The request's own id; the ids of what the command creates are derived from it.
    pub id: Uuid,
    /// When the server took it.
    pub at: Timestamp,
    /// What is to change.
    pub change: Change,
}

/// The kinds of change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Services and dependencies that a source reports.
    Upsert(Upsert),
}

/// What one source reports at one time. Nothing in it occurs twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Upsert {
    /// Who reports.
    pub source: DiscoverySource,
    /// When it was observed.
    pub observed_at: Timestamp,
    /// Services, each id once.
    pub nodes: Vec<NodeReport>,
    /// Dependencies, each pair once, no self-loops.
    pub edges: Vec<EdgeReport>,
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

impl Upsert {
    /// Whether it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty()
    }
}
