//! Staleness, judged for the whole graph at one instant that the command brings.
//!
//! - An observation that was last made longer ago than its source's threshold is marked; nothing but a newer
//!   observation takes the mark away.
//! - Where the operator asked for it, dependencies that have been stale for too long go, and with them the
//!   placeholders that no dependency names any more. How long is counted from when the threshold was passed, and
//!   an earlier sweep must have marked them: what a long pause makes old is marked first, and can be observed
//!   again before it goes.
//! - O(services + dependencies).

use super::finish;
use crate::graph::{Edit, Graph, Node};
use crate::types::{Command, Dependency, Observation, Outcome, Sweep, Swept, Timestamp};

pub(super) fn apply(graph: &Graph, command: &Command, sweep: &Sweep) -> (Graph, Outcome) {
    let mut edit = graph.edit();
    let mut swept = Swept::default();
    let at = command.at;
    let stale_before = sweep.stale_after.map(|threshold| threshold.map(|threshold| before(at, threshold)));
    let purged_before = sweep.purge_after.map(|threshold| before(at, threshold));
    // How many dependencies each service is left with.
    let mut degrees = vec![0u32; graph.node_count() as usize];
    for source in 0..graph.node_count() {
        for (link, dependency) in graph.outgoing(source).iter().zip(graph.dependencies(source)) {
            let pair = (source, link.node);
            let since = if dependency.is_stale() { stale_from(dependency, sweep) } else { None };
            if since.zip(purged_before).is_some_and(|(since, before)| since < before) {
                edit.set_dependency(pair.0, pair.1, None);
                swept.dependencies_purged += 1;
                continue;
            }
            degrees[pair.0 as usize] += 1;
            degrees[pair.1 as usize] += 1;
            swept.marked += mark(&mut edit, pair, dependency, &stale_before, at);
        }
    }
    if purged_before.is_some() {
        swept.services_purged = purge_placeholders(graph, &mut edit, &degrees);
    }
    let (next, _) = finish(graph, edit, (command.id, command.at));
    let audit_from = sweep.audit_retain.map(|threshold| before(at, threshold));
    let ledger = next.ledger().clone().swept(at, audit_from);
    (next.with_ledger(ledger), Outcome::Swept(swept))
}

/// From when on the last of a dependency's observations counts as stale: when it passed its threshold, or, where
/// there is none any more, when it was marked.
fn stale_from(dependency: &Dependency, sweep: &Sweep) -> Option<Timestamp> {
    let from = |observation: &Observation| match sweep.stale_after[observation.source as usize] {
        Some(threshold) => Some(observation.last_observed_at.plus_microseconds(threshold)),
        None => observation.stale_since,
    };
    dependency.observations().iter().filter_map(from).max()
}

fn before(at: Timestamp, microseconds: i64) -> Timestamp {
    at.plus_microseconds(microseconds.saturating_neg())
}

/// Marks the observations of a dependency that are too old; how many that are.
fn mark(
    edit: &mut Edit<'_>,
    (source, target): (u32, u32),
    dependency: &Dependency,
    stale_before: &[Option<Timestamp>; 4],
    at: Timestamp,
) -> u64 {
    let is_due = |observation: &Observation| {
        let threshold = stale_before[observation.source as usize];
        !observation.is_stale() && threshold.is_some_and(|before| observation.last_observed_at < before)
    };
    let due = dependency.observations().iter().filter(|observation| is_due(observation));
    let due: Vec<Observation> = due.cloned().collect();
    if !due.is_empty() {
        let marked = due.iter().fold(dependency.clone(), |dependency, observation| {
            dependency.with(Observation { stale_since: Some(at), ..observation.clone() })
        });
        edit.set_dependency(source, target, Some(marked));
    }
    due.len() as u64
}

fn purge_placeholders(graph: &Graph, edit: &mut Edit<'_>, degrees: &[u32]) -> u64 {
    let mut purged = 0;
    for index in 0..graph.node_count() {
        let Some(service) = graph.get(index).map(Node::service) else { continue };
        // A service with an SLO target was written down by somebody, too.
        let is_placeholder = service.is_discovered() && service.availability_target().is_none();
        if is_placeholder && degrees[index as usize] == 0 {
            edit.remove(index);
            purged += 1;
        }
    }
    purged
}
