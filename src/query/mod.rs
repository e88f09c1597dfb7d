//! What callers ask: pure functions of a `&Graph`.
//!
//! - Nothing here tells the time, does I/O, locks, or allocates per visited dependency.
//! - An answer depends on the graph and the question alone, order included.

mod callers;
mod critical;
mod divergence;
mod dominators;
mod listing;
mod paths;
mod scratch;
mod stats;
mod traverse;
mod view;

pub use critical::{Critical, critical};
pub use divergence::{Divergence, DivergencePage, divergence};
pub use listing::{ServiceFilter, list};
pub use paths::{PathsError, PathsQuestion, paths};
pub use scratch::Scratch;
pub use stats::{Stats, stats};
pub use traverse::{DependencyFilter, EdgeFound, OverBudget, Traversal, TraverseQuestion, traverse};

#[cfg(test)]
mod tests;
