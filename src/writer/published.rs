//! The published graph: one pointer that the writer swaps and readers load.
//!
//! - A reader never waits: it takes the value that is there and keeps it as long as it likes.
//! - The only room that knows arc-swap.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwap;
use uuid::Uuid;

use crate::graph::Graph;

/// Whether writes are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Health {
    /// They are.
    Healthy,
    /// The disk is full; writes are tried again as they come.
    Full,
    /// The log failed, or the writer died; there are none until the next start.
    Failed,
}

pub(super) struct Published {
    graph: ArcSwap<Graph>,
    health: AtomicU8,
    directory_id: Uuid,
}

impl Published {
    pub(super) fn new(graph: Graph, directory_id: Uuid) -> Self {
        let health = AtomicU8::new(Health::Healthy as u8);
        Self { graph: ArcSwap::from_pointee(graph), health, directory_id }
    }

    pub(super) fn load(&self) -> Arc<Graph> {
        self.graph.load_full()
    }

    pub(super) fn publish(&self, graph: Arc<Graph>) {
        self.graph.store(graph);
    }

    pub(super) fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            health if health == Health::Healthy as u8 => Health::Healthy,
            health if health == Health::Full as u8 => Health::Full,
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

    /// Whether writes are taken.
    pub fn health(&self) -> Health {
        self.0.health()
    }

    /// Tells the data directory behind the graph from every other.
    pub fn directory_id(&self) -> Uuid {
        self.0.directory_id
    }
}
