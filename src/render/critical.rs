//! Services that others depend on alone.

use crate::graph::Graph;
use crate::json::{push_integer, push_list};
use crate::query::Critical;

/// Writes them in their order.
pub fn critical(out: &mut Vec<u8>, graph: &Graph, items: &[Critical]) {
    out.extend_from_slice(b"{\"version\":");
    push_integer(out, graph.version());
    out.extend_from_slice(b",\"items\":");
    push_list(out, items, |out, item| {
        out.extend_from_slice(b"{\"service_id\":");
        out.extend_from_slice(graph.node(item.node).name_json());
        out.extend_from_slice(b",\"sole_path_for\":");
        push_integer(out, item.sole_path_for);
        out.extend_from_slice(b",\"dependents\":");
        push_integer(out, item.dependents);
        out.push(b'}');
    });
    out.push(b'}');
}
