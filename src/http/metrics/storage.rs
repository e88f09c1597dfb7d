//! The graph, the log and the snapshots, as the writer's room counts them.

use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{Gauge, IntGauge, Registry};

use super::families::{Followed, counted, followed, gauge, seconds, set};
use crate::durations::Counted;
use crate::types::Timestamp;
use crate::writer::{Health, Reader, StorageFigures};

/// The families of what is stored.
pub(super) struct Storage {
    graph: GraphMetrics,
    log: LogMetrics,
    snapshots: SnapshotMetrics,
}

struct GraphMetrics {
    version: IntGauge,
    nodes: IntGauge,
    edges: IntGauge,
}

struct LogMetrics {
    bytes: IntGauge,
    segments: IntGauge,
    durable_version: IntGauge,
    poisoned: IntGauge,
    full: IntGauge,
    commits: Followed,
}

struct SnapshotMetrics {
    age_seconds: Gauge,
    version: IntGauge,
    taken: Followed,
    failures: Followed,
}

impl Storage {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            graph: GraphMetrics::new(registry),
            log: LogMetrics::new(registry),
            snapshots: SnapshotMetrics::new(registry),
        }
    }

    /// Looks; and the durations, which are counted there.
    pub(super) fn look(&self, reader: Option<&Reader>, now: Timestamp) -> [MetricFamily; 4] {
        if let Some(reader) = reader {
            let figures = reader.storage_figures();
            self.graph.set(reader);
            self.log.set(&figures, reader.health());
            self.snapshots.set(&figures, now);
        }
        let [append, sync, publish, snapshot] = reader.map_or([Counted::default(); 4], Reader::durations);
        let append_help = "How long writing a commit to the log took, the sync not included.";
        let sync_help = "How long syncing the log took.";
        let publish_help = "How long making and publishing the next graph took, the log not included.";
        let snapshot_help = "How long snapshots took, reading them back included.";
        [
            counted("watershed_wal_append_duration_seconds", append_help, &append),
            counted("watershed_wal_fsync_duration_seconds", sync_help, &sync),
            counted("watershed_publish_duration_seconds", publish_help, &publish),
            counted("watershed_snapshot_duration_seconds", snapshot_help, &snapshot),
        ]
    }
}

impl GraphMetrics {
    fn new(to: &Registry) -> Self {
        Self {
            version: gauge(to, "graph_version", "Version of the published graph."),
            nodes: gauge(to, "graph_nodes", "Services of the published graph."),
            edges: gauge(to, "graph_edges", "Dependencies of the published graph."),
        }
    }

    fn set(&self, reader: &Reader) {
        let graph = reader.load();
        let counts = graph.counts();
        set(&self.version, graph.version());
        set(&self.nodes, counts.services.into());
        set(&self.edges, counts.dependencies);
    }
}

impl LogMetrics {
    fn new(to: &Registry) -> Self {
        let bytes = "Bytes of the write-ahead log: its whole segments, and what is in use of the active one.";
        Self {
            bytes: gauge(to, "wal_bytes", bytes),
            segments: gauge(to, "wal_segments", "Segments of the write-ahead log."),
            durable_version: gauge(to, "wal_durable_version", "Version up to which all is synced to disk."),
            poisoned: gauge(to, "wal_poisoned", "1 once the log takes no writes until a restart."),
            full: gauge(to, "wal_full", "1 while writes are refused because the disk is full."),
            commits: followed(to, "wal_commits_total", "Group commits since the start."),
        }
    }

    fn set(&self, figures: &StorageFigures, health: Health) {
        let whole = figures.segments.saturating_sub(1).saturating_mul(figures.segment_bytes);
        set(&self.bytes, whole.saturating_add(figures.active_bytes));
        set(&self.segments, figures.segments);
        set(&self.durable_version, figures.durable_version);
        self.poisoned.set(i64::from(health == Health::Failed));
        self.full.set(i64::from(matches!(health, Health::Full | Health::Blocked)));
        self.commits.follow(figures.commits);
    }
}

impl SnapshotMetrics {
    fn new(to: &Registry) -> Self {
        let age = "Age of the newest snapshot; NaN when there is none.";
        let metrics = Self {
            age_seconds: seconds(to, "snapshot_age_seconds", age),
            version: gauge(to, "snapshot_version", "Graph version of the newest snapshot."),
            taken: followed(to, "snapshots_total", "Snapshots taken since the start."),
            failures: followed(to, "snapshot_failures_total", "Snapshots that failed since the start."),
        };
        metrics.age_seconds.set(f64::NAN);
        metrics
    }

    fn set(&self, figures: &StorageFigures, now: Timestamp) {
        self.age_seconds.set(age_seconds(figures.snapshot_at_microseconds, now));
        set(&self.version, figures.snapshot_version);
        self.taken.follow(figures.snapshots);
        self.failures.follow(figures.snapshot_failures);
    }
}

/// A snapshot from the future, after the clock was set back, is new.
fn age_seconds(taken_at_microseconds: u64, now: Timestamp) -> f64 {
    if taken_at_microseconds == 0 {
        return f64::NAN;
    }
    let now = u64::try_from(now.as_microseconds()).unwrap_or(0);
    Duration::from_micros(now.saturating_sub(taken_at_microseconds)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_follow_and_never_fall() {
        let storage = Storage::new(&Registry::new());
        for (total, expected) in [(0, 0), (3, 3), (3, 3), (2, 3), (10, 10)] {
            storage.log.commits.follow(total);
            assert_eq!(storage.log.commits.counter.get(), expected);
        }
    }

    #[test]
    fn ages_are_told_from_their_absence() {
        let now = Timestamp::from_microseconds(2_500_000).unwrap();
        assert!(age_seconds(0, now).is_nan());
        let cases = [(500_000, 2.0), (2_500_000, 0.0), (9_000_000, 0.0)];
        for (at, expected) in cases {
            assert!((age_seconds(at, now) - expected).abs() < 1e-9, "{at}");
        }
    }
}
