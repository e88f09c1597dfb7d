//! Traversals and listings held against the contract's own words, on random graphs.

mod availability;
mod closures;
mod critical;
mod difference;
mod divergence;
mod impact;
mod landscape;
mod paths;
mod strength;
mod worst;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use self::landscape::without;
use super::{
    DependencyFilter, Scratch, ServiceFilter, Stats, Traversal, TraverseQuestion, list, stats, traverse,
};
use crate::graph::Graph;
use crate::types::{
    Attributes, Dependency, Direction, DiscoverySource, Metadata, Observation, Service, ServiceId,
    ServiceType, Timestamp, confidence,
};

const NODES: u32 = 12;

fn at() -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000).unwrap()
}

fn dependency(source: DiscoverySource, stale: bool) -> Dependency {
    let attributes = Attributes::hard_sync();
    let observation = Observation::first(source, attributes, at());
    Dependency::of(Observation { stale_since: stale.then(at), ..observation })
}

type Edges = BTreeMap<(u32, u32), (DiscoverySource, bool)>;

/// Services `s00`, `s01`, … of which some are external, and dependencies between them.
fn graph(external: &BTreeSet<u32>, edges: &Edges) -> Graph {
    let empty = Graph::default();
    let mut edit = empty.edit();
    for node in 0..NODES {
        let id = ServiceId::parse(&format!("s{node:02}")).unwrap();
        let service = Service::placeholder(id, Uuid::from_u128(u128::from(node)), at());
        let metadata =
            external.contains(&node).then(|| Metadata::from_json(r#"{"service_type":"external"}"#));
        edit.create(match metadata {
            Some(metadata) => service.reported(DiscoverySource::Manual, metadata.ok(), at()),
            None => service,
        });
    }
    for ((source, target), (reporter, stale)) in edges {
        edit.set_dependency(*source, *target, Some(dependency(*reporter, *stale)));
    }
    edit.finish(1).0
}

/// The dependencies that a question does not pass over.
fn admitted(graph: &Graph, question: &TraverseQuestion, edges: &Edges) -> BTreeSet<(u32, u32)> {
    let service = |node: u32| {
        let is_internal = graph.node(node).service().service_type() == ServiceType::Internal;
        node == question.root || question.filter.include_external || is_internal
    };
    let admits = |((source, target), (reporter, stale)): &(&(u32, u32), &(DiscoverySource, bool))| {
        (question.filter.include_stale || !*stale)
            && confidence(*reporter, 1) >= question.filter.min_confidence
            && service(*source)
            && service(*target)
    };
    edges.iter().filter(admits).map(|(pair, _)| *pair).collect()
}

/// Distances from the root by relaxing every dependency until nothing changes.
fn distances(root: u32, pairs: &[(u32, u32)], depth: u8) -> BTreeMap<u32, u8> {
    let mut reached = BTreeMap::from([(root, 0)]);
    for distance in 1..=depth {
        for (from, to) in pairs {
            if reached.get(from) == Some(&(distance - 1)) {
                reached.entry(*to).or_insert(distance);
            }
        }
    }
    reached
}

struct Expected {
    down: BTreeMap<u32, u8>,
    up: BTreeMap<u32, u8>,
    edges: BTreeSet<(u32, u32)>,
}

fn expected(graph: &Graph, question: &TraverseQuestion, edges: &Edges) -> Expected {
    let pairs = admitted(graph, question, edges);
    let side = |wanted: Direction, turn: fn((u32, u32)) -> (u32, u32)| {
        let depth = if question.direction == wanted || question.direction == Direction::Both {
            question.depth
        } else {
            0
        };
        (distances(question.root, &pairs.iter().map(|pair| turn(*pair)).collect::<Vec<_>>(), depth), depth)
    };
    let (down, down_depth) = side(Direction::Downstream, |pair| pair);
    let (up, up_depth) = side(Direction::Upstream, |(source, target)| (target, source));
    let near =
        |reached: &BTreeMap<u32, u8>, node: &u32, depth| reached.get(node).is_some_and(|at| *at < depth);
    let shown =
        |(source, target): &&(u32, u32)| near(&down, source, down_depth) || near(&up, target, up_depth);
    let edges = pairs.iter().filter(shown).copied().collect();
    Expected { down, up, edges }
}

fn edges_of(traversal: &Traversal, graph: &Graph) -> Vec<(u32, u32)> {
    let groups = (0..traversal.edge_groups()).flat_map(|group| traversal.edges(graph, group, 0));
    groups.map(|edge| (edge.source, edge.target)).collect()
}

fn answer(graph: &Graph, question: TraverseQuestion) -> Traversal {
    traverse(graph, question, Scratch::default(), u64::MAX).ok().unwrap()
}

fn question() -> impl Strategy<Value = TraverseQuestion> {
    let direction = prop::sample::select(Direction::ALL);
    let confidences = prop::sample::select(vec![0.0, 0.8, 0.9, 1.0]);
    (0..NODES, direction, 1..6u8, any::<bool>(), any::<bool>(), confidences).prop_map(
        |(root, direction, depth, include_stale, include_external, min_confidence)| TraverseQuestion {
            root,
            direction,
            depth,
            filter: DependencyFilter { include_stale, include_external, min_confidence },
            max_nodes: u32::MAX,
        },
    )
}

fn edges() -> impl Strategy<Value = Edges> {
    let pair = (0..NODES, 0..NODES).prop_filter("no self-loops", |(source, target)| source != target);
    let kind = (prop::sample::select(DiscoverySource::ALL), prop::bool::weighted(0.2));
    prop::collection::btree_map(pair, kind, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_traversal_is_what_the_contract_says(
        external in prop::collection::btree_set(0..NODES, 0..4),
        edges in edges(),
        question in question(),
        max_nodes in 1..NODES,
    ) {
        let graph = graph(&external, &edges);
        let expected = expected(&graph, &question, &edges);
        let traversal = answer(&graph, question);

        let mut nodes = expected.down.clone();
        for (node, distance) in &expected.up {
            let nearest = nodes.entry(*node).or_insert(*distance);
            *nearest = (*nearest).min(*distance);
        }
        prop_assert_eq!(traversal.nodes().iter().copied().collect::<BTreeMap<_, _>>(), nodes.clone());
        prop_assert_eq!(traversal.nodes().len(), nodes.len(), "each service once");
        let rank = |(node, distance): &(u32, u8)| (*distance, expected.down.get(node) != Some(distance));
        prop_assert!(traversal.nodes().is_sorted_by_key(rank), "by distance, downstream before upstream");
        prop_assert_eq!(traversal.downstream_services() as usize, expected.down.len() - 1);
        prop_assert_eq!(traversal.upstream_services() as usize, expected.up.len() - 1);
        prop_assert_eq!(Some(traversal.max_depth_reached()), nodes.values().max().copied());
        prop_assert!(!traversal.is_truncated());

        let found = edges_of(&traversal, &graph);
        prop_assert_eq!(found.len(), expected.edges.len(), "each edge once");
        prop_assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), expected.edges.clone());

        let cut = answer(&graph, TraverseQuestion { max_nodes, ..question });
        let kept = nodes.len().min(max_nodes as usize);
        prop_assert_eq!(cut.nodes(), &traversal.nodes()[..kept], "the first that were found");
        prop_assert_eq!(cut.is_truncated(), kept < nodes.len());
        let within = |node: &u32| cut.position(*node).is_some();
        let between: BTreeSet<_> = edges_of(&cut, &graph).into_iter().collect();
        prop_assert!(between.iter().all(|(source, target)| within(source) && within(target)));
        prop_assert!(between.is_subset(&expected.edges));
    }

    #[test]
    fn the_numbers_are_those_of_a_naive_count(edges in edges()) {
        let graph = graph(&BTreeSet::new(), &edges);
        let mut naive = petgraph::graphmap::UnGraphMap::<u32, ()>::new();
        for node in 0..NODES {
            naive.add_node(node);
        }
        for (source, target) in edges.keys() {
            naive.add_edge(*source, *target, ());
        }
        let most = |end: fn(&(u32, u32)) -> u32| {
            (0..NODES).map(|node| edges.keys().filter(|pair| end(pair) == node).count() as u32).max().unwrap()
        };
        let components = petgraph::algo::connected_components(&naive) as u32;
        let expected = Stats {
            weakly_connected_components: components,
            max_callers: most(|pair| pair.1),
            max_dependencies: most(|pair| pair.0),
        };
        prop_assert_eq!(stats(&graph), expected);
        // A service that is gone is none.
        if let Some(alone) = (0..NODES).find(|node| edges.keys().all(|pair| pair.0 != *node && pair.1 != *node)) {
            let fewer = Stats { weakly_connected_components: components - 1, ..expected };
            prop_assert_eq!(stats(&without(&graph, alone)), fewer);
        }
    }

    #[test]
    fn a_traversal_stays_within_its_budget(edges in edges(), question in question(), budget in 0..40u64) {
        let graph = graph(&BTreeSet::new(), &edges);
        let full = answer(&graph, question);
        match traverse(&graph, question, Scratch::default(), budget) {
            Ok(traversal) => prop_assert_eq!(traversal.nodes(), full.nodes()),
            Err((error, _)) => {
                prop_assert_eq!(error.budget, budget);
                let all_links: usize = (0..NODES).map(|node| graph.outgoing(node).len() + graph.incoming(node).len()).sum();
                prop_assert!(budget < all_links as u64);
            }
        }
    }
}

#[test]
fn a_scratch_serves_graph_after_graph() {
    let small = graph(&BTreeSet::new(), &Edges::from([((0, 1), (DiscoverySource::Manual, false))]));
    let other = graph(&BTreeSet::new(), &Edges::from([((0, 2), (DiscoverySource::Manual, false))]));
    let question = TraverseQuestion {
        root: 0,
        direction: Direction::Both,
        depth: 3,
        filter: DependencyFilter { include_stale: false, include_external: true, min_confidence: 0.0 },
        max_nodes: 10,
    };
    let mut scratch = Scratch::default();
    for (graph, neighbour) in [(&small, 1), (&other, 2), (&small, 1)] {
        let traversal = traverse(graph, question, scratch, 100).ok().unwrap();
        assert_eq!(traversal.nodes(), [(0, 0), (neighbour, 1)]);
        assert_eq!(edges_of(&traversal, graph), [(0, neighbour)]);
        scratch = traversal.into_scratch();
    }
}

#[test]
fn pages_follow_each_other_in_order() {
    let graph = graph(&BTreeSet::from([3, 5]), &Edges::new());
    let names = |page: &[u32]| page.iter().map(|index| graph.name(*index).to_string()).collect::<Vec<_>>();
    let all = ServiceFilter::default();
    let (first, more) = list(&graph, &all, None, 5);
    assert_eq!(
        (names(&first), more),
        (vec!["s00".into(), "s01".into(), "s02".into(), "s03".into(), "s04".into()], true)
    );
    let (rest, more) = list(&graph, &all, Some("s04"), 100);
    assert_eq!((rest.len(), more), (7, false));

    let external = ServiceFilter { service_type: Some(ServiceType::External), ..ServiceFilter::default() };
    assert_eq!(names(&list(&graph, &external, None, 10).0), ["s03", "s05"]);
    let ids = ["s07", "s01", "nobody", "s07"].map(|id| ServiceId::parse(id).unwrap()).to_vec();
    let some = ServiceFilter { ids: Some(ids), ..ServiceFilter::default() };
    assert_eq!(names(&list(&graph, &some, None, 10).0), ["s01", "s07"]);
    assert_eq!(names(&list(&graph, &some, Some("s01"), 10).0), ["s07"]);
    let contains = ServiceFilter { contains: Some("S1".to_owned()), ..ServiceFilter::default() };
    assert_eq!(names(&list(&graph, &contains, None, 10).0), ["s10", "s11"]);
    let nobodys = ServiceFilter { team: Some("none".to_owned()), ..ServiceFilter::default() };
    assert_eq!(list(&graph, &nobodys, None, 10), (vec![], false));
}
