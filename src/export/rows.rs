//! The rows of the copy, as the graph has them. Pure.

use uuid::Uuid;

use crate::graph::{Graph, Standing};
use crate::ledger::AuditEntry;
use crate::query::AlertFound;
use crate::types::{AlertStatus, Dependency, DiscoverySource, Observation, Service, ServiceId, Timestamp};

/// A service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ServiceRow<'g>(pub(super) &'g Service);

/// What tells an observation of a dependency from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DependencyKey<'g> {
    pub(super) source: &'g str,
    pub(super) target: &'g str,
    pub(super) discovery_source: DiscoverySource,
}

/// An observation of a dependency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DependencyRow<'g> {
    pub(super) key: DependencyKey<'g>,
    pub(super) observation: &'g Observation,
    /// Whether it is the one that answers show.
    pub(super) is_shown: bool,
}

impl<'g> DependencyRow<'g> {
    /// The rows of a dependency.
    pub(super) fn of(
        (source, target): (&'g ServiceId, &'g ServiceId),
        dependency: &'g Dependency,
    ) -> impl Iterator<Item = Self> {
        let (source, target, shown) = (source.as_str(), target.as_str(), dependency.shown().source);
        dependency.observations().iter().map(move |observation| Self {
            key: DependencyKey { source, target, discovery_source: observation.source },
            observation,
            is_shown: observation.source == shown,
        })
    }
}

/// A circular dependency alert.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AlertRow<'g> {
    pub(super) id: Uuid,
    pub(super) status: AlertStatus,
    pub(super) is_active: bool,
    pub(super) is_strong: bool,
    pub(super) members: Vec<&'g str>,
    pub(super) cycle_path: Vec<&'g str>,
    pub(super) detected_at: Timestamp,
    pub(super) acknowledged_by: Option<&'g str>,
    pub(super) resolution_notes: Option<&'g str>,
}

impl<'g> AlertRow<'g> {
    pub(super) fn of(graph: &'g Graph, found: &AlertFound<'g>) -> Self {
        let alert = found.alert;
        let (mut members, cycle_path) = match (&alert.standing, found.component) {
            (Standing::Gone { members, path }, _) => (texts(members), texts(path)),
            (Standing::Component(_), component) => {
                let names = |nodes: &[u32]| nodes.iter().map(|node| graph.name(*node).as_str()).collect();
                component.map(|held| (names(&held.members), names(&held.path))).unwrap_or_default()
            }
        };
        members.sort_unstable();
        Self {
            id: alert.id,
            status: alert.status,
            is_active: alert.is_active(),
            is_strong: found.is_strong,
            members,
            cycle_path,
            detected_at: alert.detected_at,
            acknowledged_by: alert.acknowledged_by.as_deref(),
            resolution_notes: alert.resolution_notes.as_deref(),
        }
    }
}

fn texts(names: &[ServiceId]) -> Vec<&str> {
    names.iter().map(ServiceId::as_str).collect()
}

/// What the owners of a service promise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TargetRow<'g> {
    pub(super) service_id: &'g str,
    /// In percent.
    pub(super) availability_target: f64,
}

/// An entry of the audit log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AuditRow<'g>(pub(super) &'g AuditEntry);
