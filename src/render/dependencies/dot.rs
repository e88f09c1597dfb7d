//! A directed graph for Graphviz.
//!
//! - Nodes are `n0`, `n1`, … in the order of the answer; what a service is called is its label. A label is
//!   an escape string in which entities count, too: quotes, backslashes and ampersands are escaped, and a
//!   quoted string that begins with `<` is no HTML.
//! - Attributes that Graphviz does not know are left to other readers of the file.

use super::{EdgeShown, NodeShown, Subject};
use crate::graph::Graph;
use crate::json::{TimestampWriter, push_bool, push_integer};
use crate::types::{CommunicationMode, ServiceType};

pub(super) fn head(out: &mut Vec<u8>, subject: Subject<'_>) {
    let question = subject.traversal.question();
    out.extend_from_slice(b"digraph dependencies {\n  graph [rankdir=LR, version=");
    push_integer(out, subject.graph.version());
    out.extend_from_slice(b", direction=");
    out.extend_from_slice(question.direction.as_str().as_bytes());
    out.extend_from_slice(b", depth=");
    push_integer(out, question.depth);
    out.extend_from_slice(b", truncated=");
    push_bool(out, subject.traversal.is_truncated());
    out.extend_from_slice(b"];\n  node [shape=box];\n");
}

pub(super) fn node(out: &mut Vec<u8>, graph: &Graph, shown: NodeShown) {
    let service = graph.node(shown.index).service();
    out.extend_from_slice(b"  n");
    push_integer(out, shown.position);
    out.extend_from_slice(b" [label=\"");
    push_label(out, service.service_id().as_str());
    out.extend_from_slice(b"\", criticality=");
    out.extend_from_slice(service.criticality().as_str().as_bytes());
    out.extend_from_slice(b", service_type=");
    out.extend_from_slice(service.service_type().as_str().as_bytes());
    out.extend_from_slice(b", discovered=");
    push_bool(out, service.is_discovered());
    out.extend_from_slice(b", distance=");
    push_integer(out, shown.distance);
    if shown.position == 0 {
        out.extend_from_slice(b", penwidth=2");
    }
    match service.service_type() {
        ServiceType::Internal => {}
        ServiceType::External => out.extend_from_slice(b", style=dashed"),
    }
    out.extend_from_slice(b"];\n");
}

pub(super) fn edge(out: &mut Vec<u8>, subject: Subject<'_>, edge: EdgeShown, _: &mut TimestampWriter) {
    let (found, traits) = (edge.found, edge.found.link.traits);
    let attributes = &subject.dependency(found).shown().attributes;
    out.extend_from_slice(b"  n");
    push_integer(out, subject.position(found.source));
    out.extend_from_slice(b" -> n");
    push_integer(out, subject.position(found.target));
    out.extend_from_slice(b" [communication_mode=");
    out.extend_from_slice(attributes.communication_mode.as_str().as_bytes());
    out.extend_from_slice(b", criticality=");
    out.extend_from_slice(attributes.criticality.as_str().as_bytes());
    out.extend_from_slice(b", confidence_score=");
    out.extend_from_slice(traits.confidence_text().as_bytes());
    out.extend_from_slice(b", is_stale=");
    push_bool(out, traits.is_stale());
    match attributes.communication_mode {
        CommunicationMode::Sync => {}
        CommunicationMode::Async => out.extend_from_slice(b", style=dashed"),
    }
    out.extend_from_slice(if traits.is_stale() { b", color=gray];\n" } else { b"];\n" });
}

pub(super) fn tail(out: &mut Vec<u8>, subject: Subject<'_>, edges: u64) {
    out.extend_from_slice(b"  graph [total_nodes=");
    push_integer(out, subject.traversal.nodes().len());
    out.extend_from_slice(b", total_edges=");
    push_integer(out, edges);
    out.extend_from_slice(b"];\n}\n");
}

fn push_label(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'&' => out.extend_from_slice(b"&amp;"),
            plain => out.push(plain),
        }
    }
}
