//! The JSON of Cytoscape.js: `{"elements":{"nodes":[{"data":…}],"edges":[{"data":…}]},"data":…}`, as
//! `cy.json()` takes it.
//!
//! An element's `id` is the service's UUID, since `service_id` stands beside it as in every other answer;
//! edges name their ends by it.

use super::{EdgeShown, NodeShown, Subject};
use crate::graph::Graph;
use crate::json::{TimestampWriter, push_integer, push_plain};
use crate::render::edge::push_details;

pub(super) fn head(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"elements\":{\"nodes\":[");
}

pub(super) fn node(out: &mut Vec<u8>, graph: &Graph, shown: NodeShown) {
    let node = graph.node(shown.index);
    out.extend_from_slice(if shown.position > 0 { b",{\"data\":{" } else { b"{\"data\":{" });
    out.extend_from_slice(node.identity_json());
    out.extend_from_slice(b",\"distance\":");
    push_integer(out, shown.distance);
    out.extend_from_slice(node.metadata_json());
    out.extend_from_slice(b"}}");
}

pub(super) fn between(out: &mut Vec<u8>) {
    out.extend_from_slice(b"],\"edges\":[");
}

pub(super) fn edge(
    out: &mut Vec<u8>,
    subject: Subject<'_>,
    edge: EdgeShown,
    timestamps: &mut TimestampWriter,
) {
    let id = |node| subject.graph.node(node).service().id();
    let found = edge.found;
    out.extend_from_slice(if edge.position > 0 { b",{\"data\":{" } else { b"{\"data\":{" });
    out.extend_from_slice(b"\"source\":");
    push_plain(out, id(found.source).as_hyphenated());
    out.extend_from_slice(b",\"target\":");
    push_plain(out, id(found.target).as_hyphenated());
    out.push(b',');
    push_details(out, subject.dependency(found), found.link.traits, timestamps);
    out.extend_from_slice(b"}}");
}

pub(super) fn tail(out: &mut Vec<u8>, subject: Subject<'_>, edges: u64) {
    out.extend_from_slice(b"]},\"data\":{");
    subject.push_question(out);
    out.extend_from_slice(b",\"statistics\":");
    subject.push_statistics(out, edges);
    out.extend_from_slice(b"}}");
}
