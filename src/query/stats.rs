//! The whole landscape in a few numbers.

use crate::graph::Graph;

/// What is counted over the whole graph, beyond what it keeps counted itself.
///
/// All dependencies count, stale ones too: a stale dependency is still stored and shown, and a landscape
/// does not fall apart because a source fell silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Sets of services between which dependencies lead, in whichever direction; a service on its own
    /// is one.
    pub weakly_connected_components: u32,
    /// The callers of the service that has most.
    pub max_callers: u32,
    /// The dependencies of the service that has most.
    pub max_dependencies: u32,
}

/// Looks at every service and dependency once. O((services + dependencies) · log services) at most, in
/// practice linear: disjoint sets with path halving (Tarjan and van Leeuwen, J. ACM 31, 1984).
pub fn stats(graph: &Graph) -> Stats {
    // Every service is a set of its own until a dependency joins it to another one.
    let mut stats = Stats { weakly_connected_components: graph.counts().services, ..Stats::default() };
    let mut sets = Sets((0..graph.node_count()).collect());
    for node in 0..graph.node_count() {
        stats.max_callers = stats.max_callers.max(graph.incoming(node).len() as u32);
        let outgoing = graph.outgoing(node);
        stats.max_dependencies = stats.max_dependencies.max(outgoing.len() as u32);
        for link in outgoing {
            stats.weakly_connected_components -= u32::from(sets.join(node, link.node));
        }
    }
    stats
}

/// Disjoint sets of nodes: each node's parent, a root being its own.
struct Sets(Vec<u32>);

impl Sets {
    fn root(&mut self, mut node: u32) -> u32 {
        while self.0[node as usize] != node {
            let grandparent = self.0[self.0[node as usize] as usize];
            self.0[node as usize] = grandparent;
            node = grandparent;
        }
        node
    }

    /// Whether the two were apart until now.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        // By index: the older service is the root.
        self.0[a.max(b) as usize] = a.min(b);
        a != b
    }
}
