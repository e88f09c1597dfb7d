//! Where two versions of a graph differ, found by what they share: the cost follows the changes, not the graph.
//!
//! - Of versions that came of each other in one process. Of any others the answer is right as well, and long.
//! - What is shared is the same; what is not may be the same, too: services that were written again as they were.

use std::sync::Arc;

use super::Graph;
use super::adjacency::CHUNK_NODES;

/// Node indexes, ascending, of either version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Whose services may differ.
    pub services: Vec<u32>,
    /// Whose dependencies on others may differ.
    pub callers: Vec<u32>,
}

impl Graph {
    /// What may differ from another version. O(nodes / 2048 + 64 for each page that changed).
    pub fn changes_since(&self, before: &Self) -> Changes {
        let mut changes = Changes::default();
        for chunk in self.nodes.apart_from(&before.nodes) {
            let (now, was) = (self.nodes.get(chunk), before.nodes.get(chunk));
            let apart = (0..CHUNK_NODES).filter(|place| match (&now[*place], &was[*place]) {
                (Some(now), Some(was)) => !Arc::ptr_eq(now, was),
                (None, None) => false,
                (Some(_), None) | (None, Some(_)) => true,
            });
            changes.services.extend(apart.map(|place| index(chunk, place)));
        }
        for chunk in self.rows.apart_from(&before.rows) {
            let apart = self.rows.get(chunk).apart_from(before.rows.get(chunk));
            changes.callers.extend(apart.map(|place| index(chunk, place)));
        }
        changes
    }
}

fn index(chunk: usize, place: usize) -> u32 {
    (chunk * CHUNK_NODES + place) as u32
}
