//! The links of a whole graph in one column, by the node they stand at: what a graph is put together
//! from, and enough to find its components.

use super::adjacency::{CHUNK_NODES, Chunk};
use super::components::Adjacency;
use super::link::Link;

/// Links sorted by (node, other end).
#[derive(Default)]
pub struct LinkTable {
    /// Where the links of each node end; they begin where those of the node before end.
    ends: Vec<u32>,
    links: Vec<Link>,
}

impl LinkTable {
    /// No links yet, with room for so many.
    pub fn with_capacity(nodes: usize, links: usize) -> Self {
        Self { ends: Vec::with_capacity(nodes), links: Vec::with_capacity(links) }
    }

    /// Adds a link behind all others. `false`, and nothing is added, when its place is not there.
    #[must_use]
    pub fn push(&mut self, node: u32, link: Link) -> bool {
        let is_new = node as usize >= self.ends.len();
        let is_last = node as usize + 1 == self.ends.len();
        let ascends =
            is_new || is_last && self.outgoing(node).last().is_none_or(|last| last.node < link.node);
        if ascends {
            self.pad(node + 1);
            self.links.push(link);
            self.ends[node as usize] = self.links.len() as u32;
        }
        ascends
    }

    /// Says that there are so many nodes; those at the end may have no links.
    pub fn pad(&mut self, node_count: u32) {
        self.ends.resize(self.ends.len().max(node_count as usize), self.links.len() as u32);
    }

    fn range(&self, first: usize, behind: usize) -> std::ops::Range<usize> {
        let end = |nodes: usize| nodes.checked_sub(1).map_or(0, |node| self.ends[node] as usize);
        end(first)..end(behind)
    }

    /// The same links seen from their other ends. A counting sort: O(nodes + links).
    pub(super) fn reversed(&self) -> Self {
        let mut ends = vec![0u32; self.ends.len()];
        for link in &self.links {
            ends[link.node as usize] += 1;
        }
        let mut starts = Vec::with_capacity(ends.len());
        let mut sum = 0;
        for end in &mut ends {
            starts.push(sum);
            sum += *end;
            *end = sum;
        }
        let mut links = self.links.clone();
        for node in 0..self.node_count() {
            for link in self.outgoing(node) {
                let place = &mut starts[link.node as usize];
                links[*place as usize] = Link { node, traits: link.traits };
                *place += 1;
            }
        }
        Self { ends, links }
    }

    /// One chunk.
    pub(super) fn chunk(&self, index: usize) -> Chunk {
        let nodes = self.nodes_in(index);
        let links = self.range(nodes.start, nodes.end);
        let start = links.start as u32;
        let ends = self.ends[nodes].iter().map(|end| end - start);
        Chunk::from_columns(ends, self.links[links].to_vec())
    }

    pub(super) fn chunks(&self) -> usize {
        self.ends.len().div_ceil(CHUNK_NODES)
    }

    fn nodes_in(&self, chunk: usize) -> std::ops::Range<usize> {
        chunk * CHUNK_NODES..self.ends.len().min((chunk + 1) * CHUNK_NODES)
    }

    /// How many links each node of a chunk has.
    pub(super) fn counts_in(&self, chunk: usize) -> impl Iterator<Item = usize> + '_ {
        self.nodes_in(chunk).map(|node| self.range(node, node + 1).len())
    }

    /// How many links the nodes of a chunk have.
    pub(super) fn links_in(&self, chunk: usize) -> usize {
        let nodes = self.nodes_in(chunk);
        self.range(nodes.start, nodes.end).len()
    }
}

impl Adjacency for LinkTable {
    fn node_count(&self) -> u32 {
        self.ends.len() as u32
    }

    fn outgoing(&self, node: u32) -> &[Link] {
        &self.links[self.range(node as usize, node as usize + 1)]
    }
}
