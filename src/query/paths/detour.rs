//! The best way to one target that keeps clear of some services.
//!
//! - How many hops a service is from the target, with nothing closed, is found once, against the calls. It
//!   is never more than what is left once services are closed, so it guides every search (A*: Hart, Nilsson
//!   and Raphael, IEEE Trans. Systems Science and Cybernetics 4, 1968), and what cannot reach the target is
//!   never looked at.
//! - The length comes first; then the path of that length that takes the earliest link at each step, by a
//!   depth-first search that enters a service again only when it gets there in fewer hops.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::graph::{Graph, Link};
use crate::query::OverBudget;

/// Ways to one target. 16 bytes per node of the graph.
pub(super) struct Detours<'g> {
    graph: &'g Graph,
    to: u32,
    /// Hops to the target with nothing closed, plus one; 0 where there is no way.
    remaining: Vec<u32>,
    /// The round in which a node was closed.
    closed: Vec<u32>,
    round: u32,
    /// The search that reached a node last, and in how many hops.
    reached: Vec<(u32, u32)>,
    search: u32,
    budget: u64,
    spent: u64,
}

impl<'g> Detours<'g> {
    /// Finds how far every service is from the target.
    pub(super) fn new(graph: &'g Graph, to: u32, budget: u64) -> Result<Self, OverBudget> {
        let nodes = graph.node_count() as usize;
        let mut detours = Self {
            graph,
            to,
            remaining: vec![0; nodes],
            closed: vec![0; nodes],
            round: 1,
            reached: vec![(0, 0); nodes],
            search: 0,
            budget,
            spent: 0,
        };
        detours.measure()?;
        Ok(detours)
    }

    fn measure(&mut self) -> Result<(), OverBudget> {
        let mut queue = vec![self.to];
        self.remaining[self.to as usize] = 1;
        let mut next = 0;
        while let Some(&node) = queue.get(next) {
            next += 1;
            let links = self.graph.incoming(node);
            self.spend(links.len() as u64)?;
            for link in links.iter().filter(|link| !link.traits.is_stale()) {
                if self.remaining[link.node as usize] == 0 {
                    self.remaining[link.node as usize] = self.remaining[node as usize] + 1;
                    queue.push(link.node);
                }
            }
        }
        Ok(())
    }

    /// Counts work against the budget.
    pub(super) fn spend(&mut self, looks: u64) -> Result<(), OverBudget> {
        self.spent = self.spent.saturating_add(looks);
        if self.spent > self.budget { Err(OverBudget { budget: self.budget }) } else { Ok(()) }
    }

    /// Opens every service again.
    pub(super) fn open_all(&mut self) {
        self.round += 1;
    }

    /// Keeps ways clear of a service from now on; one that begins at it may.
    pub(super) fn close(&mut self, node: u32) {
        self.closed[node as usize] = self.round;
    }

    /// The first of the shortest ways from a service whose second service is none of `excluded`; `None`
    /// when there is none of at most `hops_max` hops.
    pub(super) fn best(
        &mut self,
        from: u32,
        excluded: &[u32],
        hops_max: u32,
    ) -> Result<Option<Vec<u32>>, OverBudget> {
        match self.hops(from, excluded, hops_max)? {
            Some(hops) => self.first(from, excluded, hops).map(Some),
            None => Ok(None),
        }
    }

    /// How long the shortest way is.
    fn hops(&mut self, from: u32, excluded: &[u32], hops_max: u32) -> Result<Option<u32>, OverBudget> {
        if self.remaining[from as usize] == 0 {
            return Ok(None);
        }
        self.search += 1;
        // By hops in all, as far as known, and then by hops done: nearest to the target first.
        let mut queue = BinaryHeap::from([(Reverse(0), 0, from)]);
        self.reached[from as usize] = (self.search, 0);
        while let Some((_, hops, node)) = queue.pop() {
            if node == self.to {
                return Ok(Some(hops));
            }
            if self.reached[node as usize].1 < hops {
                continue;
            }
            let links = self.graph.outgoing(node);
            self.spend(links.len() as u64 + 1)?;
            for link in links {
                let is_excluded = hops == 0 && excluded.contains(&link.node);
                if !is_excluded && self.may_follow(*link, hops, hops_max) {
                    self.reached[link.node as usize] = (self.search, hops + 1);
                    let in_all = hops + self.remaining[link.node as usize];
                    queue.push((Reverse(in_all), hops + 1, link.node));
                }
            }
        }
        Ok(None)
    }

    /// The way of exactly `hops` hops, which is the fewest, with the earliest link at each step.
    fn first(&mut self, from: u32, excluded: &[u32], hops: u32) -> Result<Vec<u32>, OverBudget> {
        self.search += 1;
        self.reached[from as usize] = (self.search, 0);
        let (mut path, mut done) = (vec![from], vec![0]);
        while path[path.len() - 1] != self.to {
            let at = path.len() - 1;
            let links = &self.graph.outgoing(path[at])[done[at]..];
            let follows = |link: &Link| {
                !(at == 0 && excluded.contains(&link.node)) && self.may_follow(*link, at as u32, hops)
            };
            let next = links.iter().position(follows);
            self.spend(next.unwrap_or(links.len()) as u64 + 1)?;
            if let Some(next) = next {
                let node = links[next].node;
                done[at] += next + 1;
                self.reached[node as usize] = (self.search, at as u32 + 1);
                path.push(node);
                done.push(0);
            } else {
                path.pop();
                done.pop();
                assert!(!path.is_empty(), "there is a way of so many hops");
            }
        }
        Ok(path)
    }

    /// Whether a link, found after so many hops, can be on a way of at most `hops_max`, and leads where
    /// this search has not been in as few hops.
    fn may_follow(&self, link: Link, hops: u32, hops_max: u32) -> bool {
        let remaining = self.remaining[link.node as usize];
        let (search, before) = self.reached[link.node as usize];
        remaining != 0
            && hops + remaining <= hops_max
            && !link.traits.is_stale()
            && self.closed[link.node as usize] != self.round
            && (search != self.search || before > hops + 1)
    }
}
