//! Composite availability where more services ask than one pass answers for, over a platform that they share.

use std::collections::BTreeSet;

use super::landscape::fresh;
use super::strength::{Bond, Bonds, graph};
use crate::campaign::{Random, report, seeds};
use crate::limits;
use crate::query::{AvailabilityChange, CompositeChange, OverBudget, availability_impact};

const CHANGED: u32 = 0;
const TARGETS: (f64, f64) = (0.99, 0.9);

/// Services that call one another downwards, some of them in a circle, the one that changes at the bottom, and
/// callers of that one that call some of the rest as well.
fn pairs(random: &mut Random, platform: u32, circle: u32, callers: u32) -> BTreeSet<(u32, u32)> {
    let mut pairs = BTreeSet::new();
    let mut call = |from: u32, count: u64, below: u32| {
        for _ in 0..count {
            pairs.insert((from, random.below(u64::from(below)) as u32));
        }
    };
    for node in 1..platform + callers {
        call(node, 3, node.min(platform));
    }
    pairs.extend((platform..platform + callers).map(|node| (node, CHANGED)));
    pairs.extend((0..circle).map(|place| {
        let at = |place: u32| platform / 3 + place % circle;
        (at(place), at(place + 1))
    }));
    pairs.retain(|(from, to)| from != to);
    pairs
}

/// What each service reaches, itself included, by walking from each.
fn reached(pairs: &BTreeSet<(u32, u32)>, nodes: u32) -> Vec<BTreeSet<u32>> {
    let walk = |from: u32| {
        let (mut reached, mut open) = (BTreeSet::from([from]), vec![from]);
        while let Some(node) = open.pop() {
            let callees = pairs.range((node, 0)..=(node, u32::MAX)).map(|(_, to)| *to);
            open.extend(callees.filter(|to| reached.insert(*to)));
        }
        reached
    };
    (0..nodes).map(walk).collect()
}

/// The product over everything that a service reaches; those that reach each other count as their weakest.
fn product(reached: &[BTreeSet<u32>], owns: &[f64], from: u32) -> f64 {
    let mut rest = reached[from as usize].clone();
    let mut product = 1.0;
    while let Some(node) = rest.pop_first() {
        let back = reached[node as usize].iter().filter(|other| reached[**other as usize].contains(&node));
        let mut weakest = f64::INFINITY;
        for each in back {
            weakest = weakest.min(owns[*each as usize]);
            rest.remove(each);
        }
        product *= weakest;
    }
    product
}

fn check(seed: u64) -> Result<u64, String> {
    let mut random = Random::new(seed);
    let circle = [0, 2, 5][random.below(3) as usize];
    let (platform, callers) = (12 + random.below(8) as u32, 100 + random.below(250) as u32);
    let mut pairs = pairs(&mut random, platform, circle, callers);
    if random.below(2) == 0 {
        // The service that changes mostly comes to lie on a cycle itself.
        pairs.insert((CHANGED, platform / 2));
    }
    let nodes = platform + callers;
    let is_measured: Vec<bool> = (0..nodes).map(|_| random.below(3) == 0).collect();
    let metadata: Vec<&str> = is_measured
        .iter()
        .map(|measured| if *measured { r#"{"availability":0.95}"# } else { "{}" })
        .collect();
    let mut owns: Vec<f64> =
        is_measured.iter().map(|measured| if *measured { 0.95 } else { 0.999 }).collect();
    let bonds: Bonds = pairs.iter().map(|pair| (*pair, Bond::STRONG)).collect();
    let change =
        AvailabilityChange { node: CHANGED, current: TARGETS.0, proposed: TARGETS.1, max_depth: 100 };
    let found = availability_impact(&graph(&metadata, &bonds), change, u64::MAX).unwrap();
    if found.len() < callers as usize {
        return Err(format!("seed {seed}: {} found of {callers} callers", found.len()));
    }
    let reached = reached(&pairs, nodes);
    for CompositeChange { node, current, projected, .. } in found {
        for (target, found) in [(TARGETS.0, current), (TARGETS.1, projected)] {
            owns[CHANGED as usize] = target;
            let expected = product(&reached, &owns, node);
            if (found - expected).abs() > 1e-12 {
                return Err(format!(
                    "seed {seed}: s{node} has {found}, not {expected}: {pairs:?} {metadata:?}"
                ));
            }
        }
    }
    Ok(1)
}

#[test]
fn many_who_share_a_platform_are_each_multiplied_as_if_alone() {
    report("closures", seeds(300).map(check).sum(), 300);
}

/// A product for each of 80,000 callers, over closures of hundreds that overlap in all ways: walked one by one
/// these are more links than a query may look at.
#[test]
fn a_hub_over_a_large_platform_is_within_the_budget() {
    for circle in [0, 200] {
        let (platform, callers) = (2_000, 80_000);
        let graph = fresh(platform + callers, pairs(&mut Random::new(1), platform, circle, callers));
        let change = AvailabilityChange { node: CHANGED, current: 0.999, proposed: 0.99, max_depth: 1 };
        let found = availability_impact(&graph, change, limits::QUERY_HEAVY_EDGES_MAX).unwrap();
        assert!(found.len() >= callers as usize, "{} found", found.len());
    }
}

#[test]
fn the_budget_covers_the_search_for_components_and_the_passes() {
    // 300 callers of s0, each calling s1 too, below which s2 … s200 are a clique.
    let clique = (2..=200u32).flat_map(|a| (2..=200).map(move |b| (a, b))).filter(|(a, b)| a != b);
    let callers = (201..=500).flat_map(|caller| [(caller, 0), (caller, 1)]);
    let graph = fresh(501, clique.chain(callers).chain([(1, 2)]));
    let change = AvailabilityChange { node: CHANGED, current: 0.999, proposed: 0.99, max_depth: 100 };
    let links = 199 * 198 + 600 + 1;
    // Who calls s0; every link twice, to find the components and to note their callees.
    let search = 300 + 2 * links;
    for budget in [299, 301, 20_000, search - 1, search] {
        assert_eq!(availability_impact(&graph, change, budget), Err(OverBudget { budget }), "{budget}");
    }
    // Three passes, of 128, 128 and 44 callers with one callee each; in each s1 with one and the clique with none;
    // a sixteenth of the multiplications of the last two on top.
    let passes = 300 * 2 + 3 * (2 + 1) + 4 * (128 / 16) + 2 * (44 / 16);
    assert!(availability_impact(&graph, change, search + passes - 1).is_err());
    assert_eq!(availability_impact(&graph, change, search + passes).map(|found| found.len()), Ok(300));
}
