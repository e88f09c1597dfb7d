//! The contract's own form, in full or as ids.

use super::{EdgeShown, NodeShown, Subject, View};
use crate::graph::Graph;
use crate::json::{TimestampWriter, push_integer};
use crate::render::edge::push_edge;

pub(super) fn head(out: &mut Vec<u8>, subject: Subject<'_>) {
    out.push(b'{');
    subject.push_question(out);
    out.extend_from_slice(b",\"nodes\":[");
}

pub(super) fn node(out: &mut Vec<u8>, view: View, graph: &Graph, shown: NodeShown) {
    if shown.position > 0 {
        out.push(b',');
    }
    let node = graph.node(shown.index);
    match view {
        View::Full => {
            out.push(b'{');
            out.extend_from_slice(node.identity_json());
            out.extend_from_slice(b",\"distance\":");
            push_integer(out, shown.distance);
            out.extend_from_slice(node.metadata_json());
            out.push(b'}');
        }
        View::Ids => out.extend_from_slice(node.name_json()),
    }
}

pub(super) fn between(out: &mut Vec<u8>) {
    out.extend_from_slice(b"],\"edges\":[");
}

pub(super) fn edge(
    out: &mut Vec<u8>,
    view: View,
    subject: Subject<'_>,
    edge: EdgeShown,
    timestamps: &mut TimestampWriter,
) {
    if edge.position > 0 {
        out.push(b',');
    }
    let found = edge.found;
    match view {
        View::Full => {
            let (ends, dependency) = ((found.source, found.target), subject.dependency(found));
            push_edge(out, subject.graph, ends, dependency, found.link.traits, timestamps);
        }
        View::Ids => {
            out.push(b'[');
            push_integer(out, subject.position(found.source));
            out.push(b',');
            push_integer(out, subject.position(found.target));
            out.push(b']');
        }
    }
}

pub(super) fn tail(out: &mut Vec<u8>, subject: Subject<'_>, edges: u64) {
    out.extend_from_slice(b"],\"statistics\":");
    subject.push_statistics(out, edges);
    out.push(b'}');
}
