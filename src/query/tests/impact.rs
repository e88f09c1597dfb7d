//! Impact held against the contract's own words.

use std::collections::{BTreeMap, BTreeSet};

use super::landscape::fresh;
use super::strength::{Bond, Bonds, graph, hops, random};
use crate::campaign::{Random, report, seeds};
use crate::graph::Graph;
use crate::query::{Impact, ImpactQuestion, Impacted, OverBudget, Severity, impact, impact_totals};

fn ask(graph: &Graph, failing: &[u32], depth: u8, include_soft: bool) -> Impact {
    let question = ImpactQuestion { failing: failing.to_vec(), depth, include_soft };
    let mut impact = impact(graph, question, u64::MAX).unwrap();
    impact.sort(graph);
    impact
}

/// What the contract says of one service.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    distance: u32,
    severity: Severity,
    path_hops: u32,
    failing: BTreeSet<u32>,
}

fn expected(
    nodes: u32,
    bonds: &Bonds,
    failing: &[u32],
    depth: u8,
    include_soft: bool,
) -> BTreeMap<u32, Expected> {
    let pairs = |admits: &dyn Fn(Bond) -> bool| {
        bonds.iter().filter(|(_, bond)| admits(**bond)).map(|(pair, _)| *pair).collect::<Vec<_>>()
    };
    let followed = hops(nodes, pairs(&|bond| bond.is_followed(include_soft)).into_iter());
    let strong = hops(nodes, pairs(&Bond::is_strong).into_iter());
    let within = |hops: &BTreeMap<(u32, u32), u32>, node: u32| -> BTreeMap<u32, u32> {
        let reached = failing.iter().filter_map(|each| Some((*each, *hops.get(&(node, *each))?)));
        reached.filter(|(_, hops)| *hops <= u32::from(depth)).collect()
    };
    let mut expected = BTreeMap::new();
    for node in (0..nodes).filter(|node| !failing.contains(node)) {
        let (reached, strongly) = (within(&followed, node), within(&strong, node));
        let Some(distance) = reached.values().min().copied() else { continue };
        let outage = strongly.values().min().copied();
        let severity = if outage.is_some() { Severity::Outage } else { Severity::Degraded };
        let path_hops = outage.unwrap_or(distance);
        let failing = reached.into_keys().collect();
        expected.insert(node, Expected { distance, severity, path_hops, failing });
    }
    expected
}

fn check(seed: u64) -> Result<u64, String> {
    let mut numbers = Random::new(seed);
    let (nodes, bonds) = random(&mut numbers);
    let metadata = vec!["{}"; nodes as usize];
    let graph = graph(&metadata, &bonds);
    let mut failing: Vec<u32> = vec![numbers.below(nodes.into()) as u32];
    while numbers.below(3) == 0 && failing.len() < nodes as usize {
        let another = numbers.below(nodes.into()) as u32;
        if !failing.contains(&another) {
            failing.push(another);
        }
    }
    let (depth, include_soft) = (1 + numbers.below(5) as u8, numbers.below(2) == 0);
    let impact = ask(&graph, &failing, depth, include_soft);
    let expected = expected(nodes, &bonds, &failing, depth, include_soft);
    let found: BTreeMap<u32, Expected> =
        impact.impacted().iter().map(|each| (each.node, found(&impact, &failing, *each))).collect();
    if found != expected {
        return Err(format!("seed {seed}: {failing:?} of {bonds:?}: {found:?}, not {expected:?}"));
    }
    for each in impact.impacted() {
        check_path(&bonds, &impact, &failing, *each, include_soft)
            .map_err(|what| format!("seed {seed}: {bonds:?}: {each:?}: {what}"))?;
    }
    let question = ImpactQuestion { failing: failing.clone(), depth, include_soft };
    let totals = impact_totals(&graph, &question, u64::MAX).unwrap();
    let of = |severity| expected.values().filter(|each| each.severity == severity).count() as u32;
    if totals.by_severity != [of(Severity::Outage), of(Severity::Degraded)] || totals != impact.totals(&graph)
    {
        return Err(format!("seed {seed}: {failing:?} of {bonds:?}: {totals:?}, not those of {expected:?}"));
    }
    let order = |each: &Impacted| (each.severity, each.distance, graph.name(each.node).clone());
    if !impact.impacted().is_sorted_by_key(order) {
        return Err(format!("seed {seed}: {:?} is not in order", impact.impacted()));
    }
    Ok(1)
}

fn found(impact: &Impact, failing: &[u32], each: Impacted) -> Expected {
    let set = impact.failing(each);
    let hit = failing.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, node)| *node);
    Expected {
        distance: each.distance.into(),
        severity: each.severity,
        path_hops: impact.path(each).count() as u32 - 1,
        failing: hit.collect(),
    }
}

fn check_path(
    bonds: &Bonds,
    impact: &Impact,
    failing: &[u32],
    each: Impacted,
    include_soft: bool,
) -> Result<(), String> {
    let path: Vec<u32> = impact.path(each).collect();
    let admits = |bond: &Bond| match each.severity {
        Severity::Outage => bond.is_strong(),
        Severity::Degraded => bond.is_followed(include_soft),
    };
    let holds = path.windows(2).all(|hop| bonds.get(&(hop[0], hop[1])).is_some_and(admits));
    let ends = path.first() == Some(&each.node) && path.last().is_some_and(|last| failing.contains(last));
    if holds && ends { Ok(()) } else { Err(format!("{path:?} is no path")) }
}

