//! What breaks, and how, when services fail: everything upstream of them, over fresh dependencies.
//!
//! - An outage is what waits for, and fails with, what it calls all the way down to a failing service; all
//!   else that is reached is degraded.
//! - Two searches, breadth first and against the calls: one over all links that are followed, one over the
//!   strong ones. Each notes for every service the next one towards what fails, so a path costs nothing until
//!   it is written.
//! - Which of several failing services reach a service travels along as a set of bits; a service is looked at
//!   again only for bits that are new to it.

use crate::graph::{Graph, Link};
use crate::limits;
use crate::query::{ImpactTotals, OverBudget};

/// A question about failing services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImpactQuestion {
    /// The nodes that fail, each once, at most [`limits::IMPACT_FAILING_MAX`].
    pub failing: Vec<u32>,
    /// How many hops.
    pub depth: u8,
    /// Whether dependencies whose loss does not fail the caller are followed.
    pub include_soft: bool,
}

/// What the failure does to a service, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It fails, too.
    Outage,
    /// It works, but worse.
    Degraded,
}

impl Severity {
    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Degraded => "degraded",
        }
    }
}

/// A service that is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impacted {
    /// Its node.
    pub node: u32,
    /// Hops to the nearest failing service.
    pub distance: u8,
    /// How it is hit.
    pub severity: Severity,
}

/// Which of the failing services: bit `n` stands for the `n`th of the question.
pub type FailingSet = u128;

const _: () = assert!(limits::IMPACT_FAILING_MAX <= FailingSet::BITS as usize);

/// Everything that is hit.
pub struct Impact {
    question: ImpactQuestion,
    impacted: Vec<Impacted>,
    followed: Search,
    strong: Search,
}

/// Answers a question. `budget` bounds the links looked at. The list is in the order in which services were
/// found; see [`Impact::sort`]. O(links of the services reached), times the failing ones at worst.
pub fn impact(graph: &Graph, question: ImpactQuestion, budget: u64) -> Result<Impact, OverBudget> {
    let mut left = budget;
    let include_soft = question.include_soft;
    let over = OverBudget { budget };
    let is_followed = |link: Link| !link.traits.is_stale() && (include_soft || link.traits.is_hard());
    let is_strong = |link: Link| !link.traits.is_stale() && link.traits.is_strong();
    let followed = Search::run(graph, &question, is_followed, &mut left).ok_or(over)?;
    let strong = Search::run(graph, &question, is_strong, &mut left).ok_or(over)?;
    let impacted = followed.found.iter().map(|(node, distance)| {
        let fails = strong.next_hop(*node).is_some();
        let severity = if fails { Severity::Outage } else { Severity::Degraded };
        Impacted { node: *node, distance: *distance, severity }
    });
    let impacted = impacted.collect();
    Ok(Impact { question, impacted, followed, strong })
}

impl Impact {
    /// The question this answers.
    pub fn question(&self) -> &ImpactQuestion {
        &self.question
    }

    /// The services that are hit, the failing ones not among them.
    pub fn impacted(&self) -> &[Impacted] {
        &self.impacted
    }

    /// How much is hit.
    pub fn totals(&self, graph: &Graph) -> ImpactTotals {
        ImpactTotals::of(graph, self.impacted.iter().map(|each| (each.node, each.severity)))
    }

    /// Puts the worst first: by severity, criticality, distance and id.
    pub fn sort(&mut self, graph: &Graph) {
        self.impacted.sort_unstable_by_key(|each| {
            let service = graph.node(each.node).service();
            (each.severity, service.criticality(), each.distance, service.service_id())
        });
    }

    /// One shortest path from a service that is hit to the nearest failing one, both included: of an outage
    /// one of strong dependencies, which may be longer than its distance.
    pub fn path(&self, impacted: Impacted) -> impl Iterator<Item = u32> + '_ {
        let search = match impacted.severity {
            Severity::Outage => &self.strong,
            Severity::Degraded => &self.followed,
        };
        std::iter::successors(Some(impacted.node), |node| search.next_hop(*node))
    }

    /// Which of the failing services it reaches over followed dependencies.
    pub fn failing(&self, impacted: Impacted) -> FailingSet {
        self.followed.reached.get(impacted.node as usize).copied().unwrap_or(1)
    }
}

