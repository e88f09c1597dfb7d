//! What became of a command.

use std::sync::Arc;

use uuid::Uuid;

use super::{DiscoverySource, Hash, Received, ServiceId, Timestamp};

/// What a command did.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Of [`super::Change::Upsert`].
    Upserted(Upserted),
    /// Of [`super::Change::Register`].
    Registered {
        /// Whether the service was unknown, or a placeholder, before.
        is_new: bool,
    },
    /// Of [`super::Change::Withdraw`].
    Withdrawn {
        /// Dependencies that have no observation left.
        edges_removed: u32,
    },
    /// Of [`super::Change::RemoveService`].
    Removed,
    /// Of [`super::Change::SetAvailabilityTarget`].
    TargetSet,
    /// Of [`super::Change::Sweep`].
    Swept(Swept),
    /// Of [`super::Change::Acknowledge`] and [`super::Change::Resolve`].
    AlertChanged,
    /// The command was carried out before: nothing was done now, and this is what was answered then.
    Repeated(Arc<Remembered>),
}

/// What an upsert did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upserted {
    /// Services reported, and placeholders created.
    pub nodes_upserted: u32,
    /// Dependencies reported.
    pub edges_upserted: u32,
    /// Dependencies that have no observation left, since the source does not report them any more.
    pub edges_removed: u32,
    /// Services created because an edge named them.
    pub placeholders_created: u32,
    /// Where other sources say something else, in order of the report and of priority.
    pub conflicts: Vec<Conflict>,
    /// Components that the upsert created or changed, in order of their smallest member.
    pub cycles: Vec<CycleFound>,
}

/// Another source describes the same dependency differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who calls.
    pub source: ServiceId,
    /// Who is called.
    pub target: ServiceId,
    /// Who described it before.
    pub existing_source: DiscoverySource,
    /// Who describes it now.
    pub new_source: DiscoverySource,
}

/// A component of services that need each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleFound {
    /// The alert that stands for it.
    pub alert_id: Uuid,
    /// One shortest closed path: first and last are the component's smallest member.
    pub path: Vec<ServiceId>,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Observations that are stale now and were not before.
    pub marked: u64,
    /// Dependencies that were stale for too long and are gone.
    pub dependencies_purged: u64,
    /// Placeholders that nothing referred to and that are gone.
    pub services_purged: u64,
}

/// A command that is not to be carried out again, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// See [`super::Once::key`].
    pub key: Hash,
    /// See [`super::Once::body`].
    pub body: Hash,
    /// What was received.
    pub received: Received,
    /// The command.
    pub command_id: Uuid,
    /// When the server took it.
    pub at: Timestamp,
    /// The version that contains it.
    pub version: u64,
    /// What it did.
    pub upserted: Upserted,
}
