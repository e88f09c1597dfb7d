//! A graph that went through a snapshot and one that did not, under the same commands.

use proptest::prelude::*;

use super::fixture::{Bytes, bytes_of, command};
use super::{assert_same, read};
use crate::apply::apply;
use crate::graph::Graph;
use crate::limits;
use crate::query::{DependencyFilter, Scratch, TraverseQuestion, traverse};
use crate::types::{
    Attributes, Command, CommunicationMode, DependencyCriticality, Direction, DiscoverySource, EdgeReport,
    Metadata, NodeReport, ServiceId,
};

fn service_id(number: u8) -> ServiceId {
    ServiceId::parse(&format!("s{number}")).unwrap()
}

fn nodes() -> impl Strategy<Value = Vec<NodeReport>> {
    let nodes = prop::collection::btree_map(0..30u8, prop::option::of(0..4u8), 0..5);
    let report = |(number, tier): (u8, Option<u8>)| NodeReport {
        service_id: service_id(number),
        metadata: tier.map(|tier| Metadata::from_json(&format!(r#"{{"tier":{tier}}}"#)).unwrap()),
    };
    nodes.prop_map(move |nodes| nodes.into_iter().map(report).collect())
}

fn edges() -> impl Strategy<Value = Vec<EdgeReport>> {
    let kind =
        (prop::sample::select(CommunicationMode::ALL), prop::sample::select(DependencyCriticality::ALL));
    let edges = prop::collection::btree_map((0..30u8, 0..30u8), kind, 0..10);
    edges.prop_map(|edges| {
        let distinct = edges.into_iter().filter(|((source, target), _)| source != target);
        let report = |((source, target), (mode, criticality))| EdgeReport {
            source: service_id(source),
            target: service_id(target),
            attributes: Attributes {
                communication_mode: mode,
                criticality,
                protocol: (source % 3 == 0).then(|| "grpc".into()),
                timeout_ms: None,
                retry_config: None,
            },
        };
        distinct.map(report).collect()
    })
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let one = (prop::sample::select(DiscoverySource::ALL), nodes(), edges());
    prop::collection::vec(one, 2..16).prop_map(|all| {
        let numbered = all.into_iter().zip(1u32..);
        numbered.map(|((source, nodes, edges), number)| command(number, source, nodes, edges)).collect()
    })
}

/// Services with their distances in the order of the answer, and the ends of the dependencies.
fn answer(graph: &Graph, root: &str, direction: Direction) -> Option<(Vec<String>, Vec<String>)> {
    let root = graph.find(root)?;
    let filter = DependencyFilter { include_stale: true, include_external: true, min_confidence: 0.0 };
    let question = TraverseQuestion { root, direction, depth: 3, filter, max_nodes: 100 };
    let found = traverse(graph, question, Scratch::default(), limits::QUERY_HEAVY_EDGES_MAX);
    let found = found.unwrap_or_else(|_| panic!("a small graph"));
    let nodes =
        found.nodes().iter().map(|(node, distance)| format!("{} {distance}", graph.name(*node))).collect();
    let groups = (0..found.edge_groups()).flat_map(|group| found.edges(graph, group, 0));
    let edges = groups.map(|edge| format!("{} {}", graph.name(edge.source), graph.name(edge.target)));
    Some((nodes, edges.collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_snapshot_in_between_makes_no_difference(commands in commands(), at in 0..16usize) {
        let mut live = Graph::default();
        let mut loaded = None;
        for (number, command) in commands.iter().enumerate() {
            if number == at.min(commands.len() - 1) {
                loaded = Some(read::load(&Bytes(&bytes_of(&live)), 0, |_, _| {}).unwrap().1);
            }
            let (next, outcome) = apply(&live, command);
            if let Some(before) = &loaded {
                let (next_loaded, loaded_outcome) = apply(before, command);
                prop_assert_eq!(&outcome, &loaded_outcome);
                assert_same(&next, &next_loaded);
                loaded = Some(next_loaded);
            }
            live = next;
        }
        let loaded = loaded.unwrap();
        for root in (0..30u8).map(|number| format!("s{number}")) {
            for &direction in Direction::ALL {
                prop_assert_eq!(answer(&live, &root, direction), answer(&loaded, &root, direction));
            }
        }
        prop_assert_eq!(bytes_of(&live), bytes_of(&loaded));
    }
}
