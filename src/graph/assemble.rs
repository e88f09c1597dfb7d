//! A graph put together from all its parts, as a snapshot holds them: linear time, no edits.
//!
//! - Parts ([`Services`], [`Dependencies`]) can be made on any thread. Each sums up its own digest
//!   while it is made, so the digest of what comes out is that of what went in.
//! - Indexes are given in order: the first service is 0. There are no holes.
//! - Whoever assembles has checked what can be checked without a graph; [`Graph::check`] states all
//!   that has to hold.

use std::sync::Arc;

use uuid::Uuid;

use super::adjacency::{CHUNK_NODES, chunk_of};
use super::digest::{Digest, Elements};
use super::link::{Link, Traits};
use super::link_table::LinkTable;
use super::rows::Rows;
use super::{Alert, Component, Graph, Node, shortest_cycle};
use crate::ledger::Ledger;
use crate::types::{Dependency, Service, ServiceId, Timestamp};

/// Services that follow each other, in order of index.
#[derive(Default)]
pub struct Services {
    nodes: Vec<Arc<Node>>,
    placeholders: u32,
    digest: Digest,
    elements: Elements,
}

impl Services {
    /// None yet, with room for so many.
    pub fn with_capacity(services: usize) -> Self {
        Self { nodes: Vec::with_capacity(services), ..Self::default() }
    }

