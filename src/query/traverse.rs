//! The subgraph around a service: breadth first, one level at a time, with the calls, against them,
//! or both.
//!
//! - `both` is the union of two traversals, not a mix: a level of the one, then of the other, so
//!   that services come out by distance, downstream before upstream, then as found.
//! - Excluded dependencies and services are neither followed nor shown; the root always is.
//! - The answer's edges are not stored: [`Traversal::edges`] finds them again from the marks, so a
//!   large answer can be written piece by piece in memory that does not grow with it.

use super::scratch::{Scratch, Side};
use crate::graph::{Graph, Link};
use crate::types::{Direction, ServiceType};

/// Which dependencies and services a traversal passes over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DependencyFilter {
    /// Whether dependencies whose observations are all stale count.
    pub include_stale: bool,
    /// Whether external services count.
    pub include_external: bool,
    /// The least confidence of a dependency, a ratio.
    pub min_confidence: f64,
}

/// A question about the surroundings of a service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraverseQuestion {
    /// The node to start from.
    pub root: u32,
    /// Which way to go.
    pub direction: Direction,
    /// How many hops.
    pub depth: u8,
    /// What to pass over.
    pub filter: DependencyFilter,
    /// Services in the answer at most, the root among them.
    pub max_nodes: u32,
}

/// The traversal would look at more dependencies than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the query looks at more than {budget} dependencies")]
pub struct OverBudget {
    /// How many it may look at.
    pub budget: u64,
}

/// A dependency of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeFound {
    /// The node that calls.
    pub source: u32,
    /// The node that is called.
    pub target: u32,
    /// The link that led to it.
    pub link: Link,
    /// The link's position among those of its group's node.
    pub at: usize,
    /// Whether it was found from its caller: then `at` is its position among the caller's
    /// dependencies, too.
    pub from_caller: bool,
}

/// The services of an answer, and what is needed to find its edges again.
pub struct Traversal {
    question: TraverseQuestion,
    scratch: Scratch,
    /// Node indexes in the order of the answer, the root first, with distances.
    nodes: Vec<(u32, u8)>,
    /// Services reached downstream and upstream, the root not counted.
    reached: [u32; 2],
    /// Links looked at.
    links_seen: u64,
    truncated: bool,
    has_cycles: bool,
}

/// Answers a question. `budget` bounds the dependencies looked at; over it, the scratch comes back.
/// O(links of the services in the answer).
pub fn traverse(
    graph: &Graph,
    question: TraverseQuestion,
    mut scratch: Scratch,
    budget: u64,
) -> Result<Traversal, (OverBudget, Scratch)> {
    scratch.begin(graph);
    let mut traversal = Traversal {
        question,
        scratch,
        nodes: Vec::new(),
        reached: [0; 2],
        links_seen: 0,
        truncated: false,
        has_cycles: false,
    };
    if traversal.run(graph, budget) { Ok(traversal) } else { Err((OverBudget { budget }, traversal.scratch)) }
}

impl DependencyFilter {
    #[inline]
    fn admits(&self, link: Link) -> bool {
        (self.include_stale || !link.traits.is_stale())
            && (self.min_confidence <= 0.0 || link.traits.confidence() >= self.min_confidence)
    }

    fn admits_service(&self, graph: &Graph, node: u32) -> bool {
        self.include_external || graph.node(node).service().service_type() == ServiceType::Internal
    }
}

fn sides(direction: Direction) -> &'static [Side] {
    match direction {
        Direction::Downstream => &[Side::Down],
        Direction::Upstream => &[Side::Up],
        Direction::Both => &[Side::Down, Side::Up],
    }
}

fn links(graph: &Graph, side: Side, node: u32) -> &[Link] {
    match side {
        Side::Down => graph.outgoing(node),
        Side::Up => graph.incoming(node),
    }
}

impl Traversal {
    /// Whether it stayed within the budget.
    fn run(&mut self, graph: &Graph, budget: u64) -> bool {
        let TraverseQuestion { root, direction, depth, .. } = self.question;
        let mut levels = [vec![root], vec![root]];
        for side in sides(direction) {
            self.scratch.reach(*side, root, 0);
        }
        self.add(graph, root, 0);
        for distance in 1..=depth {
            for &side in sides(direction) {
                let level = std::mem::take(&mut levels[side as usize]);
                let looks: u64 = level.iter().map(|node| links(graph, side, *node).len() as u64).sum();
                self.links_seen += looks;
                if self.links_seen > budget {
                    return false;
                }
                levels[side as usize] = self.expand(graph, side, &level, distance);
            }
        }
        true
    }

