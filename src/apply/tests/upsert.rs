//! Upserts against the model, and the rules one by one.

use proptest::prelude::*;

use super::model::{Expected, Model};
use super::{attributes, command, edge, hard_sync, node, second};
use crate::apply::{admit, apply};
use crate::graph::Graph;
use crate::types::{
    Command, CommunicationMode, Conflict, Criticality, DependencyCriticality, DiscoverySource, EdgeReport,
    NodeReport, Outcome, Upserted,
};

fn upserted(graph: &Graph, command: &Command) -> (Graph, Upserted) {
    assert_eq!(admit(graph, command), Ok(()));
    let (next, Outcome::Upserted(upserted)) = apply(graph, command) else { panic!("a report") };
    (next, upserted)
}

fn source() -> impl Strategy<Value = DiscoverySource> {
    prop::sample::select(DiscoverySource::ALL)
}

fn name() -> impl Strategy<Value = String> {
    (0..40u8).prop_map(|number| format!("s{number}"))
}

fn nodes() -> impl Strategy<Value = Vec<NodeReport>> {
    let metadata = prop::option::of((0..3u8, 0..3u8).prop_map(|(team, tier)| match team {
        0 => "{}".to_owned(),
        team => format!(r#"{{"team":"t{team}","k{tier}":{tier}}}"#),
    }));
    let nodes = prop::collection::btree_map(name(), metadata, 0..5);
    nodes.prop_map(|nodes| nodes.iter().map(|(id, metadata)| node(id, metadata.as_deref())).collect())
}

fn edges() -> impl Strategy<Value = Vec<EdgeReport>> {
    let kind =
        (prop::sample::select(CommunicationMode::ALL), prop::sample::select(DependencyCriticality::ALL));
    let edges = prop::collection::hash_map((name(), name()), kind, 0..12);
    edges.prop_map(|edges| {
        let distinct = edges.iter().filter(|((source, target), _)| source != target);
        distinct
            .map(|((source, target), (mode, level))| edge(source, target, attributes(*mode, *level)))
            .collect()
    })
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let one = (source(), 0..5i64, nodes(), edges());
    prop::collection::vec(one, 1..16).prop_map(|all| {
        let numbered = all.into_iter().zip(0u32..);
        numbered
            .map(|((source, at, nodes, edges), number)| command(number, source, second(at), nodes, edges))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_version_equals_the_model_and_a_rebuild(commands in commands()) {
        let (mut graph, mut model) = (Graph::default(), Model::default());
        for (number, command) in commands.iter().enumerate() {
            let (next, upserted) = upserted(&graph, command);
            let expected = model.apply(command);
            prop_assert_eq!(next.version(), number as u64 + 1);
            prop_assert_eq!(next.check(), Ok(()));
            prop_assert_eq!(&Model::of(&next), &model);
            prop_assert_eq!(reported(&upserted), expected);
            for (_, node) in next.in_order(None) {
                let service = node.service();
                let shown: serde_json::Value = serde_json::from_str(service.metadata_json()).unwrap();
                prop_assert_eq!(shown, model.shown_metadata(service.service_id().as_str()));
            }
            graph = next;
        }
        let rebuilt = commands.iter().fold(Graph::default(), |graph, command| apply(&graph, command).0);
        for index in 0..graph.node_count() {
            prop_assert_eq!(graph.node(index).service(), rebuilt.node(index).service());
            prop_assert_eq!(graph.outgoing(index), rebuilt.outgoing(index));
            prop_assert_eq!(graph.dependencies(index), rebuilt.dependencies(index));
        }
        let components = |graph: &Graph| -> Vec<_> {
            graph.cycles().components().map(|(key, component)| (key, component.clone())).collect()
        };
        prop_assert_eq!(components(&graph), components(&rebuilt));
    }
}

fn reported(upserted: &Upserted) -> Expected {
    let conflict = |each: &Conflict| (each.source.to_string(), each.target.to_string(), each.existing_source);
    Expected {
        placeholders: upserted.placeholders_created,
        conflicts: upserted.conflicts.iter().map(conflict).collect(),
    }
}

#[test]
fn an_older_report_counts_and_changes_nothing_else() {
    let source = DiscoverySource::Kubernetes;
    let soft = attributes(CommunicationMode::Async, DependencyCriticality::Soft);
    let (graph, _) = upserted(
        &Graph::default(),
        &command(0, source, second(9), vec![], vec![edge("a", "b", hard_sync())]),
    );
    let (graph, _) =
        upserted(&graph, &command(1, source, second(8), vec![], vec![edge("a", "b", soft.clone())]));
    let shown = graph.dependency(0, 1).unwrap().shown();
    assert_eq!(
        (&shown.attributes, shown.times_observed, shown.last_observed_at),
        (&hard_sync(), 2, second(9))
    );
    let (graph, _) =
        upserted(&graph, &command(2, source, second(9), vec![], vec![edge("a", "b", soft.clone())]));
    let shown = graph.dependency(0, 1).unwrap().shown();
    assert_eq!((&shown.attributes, shown.times_observed), (&soft, 3), "one of the same instant replaces");
}

#[test]
fn a_reference_never_undoes_a_registration() {
    let report = node("b", Some(r#"{"criticality":"critical"}"#));
    let source = DiscoverySource::Manual;
    let (graph, first) = upserted(&Graph::default(), &command(0, source, second(0), vec![report], vec![]));
    assert_eq!((first.nodes_upserted, first.placeholders_created), (1, 0));
    let edges = vec![edge("a", "b", hard_sync()), edge("b", "c", hard_sync())];
    let (graph, second_upsert) =
        upserted(&graph, &command(1, DiscoverySource::Kubernetes, second(0), vec![], edges));
    assert_eq!((second_upsert.nodes_upserted, second_upsert.placeholders_created), (2, 2));
    let service = graph.node(graph.find("b").unwrap()).service();
    assert_eq!((service.is_discovered(), service.criticality()), (false, Criticality::Critical));
    assert!(graph.node(graph.find("c").unwrap()).service().is_discovered());
}

#[test]
fn a_cycle_is_reported_when_it_changes_and_not_again() {
    let source = DiscoverySource::Manual;
    let (graph, _) = upserted(
        &Graph::default(),
        &command(
            0,
            source,
            second(0),
            vec![],
            vec![edge("b", "a", hard_sync()), edge("a", "c", hard_sync())],
        ),
    );
    let close = |number| command(number, source, second(0), vec![], vec![edge("a", "b", hard_sync())]);
    let (graph, closed) = upserted(&graph, &close(1));
    let path: Vec<_> = closed.cycles[0].path.iter().map(ToString::to_string).collect();
    assert_eq!(path, ["a", "b", "a"]);
    let (graph, again) = upserted(&graph, &close(2));
    assert_eq!(again.cycles, []);
    let (_, grown) =
        upserted(&graph, &command(3, source, second(0), vec![], vec![edge("c", "b", hard_sync())]));
    assert_eq!((grown.cycles.len(), grown.cycles[0].alert_id), (1, closed.cycles[0].alert_id));
}
