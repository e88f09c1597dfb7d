//! The whole landscape as an immutable value.
//!
//! ```text
//! names ──▶ node index ──▶ nodes      (service and its text)
//!                      ├─▶ outgoing   (links: what it calls)
//!                      ├─▶ rows       (the dependencies beside those links)
//!                      ├─▶ incoming   (links: who calls it)
//!                      └─▶ cycles     (which component it lies in, and the alerts)
//! ```
//!
//! - A published graph never changes. `clone` shares all of it; an [`Edit`] makes the next value and
//!   copies only the chunks that it touches.
//! - Node indexes are dense, given in order of creation and not used again; a removed service leaves
//!   a hole. Adjacency is sorted by index, so every order in an answer follows from the order of
//!   creation, which is durable.
//! - Every column is reachable from the value; nothing here locks, does I/O or tells the time.
//! - [`Graph::check`] states every invariant.

mod adjacency;
mod alerts;
mod assemble;
mod changes;
mod check;
mod components;
mod cycles;
mod digest;
mod edit;
mod link;
mod link_table;
mod names;
mod node;
mod pages;
mod rows;

pub use alerts::{Alert, Standing};
pub use assemble::{Assembly, Dependencies, Repeated, Rest, Roster, Services};
pub use changes::Changes;
pub use check::Violation;
pub use components::{
    Adjacency, components_callees_first, shortest_cycle, strongly_connected, strongly_connected_by,
};
pub use cycles::{Component, Cycles};
pub use digest::Digest;
pub use edit::{Edit, FreshnessChanges};
pub use link::{Link, Traits};
pub use link_table::LinkTable;
pub use node::Node;

use std::sync::Arc;

use adjacency::{CHUNK_NODES, Chunk, chunk_of, place_of};
use names::Names;
use pages::Pages;
use rows::Rows;

use crate::ledger::Ledger;
use crate::types::{Dependency, ServiceId, Timestamp};

/// A version of the service dependency graph.
#[derive(Clone, Default)]
pub struct Graph {
    version: u64,
    node_count: u32,
    names: Names,
    nodes: Pages<NodeChunk>,
    outgoing: Pages<Chunk>,
    rows: Pages<Rows>,
    incoming: Pages<Chunk>,
    cycles: Cycles,
    counts: Counts,
    /// The digest of services and dependencies; the cycles keep their own.
    content: Digest,
    /// What has been done; no part of the digest.
    ledger: Ledger,
}

type NodeChunk = [Option<Arc<Node>>; CHUNK_NODES];

/// How much a graph holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Services, placeholders among them.
    pub services: u32,
    /// Services that only edges name.
    pub placeholders: u32,
    /// Dependencies.
    pub dependencies: u64,
    /// Observations of all dependencies.
    pub observations: u64,
    /// Dependencies whose observations are all stale.
    pub stale_dependencies: u64,
}

impl Graph {
    /// The sequence number of the last command that this graph contains; 0 for none.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How much it holds.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// One more than the largest node index, holes counted.
    pub fn node_count(&self) -> u32 {
        self.node_count
    }

    /// The index of a service. O(log services).
    pub fn find(&self, service_id: &str) -> Option<u32> {
        self.names.find(service_id)
    }

    /// The services in bytewise order of their ids, from the first that is greater than `after`.
    pub fn in_order<'a>(&'a self, after: Option<&'a str>) -> impl Iterator<Item = (u32, &'a Node)> {
        self.names.after(after).map(|(_, index)| (index, self.node(index)))
    }

    /// The service at an index; `None` for a hole or an index out of range.
    pub fn get(&self, index: u32) -> Option<&Node> {
        self.nodes.get(chunk_of(index))[place_of(index)].as_deref()
    }

    /// The service at an index that this graph gave out.
    #[inline]
    pub fn node(&self, index: u32) -> &Node {
        self.get(index).expect("indexes come from this graph's own names and links")
    }

    /// The id of the service at an index that this graph gave out.
    pub fn name(&self, index: u32) -> &ServiceId {
        self.node(index).service().service_id()
    }

    /// What a service calls, by index.
    #[inline]
    pub fn outgoing(&self, index: u32) -> &[Link] {
        self.outgoing.get(chunk_of(index)).links(place_of(index))
    }

    /// Who calls a service, by index.
    #[inline]
    pub fn incoming(&self, index: u32) -> &[Link] {
        self.incoming.get(chunk_of(index)).links(place_of(index))
    }

    /// The dependencies beside [`Self::outgoing`].
    pub fn dependencies(&self, index: u32) -> &[Dependency] {
        self.rows.get(chunk_of(index)).of(place_of(index))
    }

    /// The dependency of one service on another. O(log of the caller's dependencies).
    pub fn dependency(&self, source: u32, target: u32) -> Option<&Dependency> {
        let place = self.outgoing(source).binary_search_by_key(&target, |link| link.node).ok()?;
        Some(&self.dependencies(source)[place])
    }

    /// The components with two or more members.
    pub fn cycles(&self) -> &Cycles {
        &self.cycles
    }

    /// This graph with components taken out and others put in at an instant, and the keys of those put in.
    /// `before` knows the services that were removed since.
    #[must_use]
    pub(crate) fn replace_cycles(
        mut self,
        before: &Self,
        gone: &[u32],
        new: Vec<Component>,
        at: Timestamp,
    ) -> (Self, Vec<u32>) {
        let mut cycles = std::mem::take(&mut self.cycles);
        let keys = cycles.replace(gone, new, at, |node| {
            let node = self.get(node).or_else(|| before.get(node));
            node.expect("a member is a service, or was one before").service().service_id()
        });
        self.cycles = cycles;
        (self, keys)
    }

    /// This graph with an alert that is there changed.
    #[must_use]
    pub(crate) fn with_alert(mut self, alert: Alert) -> Self {
        self.cycles.set_alert(alert);
        self
    }

    /// What has been done.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// This graph beside another ledger.
    #[must_use]
    pub(crate) fn with_ledger(mut self, ledger: Ledger) -> Self {
        self.ledger = ledger;
        self
    }

    /// One number for all durable content, the version not in it; see [`Digest`]. O(1).
    pub fn digest(&self) -> Digest {
        let mut digest = self.content;
        digest += self.cycles.digest();
        digest
    }

    /// Begins the next value.
    pub fn edit(&self) -> Edit<'_> {
        Edit::new(self)
    }
}
