//! Strongly connected components of the graph over its fresh dependencies, and the shortest cycle
//! in one.
//!
//! Tarjan, "Depth-first search and linear graph algorithms" (SIAM J. Comput. 1, 1972), with the
//! recursion on an explicit stack: a chain of 100,000 services must not overflow the thread's.
//! O(nodes + links) of what is reachable from the roots within the allowed nodes.

use super::{Graph, Link};

const UNSEEN: u32 = u32::MAX;

/// What components are found in: a graph, or only its links.
pub trait Adjacency {
    /// One more than the largest node index.
    fn node_count(&self) -> u32;
    /// What a node calls.
    fn outgoing(&self, node: u32) -> &[Link];
}

impl Adjacency for Graph {
    #[inline]
    fn node_count(&self) -> u32 {
        self.node_count()
    }

    #[inline]
    fn outgoing(&self, node: u32) -> &[Link] {
        self.outgoing(node)
    }
}

/// The components with two or more members that fresh links make among the nodes that `allowed` admits
/// and that `roots` reach, each sorted by node index, the list sorted by its first members.
pub fn strongly_connected(
    graph: &impl Adjacency,
    roots: impl Iterator<Item = u32>,
    allowed: impl Fn(u32) -> bool,
) -> Vec<Vec<u32>> {
    strongly_connected_by(graph, roots, |link| !link.traits.is_stale() && allowed(link.node))
}

/// The same over the links that `follows` admits.
pub fn strongly_connected_by(
    graph: &impl Adjacency,
    roots: impl Iterator<Item = u32>,
    follows: impl Fn(Link) -> bool,
) -> Vec<Vec<u32>> {
    let mut found = Vec::new();
    components_callees_first(graph, roots, follows, |members| {
        if members.len() > 1 {
            let mut members = members.to_vec();
            members.sort_unstable();
            found.push(members);
        }
    });
    found.sort_unstable();
    found
}

/// Hands every component that `roots` reach over the links that `follows` admits to `each`, those of one member
/// too, and each behind all that it calls: what the first root reaches comes first, and its own component is the
/// last of that. The members come as found. A root is asked for once what the roots before it reach is done.
pub fn components_callees_first(
    graph: &impl Adjacency,
    roots: impl Iterator<Item = u32>,
    follows: impl Fn(Link) -> bool,
    each: impl FnMut(&[u32]),
) {
    let nodes = graph.node_count() as usize;
    let mut search = Search {
        graph,
        follows,
        each,
        order: vec![UNSEEN; nodes],
        low: vec![0; nodes],
        seen: 0,
        open: Vec::new(),
        path: Vec::new(),
    };
    for root in roots {
        if search.order[root as usize] == UNSEEN {
            search.run(root);
        }
    }
}

/// A closed component's members get this `low`, so that later edges into it are ignored.
const CLOSED: u32 = u32::MAX;

struct Search<'a, G, F, E> {
    graph: &'a G,
    follows: F,
    /// Takes each component once it is known.
    each: E,
    /// When each node was first seen.
    order: Vec<u32>,
    /// The earliest node each can reach through its subtree; [`CLOSED`] once its component is known.
    low: Vec<u32>,
    seen: u32,
    /// Nodes whose component is not known yet.
    open: Vec<u32>,
    /// The depth-first path: a node and how many of its links are done.
    path: Vec<(u32, u32)>,
}

impl<G: Adjacency, F: Fn(Link) -> bool, E: FnMut(&[u32])> Search<'_, G, F, E> {
    fn run(&mut self, root: u32) {
        self.enter(root);
        while let Some(&mut (node, ref mut done)) = self.path.last_mut() {
            match self.graph.outgoing(node).get(*done as usize) {
                Some(link) => {
                    *done += 1;
                    if (self.follows)(*link) {
                        self.follow(node, link.node);
                    }
                }
                None => self.leave(node),
            }
        }
    }

    fn enter(&mut self, node: u32) {
        self.order[node as usize] = self.seen;
        self.low[node as usize] = self.seen;
        self.seen += 1;
        self.open.push(node);
        self.path.push((node, 0));
    }

    fn follow(&mut self, node: u32, next: u32) {
        if self.order[next as usize] == UNSEEN {
            self.enter(next);
        } else if self.low[next as usize] != CLOSED {
            self.lower(node, self.order[next as usize]);
        }
    }

    fn lower(&mut self, node: u32, to: u32) {
        let low = &mut self.low[node as usize];
        *low = (*low).min(to);
    }

    fn leave(&mut self, node: u32) {
        self.path.pop();
        let low = self.low[node as usize];
        if low == self.order[node as usize] {
            self.close(node);
        } else if let Some(&(parent, _)) = self.path.last() {
            self.lower(parent, low);
        }
    }

    fn close(&mut self, root: u32) {
        let start = self.open.iter().rposition(|node| *node == root).expect("an open node is on the stack");
        for node in &self.open[start..] {
            self.low[*node as usize] = CLOSED;
        }
        (self.each)(&self.open[start..]);
        self.open.truncate(start);
    }
}

/// One shortest closed path through the component's smallest member by service id: that member
/// first and last. Breadth first within `members`, in order of node index, so the choice depends on
/// the graph alone. `members` are sorted by index and strongly connected.
pub fn shortest_cycle(graph: &Graph, members: &[u32]) -> Vec<u32> {
    let smallest = members.iter().copied().min_by_key(|node| graph.name(*node));
    let start = smallest.expect("a component has members");
    let place = |node: u32| members.binary_search(&node).ok();
    let mut parents = vec![UNSEEN; members.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for link in graph.outgoing(node).iter().filter(|link| !link.traits.is_stale()) {
            if link.node == start {
                return closed_path(start, node, |node| parents[place(node).expect("a member")]);
            }
            if let Some(place) = place(link.node)
                && parents[place] == UNSEEN
            {
                parents[place] = node;
                queue.push_back(link.node);
            }
        }
    }
    unreachable!("each member of a strongly connected component lies on a cycle")
}

fn closed_path(start: u32, last: u32, parent: impl Fn(u32) -> u32) -> Vec<u32> {
    let mut path = vec![start, last];
    while path[path.len() - 1] != start {
        path.push(parent(path[path.len() - 1]));
    }
    path.reverse();
    path
}
