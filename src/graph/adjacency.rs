//! One side of the adjacency of [`CHUNK_NODES`] nodes: a small CSR, replaced whole.
//!
//! - `ends[n]` is where the links of the chunk's node `n` end; they begin where those of `n - 1` end.
//! - The links of a node are sorted by the other end's index, each once.
//! - `rows` runs parallel to `links`: the dependencies on the outgoing side, nothing on the incoming
//!   one (a vector of `()` takes no memory).

use super::link::{Link, Traits};
use super::pages::Pages;

/// Nodes per chunk. Smaller chunks copy less for a change, larger ones need fewer pointers.
pub(super) const CHUNK_NODES: usize = 32;

/// The links of [`CHUNK_NODES`] nodes.
pub(super) struct Chunk<R> {
    ends: [u32; CHUNK_NODES],
    links: Vec<Link>,
    rows: Vec<R>,
}

/// What becomes of the link from `node` to `other`.
pub(super) struct LinkChange<R> {
    pub(super) node: u32,
    pub(super) other: u32,
    /// `None` removes it.
    pub(super) after: Option<(Traits, R)>,
}

impl<R> Default for Chunk<R> {
    fn default() -> Self {
        Self { ends: [0; CHUNK_NODES], links: Vec::new(), rows: Vec::new() }
    }
}

impl<R> Chunk<R> {
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

    /// The rows beside [`Self::links`].
    pub(super) fn rows(&self, place: usize) -> &[R] {
        &self.rows[self.range(place)]
    }

    /// A chunk whose nodes' links end where `ends` says; nodes beyond it have none.
    pub(super) fn from_columns(ends: impl Iterator<Item = u32>, links: Vec<Link>, rows: Vec<R>) -> Self {
        let mut chunk = Self { ends: [links.len() as u32; CHUNK_NODES], links, rows };
        for (place, end) in ends.take(CHUNK_NODES).enumerate() {
            chunk.ends[place] = end;
        }
        chunk
    }

    /// Whether offsets and columns fit together.
    pub(super) fn is_consistent(&self) -> bool {
        self.ends.is_sorted()
            && self.ends[CHUNK_NODES - 1] as usize == self.links.len()
            && self.links.len() == self.rows.len()
    }
}

impl<R: Clone> Chunk<R> {
    /// This chunk with the changes of its nodes, sorted by (node, other). One pass over both.
    fn merged(&self, changes: &[LinkChange<R>]) -> Self {
        let mut merged = Self {
            ends: [0; CHUNK_NODES],
            links: Vec::with_capacity(self.links.len() + changes.len()),
            rows: Vec::with_capacity(self.links.len() + changes.len()),
        };
        let mut changes = changes;
        for place in 0..CHUNK_NODES {
            let here =
                changes.iter().take_while(|change| change.node as usize % CHUNK_NODES == place).count();
            merged.push_node(self.links(place), self.rows(place), &changes[..here]);
            merged.ends[place] = merged.links.len() as u32;
            changes = &changes[here..];
        }
        merged.links.shrink_to_fit();
        merged.rows.shrink_to_fit();
        merged
    }

    fn push_node(&mut self, links: &[Link], rows: &[R], changes: &[LinkChange<R>]) {
        let mut copied = 0;
        for change in changes {
            let place = copied + links[copied..].partition_point(|link| link.node < change.other);
            self.links.extend_from_slice(&links[copied..place]);
            self.rows.extend_from_slice(&rows[copied..place]);
            let replaces = links.get(place).is_some_and(|link| link.node == change.other);
            copied = if replaces { place + 1 } else { place };
            if let Some((traits, row)) = &change.after {
                self.links.push(Link { node: change.other, traits: *traits });
                self.rows.push(row.clone());
            }
        }
        self.links.extend_from_slice(&links[copied..]);
        self.rows.extend_from_slice(&rows[copied..]);
    }
}

/// Replaces the chunks that `changes` touch; the rest stays shared. `changes` are sorted by
/// (node, other), each pair once.
pub(super) fn merge<R: Clone>(side: &mut Pages<Chunk<R>>, changes: &[LinkChange<R>]) {
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
