//! Critical services held against what taking each one away does.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use petgraph::algo::dominators::simple_fast;

use super::landscape::{fresh, fresh_pairs, graph, name, random, without};
use crate::campaign::{Random, report, seeds};
use crate::graph::Graph;
use crate::limits::CRITICAL_COMPARED_MAX;
use crate::query::critical::entry_points;
use crate::query::dominators::sole_path_for;
use crate::query::view::View;
use crate::query::{Critical, critical};

/// Everything that `starts` reach without `gone`, themselves among it.
fn reach(pairs: &[(u32, u32)], starts: &BTreeSet<u32>, gone: Option<u32>) -> BTreeSet<u32> {
    let mut reached = starts.clone();
    reached.retain(|node| Some(*node) != gone);
    loop {
        let steps = pairs.iter().filter(|(source, target)| reached.contains(source) && Some(*target) != gone);
        let next: BTreeSet<u32> = steps.map(|(_, target)| *target).collect();
        if next.is_subset(&reached) {
            return reached;
        }
        reached.extend(next);
    }
}

fn naive(nodes: &BTreeSet<u32>, pairs: &[(u32, u32)]) -> Vec<Critical> {
    let from = |node: u32| reach(pairs, &BTreeSet::from([node]), None);
    // In an entry component: whoever reaches it is reached from it.
    let callers = |node: u32| nodes.iter().copied().filter(move |caller| from(*caller).contains(&node));
    let entries = nodes.iter().copied();
    let entries = entries.filter(|node| callers(*node).all(|caller| from(*node).contains(&caller))).collect();
    let all = reach(pairs, &entries, None);
    assert_eq!(all, *nodes, "everything is reached from an entry point");
    let each = |node: &u32| {
        let without = reach(pairs, &entries, Some(*node));
        let sole_path_for = (all.len() - 1 - without.len()) as u32;
        let dependents = callers(*node).count() as u32 - 1;
        Critical { node: *node, sole_path_for, dependents }
    };
    let mut found: Vec<Critical> = nodes.iter().map(each).filter(|each| each.sole_path_for > 0).collect();
    found.sort_by_key(|each| (Reverse(each.sole_path_for), Reverse(each.dependents), name(each.node)));
    found
}

fn check(seed: u64) -> Result<u64, String> {
    let mut numbers = Random::new(seed);
    let (count, edges) = random(&mut numbers);
    let mut graph = graph(count, edges.clone());
    let mut nodes: BTreeSet<u32> = (0..count).collect();
    // A service that is gone is no entry point.
    let is_alone = |node: &u32| edges.keys().all(|(source, target)| source != node && target != node);
    if let Some(alone) = (0..count).find(is_alone) {
        graph = without(&graph, alone);
        nodes.remove(&alone);
    }
    let limit = 1 + numbers.below(9) as usize;
    let mut expected = naive(&nodes, &fresh_pairs(&edges));
    expected.truncate(limit);
    let found = critical(&graph, limit);
    if found != expected {
        return Err(format!("seed {seed}: {limit} of {edges:?}: {found:?}, not {expected:?}"));
    }
    Ok(1)
}

#[test]
fn critical_services_are_those_whose_loss_cuts_others_off() {
    report("critical", seeds(10_000).map(check).sum(), 10_000);
}

/// Sparse graphs of a few hundred services, where trees of dominators grow deep: petgraph's own dominators,
/// over the view that the product walks, give the same sizes.
#[test]
fn larger_trees_are_those_of_another_algorithm() {
    let check = |seed: u64| {
        let mut numbers = Random::new(seed);
        let nodes = 100 + numbers.below(300);
        let edges = nodes + numbers.below(nodes);
        let mut pair = || (numbers.below(nodes) as u32, numbers.below(nodes) as u32);
        let pairs: BTreeSet<(u32, u32)> = (0..edges).map(|_| pair()).filter(|(a, b)| a != b).collect();
        let graph = fresh(nodes as u32, pairs);
        let entries = entry_points(&graph);
        let view = View::new(&graph, &entries);
        let dominators = simple_fast(view, view.root());
        let mut below = vec![0; nodes as usize];
        for node in 0..nodes as u32 {
            let above =
                dominators.strict_dominators(node).ok_or(format!("seed {seed}: {node} is cut off"))?;
            above.filter(|above| *above != view.root()).for_each(|above| below[above as usize] += 1);
        }
        let found = sole_path_for(&graph, &entries);
        if found == below { Ok(1) } else { Err(format!("seed {seed}: {found:?}, not {below:?}")) }
    };
    report("dominators", seeds(300).map(check).sum(), 300);
}

fn listed(graph: &Graph, limit: usize) -> Vec<(u32, u32, u32)> {
    let row = |each: Critical| (each.node, each.sole_path_for, each.dependents);
    critical(graph, limit).into_iter().map(row).collect()
}

#[test]
fn every_member_of_an_entry_component_is_an_entry_point() {
    // 0 and 1 need each other; both lead to 2, on which alone 3 and 4 hang; 5 needs 4, too.
    let graph = fresh(6, [(0, 1), (1, 0), (0, 2), (1, 2), (2, 3), (3, 4), (5, 4)]);
    assert_eq!(listed(&graph, 10), [(2, 1, 2)]);
    // A component that is called is none: 1 is the way to all of it.
    let graph = fresh(4, [(0, 1), (1, 2), (2, 3), (3, 1)]);
    assert_eq!(listed(&graph, 10), [(0, 3, 0), (1, 2, 3), (2, 1, 3)]);
    assert_eq!(listed(&Graph::default(), 10), []);
}

/// More services than are compared share the last value: most direct callers first, then by name.
#[test]
fn ties_beyond_what_is_compared_go_to_those_with_most_callers() {
    const TIED: u32 = CRITICAL_COMPARED_MAX as u32 + 300;
    // Each of the tied is the only way to one service; the last of them has two callers, the others one.
    let (tied, leaves) = (2..2 + TIED, 2 + TIED);
    let last = tied.end - 1;
    let pairs = tied.clone().flat_map(|node| [(0, node), (node, leaves + node)]).chain([(1, last)]);
    let graph = fresh(leaves + 2 + TIED, pairs);
    let found = listed(&graph, 3);
    assert_eq!(found[0], (0, 2 * (TIED - 1), 0), "the last of the tied has another caller");
    assert_eq!(found[1], (last, 1, 2));
    let mut names: Vec<(String, u32)> =
        tied.filter(|node| *node != last).map(|node| (name(node), node)).collect();
    names.sort();
    assert_eq!(found[2], (names[0].1, 1, 1));
}