/// One search from all failing services against the calls.
struct Search {
    /// By node: one more than the next node towards the nearest failing service; 0 for a failing one, and for
    /// one that was not found.
    next: Vec<u32>,
    /// In the order found, with distances; the failing ones not among them.
    found: Vec<(u32, u8)>,
    /// By node: the failing services that it reaches. Nothing where only one fails.
    reached: Vec<FailingSet>,
}

impl Search {
    /// `None` when it would look at more links than are left.
    fn run(
        graph: &Graph,
        question: &ImpactQuestion,
        follows: impl Fn(Link) -> bool,
        left: &mut u64,
    ) -> Option<Self> {
        let next = vec![0; graph.node_count() as usize];
        let mut search = Self { next, found: Vec::new(), reached: Vec::new() };
        let is_within = match question.failing.as_slice() {
            [only] => search.search_from_one(graph, *only, question.depth, follows, left),
            _ => search.search_from_several(graph, question, follows, left),
        };
        is_within.then_some(search)
    }

    /// Whether there were links enough left.
    fn search_from_one(
        &mut self,
        graph: &Graph,
        failing: u32,
        depth: u8,
        follows: impl Fn(Link) -> bool,
        left: &mut u64,
    ) -> bool {
        let mut level = vec![failing];
        for distance in 1..=depth {
            let first = self.found.len();
            for node in level {
                let callers = graph.incoming(node);
                let Some(rest) = left.checked_sub(callers.len() as u64) else { return false };
                *left = rest;
                for link in callers.iter().filter(|link| follows(**link)) {
                    let next = &mut self.next[link.node as usize];
                    if *next == 0 && link.node != failing {
                        *next = node + 1;
                        self.found.push((link.node, distance));
                    }
                }
            }
            level = self.found[first..].iter().map(|(node, _)| *node).collect();
        }
        true
    }

    /// Whether there were links enough left.
    fn search_from_several(
        &mut self,
        graph: &Graph,
        question: &ImpactQuestion,
        follows: impl Fn(Link) -> bool,
        left: &mut u64,
    ) -> bool {
        let nodes = graph.node_count() as usize;
        self.reached = vec![0; nodes];
        // What each service of the level has learnt at the level before and has not passed on.
        let mut news = vec![FailingSet::default(); nodes];
        let mut level: Vec<u32> = question.failing.clone();
        for (bit, node) in question.failing.iter().enumerate() {
            self.reached[*node as usize] = 1 << bit;
            news[*node as usize] = 1 << bit;
        }
        for distance in 1..=question.depth {
            let mut next_level = Vec::new();
            // All news of a level are taken before any of the next arrives.
            let told: Vec<_> = level.iter().map(|node| std::mem::take(&mut news[*node as usize])).collect();
            for (node, told) in level.iter().zip(told) {
                let callers = graph.incoming(*node);
                let Some(rest) = left.checked_sub(callers.len() as u64) else { return false };
                *left = rest;
                for link in callers.iter().filter(|link| follows(**link)) {
                    self.tell(link.node, told, (*node, distance), &mut news, &mut next_level);
                }
            }
            level = next_level;
        }
        true
    }

    /// Passes on which failing services a callee reaches.
    fn tell(
        &mut self,
        caller: u32,
        told: FailingSet,
        (callee, distance): (u32, u8),
        news: &mut [FailingSet],
        next_level: &mut Vec<u32>,
    ) {
        let place = caller as usize;
        let new = told & !self.reached[place];
        if new == 0 {
            return;
        }
        if self.reached[place] == 0 {
            self.next[place] = callee + 1;
            self.found.push((caller, distance));
        }
        if news[place] == 0 {
            next_level.push(caller);
        }
        self.reached[place] |= new;
        news[place] |= new;
    }

    fn next_hop(&self, node: u32) -> Option<u32> {
        self.next[node as usize].checked_sub(1)
    }
}
