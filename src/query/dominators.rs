//! Which services are the only way to others: the dominator tree of the fresh graph.
//!
//! Lengauer and Tarjan, "A fast algorithm for finding dominators in a flowgraph" (ACM TOPLAS 1, 1979), the
//! simple version, with both recursions on explicit stacks. O((services + dependencies) · log services).
//!
//! - Its root is nobody, and calls every entry point. It has number 0; the others have the numbers in which
//!   a depth-first search first sees them, from 1 on.
//! - All arrays but `number_of` are by number.

use crate::graph::Graph;

/// The number of the root, and of a node that was not seen.
const ROOT: u32 = 0;
/// No node: what is not linked has no ancestor, and an empty bucket no first member.
const NONE: u32 = u32::MAX;

/// How many services each one is the only way to from the entry points, itself not counted; by node. Each
/// service has to be reachable from them.
pub(super) fn sole_path_for(graph: &Graph, entries: &[u32]) -> Vec<u32> {
    let search = Search::run(graph, entries);
    let dominators = Forest::new(search.node_of.len()).dominators(graph, entries, &search);
    // A dominator has a smaller number than what it dominates: from the leaves to the root.
    let mut below = vec![0; dominators.len()];
    for number in (1..dominators.len()).rev() {
        below[dominators[number] as usize] += below[number] + 1;
    }
    let mut counts = vec![0; graph.node_count() as usize];
    for (number, node) in search.node_of.iter().enumerate().skip(1) {
        counts[*node as usize] = below[number];
    }
    counts
}

/// A depth-first search from the root.
struct Search {
    /// The root's own is meaningless.
    node_of: Vec<u32>,
    /// The number of the node from which each was first seen.
    parent: Vec<u32>,
    /// By node.
    number_of: Vec<u32>,
}

impl Search {
    fn run(graph: &Graph, entries: &[u32]) -> Self {
        let number_of = vec![ROOT; graph.node_count() as usize];
        let mut search = Self { node_of: vec![NONE], parent: vec![ROOT], number_of };
        for entry in entries {
            // Another member of its component may have led to it.
            if search.number_of[*entry as usize] == ROOT {
                search.see(*entry, ROOT);
                search.run_below(graph, *entry);
            }
        }
        search
    }

    fn run_below(&mut self, graph: &Graph, entry: u32) {
        // A node, and how many of its links are done.
        let mut path = vec![(entry, 0)];
        while let Some((node, done)) = path.last_mut() {
            let node = *node;
            let Some(link) = graph.outgoing(node).get(*done) else {
                path.pop();
                continue;
            };
            *done += 1;
            if !link.traits.is_stale() && self.number_of[link.node as usize] == ROOT {
                self.see(link.node, self.number_of[node as usize]);
                path.push((link.node, 0));
            }
        }
    }

    fn see(&mut self, node: u32, parent: u32) {
        self.number_of[node as usize] = self.node_of.len() as u32;
        self.node_of.push(node);
        self.parent.push(parent);
    }
}

/// The paper's forest, and what it keeps of each number.
struct Forest {
    /// The semidominator, once it is known; before, the number itself.
    semi: Vec<u32>,
    /// Where the forest, with its paths shortened, leads up to.
    ancestor: Vec<u32>,
    /// The number with the smallest `semi` on the shortened path.
    label: Vec<u32>,
    /// The first of those whose semidominator this is, …
    bucket: Vec<u32>,
    /// … and the one behind each in its bucket.
    next: Vec<u32>,
}

impl Forest {
    fn new(numbers: usize) -> Self {
        let own: Vec<u32> = (0..numbers as u32).collect();
        let none = vec![NONE; numbers];
        Self { semi: own.clone(), ancestor: none.clone(), label: own, bucket: none.clone(), next: none }
    }

    /// The immediate dominator of each number.
    fn dominators(mut self, graph: &Graph, entries: &[u32], search: &Search) -> Vec<u32> {
        let numbers = self.semi.len() as u32;
        let mut dominators = vec![ROOT; numbers as usize];
        let mut is_entry = vec![false; numbers as usize];
        for entry in entries {
            is_entry[search.number_of[*entry as usize] as usize] = true;
        }
        for number in (1..numbers).rev() {
            let parent = search.parent[number as usize];
            if is_entry[number as usize] {
                self.semi[number as usize] = ROOT;
            } else {
                self.find_semidominator(graph, search, number);
            }
            let semi = self.semi[number as usize] as usize;
            self.next[number as usize] = std::mem::replace(&mut self.bucket[semi], number);
            self.ancestor[number as usize] = parent;
            let mut member = std::mem::replace(&mut self.bucket[parent as usize], NONE);
            while member != NONE {
                let lowest = self.lowest(member);
                let is_lower = self.semi[lowest as usize] < self.semi[member as usize];
                dominators[member as usize] = if is_lower { lowest } else { parent };
                member = self.next[member as usize];
            }
        }
        for number in 1..numbers as usize {
            if dominators[number] != self.semi[number] {
                dominators[number] = dominators[dominators[number] as usize];
            }
        }
        dominators
    }

    fn find_semidominator(&mut self, graph: &Graph, search: &Search, number: u32) {
        let callers = graph.incoming(search.node_of[number as usize]);
        for link in callers.iter().filter(|link| !link.traits.is_stale()) {
            let lowest = self.lowest(search.number_of[link.node as usize]);
            let semi = self.semi[lowest as usize];
            self.semi[number as usize] = self.semi[number as usize].min(semi);
        }
    }

    /// The number with the smallest `semi` from here up to, and without, the top of its tree; the paper's
    /// EVAL. Shortens the path on the way.
    fn lowest(&mut self, number: u32) -> u32 {
        if self.ancestor[number as usize] == NONE {
            return number;
        }
        let mut path = Vec::new();
        let mut at = number;
        while self.ancestor[self.ancestor[at as usize] as usize] != NONE {
            path.push(at);
            at = self.ancestor[at as usize];
        }
        for below in path.into_iter().rev() {
            let above = self.ancestor[below as usize] as usize;
            let (label, own) = (self.label[above], self.label[below as usize]);
            if self.semi[label as usize] < self.semi[own as usize] {
                self.label[below as usize] = label;
            }
            self.ancestor[below as usize] = self.ancestor[above];
        }
        self.label[number as usize]
    }
}
