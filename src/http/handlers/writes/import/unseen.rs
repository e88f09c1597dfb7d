//! What a source reported before an import and has not come by in it: 8 bytes and a bit for each dependency that
//! it reported, bounded by the graph and not by the stream.
//!
//! - Node indexes are not used again while the process lives, so they stand for services of any version.

use crate::graph::Graph;
use crate::types::{DiscoverySource, ServiceId};

/// Dependencies that a source reported when the import began.
pub(super) struct Unseen {
    /// Caller and callee, in order.
    pairs: Vec<(u32, u32)>,
    seen: Vec<bool>,
}

impl Unseen {
    /// All that a source reports. O(dependencies).
    pub(super) fn of(graph: &Graph, source: DiscoverySource) -> Self {
        let mut pairs = Vec::new();
        for node in 0..graph.node_count() {
            let links = graph.outgoing(node).iter().filter(|link| link.traits.is_observed_by(source));
            pairs.extend(links.map(|link| (node, link.node)));
        }
        pairs.shrink_to_fit();
        Self { seen: vec![false; pairs.len()], pairs }
    }

    /// A dependency came by. O(log dependencies).
    pub(super) fn see(&mut self, graph: &Graph, source: &ServiceId, target: &ServiceId) {
        let pair = graph.find(source.as_str()).zip(graph.find(target.as_str()));
        if let Some(place) = pair.and_then(|pair| self.pairs.binary_search(&pair).ok()) {
            self.seen[place] = true;
        }
    }

    /// Those that did not.
    pub(super) fn pairs(self) -> Vec<(u32, u32)> {
        self.pairs.into_iter().zip(self.seen).filter(|(_, seen)| !seen).map(|(pair, _)| pair).collect()
    }
}
