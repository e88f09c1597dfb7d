//! One side of the adjacency of [`CHUNK_NODES`] nodes: a small CSR, replaced whole.
//!
//! - `ends[n]` is where the links of the chunk's node `n` end; they begin where those of `n - 1` end.
//! - The links of a node are sorted by the other end's index, each once.

use super::link::{Link, Traits};
use super::pages::Pages;

/// Nodes per chunk. Smaller chunks copy less for a change, larger ones need fewer pointers.
pub(super) const CHUNK_NODES: usize = 32;

/// The links of [`CHUNK_NODES`] nodes.
#[derive(Default)]
pub(super) struct Chunk {
    ends: [u32; CHUNK_NODES],
    links: Vec<Link>,
}

/// What becomes of the link from `node` to `other`.
pub(super) struct LinkChange {
    pub(super) node: u32,
    pub(super) other: u32,
    /// `None` removes it.
    pub(super) after: Option<Traits>,
}

impl Chunk {
    #[inline]
    fn range(&self, place: usize) -> std::ops::Range<usize> {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        start as usize..self.ends[place] as usize
    }

    /// The links of the chunk's node `place`.
    #[inline]
    pub(super) fn links(&self, place: usize) -> &[Link] {
        &self.links[self.range(place)]
    }

    /// A chunk whose nodes' links end where `ends` says; nodes beyond it have none.
    pub(super) fn from_columns(ends: impl Iterator<Item = u32>, links: Vec<Link>) -> Self {
        let mut chunk = Self { ends: [links.len() as u32; CHUNK_NODES], links };
        for (place, end) in ends.take(CHUNK_NODES).enumerate() {
            chunk.ends[place] = end;
        }
        chunk
    }

    /// Whether the offsets fit the links.
    pub(super) fn is_consistent(&self) -> bool {
        self.ends.is_sorted() && self.ends[CHUNK_NODES - 1] as usize == self.links.len()
    }

    /// This chunk with the changes of its nodes, sorted by (node, other). One pass over both.
    fn merged(&self, changes: &[LinkChange]) -> Self {
        // Exactly as many as there will be: the links of a hub are long, and to give back what is too much copies them
        // once more. A write of ten dependencies on graph L published in 151 µs rather than 183.
        let links = self.links.len() + changes.iter().filter(|change| change.after.is_some()).count()
            - changes.iter().filter(|change| self.has(change)).count();
        let mut merged = Self { ends: [0; CHUNK_NODES], links: Vec::with_capacity(links) };
        let mut changes = changes;
        for place in 0..CHUNK_NODES {
            let here =
                changes.iter().take_while(|change| change.node as usize % CHUNK_NODES == place).count();
            let link = |change: &LinkChange| change.after.map(|traits| Link { node: change.other, traits });
            let own = changes[..here].iter().map(|change| (change.other, link(change)));
            let links = self.links(place);
            merge_items(&mut merged.links, links, links, own);
            merged.ends[place] = merged.links.len() as u32;
            changes = &changes[here..];
        }
        merged
    }

    fn has(&self, change: &LinkChange) -> bool {
        let links = self.links(place_of(change.node));
        links.binary_search_by_key(&change.other, |link| link.node).is_ok()
    }
}

/// Appends what stands beside a node's links after changes of it: each of the other end and of what is there then,
/// in order of the other ends.
pub(super) fn merge_items<T: Clone>(
    out: &mut Vec<T>,
    links: &[Link],
    items: &[T],
    changes: impl Iterator<Item = (u32, Option<T>)>,
) {
    let mut copied = 0;
    for (other, after) in changes {
        let place = copied + links[copied..].partition_point(|link| link.node < other);
        out.extend_from_slice(&items[copied..place]);
        let replaces = links.get(place).is_some_and(|link| link.node == other);
        copied = if replaces { place + 1 } else { place };
        out.extend(after);
    }
    out.extend_from_slice(&items[copied..]);
}

/// Replaces the chunks that `changes` touch; the rest stays shared. `changes` are sorted by
/// (node, other), each pair once.
pub(super) fn merge(side: &mut Pages<Chunk>, changes: &[LinkChange]) {
    debug_assert!(changes.is_sorted_by(|a, b| (a.node, a.other) < (b.node, b.other)));
    for group in changes.chunk_by(|a, b| chunk_of(a.node) == chunk_of(b.node)) {
        let index = chunk_of(group[0].node);
        let merged = side.get(index).merged(group);
        side.set(index, merged);
    }
}

/// The chunk that holds a node.
#[inline]
pub(super) const fn chunk_of(node: u32) -> usize {
    node as usize / CHUNK_NODES
}

/// A node's place in its chunk.
#[inline]
pub(super) const fn place_of(node: u32) -> usize {
    node as usize % CHUNK_NODES
}
