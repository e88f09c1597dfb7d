//! Graphs for the tests of this room: made of a few numbers, drawn or given, cycles included.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::campaign::Random;
use crate::graph::{Component, Graph, strongly_connected};
use crate::types::{Attributes, Dependency, DiscoverySource, Observation, Service, ServiceId, Timestamp};

/// What each source says of a dependency: stale or not.
pub(super) type Observations = Vec<(DiscoverySource, bool)>;

/// Dependencies by caller and callee.
pub(super) type Edges = BTreeMap<(u32, u32), Observations>;

fn at() -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000).unwrap()
}

/// A name that does not sort as its number does.
pub(super) fn name(node: u32) -> String {
    format!("s{:03}-{node}", (u64::from(node) * 7_919 + 13) % 997)
}

/// Services named by [`name`], and their dependencies.
pub(super) fn graph(nodes: u32, edges: impl IntoIterator<Item = ((u32, u32), Observations)>) -> Graph {
    let empty = Graph::default();
    let mut edit = empty.edit();
    for node in 0..nodes {
        let id = ServiceId::parse(&name(node)).unwrap();
        edit.create(Service::placeholder(id, Uuid::from_u128(u128::from(node)), at()));
    }
    for ((source, target), observations) in edges {
        edit.set_dependency(source, target, Some(dependency(&observations)));
    }
    with_cycles(edit.finish(1).0)
}

/// The same, each dependency with one fresh observation.
pub(super) fn fresh(nodes: u32, pairs: impl IntoIterator<Item = (u32, u32)>) -> Graph {
    graph(nodes, pairs.into_iter().map(|pair| (pair, vec![(DiscoverySource::Manual, false)])))
}

fn dependency(observations: &[(DiscoverySource, bool)]) -> Dependency {
    let observation = |(source, stale): &(DiscoverySource, bool)| Observation {
        stale_since: stale.then(at),
        ..Observation::first(*source, Attributes::hard_sync(), at())
    };
    let mut all = observations.iter().map(observation);
    let first = Dependency::of(all.next().unwrap());
    all.fold(first, |dependency, observation| dependency.with(observation))
}

/// What `apply` does behind an edit.
fn with_cycles(graph: Graph) -> Graph {
    let found = strongly_connected(&graph, 0..graph.node_count(), |_| true);
    let component = |members: Vec<u32>| {
        let alert_id = Uuid::from_u128(members[0].into());
        Component { alert_id, path: members.clone(), members }
    };
    let found = found.into_iter().map(component).collect();
    graph.replace_cycles(&Graph::default(), &[], found, at()).0
}

/// The graph without a service that has no dependencies.
pub(super) fn without(graph: &Graph, index: u32) -> Graph {
    let mut edit = graph.edit();
    edit.remove(index);
    edit.finish(graph.version()).0
}

/// Up to eight services and whatever is between them.
pub(super) fn random(random: &mut Random) -> (u32, Edges) {
    let nodes = 2 + random.below(7) as u32;
    let density = 1 + random.below(5);
    let mut edges = Edges::new();
    for source in 0..nodes {
        for target in (0..nodes).filter(|target| *target != source) {
            if random.below(10) < density {
                edges.insert((source, target), observations(random));
            }
        }
    }
    (nodes, edges)
}

/// One source or several; each in five is stale.
fn observations(random: &mut Random) -> Observations {
    let mask = 1 + random.below(15);
    let sources = DiscoverySource::ALL.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1);
    sources.map(|(_, source)| (*source, random.below(5) == 0)).collect()
}

/// The pairs of which some observation is fresh.
pub(super) fn fresh_pairs(edges: &Edges) -> Vec<(u32, u32)> {
    let is_fresh = |observations: &Observations| observations.iter().any(|(_, stale)| !stale);
    edges.iter().filter(|(_, observations)| is_fresh(observations)).map(|(pair, _)| *pair).collect()
}
