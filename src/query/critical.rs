//! Single points of failure: services that are the only way to others.
//!
//! - An entry point is a member of a component that no service outside it calls, over fresh dependencies.
//!   All members of such a component are: a request may come in at any of them.
//! - A service that is no other's only way is no single point of failure and not listed.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::callers::transitive_callers;
use super::dominators::sole_path_for;
use super::view::View;
use crate::graph::Graph;
use crate::limits;

/// A service that others depend on alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Critical {
    /// Its node.
    pub node: u32,
    /// Services that every path from an entry point reaches only through it; 1 at least.
    pub sole_path_for: u32,
    /// Services that need it, over any number of hops; itself not counted.
    pub dependents: u32,
}

/// The `limit` most critical services: by `sole_path_for`, then `dependents`, largest first, then by id.
///
/// Who has as many dependents as whom is found for [`limits::CRITICAL_COMPARED_MAX`] services at most. Where
/// more than that share the last `sole_path_for` that is listed, those with most direct callers compete
/// for it. O((services + dependencies) · log services).
pub fn critical(graph: &Graph, limit: usize) -> Vec<Critical> {
    let entries = entry_points(graph);
    let counts = sole_path_for(graph, &entries);
    let compared = compared(graph, &counts, limit);
    let dependents = transitive_callers(graph, View::new(graph, &entries), &compared);
    let mut ranked: Vec<Critical> = compared
        .into_iter()
        .zip(dependents)
        .map(|(node, dependents)| Critical { node, sole_path_for: counts[node as usize], dependents })
        .collect();
    ranked.sort_unstable_by_key(|each| {
        (Reverse(each.sole_path_for), Reverse(each.dependents), graph.name(each.node))
    });
    ranked.truncate(limit);
    ranked
}

/// The services of which some are listed: all that are better than the last listed one, and those that are
/// as good.
fn compared(graph: &Graph, counts: &[u32], limit: usize) -> Vec<u32> {
    let mut nodes: Vec<u32> = (0..graph.node_count()).filter(|node| counts[*node as usize] > 0).collect();
    let count = |node: u32| counts[node as usize];
    if nodes.len() > limit {
        let (_, last, _) = nodes.select_nth_unstable_by_key(limit - 1, |node| Reverse(count(*node)));
        let least = count(*last);
        nodes.retain(|node| count(*node) >= least);
    }
    if nodes.len() > limits::CRITICAL_COMPARED_MAX {
        nodes.select_nth_unstable_by_key(limits::CRITICAL_COMPARED_MAX, |node| {
            (Reverse(count(*node)), Reverse(graph.incoming(*node).len()), graph.name(*node))
        });
        nodes.truncate(limits::CRITICAL_COMPARED_MAX);
    }
    nodes
}

/// Where requests come in. O(services + dependencies).
pub(super) fn entry_points(graph: &Graph) -> Vec<u32> {
    let cycles = graph.cycles();
    let is_called = |node: u32, from_where: &dyn Fn(u32) -> bool| {
        let callers = graph.incoming(node).iter();
        callers.filter(|link| !link.traits.is_stale()).any(|link| from_where(link.node))
    };
    let mut called_components = BTreeSet::new();
    for (key, component) in cycles.components() {
        let outside = |caller| cycles.key_of(caller) != Some(key);
        if component.members.iter().any(|member| is_called(*member, &outside)) {
            called_components.insert(key);
        }
    }
    let is_entry = |node: &u32| match cycles.key_of(*node) {
        Some(key) => !called_components.contains(&key),
        None => graph.get(*node).is_some() && !is_called(*node, &|_| true),
    };
    (0..graph.node_count()).filter(is_entry).collect()
}
