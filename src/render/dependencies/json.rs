//! The contract's own form, in full or as ids.

use super::{EdgeShown, NodeShown, Subject};
use crate::graph::Graph;
use crate::json::{TimestampWriter, push_integer};
use crate::render::edge::push_edge;

pub(super) fn head(out: &mut Vec<u8>, subject: Subject<'_>) {
    out.push(b'{');
    subject.push_question(out);
    out.extend_from_slice(b",\"nodes\":[");
}

#[inline]
pub(super) fn node(out: &mut Vec<u8>, graph: &Graph, shown: NodeShown) {
    let node = graph.node(shown.index);
    push_comma(out, shown.position > 0);
    out.push(b'{');
    out.extend_from_slice(node.identity_json());
    out.extend_from_slice(b",\"distance\":");
    push_integer(out, shown.distance);
    out.extend_from_slice(node.metadata_json());
    out.push(b'}');
}

pub(super) fn node_id(out: &mut Vec<u8>, graph: &Graph, shown: NodeShown) {
    push_comma(out, shown.position > 0);
    out.extend_from_slice(graph.node(shown.index).name_json());
}

pub(super) fn between(out: &mut Vec<u8>) {
    out.extend_from_slice(b"],\"edges\":[");
}

#[inline]
pub(super) fn edge(
    out: &mut Vec<u8>,
    subject: Subject<'_>,
    edge: EdgeShown,
    timestamps: &mut TimestampWriter,
) {
    let found = edge.found;
    push_comma(out, edge.position > 0);
    let (ends, dependency) = ((found.source, found.target), subject.dependency(found));
    push_edge(out, subject.graph, ends, dependency, found.link.traits, timestamps);
}

/// The places of both ends among the nodes.
pub(super) fn edge_ids(out: &mut Vec<u8>, subject: Subject<'_>, edge: EdgeShown, _: &mut TimestampWriter) {
    push_comma(out, edge.position > 0);
    out.push(b'[');
    push_integer(out, subject.position(edge.found.source));
    out.push(b',');
    push_integer(out, subject.position(edge.found.target));
    out.push(b']');
}

pub(super) fn tail(out: &mut Vec<u8>, subject: Subject<'_>, edges: u64) {
    out.extend_from_slice(b"],\"statistics\":");
    subject.push_statistics(out, edges);
    out.push(b'}');
}

fn push_comma(out: &mut Vec<u8>, is_needed: bool) {
    if is_needed {
        out.push(b',');
    }
}
