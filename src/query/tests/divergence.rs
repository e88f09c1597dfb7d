//! Divergence held against the contract's own words.

use super::landscape::{Edges, Observations, graph, name, random};
use crate::campaign::{Random, report, seeds};
use crate::graph::Graph;
use crate::query::{Divergence, OverBudget, divergence};
use crate::types::DiscoverySource::{self, Kubernetes, Manual, OtelServiceGraph, ServiceMesh};

/// The names at both ends, in order.
fn expected(edges: &Edges, kind: Divergence) -> Vec<(String, String)> {
    let by = |observations: &Observations, wanted: [DiscoverySource; 2]| {
        observations.iter().any(|(source, _)| wanted.contains(source))
    };
    let diverges = |observations: &Observations| {
        let observed = by(observations, [ServiceMesh, OtelServiceGraph]);
        let declared = by(observations, [Manual, Kubernetes]);
        let fresh = observations.iter().any(|(_, stale)| !stale);
        fresh
            && match kind {
                Divergence::Undeclared => observed && !declared,
                Divergence::Unobserved => declared && !observed,
            }
    };
    let found = edges.iter().filter(|(_, observations)| diverges(observations));
    let mut names: Vec<_> = found.map(|((source, target), _)| (name(*source), name(*target))).collect();
    names.sort();
    names
}

type Names = Vec<(String, String)>;

fn page(graph: &Graph, kind: Divergence, after: Option<&(String, String)>, limit: usize) -> (Names, bool) {
    let after = after.map(|(source, target)| (source.as_str(), target.as_str()));
    let page = divergence(graph, kind, after, limit, u64::MAX).unwrap();
    let names = |(source, link): &(u32, crate::graph::Link)| {
        (graph.name(*source).to_string(), graph.name(link.node).to_string())
    };
    (page.items.iter().map(names).collect(), page.more)
}

fn check(seed: u64) -> Result<u64, String> {
    let mut numbers = Random::new(seed);
    let (nodes, edges) = random(&mut numbers);
    let graph = graph(nodes, edges.clone());
    let limit = 1 + numbers.below(6) as usize;
    for kind in Divergence::ALL {
        let mut found: Names = Vec::new();
        loop {
            let (items, more) = page(&graph, kind, found.last(), limit);
            if items.len() > limit || (more && items.len() < limit) {
                return Err(format!("seed {seed}: {kind:?}: a page of {} for {limit}", items.len()));
            }
            found.extend(items);
            if !more {
                break;
            }
        }
        let expected = expected(&edges, kind);
        if found != expected {
            return Err(format!("seed {seed}: {kind:?} of {edges:?}: {found:?}, not {expected:?}"));
        }
    }
    Ok(1)
}

#[test]
fn divergence_is_what_the_contract_says() {
    report("divergence", seeds(10_000).map(check).sum(), 10_000);
}

#[test]
fn a_declaration_that_went_stale_is_still_one() {
    let edges = Edges::from([
        ((0, 1), vec![(Manual, true), (ServiceMesh, false)]),
        ((0, 2), vec![(Kubernetes, false), (OtelServiceGraph, true)]),
        ((1, 2), vec![(ServiceMesh, true)]),
        ((2, 1), vec![(OtelServiceGraph, false)]),
        ((2, 0), vec![(Kubernetes, false)]),
    ]);
    let graph = graph(3, edges);
    let pair = |source, target| vec![(name(source), name(target))];
    assert_eq!(page(&graph, Divergence::Undeclared, None, 9), (pair(2, 1), false));
    assert_eq!(page(&graph, Divergence::Unobserved, None, 9), (pair(2, 0), false));
}

#[test]
fn a_page_goes_on_behind_what_is_gone() {
    let edges = (1..4).map(|target| ((0, target), vec![(Manual, false)]));
    let graph = graph(5, edges.chain([((4, 0), vec![(Manual, false)])]));
    let (all, _) = page(&graph, Divergence::Unobserved, None, 9);
    assert_eq!(all.len(), 4);
    let between = (all[1].0.clone(), format!("{}!", all[1].1));
    assert_eq!(page(&graph, Divergence::Unobserved, Some(&between), 9).0, all[2..]);
    for (unknown, rest) in [("", 4), ("zzz", 0)] {
        let after = (unknown.to_owned(), "x".to_owned());
        assert_eq!(page(&graph, Divergence::Unobserved, Some(&after), 9).0, all[4 - rest..], "{unknown:?}");
    }
}

#[test]
fn a_search_stays_within_its_budget() {
    let graph = graph(9, (1..9).map(|target| ((0, target), vec![(Manual, false)])));
    let ask = |budget| divergence(&graph, Divergence::Undeclared, None, 5, budget);
    assert_eq!(ask(16), Err(OverBudget { budget: 16 }));
    assert_eq!(ask(17).map(|page| page.items), Ok(vec![]));
}
