//! A flowchart for Mermaid.
//!
//! - Nodes are `n0`, `n1`, … in the order of the answer, so that no name meets the grammar; what a service
//!   is called is a quoted label of letters, digits and a few marks. All else is written by its number, since
//!   Mermaid looks for HTML, Markdown and comments in quoted text, too.
//! - Asynchronous dependencies are dotted; one that is not hard, or stale, says so.
//! - Version and bounds are comments: the language has no place for them.

use super::{EdgeShown, NodeShown, Subject};
use crate::graph::Graph;
use crate::json::{TimestampWriter, push_integer};
use crate::types::{CommunicationMode, DependencyCriticality};

pub(super) fn head(out: &mut Vec<u8>, subject: Subject<'_>) {
    let question = subject.traversal.question();
    out.extend_from_slice(b"flowchart LR\n  %% version ");
    push_integer(out, subject.graph.version());
    out.extend_from_slice(b", direction ");
    out.extend_from_slice(question.direction.as_str().as_bytes());
    out.extend_from_slice(b", depth ");
    push_integer(out, question.depth);
    let truncated: &[u8] = if subject.traversal.is_truncated() { b", truncated\n" } else { b"\n" };
    out.extend_from_slice(truncated);
}

pub(super) fn node(out: &mut Vec<u8>, graph: &Graph, shown: NodeShown) {
    out.extend_from_slice(b"  n");
    push_integer(out, shown.position);
    out.extend_from_slice(b"[\"");
    push_label(out, graph.name(shown.index).as_str());
    out.extend_from_slice(b"\"]\n");
}

pub(super) fn edge(out: &mut Vec<u8>, subject: Subject<'_>, edge: EdgeShown, _: &mut TimestampWriter) {
    let found = edge.found;
    let attributes = &subject.dependency(found).shown().attributes;
    out.extend_from_slice(b"  n");
    push_integer(out, subject.position(found.source));
    out.extend_from_slice(match attributes.communication_mode {
        CommunicationMode::Sync => b" -->",
        CommunicationMode::Async => b" -.->",
    });
    let criticality = match attributes.criticality {
        DependencyCriticality::Hard => "",
        DependencyCriticality::Degraded => "degraded",
        DependencyCriticality::Soft => "soft",
    };
    let staleness = if found.link.traits.is_stale() { "stale" } else { "" };
    if !criticality.is_empty() || !staleness.is_empty() {
        let space = if criticality.is_empty() || staleness.is_empty() { "" } else { " " };
        for text in ["|", criticality, space, staleness, "|"] {
            out.extend_from_slice(text.as_bytes());
        }
    }
    out.extend_from_slice(b" n");
    push_integer(out, subject.position(found.target));
    out.push(b'\n');
}

pub(super) fn tail(out: &mut Vec<u8>, subject: Subject<'_>, edges: u64) {
    out.extend_from_slice(b"  %% ");
    push_integer(out, subject.traversal.nodes().len());
    out.extend_from_slice(b" services, ");
    push_integer(out, edges);
    out.extend_from_slice(b" dependencies\n");
}

fn push_label(out: &mut Vec<u8>, text: &str) {
    for c in text.chars() {
        if c.is_alphanumeric() || "-_./:@".contains(c) {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            out.push(b'#');
            push_integer(out, u32::from(c));
            out.push(b';');
        }
    }
}
