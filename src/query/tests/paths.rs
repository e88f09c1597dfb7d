//! Paths held against a list of all simple paths.

use super::landscape::{fresh, fresh_pairs, graph, random};
use crate::campaign::{Random, report, seeds};
use crate::graph::Graph;
use crate::limits::PATHS_SERVICES_MAX;
use crate::query::{OverBudget, PathsError, PathsQuestion, paths};

/// All simple paths, in order: by length, then by the first service that differs.
fn all_paths(pairs: &[(u32, u32)], from: u32, to: u32) -> Vec<Vec<u32>> {
    let mut begun = vec![vec![from]];
    let mut ended = Vec::new();
    while let Some(path) = begun.pop() {
        if path.last() == Some(&to) {
            ended.push(path);
            continue;
        }
        for (_, next) in pairs.iter().filter(|(source, _)| Some(source) == path.last()) {
            if !path.contains(next) {
                begun.push([path.as_slice(), &[*next]].concat());
            }
        }
    }
    ended.sort_by_key(|path| (path.len(), path.clone()));
    ended
}

fn ask(graph: &Graph, from: u32, to: u32, max_paths: usize) -> Vec<Vec<u32>> {
    paths(graph, PathsQuestion { from, to, max_paths }, u64::MAX).unwrap()
}

fn check(seed: u64) -> Result<u64, String> {
    let mut numbers = Random::new(seed);
    let (nodes, edges) = random(&mut numbers);
    let graph = graph(nodes, edges.clone());
    let (from, to) = (numbers.below(nodes.into()) as u32, numbers.below(nodes.into()) as u32);
    let max_paths = 1 + numbers.below(30) as usize;
    let mut expected = all_paths(&fresh_pairs(&edges), from, to);
    expected.truncate(max_paths);
    let question = PathsQuestion { from, to, max_paths };
    let found = paths(&graph, question, u64::MAX);
    if found.as_ref() != Ok(&expected) {
        return Err(format!("seed {seed}: {question:?} over {edges:?}: {found:?}, not {expected:?}"));
    }
    // Within whatever budget it is the same answer or none.
    let budget = numbers.below(60);
    match paths(&graph, question, budget) {
        Ok(found) if found == expected => Ok(1),
        Err(error) if error == PathsError::OverBudget(OverBudget { budget }) => Ok(1),
        other => Err(format!("seed {seed}: within {budget}: {other:?}, not {expected:?}")),
    }
}

#[test]
fn paths_are_the_first_of_all_simple_ones() {
    report("paths", seeds(20_000).map(check).sum(), 20_000);
}

#[test]
fn equally_long_paths_come_by_age() {
    let graph = fresh(6, [(0, 4), (4, 5), (0, 2), (2, 5), (0, 3), (3, 5), (0, 1), (1, 4), (3, 2)]);
    let expected = [vec![0, 2, 5], vec![0, 3, 5], vec![0, 4, 5], vec![0, 1, 4, 5], vec![0, 3, 2, 5]];
    assert_eq!(ask(&graph, 0, 5, 100), expected);
    assert_eq!(ask(&graph, 0, 5, 2), expected[..2]);
    assert_eq!(ask(&graph, 5, 0, 2), Vec::<Vec<u32>>::new());
    assert_eq!(ask(&graph, 3, 3, 5), [[3]]);
}

/// Downward and to the right through a square: `C(2n, n)` paths, all of the same length.
#[test]
fn a_grid_is_not_searched_to_its_end() {
    const SIDE: u32 = 40;
    let place = |row, column| row * SIDE + column;
    let mut pairs = Vec::new();
    for row in 0..SIDE {
        for column in 0..SIDE {
            if column + 1 < SIDE {
                pairs.push((place(row, column), place(row, column + 1)));
            }
            if row + 1 < SIDE {
                pairs.push((place(row, column), place(row + 1, column)));
            }
        }
    }
    let graph = fresh(SIDE * SIDE, pairs);
    let question = PathsQuestion { from: 0, to: SIDE * SIDE - 1, max_paths: 100 };
    let found = paths(&graph, question, 2_000_000).unwrap();
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|path| path.len() == 2 * SIDE as usize - 1));
    assert!(found.is_sorted() && found.windows(2).all(|pair| pair[0] != pair[1]));
}

/// One path, beside which a dense crowd leads back to its middle: a search without marks never ends.
#[test]
fn a_crowd_behind_the_only_path_is_no_way_around() {
    const CROWD: u32 = 60;
    let crowd = 3..3 + CROWD;
    let within = crowd.clone().flat_map(|a| (3..3 + CROWD).map(move |b| (a, b))).filter(|(a, b)| a != b);
    let pairs = [(0, 1), (1, 2)].into_iter().chain(crowd.flat_map(|node| [(1, node), (node, 1)]));
    let graph = fresh(3 + CROWD, pairs.chain(within).collect::<std::collections::BTreeSet<_>>());
    let question = PathsQuestion { from: 0, to: 2, max_paths: 100 };
    assert_eq!(paths(&graph, question, 100_000), Ok(vec![vec![0, 1, 2]]));
}

/// At each hop of a long way there is a way around.
#[test]
fn what_is_too_much_is_refused_by_name() {
    const HOPS: u32 = 5_000;
    let steps = (0..HOPS).flat_map(|hop| [(hop, hop + 1), (hop, HOPS + 1 + hop), (HOPS + 1 + hop, hop + 1)]);
    let graph = fresh(2 * HOPS + 1, steps);
    let question = PathsQuestion { from: 0, to: HOPS, max_paths: 10 };
    let budget = 1_000_000;
    assert_eq!(paths(&graph, question, budget), Err(PathsError::OverBudget(OverBudget { budget })));
    let few = PathsQuestion { max_paths: 1, ..question };
    assert_eq!(paths(&graph, few, budget).map(|paths| paths[0].len()), Ok(HOPS as usize + 1));
}

#[test]
fn more_services_than_an_answer_holds_are_refused() {
    // Two ways at the very end of a long chain.
    let hops = PATHS_SERVICES_MAX as u32 / 2;
    let pairs = (0..hops).map(|node| (node, node + 1)).chain([(hops - 1, hops + 1), (hops + 1, hops)]);
    let graph = fresh(hops + 2, pairs);
    assert_eq!(ask(&graph, 0, hops, 1).len(), 1);
    let question = PathsQuestion { from: 0, to: hops, max_paths: 2 };
    assert_eq!(paths(&graph, question, u64::MAX), Err(PathsError::TooLong));
}
