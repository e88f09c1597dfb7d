//! What a change of one service's availability does to those that need it.
//!
//! - A service needs its closure: what it reaches over fresh dependencies for which it waits and with which it
//!   fails. Its composite availability is the product over the closure, itself included, in which everything
//!   counts once, however many paths lead there.
//! - Services that need each other stand and fall together: a component counts once, as its weakest member.
//! - Whoever is asked about reaches the service that changes, and so all that this one needs: that part of the
//!   product is the same for all of them and worked out once. See `closures` for the rest.

use super::closures::Closures;
use crate::graph::{Graph, Link};
use crate::limits;
use crate::query::OverBudget;
use crate::types::{Service, ServiceType};

/// A proposed change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvailabilityChange {
    /// The service that changes.
    pub node: u32,
    /// Its availability now, a ratio.
    pub current: f64,
    /// Its availability then, a ratio.
    pub proposed: f64,
    /// How many hops upstream to look.
    pub max_depth: u8,
}

/// What a change does to a service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompositeChange {
    /// Its node.
    pub node: u32,
    /// Hops to the service that changes.
    pub distance: u8,
    /// The composite availability now, a ratio.
    pub current: f64,
    /// The composite availability then, a ratio.
    pub projected: f64,
}

/// The services that reach the changed one within its depth, by distance and then as found, with what the
/// change does to each. `budget` bounds the links looked at; sixteen multiplications count as one. O(links of
/// what they need, for every 128 services anew, + members of all closures but for what the changed service needs
/// itself).
pub fn availability_impact(
    graph: &Graph,
    change: AvailabilityChange,
    budget: u64,
) -> Result<Vec<CompositeChange>, OverBudget> {
    let mut looks = Looks { left: budget };
    changes(graph, change, &mut looks).ok_or(OverBudget { budget })
}

fn changes(graph: &Graph, change: AvailabilityChange, looks: &mut Looks) -> Option<Vec<CompositeChange>> {
    let callers = callers(graph, change, looks)?;
    let own = |node: u32| {
        if node == change.node {
            return [change.current, change.proposed];
        }
        [own_availability(graph.node(node).service()); 2]
    };
    let nodes: Vec<u32> = callers.iter().map(|(node, _)| *node).collect();
    let closures = Closures::of(graph, change.node, &nodes, own, looks)?;
    let products = closures.products(&nodes, looks)?;
    let changes = callers.into_iter().zip(products).map(|((node, distance), [current, projected])| {
        CompositeChange { node, distance, current, projected }
    });
    Some(changes.collect())
}

/// The services that reach the changed one, with distances, by distance and then as found. `budget` as above.
pub fn availability_callers(
    graph: &Graph,
    node: u32,
    max_depth: u8,
    budget: u64,
) -> Result<Vec<(u32, u8)>, OverBudget> {
    let change = AvailabilityChange { node, current: 1.0, proposed: 1.0, max_depth };
    callers(graph, change, &mut Looks { left: budget }).ok_or(OverBudget { budget })
}

/// A service's own availability, a ratio: what was measured, else what an external provider promises less a
/// little, else a default.
pub fn own_availability(service: &Service) -> f64 {
    let facts = service.facts();
    let promised = match service.service_type() {
        ServiceType::External => facts.published_sla.map(|sla| (sla - limits::SLA_DEDUCTION_RATIO).max(0.0)),
        ServiceType::Internal => None,
    };
    facts.availability.or(promised).unwrap_or(limits::AVAILABILITY_DEFAULT_RATIO)
}

/// How many multiplications cost as much as a look at a link.
pub(super) const FACTORS_PER_LOOK: u64 = 16;

/// Links that may still be looked at.
pub(super) struct Looks {
    pub(super) left: u64,
}

impl Looks {
    /// Takes away what was looked at; `None` when there was less left.
    pub(super) fn spend(&mut self, looks: u64) -> Option<()> {
        self.left = self.left.checked_sub(looks)?;
        Some(())
    }
}

/// Whether a caller needs what this leads to: it waits for it, and fails with it.
pub(super) fn is_needed(link: Link) -> bool {
    link.traits.is_strong() && !link.traits.is_stale()
}

fn callers(graph: &Graph, change: AvailabilityChange, looks: &mut Looks) -> Option<Vec<(u32, u8)>> {
    let mut seen = vec![false; graph.node_count() as usize];
    seen[change.node as usize] = true;
    let mut found: Vec<(u32, u8)> = Vec::new();
    let mut level = vec![change.node];
    for distance in 1..=change.max_depth {
        let mut next = Vec::new();
        for node in level {
            let links = graph.incoming(node);
            looks.spend(links.len() as u64)?;
            for link in links.iter().filter(|link| is_needed(**link)) {
                if !std::mem::replace(&mut seen[link.node as usize], true) {
                    found.push((link.node, distance));
                    next.push(link.node);
                }
            }
        }
        level = next;
    }
    Some(found)
}
