//! Commands applied to a graph: the only code that makes the next version.
//!
//! - [`admit`] may refuse and changes nothing; [`apply`] is total.
//! - Both are pure functions of the graph and the command: no clock, no randomness, no hash-map
//!   order. Replaying a log gives the same graphs and the same outcomes.

mod cycles;
mod upsert;

pub use upsert::{Conflict, CycleFound, Upserted};

use crate::graph::Graph;
use crate::limits;
use crate::types::{Change, Command};

/// Why a valid command cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The graph could outgrow its node indexes.
    #[error("the graph holds at most {} services", limits::GRAPH_SERVICES_MAX)]
    TooManyServices,
    /// The graph could outgrow its bound.
    #[error("the graph holds at most {} dependencies", limits::GRAPH_DEPENDENCIES_MAX)]
    TooManyDependencies,
}

/// What a command did.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Of [`Change::Upsert`].
    Upserted(Upserted),
}

/// Whether the graph can take the command, judged by what it could add at most. O(1).
pub fn admit(graph: &Graph, command: &Command) -> Result<(), Refusal> {
    match &command.change {
        Change::Upsert(upsert) => {
            let services =
                u64::from(graph.node_count()) + (upsert.nodes.len() + 2 * upsert.edges.len()) as u64;
            if services > u64::from(limits::GRAPH_SERVICES_MAX) {
                return Err(Refusal::TooManyServices);
            }
            if graph.counts().dependencies + upsert.edges.len() as u64 > limits::GRAPH_DEPENDENCIES_MAX {
                return Err(Refusal::TooManyDependencies);
            }
            Ok(())
        }
    }
}

/// The next version and what became of the command in it.
pub fn apply(graph: &Graph, command: &Command) -> (Graph, Outcome) {
    match &command.change {
        Change::Upsert(upsert) => {
            let (next, upserted) = upsert::apply(graph, command, upsert);
            (next, Outcome::Upserted(upserted))
        }
    }
}

#[cfg(test)]
mod tests;
