//! Paths from one service to another.

use crate::graph::Graph;
use crate::json::{push_integer, push_list};

/// Writes paths of node indexes as lists of ids.
pub fn paths(out: &mut Vec<u8>, graph: &Graph, (from, to): (u32, u32), paths: &[Vec<u32>]) {
    let push_name = |out: &mut Vec<u8>, node: u32| out.extend_from_slice(graph.node(node).name_json());
    out.extend_from_slice(b"{\"from\":");
    push_name(out, from);
    out.extend_from_slice(b",\"to\":");
    push_name(out, to);
    out.extend_from_slice(b",\"version\":");
    push_integer(out, graph.version());
    out.extend_from_slice(b",\"paths\":");
    push_list(out, paths, |out, path| push_list(out, path, |out, node| push_name(out, *node)));
    out.push(b'}');
}