    /// Adds the next service.
    pub fn push(&mut self, service: Service) {
        self.digest += self.elements.service(&service);
        self.placeholders += u32::from(service.is_discovered());
        self.nodes.push(Arc::new(Node::new(service)));
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &ServiceId> {
        self.nodes.iter().map(|node| node.service().service_id())
    }

    /// What these services add to the digest of the graph.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Every service id by index, and in bytewise order.
pub struct Roster {
    ids: Vec<ServiceId>,
    in_order: Vec<u32>,
}

/// Two services have this id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two services have the id {0:?}")]
pub struct Repeated(pub ServiceId);

impl Roster {
    /// The ids in order of index. O(n log n).
    pub fn new(ids: Vec<ServiceId>) -> Result<Self, Repeated> {
        let mut in_order: Vec<u32> = (0..ids.len() as u32).collect();
        in_order.sort_unstable_by(|a, b| ids[*a as usize].cmp(&ids[*b as usize]));
        match in_order.windows(2).find(|pair| ids[pair[0] as usize] == ids[pair[1] as usize]) {
            Some(pair) => Err(Repeated(ids[pair[0] as usize].clone())),
            None => Ok(Self { ids, in_order }),
        }
    }

    /// How many services there are.
    pub fn count(&self) -> u32 {
        self.ids.len() as u32
    }

    /// A service's id.
    pub fn id(&self, index: u32) -> Option<&ServiceId> {
        self.ids.get(index as usize)
    }

    /// The index of a service. O(log services).
    pub fn find(&self, id: &str) -> Option<u32> {
        let place = self.in_order.binary_search_by(|node| self.ids[*node as usize].as_str().cmp(id)).ok()?;
        Some(self.in_order[place])
    }

    /// What an SLO target of a service adds to the digest of the graph.
    pub fn target_digest(&self, index: u32, percent: f64) -> Digest {
        Elements::default().availability_target(&self.ids[index as usize], percent)
    }

    /// What a component adds to the digest of the graph. `members` are indexes of this roster.
    pub fn component_digest(&self, alert_id: Uuid, members: &[u32]) -> Digest {
        let mut ids: Vec<_> = members.iter().map(|node| &self.ids[*node as usize]).collect();
        ids.sort_unstable();
        Elements::default().component(alert_id, ids.into_iter())
    }
}

/// Dependencies that follow each other, in order of source and target.
#[derive(Default)]
pub struct Dependencies {
    links: Vec<(u32, Link)>,
    rows: Vec<Dependency>,
    observations: u64,
    stale: u64,
    digest: Digest,
    elements: Elements,
}

impl Dependencies {
    /// None yet, with room for so many.
    pub fn with_capacity(dependencies: usize) -> Self {
        let (links, rows) = (Vec::with_capacity(dependencies), Vec::with_capacity(dependencies));
        Self { links, rows, ..Self::default() }
    }

    /// Adds the next dependency. Both ends are indexes of the roster.
    pub fn push(&mut self, roster: &Roster, (source, target): (u32, u32), dependency: Dependency) {
        let [source_id, target_id] = [source, target].map(|node| &roster.ids[node as usize]);
        self.digest += self.elements.dependency(source_id, target_id, dependency.observations());
        self.links.push((source, Link { node: target, traits: Traits::of(&dependency) }));
        self.observations += dependency.observations().len() as u64;
        self.stale += u64::from(dependency.is_stale());
        self.rows.push(dependency);
    }

    /// The links with their sources, in order.
    pub fn links(&self) -> impl Iterator<Item = (u32, Link)> {
        self.links.iter().copied()
    }

    /// What these dependencies add to the digest of the graph.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// What a graph has besides services and dependencies.
pub struct Rest {
    /// The version.
    pub version: u64,
    /// Alert and members, in order of appearance; they are those of the links.
    pub components: Vec<(Uuid, Vec<u32>)>,
    /// When components appeared whose alert is not among those below.
    pub detected_at: Timestamp,
    /// Those of the components, some or all, and those of components that are gone.
    pub alerts: Vec<Alert>,
    /// What has been done.
    pub ledger: Ledger,
}

/// A graph under construction: services first, then dependencies, then the rest at once.
#[derive(Default)]
pub struct Assembly {
    graph: Graph,
    nodes: Vec<Arc<Node>>,
    /// The dependencies of each chunk of nodes.
    rows: Vec<Vec<Dependency>>,
}

impl Assembly {
    /// Takes the next services.
    pub fn services(&mut self, part: Services) {
        self.graph.content += part.digest;
        self.graph.counts.services += part.nodes.len() as u32;
        self.graph.counts.placeholders += part.placeholders;
        self.nodes.extend(part.nodes);
    }

    /// Takes the next dependencies.
    pub fn dependencies(&mut self, part: Dependencies) {
        self.graph.content += part.digest;
        self.graph.counts.dependencies += part.rows.len() as u64;
        self.graph.counts.observations += part.observations;
        self.graph.counts.stale_dependencies += part.stale;
        let mut rows = part.rows.into_iter();
        for group in part.links.chunk_by(|(a, _), (b, _)| chunk_of(*a) == chunk_of(*b)) {
            let chunk = chunk_of(group[0].0);
            if self.rows.len() <= chunk {
                self.rows.resize_with(chunk + 1, Vec::new);
            }
            self.rows[chunk].reserve_exact(group.len());
            self.rows[chunk].extend(rows.by_ref().take(group.len()));
        }
    }

    /// Sets the SLO target of a service that was taken, once, in percent.
    pub fn availability_target(&mut self, index: u32, percent: f64) {
        let node = &mut self.nodes[index as usize];
        let service = node.service().clone().with_availability_target(Some(percent));
        self.graph.content += Elements::default().availability_target(service.service_id(), percent);
        *node = Arc::new(Node::new(service));
    }

    /// The graph. `links` are those of the dependencies.
    pub fn finish(mut self, roster: &Roster, links: &LinkTable, rest: Rest) -> Graph {
        let mut graph = std::mem::take(&mut self.graph);
        graph.version = rest.version;
        graph.ledger = rest.ledger;
        graph.node_count = self.nodes.len() as u32;
        let names: Vec<_> =
            roster.in_order.iter().map(|node| (roster.ids[*node as usize].as_str(), Some(*node))).collect();
        graph.names.change(&names);
        self.set_nodes(&mut graph);
        self.set_links(&mut graph, links);
        let component = |(alert_id, members): (Uuid, Vec<u32>)| {
            let path = shortest_cycle(&graph, &members);
            Component { alert_id, members, path }
        };
        let components = rest.components.into_iter().map(component).collect();
        let (mut graph, _) = graph.replace_cycles(&Graph::default(), &[], components, rest.detected_at);
        for alert in rest.alerts {
            // What a component's alert stands for is known by now, and a snapshot does not know keys.
            let standing = match graph.cycles.alert(alert.id) {
                Some(known) => known.standing.clone(),
                None => alert.standing.clone(),
            };
            graph.cycles.set_alert(Alert { standing, ..alert });
        }
        graph
    }

    fn set_nodes(&mut self, graph: &mut Graph) {
        let mut nodes = std::mem::take(&mut self.nodes).into_iter();
        for index in 0..(graph.node_count as usize).div_ceil(CHUNK_NODES) {
            graph.nodes.set(index, std::array::from_fn(|_| nodes.next()));
        }
    }

    fn set_links(&mut self, graph: &mut Graph, links: &LinkTable) {
        let incoming = links.reversed();
        for index in 0..links.chunks() {
            if let Some(rows) = self.rows.get_mut(index).filter(|rows| !rows.is_empty()) {
                graph.rows.set(index, Rows::from_column(links.counts_in(index), std::mem::take(rows)));
                graph.outgoing.set(index, links.chunk(index));
            }
            if incoming.links_in(index) > 0 {
                graph.incoming.set(index, incoming.chunk(index));
            }
        }
    }
}
