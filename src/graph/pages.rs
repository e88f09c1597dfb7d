//! A persistent vector of chunks: cloning shares everything, setting one chunk copies one page of
//! pointers.
//!
//! Two levels: a vector of pages, each of [`FANOUT`] pointers to chunks. With chunks of 32 nodes a
//! graph of 100,000 services has 49 pages, so a clone counts up 49 references and a change of one
//! chunk 64 more. Chunks that were never set are one shared default.

use std::sync::Arc;

/// Chunks per page.
const FANOUT: usize = 64;

/// A vector of chunks, all default until set.
pub(super) struct Pages<T> {
    pages: Vec<Arc<[Arc<T>; FANOUT]>>,
    default: Arc<T>,
}

impl<T> Clone for Pages<T> {
    fn clone(&self) -> Self {
        Self { pages: self.pages.clone(), default: Arc::clone(&self.default) }
    }
}

impl<T: Default> Default for Pages<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), default: Arc::default() }
    }
}

impl<T> Pages<T> {
    /// The chunk at `index`; the default one where none was set.
    #[inline]
    pub(super) fn get(&self, index: usize) -> &T {
        match self.pages.get(index / FANOUT) {
            Some(page) => &page[index % FANOUT],
            None => &self.default,
        }
    }

    /// The indexes of the chunks that are not shared with `other`, ascending. O(pages + chunks of other pages).
    pub(super) fn apart_from<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = usize> + 'a {
        let pages = self.pages.len().max(other.pages.len());
        let is_same_page = |page| match (self.pages.get(page), other.pages.get(page)) {
            (Some(own), Some(others)) => Arc::ptr_eq(own, others),
            _ => false,
        };
        let apart = (0..pages).filter(move |page| !is_same_page(*page));
        let chunks = apart.flat_map(|page| page * FANOUT..(page + 1) * FANOUT);
        chunks.filter(|index| !std::ptr::eq(self.get(*index), other.get(*index)))
    }

    /// Puts a chunk at `index`. Copies one page of pointers when a clone still shares it.
    pub(super) fn set(&mut self, index: usize, chunk: T) {
        while self.pages.len() <= index / FANOUT {
            let page = std::array::from_fn(|_| Arc::clone(&self.default));
            self.pages.push(Arc::new(page));
        }
        Arc::make_mut(&mut self.pages[index / FANOUT])[index % FANOUT] = Arc::new(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_does_not_see_later_changes() {
        let mut pages = Pages::<u32>::default();
        pages.set(3, 30);
        pages.set(200, 2000);
        let before = pages.clone();
        pages.set(3, 31);
        assert_eq!((*before.get(3), *before.get(200), *before.get(4), *before.get(10_000)), (30, 2000, 0, 0));
        assert_eq!((*pages.get(3), *pages.get(200)), (31, 2000));
        assert!(std::ptr::eq(before.get(200), pages.get(200)), "what did not change is shared");
    }

    #[test]
    fn tells_chunks_apart_without_looking_into_them() {
        let mut pages = Pages::<u32>::default();
        pages.set(3, 30);
        let before = pages.clone();
        assert_eq!(pages.apart_from(&before).count(), 0);
        pages.set(3, 30);
        pages.set(200, 2000);
        assert_eq!(pages.apart_from(&before).collect::<Vec<_>>(), [3, 200]);
        assert_eq!(before.apart_from(&pages).collect::<Vec<_>>(), [3, 200]);
    }
}
