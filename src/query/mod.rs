//! What callers ask: pure functions of a `&Graph`.
//!
//! - Nothing here tells the time, does I/O, locks, or allocates per visited dependency.
//! - An answer depends on the graph and the question alone, order included.

mod alerts;
mod availability;
mod callers;
mod closures;
mod critical;
mod difference;
mod divergence;
mod dominators;
mod impact;
mod listing;
mod paths;
mod scratch;
mod stats;
mod totals;
mod traverse;
mod view;

pub use alerts::{AlertFilter, AlertFound, alert_found, list_alerts};
pub use availability::{
    AvailabilityChange, CompositeChange, availability_callers, availability_impact, own_availability,
};
pub use critical::{Critical, critical};
pub use difference::{DependencyMember, Difference, ServiceMember, difference};
pub use divergence::{Divergence, DivergencePage, divergence};
pub use impact::{FailingSet, Impact, ImpactQuestion, Impacted, Severity, impact};
pub use listing::{ServiceFilter, list};
pub use paths::{PathsError, PathsQuestion, paths};
pub use scratch::Scratch;
pub use stats::{Stats, stats};
pub use totals::{ImpactTotals, impact_totals};
pub use traverse::{DependencyFilter, EdgeFound, OverBudget, Traversal, TraverseQuestion, traverse};

#[cfg(test)]
mod tests;
