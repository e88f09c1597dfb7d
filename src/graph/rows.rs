//! The dependencies of [`CHUNK_NODES`] nodes, in the order of their links.
//!
//! Apart from the links, and each node's by themselves: a change of one dependency copies those of its caller, not
//! those of all its neighbours in the chunk. A write of ten dependencies on graph L published in a tenth less time
//! (`watershed_publish_duration_seconds`).

use std::sync::Arc;

use super::adjacency::{CHUNK_NODES, Chunk, chunk_of, merge_items, place_of};
use super::pages::Pages;
use crate::types::Dependency;

/// The dependencies of some nodes.
#[derive(Clone, Default)]
pub(super) struct Rows([Option<Arc<[Dependency]>>; CHUNK_NODES]);

/// What becomes of the dependency of `source` on `target`.
pub(super) struct RowChange {
    pub(super) source: u32,
    pub(super) target: u32,
    /// `None` removes it.
    pub(super) after: Option<Dependency>,
}

impl Rows {
    /// The dependencies of the chunk's node `place`.
    #[inline]
    pub(super) fn of(&self, place: usize) -> &[Dependency] {
        self.0[place].as_deref().unwrap_or_default()
    }

    /// The places of the nodes whose dependencies are not shared with `other`.
    pub(super) fn apart_from(&self, other: &Self) -> impl Iterator<Item = usize> {
        let is_shared = |place: usize| match (&self.0[place], &other.0[place]) {
            (Some(own), Some(others)) => Arc::ptr_eq(own, others),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        (0..CHUNK_NODES).filter(move |place| !is_shared(*place))
    }

    /// Dependencies that follow each other, of nodes that have as many as `counts` says.
    pub(super) fn from_column(counts: impl Iterator<Item = usize>, rows: Vec<Dependency>) -> Self {
        let (mut chunk, mut rows) = (Self::default(), rows.into_iter());
        for (place, count) in counts.take(CHUNK_NODES).enumerate() {
            let own: Vec<_> = rows.by_ref().take(count).collect();
            chunk.set(place, own);
        }
        chunk
    }

    fn set(&mut self, place: usize, rows: Vec<Dependency>) {
        self.0[place] = (!rows.is_empty()).then(|| rows.into());
    }
}

/// Replaces the dependencies of the callers that `changes` touch. `links` are those before the change, which are
/// beside the rows; `changes` are sorted by (source, target), each pair once.
pub(super) fn merge_rows(side: &mut Pages<Rows>, links: &Pages<Chunk>, changes: Vec<RowChange>) {
    let mut changes = changes.into_iter().peekable();
    while let Some(first) = changes.peek().map(|change| change.source) {
        let index = chunk_of(first);
        let mut chunk = side.get(index).clone();
        while let Some(source) =
            changes.peek().map(|change| change.source).filter(|node| chunk_of(*node) == index)
        {
            let place = place_of(source);
            let (links, before) = (links.get(index).links(place), side.get(index).of(place));
            let mut after = Vec::with_capacity(before.len() + 1);
            let own = std::iter::from_fn(|| changes.next_if(|change| change.source == source));
            merge_items(&mut after, links, before, own.map(|change| (change.target, change.after)));
            chunk.set(place, after);
        }
        side.set(index, chunk);
    }
}
