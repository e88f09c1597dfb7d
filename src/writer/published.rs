//! What the writer shows: the published graph, one pointer that it swaps and readers load, and how it fares.
//!
//! - A reader never waits: it takes the value that is there and keeps it as long as it likes.
//! - The only room that knows arc-swap.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use uuid::Uuid;

use crate::durations::{Counted, Durations};
use crate::graph::Graph;

/// Whether writes are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Health {
    /// They are.
    Healthy,
    /// The disk is full; writes are tried again as they come.
    Full,
    /// There is no room for the log to go on, for another reason; writes are tried again as they come.
    Blocked,
    /// The log failed, or the writer died; there are none until the next start.
    Failed,
}

pub(super) struct Published {
    graph: ArcSwap<Graph>,
    health: AtomicU8,
    directory_id: Uuid,
    pub(super) gauges: Gauges,
}

/// Figures of the log and the snapshots, as they stood when they last changed.
#[derive(Default)]
pub(super) struct Gauges {
    pub(super) durable_version: AtomicU64,
    pub(super) segment_bytes: AtomicU64,
    pub(super) first_segment: AtomicU64,
    pub(super) active_segment: AtomicU64,
    pub(super) active_bytes: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) snapshots: AtomicU64,
    pub(super) snapshot_failures: AtomicU64,
    pub(super) snapshot_version: AtomicU64,
    pub(super) snapshot_at_microseconds: AtomicU64,
    pub(super) snapshot_milliseconds: AtomicU64,
    pub(super) append: Durations,
    pub(super) sync: Durations,
    pub(super) publish: Durations,
    pub(super) snapshot: Durations,
}

/// How the log and the snapshots stand, as they stood when they last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageFigures {
    /// The version up to which all is synced.
    pub durable_version: u64,
    /// Segments of the log.
    pub segments: u64,
    /// Room of a segment, as it is set; one that took a longer frame, or was made under another setting, has
    /// another.
    pub segment_bytes: u64,
    /// Bytes in use of the segment that is written.
    pub active_bytes: u64,
    /// Group commits since the start.
    pub commits: u64,
    /// Snapshots taken since the start.
    pub snapshots: u64,
    /// Snapshots that failed since the start.
    pub snapshot_failures: u64,
    /// The version of the newest snapshot; 0 when there is none.
    pub snapshot_version: u64,
    /// When it was taken, microseconds since 1970.
    pub snapshot_at_microseconds: u64,
    /// How long it took.
    pub snapshot_milliseconds: u64,
}

impl Published {
    pub(super) fn new(graph: Graph, directory_id: Uuid) -> Self {
        let health = AtomicU8::new(Health::Healthy as u8);
        Self { graph: ArcSwap::from_pointee(graph), health, directory_id, gauges: Gauges::default() }
    }

    pub(super) fn load(&self) -> Arc<Graph> {
        self.graph.load_full()
    }

    /// Shows a graph from now on, and returns the one before it, which may take a while to drop.
    pub(super) fn publish(&self, graph: Arc<Graph>) -> Arc<Graph> {
        self.graph.swap(graph)
    }

    pub(super) fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            health if health == Health::Healthy as u8 => Health::Healthy,
            health if health == Health::Full as u8 => Health::Full,
            health if health == Health::Blocked as u8 => Health::Blocked,
            _ => Health::Failed,
        }
    }

    pub(super) fn set_health(&self, health: Health) {
        self.health.store(health as u8, Ordering::Relaxed);
    }
}

/// The way to the published graph, for any number of threads.
#[derive(Clone)]
pub struct Reader(pub(super) Arc<Published>);

impl Reader {
    /// The newest graph. Load once per request: two loads can differ.
    pub fn load(&self) -> Arc<Graph> {
        self.0.load()
    }

    /// The version of the newest graph, for less than it takes to hold the graph.
    pub fn version(&self) -> u64 {
        self.0.graph.load().version()
    }

    /// Whether writes are taken.
    pub fn health(&self) -> Health {
        self.0.health()
    }

    /// Tells the data directory behind the graph from every other.
    pub fn directory_id(&self) -> Uuid {
        self.0.directory_id
    }

    /// How long it took, since the start: to write commits to the log, to sync the log, to make and publish the next
    /// graph, and to take snapshots.
    pub fn durations(&self) -> [Counted; 4] {
        let gauges = &self.0.gauges;
        [&gauges.append, &gauges.sync, &gauges.publish, &gauges.snapshot].map(Durations::counted)
    }

    /// How the log and the snapshots stand.
    pub fn storage_figures(&self) -> StorageFigures {
        let gauges = &self.0.gauges;
        let get = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        StorageFigures {
            durable_version: get(&gauges.durable_version),
            segments: (get(&gauges.active_segment) + 1).saturating_sub(get(&gauges.first_segment)),
            segment_bytes: get(&gauges.segment_bytes),
            active_bytes: get(&gauges.active_bytes),
            commits: get(&gauges.commits),
            snapshots: get(&gauges.snapshots),
            snapshot_failures: get(&gauges.snapshot_failures),
            snapshot_version: get(&gauges.snapshot_version),
            snapshot_at_microseconds: get(&gauges.snapshot_at_microseconds),
            snapshot_milliseconds: get(&gauges.snapshot_milliseconds),
        }
    }
}
