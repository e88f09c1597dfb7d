//! Dependencies that what runs and what is declared do not agree about, in pages.

use super::edge::push_sources;
use crate::graph::Graph;
use crate::json::{push_list, push_optional_string, push_plain};
use crate::query::{Divergence, DivergencePage};

/// Writes a page.
pub fn divergence_page(
    out: &mut Vec<u8>,
    graph: &Graph,
    kind: Divergence,
    page: &DivergencePage,
    next_cursor: Option<&str>,
) {
    out.extend_from_slice(b"{\"kind\":");
    push_plain(out, kind.as_str());
    out.extend_from_slice(b",\"items\":");
    push_list(out, &page.items, |out, (source, link)| {
        out.extend_from_slice(b"{\"source\":");
        out.extend_from_slice(graph.node(*source).name_json());
        out.extend_from_slice(b",\"target\":");
        out.extend_from_slice(graph.node(link.node).name_json());
        out.extend_from_slice(b",\"sources\":");
        push_sources(out, link.traits);
        out.push(b'}');
    });
    out.extend_from_slice(b",\"next_cursor\":");
    push_optional_string(out, next_cursor);
    out.push(b'}');
}
