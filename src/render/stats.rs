//! The whole landscape in a few numbers.

use crate::graph::Graph;
use crate::json::{push_integer, push_plain};
use crate::query::Stats;

/// Writes what a graph keeps counted and what was counted over it.
pub fn stats(out: &mut Vec<u8>, graph: &Graph, stats: &Stats) {
    let counts = graph.counts();
    let numbers: [(&str, u64); 10] = [
        ("{\"version\":", graph.version()),
        (",\"services\":", counts.services.into()),
        (",\"dependencies\":", counts.dependencies),
        (",\"observations\":", counts.observations),
        (",\"stale_dependencies\":", counts.stale_dependencies),
        (",\"discovered_services\":", counts.placeholders.into()),
        (",\"cycles\":", graph.cycles().len() as u64),
        (",\"weakly_connected_components\":", stats.weakly_connected_components.into()),
        (",\"max_callers\":", stats.max_callers.into()),
        (",\"max_dependencies\":", stats.max_dependencies.into()),
    ];
    for (member, number) in numbers {
        out.extend_from_slice(member.as_bytes());
        push_integer(out, number);
    }
    out.extend_from_slice(b",\"digest\":");
    push_plain(out, graph.digest());
    out.push(b'}');
}
