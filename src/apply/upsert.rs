//! What a source reports, merged into the graph.
//!
//! - A source's report replaces its own earlier one, of a service and of a dependency.
//! - A report of a dependency that is older than the one stored counts as one more sighting and
//!   changes nothing else.
//! - Where the report is all that the source knows, its observations of other dependencies are withdrawn.
//! - A service that only an edge names becomes a placeholder, and no reference undoes a registration.

use std::collections::HashSet;

use uuid::Uuid;

use super::finish;
use super::removal::withdraw_one;
use crate::graph::{Edit, Graph};
use crate::types::{
    Command, Conflict, CycleFound, Dependency, DiscoverySource, EdgeReport, Mode, NodeReport, Observation,
    Service, ServiceId, Upsert, Upserted,
};

pub(super) fn apply(graph: &Graph, command: &Command, upsert: &Upsert) -> (Graph, Upserted) {
    let mut edit = graph.edit();
    for node in &upsert.nodes {
        report_service(&mut edit, command, upsert.source, node);
    }
    let registered = edit.counts().services;
    let mut conflicts = Vec::new();
    for edge in &upsert.edges {
        let source = find_or_create(&mut edit, command, &edge.source);
        let target = find_or_create(&mut edit, command, &edge.target);
        observe(&mut edit, upsert, edge, (source, target), &mut conflicts);
    }
    let placeholders_created = edit.counts().services - registered;
    let edges_removed = match upsert.mode {
        Mode::Upsert => 0,
        Mode::Replace => withdraw_others(graph, &mut edit, upsert),
    };
    let (next, changed) = finish(graph, edit, (command.id, command.at));
    let cycles = cycles_found(&next, &changed);
    let upserted = Upserted {
        nodes_upserted: upsert.nodes.len() as u32 + placeholders_created,
        edges_upserted: upsert.edges.len() as u32,
        edges_removed,
        placeholders_created,
        conflicts,
        cycles,
    };
    (next, upserted)
}

/// Withdraws the source's observations of dependencies that it does not report. O(dependencies).
fn withdraw_others(graph: &Graph, edit: &mut Edit<'_>, upsert: &Upsert) -> u32 {
    let index = |service_id: &ServiceId| graph.find(service_id.as_str());
    let known = upsert.edges.iter().filter_map(|edge| index(&edge.source).zip(index(&edge.target)));
    let reported: HashSet<(u32, u32)> = known.collect();
    let mut removed = 0;
    for source in 0..graph.node_count() {
        for link in graph.outgoing(source) {
            let pair = (source, link.node);
            if link.traits.is_observed_by(upsert.source) && !reported.contains(&pair) {
                removed += u32::from(withdraw_one(edit, pair, Some(upsert.source)));
            }
        }
    }
    removed
}

pub(super) fn report_service(
    edit: &mut Edit<'_>,
    command: &Command,
    source: DiscoverySource,
    report: &NodeReport,
) {
    let metadata = report.metadata.clone();
    match edit.find(&report.service_id) {
        Some(index) => edit.replace(index, edit.service(index).reported(source, metadata, command.at)),
        None => {
            edit.create(placeholder(command, &report.service_id).reported(source, metadata, command.at));
        }
    }
}

fn find_or_create(edit: &mut Edit<'_>, command: &Command, service_id: &ServiceId) -> u32 {
    match edit.find(service_id) {
        Some(index) => index,
        None => edit.create(placeholder(command, service_id)),
    }
}

/// A service's UUID follows from the command's and the service's name, so that a replay gives the
/// same one.
fn placeholder(command: &Command, service_id: &ServiceId) -> Service {
    let id = Uuid::new_v5(&command.id, service_id.as_str().as_bytes());
    Service::placeholder(service_id.clone(), id, command.at)
}

fn observe(
    edit: &mut Edit<'_>,
    upsert: &Upsert,
    report: &EdgeReport,
    (source, target): (u32, u32),
    conflicts: &mut Vec<Conflict>,
) {
    let Some(before) = edit.dependency(source, target) else {
        edit.set_dependency(source, target, Some(Dependency::of(first_observation(upsert, report))));
        return;
    };
    let observation = match before.by(upsert.source) {
        None => first_observation(upsert, report),
        Some(earlier) => {
            let times_observed = earlier.times_observed.saturating_add(1);
            if upsert.observed_at < earlier.last_observed_at {
                let counted = Observation { times_observed, ..earlier.clone() };
                edit.set_dependency(source, target, Some(before.with(counted)));
                return;
            }
            Observation { times_observed, ..first_observation(upsert, report) }
        }
    };
    let differs = |other: &&Observation| {
        other.source != upsert.source && !other.is_stale() && other.attributes != report.attributes
    };
    conflicts.extend(before.observations().iter().filter(differs).map(|other| Conflict {
        source: report.source.clone(),
        target: report.target.clone(),
        existing_source: other.source,
        new_source: upsert.source,
    }));
    edit.set_dependency(source, target, Some(before.with(observation)));
}

fn first_observation(upsert: &Upsert, report: &EdgeReport) -> Observation {
    Observation::first(upsert.source, report.attributes.clone(), upsert.observed_at)
}

fn cycles_found(graph: &Graph, keys: &[u32]) -> Vec<CycleFound> {
    let component = |key: &u32| graph.cycles().component(*key).expect("a changed component is in the graph");
    let mut found: Vec<_> = keys
        .iter()
        .map(component)
        .map(|component| CycleFound {
            alert_id: component.alert_id,
            path: component.path.iter().map(|node| graph.name(*node).clone()).collect(),
        })
        .collect();
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    found
}
