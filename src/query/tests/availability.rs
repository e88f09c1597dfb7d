//! Composite availability held against the contract's own words, and against cases worked out by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::landscape::fresh;
use super::strength::{Bond, Bonds, graph, hops, random};
use crate::campaign::{Random, report, seeds};
use crate::graph::Graph;
use crate::query::{
    AvailabilityChange, CompositeChange, OverBudget, availability_callers, availability_impact,
    own_availability,
};

const METADATA: [&str; 5] = [
    "{}",
    r#"{"availability":0.95}"#,
    r#"{"service_type":"external","published_sla":0.98}"#,
    r#"{"service_type":"external"}"#,
    r#"{"published_sla":0.5}"#,
];

fn ask(graph: &Graph, node: u32, (current, proposed): (f64, f64), max_depth: u8) -> Vec<CompositeChange> {
    availability_impact(graph, AvailabilityChange { node, current, proposed, max_depth }, u64::MAX).unwrap()
}

/// The availability that the contract gives the metadata at a place of [`METADATA`].
fn own(place: usize) -> f64 {
    [0.999, 0.95, 0.98 - 0.001, 0.999, 0.999][place]
}

/// Service and distance, current and projected ratio.
type Expected = BTreeMap<(u32, u32), [f64; 2]>;

fn expected(owns: &[f64], bonds: &Bonds, node: u32, (current, proposed): (f64, f64), depth: u8) -> Expected {
    let nodes = owns.len() as u32;
    let strong = bonds.iter().filter(|(_, bond)| bond.is_strong()).map(|(pair, _)| *pair);
    let hops = hops(nodes, strong);
    let reaches = |from: u32, to: u32| from == to || hops.contains_key(&(from, to));
    let composite = |of: u32, changed: f64| {
        let own = |each: u32| if each == node { changed } else { owns[each as usize] };
        let closure: BTreeSet<u32> = (0..nodes).filter(|to| reaches(of, *to)).collect();
        // A component stands for itself at its smallest member.
        let component =
            |each: u32| (0..nodes).filter(move |other| reaches(each, *other) && reaches(*other, each));
        let first = closure.iter().filter(|each| component(**each).min() == Some(**each));
        first.map(|each| component(*each).map(own).fold(f64::INFINITY, f64::min)).product::<f64>()
    };
    let upstream =
        (0..nodes).filter(|each| *each != node).filter_map(|each| Some((each, *hops.get(&(each, node))?)));
    let upstream = upstream.filter(|(_, hops)| *hops <= u32::from(depth));
    upstream
        .map(|(each, hops)| ((each, hops), [composite(each, current), composite(each, proposed)]))
        .collect()
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

fn check(seed: u64) -> Result<u64, String> {
    let mut numbers = Random::new(seed);
    let (nodes, bonds) = random(&mut numbers);
    let places: Vec<usize> = (0..nodes).map(|_| numbers.below(METADATA.len() as u64) as usize).collect();
    let metadata: Vec<&str> = places.iter().map(|place| METADATA[*place]).collect();
    let owns: Vec<f64> = places.iter().map(|place| own(*place)).collect();
    let graph = graph(&metadata, &bonds);
    let node = numbers.below(nodes.into()) as u32;
    let proposed = [0.8, 0.9, 0.95][numbers.below(3) as usize];
    let (targets, depth) = ((0.9, proposed), 1 + numbers.below(5) as u8);
    let found = ask(&graph, node, targets, depth);
    let expected = expected(&owns, &bonds, node, targets, depth);
    let same = found.len() == expected.len()
        && found.iter().all(|each| {
            let expected = expected.get(&(each.node, each.distance.into()));
            expected.is_some_and(|[current, projected]| {
                is_close(*current, each.current) && is_close(*projected, each.projected)
            })
        });
    let callers = availability_callers(&graph, node, depth, u64::MAX).unwrap();
    let in_order = callers.iter().copied().eq(found.iter().map(|each| (each.node, each.distance)));
    if same && in_order {
        Ok(1)
    } else {
        Err(format!("seed {seed}: {node} of {bonds:?} {metadata:?}: {found:?}, not {expected:?}"))
    }
}

#[test]
fn composites_are_what_the_contract_says() {
    report("availability", seeds(20_000).map(check).sum(), 20_000);
}

/// Dependencies, the service that changes, and `service: projected` as products that anybody can redo; the
/// service that changes goes from 1 to 0.5, the others have 0.999 unless the metadata says something else.
fn golden(metadata: &[&str], bonds: &[((u32, u32), Bond)], node: u32, expected: &[(u32, f64)]) {
    let graph = graph(metadata, &bonds.iter().copied().collect());
    let mut found: Vec<_> =
        ask(&graph, node, (1.0, 0.5), 100).iter().map(|each| (each.node, each.projected)).collect();
    found.sort_by_key(|(node, _)| *node);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((node, projected), (expected_node, expected)) in found.into_iter().zip(expected) {
        assert_eq!(node, *expected_node);
        assert!(is_close(projected, *expected), "s{node}: {projected}, not {expected}");
    }
}

const PLAIN: [&str; 5] = ["{}"; 5];

#[test]
fn a_chain_multiplies() {
    // s2 → s1 → s0: s1 = 0.999 · 0.5, s2 = 0.999 · 0.999 · 0.5.
    golden(
        &PLAIN[..3],
        &[((1, 0), Bond::STRONG), ((2, 1), Bond::STRONG)],
        0,
        &[(1, 0.4995), (2, 0.499_000_5)],
    );
}

#[test]
fn a_shared_dependency_counts_once() {
    // s3 → s1, s2 → s0: s3 = 0.999 · 0.999 · 0.999 · 0.5, s0 once.
    let diamond =
        [((3, 1), Bond::STRONG), ((3, 2), Bond::STRONG), ((1, 0), Bond::STRONG), ((2, 0), Bond::STRONG)];
    let top = 0.999 * 0.999 * 0.999 * 0.5;
    golden(&PLAIN[..4], &diamond, 0, &[(1, 0.4995), (2, 0.4995), (3, top)]);
}

#[test]
fn a_cycle_counts_once_as_its_weakest_member() {
    // s3 → s1 ⇄ s2 → s0, s2 measured at 0.9: the component is 0.9; s1 = s2 = 0.9 · 0.5, s3 = 0.999 · 0.45.
    let metadata = ["{}", "{}", r#"{"availability":0.9}"#, "{}"];
    let bonds =
        [((1, 2), Bond::STRONG), ((2, 1), Bond::STRONG), ((2, 0), Bond::STRONG), ((3, 1), Bond::STRONG)];
    golden(&metadata, &bonds, 0, &[(1, 0.45), (2, 0.45), (3, 0.449_55)]);
    // The service that changes is itself in a cycle, and becomes its weakest member: s0 ⇄ s1 ← s2.
    let bonds = [((0, 1), Bond::STRONG), ((1, 0), Bond::STRONG), ((2, 1), Bond::STRONG)];
    golden(&PLAIN[..3], &bonds, 0, &[(1, 0.5), (2, 0.4995)]);
    // A member that is weaker still hides the change: s1 stays at 0.3 before and after.
    let metadata = ["{}", r#"{"availability":0.3}"#];
    let bonds = [((0, 1), Bond::STRONG), ((1, 0), Bond::STRONG)];
    golden(&metadata, &bonds, 0, &[(1, 0.3)]);
}

#[test]
fn a_loop_of_soft_dependencies_is_no_cycle() {
    // s1 ⇄ s2 where s2 → s1 is soft: s1 = 0.999 · 0.5 through s2 = 0.999 · 0.5; both count for s1.
    let bonds = [((1, 2), Bond::STRONG), ((2, 1), Bond::SOFT), ((2, 0), Bond::STRONG)];
    golden(&PLAIN[..3], &bonds, 0, &[(1, 0.999 * 0.4995), (2, 0.4995)]);
}

#[test]
fn only_what_is_waited_for_and_hard_counts() {
    for weak in [Bond::SOFT, Bond::ASYNC, Bond::STALE] {
        // s1 calls s0 weakly: the change does not touch it.
        golden(&PLAIN[..2], &[((1, 0), weak)], 0, &[]);
        // s1 calls s0, and s2 weakly: s2 is not in the product.
        golden(&PLAIN[..3], &[((1, 0), Bond::STRONG), ((1, 2), weak)], 0, &[(1, 0.4995)]);
    }
}

#[test]
fn what_is_known_of_a_service_counts() {
    // s1 → s0, s1 → s2: 0.999 · 0.5 · own(s2).
    let bonds = [((1, 0), Bond::STRONG), ((1, 2), Bond::STRONG)];
    let cases = [
        (r#"{"availability":0.8}"#, 0.8),
        (r#"{"service_type":"external","published_sla":0.9999}"#, 0.9989),
        (r#"{"service_type":"external","published_sla":0.0005}"#, 0.0),
        (r#"{"service_type":"external","published_sla":0.9,"availability":0.7}"#, 0.7),
        (r#"{"service_type":"external"}"#, 0.999),
        (r#"{"published_sla":0.9}"#, 0.999),
    ];
    for (metadata, own) in cases {
        golden(&["{}", "{}", metadata], &bonds, 0, &[(1, 0.4995 * own)]);
        let graph = graph(&[metadata], &Bonds::new());
        assert!(is_close(own_availability(graph.node(0).service()), own), "{metadata}");
    }
    // What is known of the service that changes does not: its targets stand for it.
    golden(&[r#"{"availability":0.1}"#, "{}"], &[((1, 0), Bond::STRONG)], 0, &[(1, 0.4995)]);
}

#[test]
fn depth_and_budget_hold() {
    let graph = fresh(4, [(1, 0), (2, 1), (3, 2)]);
    let near: Vec<_> = ask(&graph, 0, (1.0, 0.5), 2).iter().map(|each| (each.node, each.distance)).collect();
    assert_eq!(near, [(1, 1), (2, 2)]);
    let change = AvailabilityChange { node: 0, current: 1.0, proposed: 0.5, max_depth: 3 };
    assert_eq!(availability_impact(&graph, change, 3), Err(OverBudget { budget: 3 }));
    assert_eq!(availability_callers(&graph, 0, 3, 2), Err(OverBudget { budget: 2 }));
    assert_eq!(availability_callers(&graph, 0, 3, 3).map(|callers| callers.len()), Ok(3));
}

#[test]
fn a_clique_a_chain_and_a_star_are_answered_in_full() {
    let pairs = (0..1_000).flat_map(|a| (0..1_000).map(move |b| (a, b))).filter(|(a, b)| a != b);
    let clique = fresh(1_000, pairs);
    let found = ask(&clique, 0, (1.0, 0.5), 100);
    assert!(found.len() == 999 && found.iter().all(|each| is_close(each.projected, 0.5)));
    let chain = fresh(100_000, (1..100_000).map(|node| (node, node - 1)));
    let found = ask(&chain, 0, (1.0, 0.5), 100);
    assert!(is_close(found[99].projected, 0.999f64.powi(100) * 0.5));
    assert!(ask(&chain, 99_999, (1.0, 0.5), 100).is_empty());
    // The end of a chain: what one service far up needs is all of it.
    let found = ask(&chain, 99_000, (1.0, 0.5), 100);
    assert!(found.len() == 100 && (found[0].current - 0.999f64.powi(99_001)).abs() < 1e-9);
    let star = fresh(100_000, (1..100_000).map(|node| (node, 0)));
    let found = ask(&star, 0, (1.0, 0.5), 1);
    assert!(found.len() == 99_999 && found.iter().all(|each| is_close(each.projected, 0.4995)));
}
