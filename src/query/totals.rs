//! How much breaks when services fail, without the list of what: the totals of [`super::impact()`].
//!
//! - One search for both severities, where the list takes two: a service is looked at again only when it turns out
//!   to fail after it was found to get worse. Nothing is noted of the way.
//! - What is known of a service are four bits, so that those of 100,000 services stay close to the processor: on
//!   graph L the totals of the largest hub take a fifth of what they took from the list
//!   (`cargo bench --bench model -- L/impact_hub_summary`).

use std::collections::HashMap;

use super::OverBudget;
use super::impact::{ImpactQuestion, Severity};
use crate::graph::{Graph, Link};
use crate::types::Criticality;

/// The team of services without one.
const NO_TEAM: &str = "unassigned";

/// How many services are hit, and of which kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImpactTotals {
    /// All of them; the failing ones are not counted.
    pub impacted: u32,
    /// By [`Severity`], in its order.
    pub by_severity: [u32; 2],
    /// By team, in bytewise order.
    pub by_team: Vec<(Box<str>, u32)>,
    /// By [`Criticality`], in its order.
    pub by_criticality: [u32; Criticality::ALL.len()],
}

/// It works, but worse; or fails.
const REACHED: u8 = 0b01;
const FAILS: u8 = 0b10;
const BOTH: u8 = REACHED | FAILS;
/// Found out at this level: to be passed on at the next.
const NEWS: u32 = 2;

/// Answers a question. `budget` bounds the links looked at. O(services + links of those reached).
pub fn impact_totals(
    graph: &Graph,
    question: &ImpactQuestion,
    budget: u64,
) -> Result<ImpactTotals, OverBudget> {
    let (states, found) = reached(graph, question, budget).ok_or(OverBudget { budget })?;
    let severity = |node: u32| {
        let fails = states[node as usize] & FAILS != 0;
        if fails { Severity::Outage } else { Severity::Degraded }
    };
    let hit = found.iter().map(|node| (*node, severity(*node)));
    Ok(ImpactTotals::of(graph, hit))
}

/// What becomes of each service, and those that are hit; `None` when it would look at more links than it may.
fn reached(graph: &Graph, question: &ImpactQuestion, budget: u64) -> Option<(Vec<u8>, Vec<u32>)> {
    let mut left = budget;
    let mut found = Vec::new();
    let mut states = vec![0u8; graph.node_count() as usize];
    for node in &question.failing {
        states[*node as usize] = BOTH | BOTH << NEWS;
    }
    let (mut level, mut told) = (question.failing.clone(), Vec::new());
    for _ in 0..question.depth {
        in_order(&mut level, &states, |state| state >> NEWS != 0);
        // All news of a level are taken before any of the next arrives.
        told.clear();
        told.extend(level.drain(..).map(|node| {
            let state = &mut states[node as usize];
            (node, std::mem::replace(state, *state & BOTH) >> NEWS)
        }));
        for (node, news) in &told {
            let callers = graph.incoming(*node);
            left = left.checked_sub(callers.len() as u64)?;
            for link in callers {
                let state = &mut states[link.node as usize];
                let new = passed_on(*link, *news, question.include_soft) & !*state;
                if new != 0 {
                    if *state == 0 {
                        found.push(link.node);
                    }
                    if *state >> NEWS == 0 {
                        level.push(link.node);
                    }
                    *state |= new | new << NEWS;
                }
            }
        }
    }
    // They caused it, and are not hit by it.
    question.failing.iter().for_each(|node| states[*node as usize] = 0);
    in_order(&mut found, &states, |state| state != 0);
    Some((states, found))
}

/// Puts many nodes, which are those of some states, in order of their indexes, in which they lie in memory: the totals
/// of the largest hub of L took 30 ms in the order in which services are found, and 8 ms in this one.
fn in_order(nodes: &mut Vec<u32>, states: &[u8], are: impl Fn(u8) -> bool) {
    /// One service in so many.
    const MANY: usize = 16;
    if nodes.len() > states.len() / MANY {
        nodes.clear();
        nodes.extend((0..).zip(states).filter(|(_, state)| are(**state)).map(|(node, _)| node));
    }
}

/// What a caller learns from what it calls.
#[inline]
fn passed_on(link: Link, news: u8, include_soft: bool) -> u8 {
    // Without branches: what the next link is like cannot be foretold.
    let (fresh, reaches) = (!link.traits.is_stale(), include_soft | link.traits.is_hard());
    let fails = fresh & link.traits.is_strong();
    news & ((u8::from(fresh & reaches) * REACHED) | (u8::from(fails) * FAILS))
}

impl ImpactTotals {
    /// The totals of services by their nodes.
    pub(super) fn of(graph: &Graph, hit: impl Iterator<Item = (u32, Severity)>) -> Self {
        let mut totals =
            Self { impacted: 0, by_severity: [0; 2], by_team: Vec::new(), by_criticality: [0; 4] };
        let mut teams: HashMap<&str, u32> = HashMap::new();
        for (node, severity) in hit {
            let service = graph.node(node).service();
            totals.impacted += 1;
            totals.by_severity[severity as usize] += 1;
            totals.by_criticality[service.criticality() as usize] += 1;
            *teams.entry(service.team().unwrap_or(NO_TEAM)).or_default() += 1;
        }
        totals.by_team = teams.into_iter().map(|(team, count)| (team.into(), count)).collect();
        totals.by_team.sort_unstable();
        totals
    }
}
