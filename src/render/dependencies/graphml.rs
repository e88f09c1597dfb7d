//! `GraphML`: XML whose keys are declared first.
//!
//! - Nodes are `n0`, `n1`, … in the order of the answer; a service's own names are data.
//! - What XML 1.0 cannot hold, however it is escaped (U+FFFE, U+FFFF and, in a team's name, control
//!   characters), is shown as U+FFFD.
//! - A member that has no value (a team, a protocol, a time-out) has no element.

use uuid::Uuid;

use super::{EdgeShown, NodeShown, Subject};
use crate::graph::Graph;
use crate::json::{TimestampWriter, push_bool, push_integer};
use crate::types::DiscoverySource;

const BEGIN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"#;

/// Where a datum stands, its name, its type.
const KEYS: [(&str, &str, &str); 24] = [
    ("graph", "service_id", "string"),
    ("graph", "direction", "string"),
    ("graph", "depth", "int"),
    ("graph", "version", "long"),
    ("graph", "total_nodes", "long"),
    ("graph", "total_edges", "long"),
    ("graph", "has_circular_dependencies", "boolean"),
    ("graph", "truncated", "boolean"),
    ("node", "service_id", "string"),
    ("node", "id", "string"),
    ("node", "team", "string"),
    ("node", "criticality", "string"),
    ("node", "service_type", "string"),
    ("node", "discovered", "boolean"),
    ("node", "distance", "int"),
    ("edge", "communication_mode", "string"),
    ("edge", "criticality", "string"),
    ("edge", "protocol", "string"),
    ("edge", "timeout_ms", "int"),
    ("edge", "confidence_score", "double"),
    ("edge", "discovery_source", "string"),
    ("edge", "sources", "string"),
    ("edge", "last_observed_at", "string"),
    ("edge", "is_stale", "boolean"),
];

/// Writes one datum of a graph, a node or an edge, by the name of its key.
struct Data<'o> {
    out: &'o mut Vec<u8>,
    of: &'static str,
}

impl Data<'_> {
    fn with(&mut self, name: &str, push: impl FnOnce(&mut Vec<u8>)) {
        for markup in ["<data key=\"", self.of, "_", name, "\">"] {
            push_markup(self.out, markup);
        }
        push(self.out);
        push_markup(self.out, "</data>");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.with(name, |out| push_text(out, text));
    }

    fn number(&mut self, name: &str, number: impl itoa::Integer) {
        self.with(name, |out| push_integer(out, number));
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.with(name, |out| push_bool(out, value));
    }
}

pub(super) fn head(out: &mut Vec<u8>, subject: Subject<'_>) {
    let (graph, traversal) = (subject.graph, subject.traversal);
    push_markup(out, BEGIN);
    for (of, name, kind) in KEYS {
        let key = ["  <key id=\"", of, "_", name, "\" for=\"", of, "\" attr.name=\"", name];
        push_markup(out, &key.concat());
        push_markup(out, &["\" attr.type=\"", kind, "\"/>\n"].concat());
    }
    push_markup(out, "  <graph edgedefault=\"directed\">\n    ");
    let question = traversal.question();
    let mut data = Data { out, of: "graph" };
    data.text("service_id", graph.name(question.root).as_str());
    data.text("direction", question.direction.as_str());
    data.number("depth", question.depth);
    data.number("version", graph.version());
    data.number("total_nodes", traversal.nodes().len());
    data.flag("has_circular_dependencies", traversal.has_cycles());
    data.flag("truncated", traversal.is_truncated());
    out.push(b'\n');
}

pub(super) fn node(out: &mut Vec<u8>, graph: &Graph, shown: NodeShown) {
    let service = graph.node(shown.index).service();
    push_markup(out, "    <node id=\"n");
    push_integer(out, shown.position);
    push_markup(out, "\">");
    let mut data = Data { out, of: "node" };
    data.text("service_id", service.service_id().as_str());
    data.text("id", service.id().as_hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    if let Some(team) = service.team() {
        data.text("team", team);
    }
    data.text("criticality", service.criticality().as_str());
    data.text("service_type", service.service_type().as_str());
    data.flag("discovered", service.is_discovered());
    data.number("distance", shown.distance);
    push_markup(out, "</node>\n");
}

pub(super) fn edge(out: &mut Vec<u8>, subject: Subject<'_>, edge: EdgeShown, _: &mut TimestampWriter) {
    let (found, traits) = (edge.found, edge.found.link.traits);
    let shown = subject.dependency(found).shown();
    push_markup(out, "    <edge source=\"n");
    push_integer(out, subject.position(found.source));
    push_markup(out, "\" target=\"n");
    push_integer(out, subject.position(found.target));
    push_markup(out, "\">");
    let mut data = Data { out, of: "edge" };
    data.text("communication_mode", shown.attributes.communication_mode.as_str());
    data.text("criticality", shown.attributes.criticality.as_str());
    if let Some(protocol) = shown.attributes.protocol.as_deref() {
        data.text("protocol", protocol);
    }
    if let Some(milliseconds) = shown.attributes.timeout_ms {
        data.number("timeout_ms", milliseconds.get());
    }
    data.text("confidence_score", traits.confidence_text());
    data.text("discovery_source", shown.source.as_str());
    data.with("sources", |out| push_sources(out, traits.source_mask()));
    data.text("last_observed_at", &shown.last_observed_at.to_string());
    data.flag("is_stale", traits.is_stale());
    push_markup(out, "</edge>\n");
}

pub(super) fn tail(out: &mut Vec<u8>, edges: u64) {
    push_markup(out, "    ");
    Data { out, of: "graph" }.number("total_edges", edges);
    push_markup(out, "\n  </graph>\n</graphml>\n");
}

/// Their names with spaces between, as XML writes lists.
fn push_sources(out: &mut Vec<u8>, mask: u8) {
    let sources = DiscoverySource::ALL.iter().filter(|source| mask >> **source as u8 & 1 == 1);
    for (position, source) in sources.enumerate() {
        push_markup(out, if position > 0 { " " } else { "" });
        push_markup(out, source.as_str());
    }
}

fn push_markup(out: &mut Vec<u8>, markup: &str) {
    out.extend_from_slice(markup.as_bytes());
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    for c in text.chars() {
        match c {
            '&' => push_markup(out, "&amp;"),
            '<' => push_markup(out, "&lt;"),
            '>' => push_markup(out, "&gt;"),
            // A reader makes a line feed of a carriage return that is not written by its number.
            '\r' => push_markup(out, "&#13;"),
            '\t' | '\n' => out.push(c as u8),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => push_markup(out, "\u{fffd}"),
            plain => push_markup(out, plain.encode_utf8(&mut [0; 4])),
        }
    }
}
