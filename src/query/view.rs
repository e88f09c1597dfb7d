//! The graph as petgraph sees it: what is called over fresh dependencies, from one root that calls every
//! entry point.
//!
//! - Nothing is copied: the view is a few pointers, and petgraph's walkers keep their marks beside it.
//! - Only this file knows petgraph.
//!
//! What it is not: the way to dominators. petgraph's are O(services²) in the worst case, and a chain of 50,000
//! with as many services that its first and its last call, all told, takes them seconds where `dominators`
//! takes milliseconds. The tests hold ours against them on other graphs.

use std::slice::Iter;

use petgraph::visit::{DfsPostOrder, GraphBase, GraphRef, IntoNeighbors, VisitMap, Visitable};

use crate::graph::{Graph, Link};

/// A graph with a root of its own.
#[derive(Clone, Copy)]
pub(super) struct View<'g> {
    graph: &'g Graph,
    entries: &'g [u32],
}

impl<'g> View<'g> {
    /// A view whose root calls `entries`.
    pub(super) fn new(graph: &'g Graph, entries: &'g [u32]) -> Self {
        Self { graph, entries }
    }

    /// The node that stands for nobody and calls every entry point.
    pub(super) fn root(self) -> u32 {
        self.graph.node_count()
    }

    /// Every service that the root reaches, in the order in which a depth-first search leaves them: without
    /// cycles, what a service calls comes before it. O(services + dependencies), on a stack of its own.
    pub(super) fn callees_first(self) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.graph.counts().services as usize);
        let mut walk = DfsPostOrder::new(self, self.root());
        while let Some(node) = walk.next(self) {
            order.push(node);
        }
        // The root is left last.
        order.pop();
        order
    }
}

/// The nodes that a node leads to: the entry points for the root, else the other ends of fresh links.
pub(super) struct Neighbors<'g> {
    entries: Iter<'g, u32>,
    links: Iter<'g, Link>,
}

impl Iterator for Neighbors<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let fresh = |link: &&Link| !link.traits.is_stale();
        self.entries.next().copied().or_else(|| self.links.find(fresh).map(|link| link.node))
    }
}

impl GraphBase for View<'_> {
    type NodeId = u32;
    /// Source and target.
    type EdgeId = (u32, u32);
}

impl GraphRef for View<'_> {}

impl<'g> IntoNeighbors for View<'g> {
    type Neighbors = Neighbors<'g>;

    fn neighbors(self, node: u32) -> Neighbors<'g> {
        let (entries, links) =
            if node == self.root() { (self.entries, &[][..]) } else { (&[][..], self.graph.outgoing(node)) };
        Neighbors { entries: entries.iter(), links: links.iter() }
    }
}

impl Visitable for View<'_> {
    type Map = Marks;

    fn visit_map(&self) -> Marks {
        Marks(vec![false; self.graph.node_count() as usize + 1])
    }

    fn reset_map(&self, map: &mut Marks) {
        *map = self.visit_map();
    }
}

/// Which nodes a walker has been at, the root the last of them.
pub(super) struct Marks(Vec<bool>);

impl VisitMap<u32> for Marks {
    fn visit(&mut self, node: u32) -> bool {
        !std::mem::replace(&mut self.0[node as usize], true)
    }

    fn is_visited(&self, node: &u32) -> bool {
        self.0[*node as usize]
    }

    fn unvisit(&mut self, node: u32) -> bool {
        std::mem::replace(&mut self.0[node as usize], false)
    }
}
