//! Components kept up to date while dependencies come, go and turn stale.

use petgraph::graphmap::DiGraphMap;
use proptest::prelude::*;

use super::{hard_sync, second, service_id};
use crate::apply::cycles::update;
use crate::graph::{Graph, strongly_connected};
use crate::types::{Dependency, DiscoverySource, Observation, Service};
use uuid::Uuid;

#[derive(Clone, Copy, Debug)]
enum Step {
    Fresh,
    Stale,
    Gone,
}

fn dependency(step: Step) -> Option<Dependency> {
    let mut observation = Observation::first(DiscoverySource::Manual, hard_sync(), second(0));
    match step {
        Step::Fresh => {}
        Step::Stale => observation.stale_since = Some(second(1)),
        Step::Gone => return None,
    }
    Some(Dependency::of(observation))
}

fn graph_of(nodes: u32) -> Graph {
    let empty = Graph::default();
    let mut edit = empty.edit();
    for node in 0..nodes {
        // Names in another order than indexes.
        let name = service_id(&format!("s{}", (u64::from(node) * 7) % u64::from(nodes)));
        edit.create(Service::placeholder(name, Uuid::from_u128(u128::from(node)), second(0)));
    }
    edit.finish(1).0
}

/// One edit with some steps, components brought up to date.
fn change(graph: &Graph, steps: &[((u32, u32), Step)], command: u128) -> (Graph, Vec<u32>) {
    let mut edit = graph.edit();
    for ((source, target), step) in steps {
        edit.set_dependency(*source, *target, dependency(*step));
    }
    let (next, changes) = edit.finish(graph.version() + 1);
    update(graph, next, &changes, (Uuid::from_u128(command), second(0)))
}

fn components(graph: &Graph) -> Vec<Vec<u32>> {
    let mut all: Vec<_> = graph.cycles().components().map(|(_, each)| each.members.clone()).collect();
    all.sort_unstable();
    all
}

/// What petgraph finds in the fresh dependencies.
fn expected(graph: &Graph) -> Vec<Vec<u32>> {
    let mut map = DiGraphMap::<u32, ()>::new();
    for node in 0..graph.node_count() {
        for link in graph.outgoing(node).iter().filter(|link| !link.traits.is_stale()) {
            map.add_edge(node, link.node, ());
        }
    }
    let mut all: Vec<Vec<u32>> = petgraph::algo::tarjan_scc(&map);
    all.retain(|component| component.len() > 1);
    for component in &mut all {
        component.sort_unstable();
    }
    all.sort_unstable();
    all
}

const NODES: u32 = 9;

fn steps() -> impl Strategy<Value = Vec<Vec<((u32, u32), Step)>>> {
    let step = prop_oneof![4 => Just(Step::Fresh), 1 => Just(Step::Stale), 2 => Just(Step::Gone)];
    let pair = (0..NODES, 0..NODES).prop_filter("no self-loops", |(source, target)| source != target);
    let edit = prop::collection::btree_map(pair, step, 1..6);
    prop::collection::vec(edit.prop_map(|edit| edit.into_iter().collect()), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn components_follow_every_change(edits in steps()) {
        let mut graph = graph_of(NODES);
        for (number, edit) in edits.iter().enumerate() {
            let before = graph.clone();
            let (next, changed) = change(&graph, edit, number as u128);
            prop_assert_eq!(next.check(), Ok(()));
            prop_assert_eq!(components(&next), expected(&next));
            for (key, component) in next.cycles().components() {
                let same = before.cycles().component(key) == Some(component);
                prop_assert_eq!(changed.contains(&key), !same, "component {} of edit {}", key, number);
            }
            prop_assert_eq!(before.check(), Ok(()), "the old version is as it was");
            graph = next;
        }
    }
}

#[test]
fn an_alert_follows_its_component_while_it_grows_splits_and_shrinks() {
    use Step::{Fresh, Gone};
    let (graph, keys) = change(&graph_of(6), &[((0, 1), Fresh), ((1, 0), Fresh)], 100);
    let first = graph.cycles().component(keys[0]).unwrap().alert_id;

    let grow = [((1, 2), Fresh), ((2, 0), Fresh), ((2, 3), Fresh), ((3, 4), Fresh), ((4, 2), Fresh)];
    let (graph, keys) = change(&graph, &grow, 101);
    let grown = graph.cycles().component(keys[0]).unwrap();
    assert_eq!((grown.members.as_slice(), grown.alert_id), (&[0, 1, 2, 3, 4][..], first));

    let (graph, keys) = change(&graph, &[((2, 0), Gone)], 102);
    let split: Vec<_> = keys.iter().map(|key| graph.cycles().component(*key).unwrap()).collect();
    let larger = split.iter().find(|component| component.members == [2, 3, 4]).unwrap();
    let smaller = split.iter().find(|component| component.members == [0, 1]).unwrap();
    assert_eq!(larger.alert_id, first, "it shares most members");
    assert_ne!(smaller.alert_id, first);

    let (graph, keys) = change(&graph, &[((3, 4), Gone)], 103);
    assert_eq!((keys, components(&graph)), (vec![], vec![vec![0, 1]]));
}

#[test]
fn a_chain_deeper_than_any_stack_closes_into_one_component() {
    let length = 100_000;
    let empty = Graph::default();
    let mut edit = empty.edit();
    for node in 0..length {
        let name = service_id(&format!("s{node}"));
        edit.create(Service::placeholder(name, Uuid::from_u128(u128::from(node)), second(0)));
        edit.set_dependency(node, (node + 1) % length, dependency(Step::Fresh));
    }
    let (graph, changes) = edit.finish(1);
    let (graph, keys) = update(&empty, graph, &changes, (Uuid::from_u128(7), second(0)));
    let component = graph.cycles().component(keys[0]).unwrap();
    assert_eq!((component.members.len(), component.path.len()), (length as usize, length as usize + 1));
    assert_eq!(strongly_connected(&graph, 0..length, |node| node != 5), Vec::<Vec<u32>>::new());
}

#[test]
fn a_long_acyclic_chain_in_one_edit_is_no_component() {
    let length = 100_000;
    let graph = graph_of(length);
    let steps: Vec<_> = (1..length).map(|node| ((node - 1, node), Step::Fresh)).collect();
    // A search for each dependency would look at 5,000,000,000 links.
    let (graph, keys) = change(&graph, &steps, 1);
    assert_eq!((keys, graph.cycles().len()), (vec![], 0));
    let (graph, keys) = change(&graph, &[((length - 1, 0), Step::Fresh)], 2);
    assert_eq!(graph.cycles().component(keys[0]).unwrap().members.len(), length as usize);
}
