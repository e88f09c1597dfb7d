//! Commands applied to a graph: the only code that makes the next version.
//!
//! - [`admit`] may refuse and changes nothing; [`apply`] is total.
//! - Both are pure functions of the graph and the command: no clock, no randomness, no hash-map
//!   order. Replaying a log gives the same graphs and the same outcomes.
//! - One file for each kind of change; `cycles` brings components and alerts up to date after any of them.

mod alerts;
mod cycles;
mod removal;
mod service;
mod sweep;
#[cfg(test)]
pub(crate) mod testing;
mod upsert;

use uuid::Uuid;

use crate::graph::{Edit, FreshnessChanges, Graph};
use crate::ledger::Recalled;
use crate::limits;
use crate::types::{
    AlertStatus, Change, Command, Once, Outcome, Remembered, ServiceId, Timestamp, Upsert, Upserted,
};

/// Why a valid command cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The graph could outgrow its node indexes.
    #[error("the graph holds at most {} services", limits::GRAPH_SERVICES_MAX)]
    TooManyServices,
    /// The graph could outgrow its bound.
    #[error("the graph holds at most {} dependencies", limits::GRAPH_DEPENDENCIES_MAX)]
    TooManyDependencies,
    /// No service has the id.
    #[error("no service has this id")]
    UnknownService,
    /// The one service does not depend on the other, or not as far as the source knows.
    #[error("there is no such dependency, or the source does not report it")]
    UnknownDependency,
    /// No alert has the id.
    #[error("no alert has this id")]
    UnknownAlert,
    /// The alert is not in a state from which it can get to the one asked for.
    #[error("the alert is {} already", .0.as_str())]
    AlertState(AlertStatus),
    /// The mark of the command stands for another one.
    #[error("the key was used for another request")]
    KeyReused,
}

/// What a command did before, if it is to be carried out once and was: then it is not to be applied again.
pub fn recall(graph: &Graph, command: &Command) -> Result<Option<Outcome>, Refusal> {
    let recalled = command.once.as_ref().and_then(|once| graph.ledger().recall(once, command.at));
    match recalled {
        None => Ok(None),
        Some(Recalled::Same(remembered)) => Ok(Some(Outcome::Repeated(remembered.clone()))),
        Some(Recalled::Other) => Err(Refusal::KeyReused),
    }
}

/// What a command comes to that changes nothing and need not be remembered: such a one is not applied.
pub fn without_effect(command: &Command) -> Option<Outcome> {
    match &command.change {
        Change::Upsert(upsert) if upsert.is_empty() && command.once.is_none() => {
            Some(Outcome::Upserted(Upserted::default()))
        }
        Change::Upsert(_)
        | Change::Register(_)
        | Change::Withdraw(_)
        | Change::RemoveService(_)
        | Change::SetAvailabilityTarget { .. }
        | Change::Sweep(_)
        | Change::Acknowledge { .. }
        | Change::Resolve { .. } => None,
    }
}

/// Whether the graph can take the command; how much it could grow is judged by what it could add at most.
/// O(log services + log alerts).
pub fn admit(graph: &Graph, command: &Command) -> Result<(), Refusal> {
    match &command.change {
        Change::Upsert(upsert) => admit_upsert(graph, upsert),
        Change::Register(report) if graph.find(report.service_id.as_str()).is_some() => Ok(()),
        Change::Register(_) => admit_services(graph, 1),
        Change::Withdraw(withdrawal) => removal::admit_withdrawal(graph, withdrawal),
        Change::RemoveService(service_id) | Change::SetAvailabilityTarget { service_id, .. } => {
            find(graph, service_id).map(|_| ())
        }
        Change::Sweep(_) => Ok(()),
        Change::Acknowledge { alert_id, .. } => alerts::admit_acknowledgement(graph, *alert_id),
        Change::Resolve { alert_id, .. } => alerts::admit_resolution(graph, *alert_id),
    }
}

fn admit_upsert(graph: &Graph, upsert: &Upsert) -> Result<(), Refusal> {
    admit_services(graph, (upsert.nodes.len() + 2 * upsert.edges.len()) as u64)?;
    if graph.counts().dependencies + upsert.edges.len() as u64 > limits::GRAPH_DEPENDENCIES_MAX {
        return Err(Refusal::TooManyDependencies);
    }
    Ok(())
}

fn admit_services(graph: &Graph, more: u64) -> Result<(), Refusal> {
    if u64::from(graph.node_count()) + more > u64::from(limits::GRAPH_SERVICES_MAX) {
        return Err(Refusal::TooManyServices);
    }
    Ok(())
}

fn find(graph: &Graph, service_id: &ServiceId) -> Result<u32, Refusal> {
    graph.find(service_id.as_str()).ok_or(Refusal::UnknownService)
}

/// The next version and what became of the command in it.
///
/// A command that was not admitted changes nothing but the version.
pub fn apply(graph: &Graph, command: &Command) -> (Graph, Outcome) {
    let (next, outcome) = match &command.change {
        Change::Upsert(upsert) => {
            let (next, upserted) = upsert::apply(graph, command, upsert);
            (next, Outcome::Upserted(upserted))
        }
        Change::Register(report) => service::register(graph, command, report),
        Change::Withdraw(withdrawal) => removal::withdraw(graph, command, withdrawal),
        Change::RemoveService(service_id) => removal::remove_service(graph, command, service_id),
        Change::SetAvailabilityTarget { service_id, percent } => {
            service::set_availability_target(graph, service_id, *percent)
        }
        Change::Sweep(sweep) => sweep::apply(graph, command, sweep),
        Change::Acknowledge { alert_id, by } => alerts::acknowledge(graph, *alert_id, by),
        Change::Resolve { alert_id, notes } => alerts::resolve(graph, *alert_id, notes),
    };
    let mut ledger = next.ledger().noted(command, next.version());
    if let (Some(once), Outcome::Upserted(upserted)) = (&command.once, &outcome) {
        ledger = ledger.remembering(remembered(command, once, next.version(), upserted));
    }
    (next.with_ledger(ledger), outcome)
}

fn remembered(command: &Command, once: &Once, version: u64, upserted: &Upserted) -> Remembered {
    Remembered {
        key: once.key,
        body: once.body,
        received: once.received.clone(),
        command_id: command.id,
        at: command.at,
        version,
        upserted: upserted.clone(),
    }
}

/// The next version of a graph, components up to date, and the keys of those that are new or not as before.
fn finish(graph: &Graph, edit: Edit<'_>, occasion: (Uuid, Timestamp)) -> (Graph, Vec<u32>) {
    let (next, freshness): (Graph, FreshnessChanges) = edit.finish(graph.version() + 1);
    cycles::update(graph, next, &freshness, occasion)
}

#[cfg(test)]
mod tests;