#[test]
fn impact_is_what_the_contract_says() {
    report("impact", seeds(20_000).map(check).sum(), 20_000);
}

#[test]
fn the_worst_comes_first() {
    let metadata = [
        "{}",
        r#"{"criticality":"low"}"#,
        r#"{"criticality":"critical"}"#,
        r#"{"criticality":"high"}"#,
        r#"{"criticality":"critical"}"#,
    ];
    let bonds = [((1, 0), Bond::STRONG), ((2, 0), Bond::SOFT), ((3, 1), Bond::STRONG), ((4, 0), Bond::ASYNC)];
    let graph = graph(&metadata, &Bonds::from(bonds));
    let impact = ask(&graph, &[0], 100, true);
    let order: Vec<_> = impact.impacted().iter().map(|each| (each.node, each.severity)).collect();
    let (outage, degraded) = (Severity::Outage, Severity::Degraded);
    assert_eq!(order, [(3, outage), (1, outage), (2, degraded), (4, degraded)]);
    let hard: Vec<_> = ask(&graph, &[0], 100, false).impacted().iter().map(|each| each.node).collect();
    assert_eq!(hard, [3, 1, 4], "asynchronous and hard is followed, soft is not");
}

#[test]
fn totals_count_kinds_of_services() {
    let metadata = [
        "{}",
        r#"{"criticality":"low","team":"b"}"#,
        r#"{"criticality":"critical","team":"a"}"#,
        r#"{"team":"unassigned"}"#,
        r#"{"team":"b"}"#,
        "{}",
    ];
    let bonds = [
        ((1, 0), Bond::STRONG),
        ((2, 1), Bond::SOFT),
        ((3, 0), Bond::SOFT),
        ((4, 3), Bond::STRONG),
        ((5, 0), Bond::STRONG),
    ];
    let graph = graph(&metadata, &Bonds::from(bonds));
    let question = ImpactQuestion { failing: vec![0], depth: 100, include_soft: true };
    let totals = impact_totals(&graph, &question, u64::MAX).unwrap();
    assert_eq!((totals.impacted, totals.by_severity, totals.by_criticality), (5, [2, 3], [1, 0, 3, 1]));
    let teams: Vec<(&str, u32)> = totals.by_team.iter().map(|(team, count)| (&**team, *count)).collect();
    assert_eq!(teams, [("a", 1), ("b", 2), ("unassigned", 2)], "no team, and one that is called so");
}

/// The nearest way is soft, the one that brings it down is longer.
#[test]
fn an_outage_shows_the_path_that_causes_it() {
    let bonds = [((2, 0), Bond::SOFT), ((2, 1), Bond::STRONG), ((1, 0), Bond::STRONG)];
    let graph = graph(&["{}"; 3], &Bonds::from(bonds));
    let impact = ask(&graph, &[0], 10, true);
    let last = impact.impacted().iter().find(|each| each.node == 2).unwrap();
    assert_eq!((last.distance, last.severity), (1, Severity::Outage));
    assert_eq!(impact.path(*last).collect::<Vec<_>>(), [2, 1, 0]);
    let near = ask(&graph, &[0], 1, true);
    let last = near.impacted().iter().find(|each| each.node == 2).unwrap();
    assert_eq!(last.severity, Severity::Degraded, "the strong path is too long");
}

#[test]
fn a_question_has_a_budget() {
    let graph = fresh(4, [(1, 0), (2, 0), (3, 0)]);
    let question = ImpactQuestion { failing: vec![0], depth: 1, include_soft: true };
    assert!(impact(&graph, question.clone(), 6).is_ok(), "two searches of three links");
    assert_eq!(impact_totals(&graph, &question, 3).map(|totals| totals.impacted), Ok(3), "one search");
    assert_eq!(impact_totals(&graph, &question, 2), Err(OverBudget { budget: 2 }));
    assert_eq!(impact(&graph, question, 5).err(), Some(OverBudget { budget: 5 }));
}

#[test]
fn a_clique_a_chain_and_a_star_are_answered_in_full() {
    let pairs = |nodes: u32| (0..nodes).flat_map(move |a| (0..nodes).map(move |b| (a, b)));
    let clique = fresh(1_000, pairs(1_000).filter(|(a, b)| a != b));
    let all: Vec<u32> = (0..100).collect();
    assert_eq!(ask(&clique, &[0], 100, true).impacted().len(), 999);
    assert_eq!(ask(&clique, &all, 100, true).impacted().len(), 900);
    let chain = fresh(100_000, (1..100_000).map(|node| (node, node - 1)));
    let impact = ask(&chain, &[0], 100, true);
    assert_eq!(impact.impacted().len(), 100);
    assert_eq!(impact.path(impact.impacted()[99]).count(), 101);
    let star = fresh(100_000, (1..100_000).map(|node| (node, 0)));
    assert_eq!(ask(&star, &[0], 1, true).impacted().len(), 99_999);
    assert_eq!(ask(&star, &[7], 100, true).impacted().len(), 0);
}
