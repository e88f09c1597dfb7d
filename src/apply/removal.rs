//! What is taken back: observations, dependencies, services.
//!
//! - A dependency goes with its last observation. Services stay, until somebody removes them.

use super::{Refusal, find, finish};
use crate::graph::{Edit, Graph};
use crate::types::{Command, DiscoverySource, Outcome, ServiceId, Withdrawal};

/// The dependencies that are named have to be there, where there is only one.
pub(super) fn admit_withdrawal(graph: &Graph, withdrawal: &Withdrawal) -> Result<(), Refusal> {
    let [(source, target)] = withdrawal.edges.as_slice() else { return Ok(()) };
    let pair = (find(graph, source)?, find(graph, target)?);
    let dependency = graph.dependency(pair.0, pair.1).ok_or(Refusal::UnknownDependency)?;
    match withdrawal.source {
        Some(source) if dependency.by(source).is_none() => Err(Refusal::UnknownDependency),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn withdraw(graph: &Graph, command: &Command, withdrawal: &Withdrawal) -> (Graph, Outcome) {
    let mut edit = graph.edit();
    let mut edges_removed = 0;
    for (source, target) in &withdrawal.edges {
        let pair = graph.find(source.as_str()).zip(graph.find(target.as_str()));
        edges_removed += pair.map_or(0, |pair| u32::from(withdraw_one(&mut edit, pair, withdrawal.source)));
    }
    (finish(graph, edit, (command.id, command.at)).0, Outcome::Withdrawn { edges_removed })
}

/// Takes back what a source, or all of them, say about a dependency; whether that was the last of it.
pub(super) fn withdraw_one(
    edit: &mut Edit<'_>,
    (source, target): (u32, u32),
    reporter: Option<DiscoverySource>,
) -> bool {
    let Some(before) = edit.dependency(source, target) else { return false };
    let after = match reporter {
        Some(reporter) if before.by(reporter).is_none() => return false,
        Some(reporter) => before.without(reporter),
        None => None,
    };
    let is_gone = after.is_none();
    edit.set_dependency(source, target, after);
    is_gone
}

pub(super) fn remove_service(graph: &Graph, command: &Command, service_id: &ServiceId) -> (Graph, Outcome) {
    let mut edit = graph.edit();
    if let Some(index) = graph.find(service_id.as_str()) {
        edit.remove_dependencies(index);
        edit.remove(index);
    }
    (finish(graph, edit, (command.id, command.at)).0, Outcome::Removed)
}
