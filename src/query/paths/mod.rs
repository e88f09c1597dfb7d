//! The shortest simple paths from one service to another, over fresh dependencies.
//!
//! Yen, "Finding the K shortest loopless paths in a network" (Management Science 17, 1971), in the
//! partition that Lawler gave it (Management Science 18, 1972): each path that is found splits what is
//! left into sets that share its beginning and leave it at one place, and the best of each set waits.
//!
//! - Paths come by hops; equally long ones by the age of their services: at the first place where two
//!   differ, the service that was created earlier comes first. This is a total order, and it is durable.
//! - From a service to itself there is one path: the service alone.
//! - Exact or refused: nothing is cut silently. Budgets bound the work, and the answer's length.

mod detour;

use std::collections::BTreeSet;

use super::OverBudget;
use crate::graph::Graph;
use crate::limits;
use detour::Detours;

/// Which paths are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathsQuestion {
    /// The node where they begin.
    pub from: u32,
    /// The node where they end.
    pub to: u32,
    /// How many at most, 1 at least.
    pub max_paths: usize,
}

/// Why paths are not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathsError {
    /// Too much to look at.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// Too much to show.
    #[error("the paths have more than {} services together", limits::PATHS_SERVICES_MAX)]
    TooLong,
}

/// The best path of a set of paths that is not split yet, ordered as paths are.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    hops: usize,
    /// From `from` to `to`. No other candidate has the same.
    path: Vec<u32>,
    /// All paths of the set agree up to this place, that one included, …
    spur: usize,
    /// … and go on to none of these.
    excluded: Vec<u32>,
}

/// The shortest paths, as node indexes, at most `max_paths`; fewer when there are no more. `budget` bounds
/// the dependencies looked at. O(paths · hops · (services + dependencies) · log services) at worst; where
/// the alternatives are about as long as the shortest path, hardly more than their own services.
pub fn paths(graph: &Graph, question: PathsQuestion, budget: u64) -> Result<Vec<Vec<u32>>, PathsError> {
    let PathsQuestion { from, to, max_paths } = question;
    let mut detours = Detours::new(graph, to, budget)?;
    let mut open = BTreeSet::new();
    if let Some(path) = detours.best(from, &[], u32::MAX)? {
        open.insert(Candidate { hops: path.len() - 1, path, spur: 0, excluded: Vec::new() });
    }
    let (mut found, mut services) = (Vec::new(), 0);
    while let Some(best) = open.pop_first() {
        services += best.path.len();
        if services > limits::PATHS_SERVICES_MAX {
            return Err(PathsError::TooLong);
        }
        let missing = max_paths.saturating_sub(found.len() + 1);
        if missing > 0 {
            split(&mut detours, &best, &mut open, missing)?;
        }
        found.push(best.path);
        if missing == 0 {
            break;
        }
    }
    Ok(found)
}

/// Puts the best of each set into which a candidate's own set falls once its path is taken out; of all
/// that wait, the best `wanted` are kept.
fn split(
    detours: &mut Detours<'_>,
    parent: &Candidate,
    open: &mut BTreeSet<Candidate>,
    wanted: usize,
) -> Result<(), OverBudget> {
    let path = &parent.path;
    detours.open_all();
    path[..parent.spur].iter().for_each(|node| detours.close(*node));
    for spur in parent.spur..path.len() - 1 {
        // Nothing longer than the last of those that are wanted can be wanted.
        let hops_max = match open.last() {
            Some(last) if open.len() >= wanted => last.hops,
            _ => usize::MAX,
        };
        let Some(rest_max) = hops_max.checked_sub(spur) else { break };
        let mut excluded = if spur == parent.spur { parent.excluded.clone() } else { Vec::new() };
        excluded.push(path[spur + 1]);
        detours.close(path[spur]);
        let rest_max = u32::try_from(rest_max).unwrap_or(u32::MAX);
        if let Some(rest) = detours.best(path[spur], &excluded, rest_max)? {
            let path = [&path[..spur], &rest].concat();
            detours.spend(path.len() as u64)?;
            open.insert(Candidate { hops: path.len() - 1, path, spur, excluded });
            if open.len() > wanted {
                open.pop_last();
            }
        }
    }
    Ok(())
}
