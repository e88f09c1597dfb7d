//! Dependencies that metrics in Prometheus tell of: service graphs of traces, and the telemetry of meshes.
//!
//! ```text
//! Source ─▶ queries ─▶ (the caller asks Prometheus) ─▶ Answer ─▶ read ─▶ Found
//! ```
//!
//! Not the client: nothing here sends a request. Not the rates: a series says that one service called another in the
//! window, and not how often.
//!
//! - A series counts when its value is above zero; `NaN` is not.
//! - Two series of one dependency are one dependency, whoever reported them: nothing is added up.
//! - Of a call with one end that nobody can name, the other end is a service all the same.
//! - An answer with warnings may be partial: what it has counts, and what it lacks says nothing.

pub mod answer;
mod hubble;
mod istio;
mod linkerd;
mod mesh;
mod other_names;
pub mod query;
mod service_graph;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use answer::{Answer, InvalidAnswer, Series};
pub use mesh::Mesh;
pub use service_graph::{Labels, ServiceGraph};

use super::found::{Found, Name};

/// Which metrics are asked for dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A service graph that was made from traces.
    ServiceGraph(ServiceGraph),
    /// The telemetry of a mesh.
    Mesh(Mesh),
}

impl Source {
    /// What to ask Prometheus for what was seen in the last `window`; four scrapes at least should fit into it.
    pub fn queries(&self, window: Duration) -> Vec<String> {
        match self {
            Self::ServiceGraph(graph) => vec![graph.query(window)],
            Self::Mesh(mesh) => mesh.queries(window),
        }
    }

    /// What the answers say, which stand in the order of the queries. O(series · log series).
    pub fn read(&self, answers: &[Answer]) -> Found {
        let mut found = Found::default();
        match self {
            Self::ServiceGraph(graph) => answers.iter().for_each(|answer| found.extend(graph.read(answer))),
            Self::Mesh(mesh) => found.extend(mesh.read(answers)),
        }
        found
    }
}

/// The ends of a call as services; `None` and counted where one of them has no name.
fn both_ends(
    found: &mut Found,
    from: Option<Name>,
    on: Option<Name>,
    otherwise: &'static str,
) -> Option<(Name, Name)> {
    for end in [&from, &on].into_iter().flatten() {
        found.service(end);
    }
    let ends = from.zip(on);
    if ends.is_none() {
        found.leave_out(otherwise);
    }
    ends
}

fn note_warnings(found: &mut Found, answer: &Answer) {
    for warning in &answer.warnings {
        found.note(format!("the answer may be partial: {warning}"));
    }
}
