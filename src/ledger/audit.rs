//! Who changed what, when, and which version came of it.
//!
//! - Append-only, by version. Entries go only from the old end: those older than the operator keeps them, at a
//!   sweep, and those that are more than [`limits::AUDIT_ENTRIES_MAX`], in groups of [`GROUP`].
//! - Full groups are shared between versions; only the newest group is copied for an entry.

use std::collections::VecDeque;
use std::sync::Arc;

use uuid::Uuid;

use crate::limits;
use crate::types::{AuditAction, Change, Command, DiscoverySource, Mode, ServiceId, Timestamp};

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The version that came of it; it was made from the one before.
    pub version: u64,
    /// When the server took the command.
    pub at: Timestamp,
    /// Who; `None` where it was not noted.
    pub actor: Option<Arc<str>>,
    /// What was done.
    pub action: AuditAction,
    /// To what.
    pub subject: Subject,
}

/// What somebody did something to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// What a source reported, counted.
    Report {
        /// Who reported.
        source: DiscoverySource,
        /// How many services.
        nodes: u32,
        /// How many dependencies.
        edges: u32,
    },
    /// A service.
    Service(ServiceId),
    /// Dependencies, of which the first is named.
    Dependencies {
        /// Whose observations; `None` for those of all sources.
        source: Option<DiscoverySource>,
        /// Who calls and who is called.
        first: (ServiceId, ServiceId),
        /// How many dependencies.
        edges: u32,
    },
    /// A circular dependency alert.
    Alert(Uuid),
    /// The whole graph.
    Graph,
}

impl AuditEntry {
    /// The entry for a command that gave the graph its `version`.
    pub(super) fn of(command: &Command, version: u64) -> Self {
        let (action, subject) = deed(&command.change);
        Self { version, at: command.at, actor: command.actor.clone(), action, subject }
    }
}

fn deed(change: &Change) -> (AuditAction, Subject) {
    match change {
        Change::Upsert(upsert) => {
            let action = match upsert.mode {
                Mode::Upsert => AuditAction::Ingested,
                Mode::Replace => AuditAction::Replaced,
            };
            let (nodes, edges) = (upsert.nodes.len() as u32, upsert.edges.len() as u32);
            (action, Subject::Report { source: upsert.source, nodes, edges })
        }
        Change::Register(report) => {
            (AuditAction::ServiceRegistered, Subject::Service(report.service_id.clone()))
        }
        Change::Withdraw(withdrawal) => {
            let (source, edges) = (withdrawal.source, withdrawal.edges.len() as u32);
            let subject = match withdrawal.edges.first() {
                Some(first) => Subject::Dependencies { source, first: first.clone(), edges },
                None => Subject::Graph,
            };
            (AuditAction::DependencyWithdrawn, subject)
        }
        Change::RemoveService(service_id) => {
            (AuditAction::ServiceRemoved, Subject::Service(service_id.clone()))
        }
        Change::SetAvailabilityTarget { service_id, .. } => {
            (AuditAction::SloTargetSet, Subject::Service(service_id.clone()))
        }
        Change::Sweep(_) => (AuditAction::StalenessSwept, Subject::Graph),
        Change::Acknowledge { alert_id, .. } => (AuditAction::AlertAcknowledged, Subject::Alert(*alert_id)),
        Change::Resolve { alert_id, .. } => (AuditAction::AlertResolved, Subject::Alert(*alert_id)),
    }
}

/// Entries that are kept, and dropped, together.
const GROUP: usize = 64;

const GROUPS_MAX: usize = limits::AUDIT_ENTRIES_MAX / GROUP;

/// The entries, oldest first.
#[derive(Clone, Default)]
pub struct AuditLog {
    /// Full groups.
    groups: Arc<VecDeque<Arc<[AuditEntry]>>>,
    /// Fewer than [`GROUP`].
    newest: Arc<Vec<AuditEntry>>,
}

impl AuditLog {
    /// Adds the entry of the next version.
    pub fn push(&mut self, entry: AuditEntry) {
        let newest = Arc::make_mut(&mut self.newest);
        newest.push(entry);
        if newest.len() == GROUP {
            let group = std::mem::take(newest);
            let groups = Arc::make_mut(&mut self.groups);
            groups.push_back(group.into());
            if groups.len() > GROUPS_MAX {
                groups.pop_front();
            }
        }
    }

    /// Drops the entries at the old end that are from before `from`.
    pub(super) fn drop_before(&mut self, from: Timestamp) {
        let old = self.entries().take_while(|entry| entry.at < from).count();
        if old > 0 {
            let kept: Vec<AuditEntry> = self.entries().skip(old).cloned().collect();
            *self = Self::default();
            for entry in kept {
                self.push(entry);
            }
        }
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &AuditEntry> {
        self.groups.iter().flat_map(|group| group.iter()).chain(self.newest.iter())
    }

    /// The entries of versions before `version`, newest first; `None` for all of them. Groups that are newer
    /// are passed over whole.
    pub fn before(&self, version: Option<u64>) -> impl Iterator<Item = &AuditEntry> {
        let is_older = move |entry: &AuditEntry| version.is_none_or(|version| entry.version < version);
        let groups = self.groups.iter().rev().filter(move |group| is_older(&group[0]));
        let older = groups.flat_map(|group| group.iter().rev());
        self.newest.iter().rev().chain(older).filter(move |entry| is_older(entry))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.groups.len() * GROUP + self.newest.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: u64) -> AuditEntry {
        let command = Command::new(
            Uuid::nil(),
            Timestamp::from_microseconds(i64::try_from(version).unwrap() * 1_000_000).unwrap(),
            Change::RemoveService(ServiceId::parse("a").unwrap()),
        );
        AuditEntry::of(&command.by("somebody"), version)
    }

    fn versions<'a>(entries: impl Iterator<Item = &'a AuditEntry>) -> Vec<u64> {
        entries.map(|entry| entry.version).collect()
    }

    #[test]
    fn reads_backwards_from_any_version() {
        let mut log = AuditLog::default();
        assert!(log.is_empty() && log.before(None).next().is_none());
        (1..=200).for_each(|version| log.push(entry(version)));
        assert_eq!(versions(log.before(None)), (1..=200).rev().collect::<Vec<_>>());
        for from in [1, 2, 64, 65, 66, 128, 192, 193, 200, 201, 900] {
            assert_eq!(versions(log.before(Some(from))), (1..from.min(201)).rev().collect::<Vec<_>>());
        }
        assert_eq!(log.len(), 200);
    }

    #[test]
    fn an_older_version_keeps_its_entries() {
        let mut log = AuditLog::default();
        (1..=100).for_each(|version| log.push(entry(version)));
        let before = log.clone();
        (101..=300).for_each(|version| log.push(entry(version)));
        assert_eq!(versions(before.entries()), (1..=100).collect::<Vec<_>>());
        assert_eq!(versions(log.entries()), (1..=300).collect::<Vec<_>>());
    }

    #[test]
    fn the_oldest_go_by_age_and_by_number() {
        let mut log = AuditLog::default();
        let most = limits::AUDIT_ENTRIES_MAX as u64;
        (1..=most + 130).for_each(|version| log.push(entry(version)));
        assert!(log.len() as u64 <= most + GROUP as u64);
        assert_eq!(log.entries().next().map(|entry| entry.version), Some(129), "two groups went");
        log.drop_before(entry(most).at);
        assert_eq!(versions(log.entries()), (most..=most + 130).collect::<Vec<_>>());
        log.drop_before(entry(1).at);
        assert_eq!(log.len(), 131, "nothing is older");
    }
}
