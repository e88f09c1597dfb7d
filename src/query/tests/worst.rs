//! Shapes at which careless algorithms never end, or overflow their stacks.

use super::landscape::fresh;
use crate::graph::Graph;
use crate::limits::{CRITICAL_COMPARED_MAX, QUERY_HEAVY_EDGES_MAX};
use crate::query::{Critical, Divergence, PathsQuestion, critical, divergence, paths};

const MANY: u32 = 100_000;

fn ask(graph: &Graph, from: u32, to: u32) -> Vec<Vec<u32>> {
    paths(graph, PathsQuestion { from, to, max_paths: 100 }, QUERY_HEAVY_EDGES_MAX).unwrap()
}

/// How many dependencies are on the pages of a hundred, the last page within the budget.
fn unobserved(graph: &Graph, pages: usize) -> usize {
    let mut after: Option<(u32, u32)> = None;
    let mut count = 0;
    for _ in 0..pages {
        let names = after.map(|(source, target)| (graph.name(source).as_str(), graph.name(target).as_str()));
        let page = divergence(graph, Divergence::Unobserved, names, 100, QUERY_HEAVY_EDGES_MAX).unwrap();
        count += page.items.len();
        after = page.items.last().map(|(source, link)| (*source, link.node));
    }
    count
}

#[test]
fn a_clique() {
    let pairs = (0..1_000).flat_map(|source| (0..1_000).map(move |target| (source, target)));
    let graph = fresh(1_000, pairs.filter(|(source, target)| source != target));
    let found = ask(&graph, 0, 1);
    let by_way = (2..101).map(|middle| vec![0, middle, 1]);
    assert_eq!(found, std::iter::once(vec![0, 1]).chain(by_way).collect::<Vec<_>>());
    assert_eq!(unobserved(&graph, 20), 2_000);
    assert_eq!(critical(&graph, 100), [], "one component of entry points");
}

#[test]
fn a_chain() {
    let graph = fresh(MANY, (1..MANY).map(|node| (node - 1, node)));
    assert_eq!(ask(&graph, 0, MANY - 1), [(0..MANY).collect::<Vec<_>>()]);
    assert_eq!(ask(&graph, MANY - 1, 0), Vec::<Vec<u32>>::new());
    assert_eq!(unobserved(&graph, 2), 200);
    let expected = |node| Critical { node, sole_path_for: MANY - 1 - node, dependents: node };
    assert_eq!(critical(&graph, 100), (0..100).map(expected).collect::<Vec<_>>());
}

#[test]
fn stars() {
    let outward = fresh(MANY + 1, (1..=MANY).map(|node| (0, node)));
    assert_eq!(ask(&outward, 0, MANY), [[0, MANY]]);
    assert_eq!(ask(&outward, 1, MANY), Vec::<Vec<u32>>::new());
    assert_eq!(unobserved(&outward, 2), 200);
    assert_eq!(critical(&outward, 100), [Critical { node: 0, sole_path_for: MANY, dependents: 0 }]);

    let inward = fresh(MANY + 1, (1..=MANY).map(|node| (node, 0)));
    assert_eq!(ask(&inward, MANY, 0), [[MANY, 0]]);
    assert_eq!(unobserved(&inward, 2), 200);
    assert_eq!(critical(&inward, 100), []);
}

/// What the first and the last of a long chain both call has the first as its dominator; walking up the tree
/// from the last one each time is quadratic.
#[test]
fn a_chain_called_from_both_ends() {
    const CHAIN: u32 = MANY / 2;
    let chain = (1..CHAIN).map(|node| (node - 1, node));
    let called = (CHAIN..MANY).flat_map(|node| [(0, node), (CHAIN - 1, node)]);
    let graph = fresh(MANY, chain.chain(called));
    let found = critical(&graph, 2);
    let second = Critical { node: 1, sole_path_for: CHAIN - 2, dependents: 1 };
    assert_eq!(found, [Critical { node: 0, sole_path_for: MANY - 1, dependents: 0 }, second]);
}

/// As many services as are compared, all as good, each with as many callers as a long chain has, in which
/// nobody is the only way since each service calls the next two.
#[test]
fn many_ties_behind_a_long_chain() {
    const TIED: u32 = CRITICAL_COMPARED_MAX as u32;
    let chain = (2..MANY).flat_map(|node| [(node - 2, node), (node - 1, node)]).chain([(0, 1)]);
    let tied = (MANY..MANY + TIED)
        .flat_map(|node| [(MANY - 2, node), (MANY - 1, node), (node, node + TIED)])
        .collect::<Vec<_>>();
    let graph = fresh(MANY + 2 * TIED, chain.chain(tied));
    let found = critical(&graph, 100);
    assert_eq!(found[0], Critical { node: 0, sole_path_for: MANY + 2 * TIED - 1, dependents: 0 });
    assert_eq!(found.len(), 100);
    assert!(found[1..].iter().all(|each| (each.sole_path_for, each.dependents) == (1, MANY)));
    assert!(found[1..].is_sorted_by_key(|each| graph.name(each.node)));
}
