//! Reusable tables of a traversal, so that a query costs what it visits.
//!
//! A mark counts only when it carries the current epoch; beginning anew is one addition.

use crate::graph::Graph;

/// What a traversal knows about one node.
#[derive(Clone, Copy, Default)]
pub(super) struct Mark {
    epoch: u32,
    /// Distance from the root plus one, in each direction; 0 where it was not reached.
    reached: [u8; 2],
    /// Position in the answer plus one; 0 where it is not in it.
    position: u32,
}

/// The marks of one traversal at a time. 12 bytes per node of the largest graph it served.
#[derive(Default)]
pub struct Scratch {
    epoch: u32,
    marks: Vec<Mark>,
}

/// With the calls, or against them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Down = 0,
    Up = 1,
}

impl Scratch {
    /// Forgets all marks and makes room for the nodes of `graph`.
    pub(super) fn begin(&mut self, graph: &Graph) {
        self.marks.resize(self.marks.len().max(graph.node_count() as usize), Mark::default());
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.marks.fill(Mark::default());
            self.epoch = 1;
        }
    }

    fn mark(&self, node: u32) -> Mark {
        let mark = self.marks[node as usize];
        if mark.epoch == self.epoch { mark } else { Mark::default() }
    }

    fn mark_mut(&mut self, node: u32) -> &mut Mark {
        let mark = &mut self.marks[node as usize];
        if mark.epoch != self.epoch {
            *mark = Mark { epoch: self.epoch, ..Mark::default() };
        }
        mark
    }

    /// The distance at which a side reached the node.
    pub(super) fn distance(&self, side: Side, node: u32) -> Option<u8> {
        self.mark(node).reached[side as usize].checked_sub(1)
    }

    /// Notes that a side reached the node.
    pub(super) fn reach(&mut self, side: Side, node: u32, distance: u8) {
        self.mark_mut(node).reached[side as usize] = distance + 1;
    }

    /// Where the node stands in the answer.
    pub(super) fn position(&self, node: u32) -> Option<u32> {
        self.mark(node).position.checked_sub(1)
    }

    /// Notes where the node stands in the answer.
    pub(super) fn place(&mut self, node: u32, position: u32) {
        self.mark_mut(node).position = position + 1;
    }
}
