//! The figures of `GET /api/v1/metrics`, in the text format of Prometheus.
//!
//! - Made once; what others count is looked up when it is asked for, so that nothing is paid for between.
//! - Every family is there from the start, at 0 while the log is replayed; but the age of a snapshot that there
//!   is not is `NaN`, which is neither old nor new.
//! - No service id, key or path is a label.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{Gauge, IntCounter, IntGauge, Registry, TextEncoder};

use crate::types::Timestamp;
use crate::writer::{Health, Reader, StorageFigures};

/// The content type of what [`Metrics::text`] writes.
pub(super) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// All families of the process.
pub(super) struct Metrics {
    registry: Registry,
    graph: GraphMetrics,
    log: LogMetrics,
    snapshots: SnapshotMetrics,
    door: DoorMetrics,
}

struct DoorMetrics {
    redis_up: IntGauge,
    key_checks: Followed,
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
    duration_seconds: Gauge,
    taken: Followed,
    failures: Followed,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let registry = Registry::new_custom(Some("watershed".to_owned()), None)
            .expect("a namespace without labels is valid");
        let (graph, log, snapshots) =
            (GraphMetrics::new(&registry), LogMetrics::new(&registry), SnapshotMetrics::new(&registry));
        let door = DoorMetrics::new(&registry);
        Self { registry, graph, log, snapshots, door }
    }

    /// All families as they stand. `reader` is there once the log is replayed.
    pub(super) fn text(&self, reader: Option<&Reader>, now: Timestamp) -> String {
        if let Some(reader) = reader {
            let figures = reader.storage_figures();
            self.graph.set(reader);
            self.log.set(&figures, reader.health());
            self.snapshots.set(&figures, now);
        }
        let families = self.registry.gather();
        TextEncoder::new().encode_to_string(&families).expect("names and numbers can be written")
    }
}

impl Metrics {
    /// What the door counts by itself: whether limits are shared through Redis, and keys that took a bcrypt.
    pub(super) fn follow_door(&self, is_shared: bool, key_checks: u64) {
        self.door.redis_up.set(i64::from(is_shared));
        self.door.key_checks.follow(key_checks);
    }
}

impl DoorMetrics {
    fn new(to: &Registry) -> Self {
        let up = "1 while rate limits are shared through Redis, 0 while they are this server's own.";
        let checks = "API keys that were checked by bcrypt since the start.";
        Self {
            redis_up: gauge(to, "rate_limit_redis_up", up),
            key_checks: counter(to, "api_key_checks_total", checks),
        }
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
            commits: counter(to, "wal_commits_total", "Group commits since the start."),
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
            duration_seconds: seconds(to, "snapshot_duration_seconds", "How long the last snapshot took."),
            taken: counter(to, "snapshots_total", "Snapshots taken since the start."),
            failures: counter(to, "snapshot_failures_total", "Snapshots that failed since the start."),
        };
        metrics.age_seconds.set(f64::NAN);
        metrics
    }

    fn set(&self, figures: &StorageFigures, now: Timestamp) {
        self.age_seconds.set(age_seconds(figures.snapshot_at_microseconds, now));
        set(&self.version, figures.snapshot_version);
        self.duration_seconds.set(Duration::from_millis(figures.snapshot_milliseconds).as_secs_f64());
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

/// A counter whose events are counted elsewhere.
struct Followed {
    counter: IntCounter,
    seen: AtomicU64,
}

impl Followed {
    /// Catches up with `total`. Two that do so at once add each event once.
    fn follow(&self, total: u64) {
        let seen = self.seen.fetch_max(total, Ordering::Relaxed);
        self.counter.inc_by(total.saturating_sub(seen));
    }
}

fn set(gauge: &IntGauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, IntGauge::new(name, help))
}

fn seconds(registry: &Registry, name: &str, help: &str) -> Gauge {
    registered(registry, Gauge::new(name, help))
}

fn counter(registry: &Registry, name: &str, help: &str) -> Followed {
    Followed { counter: registered(registry, IntCounter::new(name, help)), seen: AtomicU64::new(0) }
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("names of families are valid");
    registry.register(Box::new(collector.clone())).expect("each family is registered once");
    collector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_there_from_the_start() {
        let text = Metrics::new().text(None, Timestamp::parse("2026-02-14T10:00:00Z").unwrap());
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), 16, "{text}");
        for sample in samples {
            let (name, value) = sample.split_once(' ').unwrap();
            assert!(name.starts_with("watershed_"), "{sample}");
            assert_eq!(value, if name == "watershed_snapshot_age_seconds" { "NaN" } else { "0" }, "{sample}");
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            assert!(
                text.contains(&format!("# TYPE {name} {kind}\n"))
                    && text.contains(&format!("# HELP {name} "))
            );
        }
    }

    #[test]
    fn counters_follow_and_never_fall() {
        let metrics = Metrics::new();
        for (total, expected) in [(0, 0), (3, 3), (3, 3), (2, 3), (10, 10)] {
            metrics.log.commits.follow(total);
            assert_eq!(metrics.log.commits.counter.get(), expected);
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
