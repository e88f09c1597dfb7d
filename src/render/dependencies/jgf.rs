//! JSON Graph Format, version 2: one graph whose nodes are keyed by service id.

use super::{EdgeShown, NodeShown, Subject};
use crate::graph::Graph;
use crate::json::{TimestampWriter, push_integer};
use crate::render::edge::push_details;

pub(super) fn head(out: &mut Vec<u8>, subject: Subject<'_>) {
    out.extend_from_slice(b"{\"graph\":{\"directed\":true,\"type\":\"service dependencies\",\"label\":");
    out.extend_from_slice(subject.graph.node(subject.traversal.question().root).name_json());
    out.extend_from_slice(b",\"nodes\":{");
}

pub(super) fn node(out: &mut Vec<u8>, graph: &Graph, shown: NodeShown) {
    let node = graph.node(shown.index);
    if shown.position > 0 {
        out.push(b',');
    }
    out.extend_from_slice(node.name_json());
    out.extend_from_slice(b":{\"label\":");
    out.extend_from_slice(node.name_json());
    out.extend_from_slice(b",\"metadata\":{");
    out.extend_from_slice(node.identity_json());
    out.extend_from_slice(b",\"distance\":");
    push_integer(out, shown.distance);
    out.extend_from_slice(node.metadata_json());
    out.extend_from_slice(b"}}");
}

pub(super) fn between(out: &mut Vec<u8>) {
    out.extend_from_slice(b"},\"edges\":[");
}

pub(super) fn edge(
    out: &mut Vec<u8>,
    subject: Subject<'_>,
    edge: EdgeShown,
    timestamps: &mut TimestampWriter,
) {
    let found = edge.found;
    if edge.position > 0 {
        out.push(b',');
    }
    out.extend_from_slice(b"{\"source\":");
    out.extend_from_slice(subject.graph.node(found.source).name_json());
    out.extend_from_slice(b",\"target\":");
    out.extend_from_slice(subject.graph.node(found.target).name_json());
    out.extend_from_slice(b",\"relation\":\"calls\",\"metadata\":{");
    push_details(out, subject.dependency(found), found.link.traits, timestamps);
    out.extend_from_slice(b"}}");
}

pub(super) fn tail(out: &mut Vec<u8>, subject: Subject<'_>, edges: u64) {
    out.extend_from_slice(b"],\"metadata\":{");
    subject.push_question(out);
    out.extend_from_slice(b",\"statistics\":");
    subject.push_statistics(out, edges);
    out.extend_from_slice(b"}}}");
}
