//! Services, alone and in pages.

use crate::graph::Graph;
use crate::json::{push_integer, push_list, push_optional_number, push_optional_string, push_plain};

/// Writes one service with what stands beside it in the graph.
pub fn service(out: &mut Vec<u8>, graph: &Graph, index: u32) {
    let node = graph.node(index);
    out.push(b'{');
    out.extend_from_slice(node.identity_json());
    out.extend_from_slice(node.metadata_json());
    out.extend_from_slice(b",\"direct_dependencies\":");
    push_integer(out, graph.outgoing(index).len());
    out.extend_from_slice(b",\"direct_callers\":");
    push_integer(out, graph.incoming(index).len());
    out.extend_from_slice(b",\"availability_target\":");
    push_optional_number(out, node.service().availability_target());
    out.extend_from_slice(b",\"created_at\":");
    push_plain(out, node.service().created_at());
    out.extend_from_slice(b",\"updated_at\":");
    push_plain(out, node.service().updated_at());
    out.push(b'}');
}

/// Writes a page of services.
pub fn service_page(out: &mut Vec<u8>, graph: &Graph, indexes: &[u32], next_cursor: Option<&str>) {
    out.extend_from_slice(b"{\"items\":");
    push_list(out, indexes, |out, index| {
        let node = graph.node(*index);
        out.push(b'{');
        out.extend_from_slice(node.identity_json());
        out.extend_from_slice(node.metadata_json());
        out.push(b'}');
    });
    out.extend_from_slice(b",\"next_cursor\":");
    push_optional_string(out, next_cursor);
    out.push(b'}');
}