    /// Follows one level's links and returns the next level.
    fn expand(&mut self, graph: &Graph, side: Side, level: &[u32], distance: u8) -> Vec<u32> {
        let mut next = Vec::new();
        for node in level {
            for link in links(graph, side, *node) {
                if self.question.filter.admits(*link)
                    && self.scratch.distance(side, link.node).is_none()
                    && self.admit_service(graph, link.node, distance)
                {
                    self.scratch.reach(side, link.node, distance);
                    self.reached[side as usize] += 1;
                    next.push(link.node);
                }
            }
        }
        next
    }

    /// Whether a service found at `distance` is in the answer, taken in now where there is room.
    fn admit_service(&mut self, graph: &Graph, node: u32, distance: u8) -> bool {
        if self.scratch.position(node).is_some() {
            return true;
        }
        if !self.question.filter.admits_service(graph, node) {
            return false;
        }
        if self.nodes.len() >= self.question.max_nodes as usize {
            self.truncated = true;
            return false;
        }
        self.add(graph, node, distance);
        true
    }

    fn add(&mut self, graph: &Graph, node: u32, distance: u8) {
        self.scratch.place(node, self.nodes.len() as u32);
        self.nodes.push((node, distance));
        self.has_cycles |= graph.cycles().key_of(node).is_some();
    }

    /// The question this answers.
    pub fn question(&self) -> &TraverseQuestion {
        &self.question
    }

    /// Node indexes with their distances from the root, in the order of the answer.
    pub fn nodes(&self) -> &[(u32, u8)] {
        &self.nodes
    }

    /// Where a service of the answer stands in [`Self::nodes`].
    pub fn position(&self, node: u32) -> Option<u32> {
        self.scratch.position(node)
    }

    /// Services reached with the calls, the root not counted.
    pub fn downstream_services(&self) -> u32 {
        self.reached[Side::Down as usize]
    }

    /// Services reached against the calls, the root not counted.
    pub fn upstream_services(&self) -> u32 {
        self.reached[Side::Up as usize]
    }

    /// The largest distance in the answer.
    pub fn max_depth_reached(&self) -> u8 {
        // Levels are expanded in order of distance, so the last service found is a farthest one.
        self.nodes.last().map_or(0, |(_, distance)| *distance)
    }

    /// Whether `max_nodes` kept services out.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether some service of the answer lies on a cycle.
    pub fn has_cycles(&self) -> bool {
        self.has_cycles
    }

    /// How many links it looked at: at least as many as the answer has edges.
    pub fn links_seen(&self) -> u64 {
        self.links_seen
    }

    /// How many groups of edges there are: two for each service, see [`Self::edges`].
    pub fn edge_groups(&self) -> usize {
        self.nodes.len() * 2
    }

    /// The edges of one group, from the link at `from` on. First come the groups of what each service
    /// calls, in the order of the answer, then those of who calls it; each edge is in one group.
    pub fn edges<'a>(
        &'a self,
        graph: &'a Graph,
        group: usize,
        from: usize,
    ) -> impl Iterator<Item = EdgeFound> + 'a {
        let (side, place) = match group.checked_sub(self.nodes.len()) {
            None => (Side::Down, group),
            Some(place) => (Side::Up, place),
        };
        let (node, _) = self.nodes[place];
        let shown = if self.is_expanded(side, node) { links(graph, side, node) } else { &[] };
        let in_answer = move |link: Link| {
            self.question.filter.admits(link)
                && self.scratch.position(link.node).is_some()
                // What its caller's group shows is not shown again from the other end.
                && (side == Side::Down || !self.is_expanded(Side::Down, link.node))
        };
        let found = shown.iter().enumerate().skip(from).filter(move |(_, link)| in_answer(**link));
        found.map(move |(at, link)| match side {
            Side::Down => EdgeFound { source: node, target: link.node, link: *link, at, from_caller: true },
            Side::Up => EdgeFound { source: link.node, target: node, link: *link, at, from_caller: false },
        })
    }

    /// Whether a side looked at the node's links: it was reached at less than the full depth.
    fn is_expanded(&self, side: Side, node: u32) -> bool {
        self.scratch.distance(side, node).is_some_and(|distance| distance < self.question.depth)
    }

    /// Gives the tables back for the next question.
    pub fn into_scratch(self) -> Scratch {
        self.scratch
    }
}
