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
    /// Its position among the caller's dependencies.
    pub at: usize,
    /// Where both ends stand in the answer.
    pub places: (u32, u32),
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

/// Whether so many services are enough for a look at all of them to pay: the answer about the largest hub of graph L
/// takes a quarter less time in order of node index.
fn is_large(graph: &Graph, services: usize) -> bool {
    const LEAST: usize = 16_384;
    const ONE_OF: usize = 16;
    services >= LEAST && services > graph.node_count() as usize / ONE_OF
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
            let first = self.nodes.len();
            for &side in sides(direction) {
                let level = std::mem::take(&mut levels[side as usize]);
                let looks: u64 = level.iter().map(|node| links(graph, side, *node).len() as u64).sum();
                self.links_seen += looks;
                if self.links_seen > budget {
                    return false;
                }
                levels[side as usize] = self.expand(graph, side, &level, distance);
                self.put_in_order(graph, side, distance, &mut levels[side as usize]);
            }
            self.put_nodes_in_order(graph, first);
        }
        true
    }

    /// Puts a large level in order of node index, in which services and their links lie in memory.
    fn put_in_order(&self, graph: &Graph, side: Side, distance: u8, level: &mut Vec<u32>) {
        if is_large(graph, level.len()) {
            level.clear();
            level.extend(
                (0..graph.node_count()).filter(|node| self.scratch.distance(side, *node) == Some(distance)),
            );
        }
    }

    /// The same for the services of the answer from one on, which are equally far.
    fn put_nodes_in_order(&mut self, graph: &Graph, first: usize) {
        if !is_large(graph, self.nodes.len() - first) {
            return;
        }
        let (_, distance) = self.nodes[first];
        self.nodes.truncate(first);
        for node in 0..graph.node_count() {
            if self.scratch.position(node).is_some_and(|position| position as usize >= first) {
                self.scratch.place(node, self.nodes.len() as u32);
                self.nodes.push((node, distance));
            }
        }
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

    /// The edges of one service of the answer, by its place in it: those that it calls, from the link at `from` on.
    ///
    /// An edge that was found against the calls is shown with its caller, too: a caller's dependencies lie side by
    /// side, and to find each from the other end took ten times as long.
    pub fn edges<'a>(
        &'a self,
        graph: &'a Graph,
        place: usize,
        from: usize,
    ) -> impl Iterator<Item = EdgeFound> + 'a {
        let (source, _) = self.nodes[place];
        let looked_down = self.is_expanded(Side::Down, source);
        let looked_up = self.question.direction != Direction::Downstream;
        let shown = if looked_down || looked_up { graph.outgoing(source) } else { &[] };
        let depth = self.question.depth;
        let position = move |node| {
            if looked_down {
                self.scratch.position(node)
            } else {
                self.scratch.position_if_reached(node, Side::Up, depth)
            }
        };
        shown.iter().enumerate().skip(from).filter_map(move |(at, link)| {
            let target_place = position(link.node).filter(|_| self.question.filter.admits(*link))?;
            Some(EdgeFound {
                source,
                target: link.node,
                link: *link,
                at,
                places: (place as u32, target_place),
            })
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
