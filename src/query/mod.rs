//! What callers ask: pure functions of a `&Graph`.
//!
//! - Nothing here tells the time, does I/O, locks, or allocates per visited dependency.
//! - An answer depends on the graph and the question alone, order included.

mod alerts;
mod availability;
mod impact;
mod listing;
mod scratch;
mod stats;
mod traverse;

pub use alerts::{AlertFilter, AlertFound, alert_found, list_alerts};
pub use availability::{
    AvailabilityChange, CompositeChange, availability_callers, availability_impact, own_availability,
};
pub use impact::{FailingSet, Impact, ImpactQuestion, Impacted, Severity, impact};
pub use listing::{ServiceFilter, list};
pub use scratch::Scratch;
pub use stats::{Stats, stats};
pub use traverse::{DependencyFilter, EdgeFound, OverBudget, Traversal, TraverseQuestion, traverse};

#[cfg(test)]
mod tests;
