//! A document as one request, where it fits into one.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::document::Document;

/// Entries of a request.
const ENTRIES_MAX: usize = 5_000;
/// A request, in bytes; less than the least that servers take by default.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Why writing cannot fail.
const TAKES_ALL: &str = "a String takes all that is written";

/// The requests that a document makes, with the entries in each: one where it fits, else several.
pub(super) fn bodies<'d>(
    document: &'d Document<'_>,
    source: Option<&'d str>,
) -> impl Iterator<Item = (Bytes, u64)> + use<'d> {
    let nodes = document.nodes().iter().map(|node| (false, *node));
    let mut entries = nodes.chain(document.edges().iter().map(|edge| (true, *edge))).peekable();
    let mut is_first = true;
    std::iter::from_fn(move || {
        let (mut nodes, mut edges, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some((is_edge, entry)) = entries.next_if(|(_, entry)| {
            let count = nodes.len() + edges.len();
            count == 0 || (count < ENTRIES_MAX && bytes + entry.get().len() < BYTES_MAX)
        }) {
            bytes += entry.get().len() + 1;
            if is_edge { edges.push(entry) } else { nodes.push(entry) }
        }
        let count = nodes.len() + edges.len();
        // A document without entries is a request, too.
        (count > 0 || std::mem::take(&mut is_first)).then(|| {
            is_first = false;
            (text(document, source, &nodes, &edges), count as u64)
        })
    })
}

/// Whether a document goes in one request; a larger one goes line by line.
pub(super) fn fits(document: &Document<'_>) -> bool {
    let entries = || document.nodes().iter().chain(document.edges());
    entries().count() <= ENTRIES_MAX
        && entries().map(|entry| entry.get().len() + 1).sum::<usize>() <= BYTES_MAX
}

/// The request; `source`, if there is one, goes before that of the file.
pub(super) fn body(document: &Document<'_>, source: Option<&str>) -> Bytes {
    text(document, source, document.nodes(), document.edges())
}

fn text(document: &Document<'_>, source: Option<&str>, nodes: &[&RawValue], edges: &[&RawValue]) -> Bytes {
    let source = source.map(|name| format!("\"{name}\""));
    let source = source.as_deref().or(document.source.map(RawValue::get));
    let members = [
        ("source", source),
        ("timestamp", document.timestamp.map(RawValue::get)),
        ("mode", document.mode.map(RawValue::get)),
    ];
    let mut text = String::from("{");
    for (name, value) in members {
        if let Some(value) = value {
            write!(text, "\"{name}\":{value},").expect(TAKES_ALL);
        }
    }
    list(&mut text, "nodes", nodes);
    text.push(',');
    list(&mut text, "edges", edges);
    text.push('}');
    text.into()
}

fn list(text: &mut String, name: &str, entries: &[&RawValue]) {
    write!(text, "\"{name}\":[").expect(TAKES_ALL);
    for (place, entry) in entries.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(entry.get());
    }
    text.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_and_the_text_is_the_files() {
        let file = |nodes: usize, size: usize| {
            let node = format!("\"{}\"", "x".repeat(size));
            format!(r#"{{"mode":"replace","nodes":[{}]}}"#, vec![node; nodes].join(","))
        };
        for (nodes, size, expected) in [
            (0, 1, true),
            (5_000, 1, true),
            (5_001, 1, false),
            (1, BYTES_MAX - 3, true),
            (1, BYTES_MAX - 2, false),
        ] {
            let text = file(nodes, size);
            assert_eq!(fits(&Document::parse(text.as_bytes()).unwrap()), expected, "{nodes} {size}");
        }
        let text = r#"{"edges":[{"a":1.50, "a":2}],"source":"manual","x":1,"mode":"replace"}"#;
        let document = Document::parse(text.as_bytes()).unwrap();
        let expected = r#"{"source":"kubernetes","mode":"replace","nodes":[],"edges":[{"a":1.50, "a":2}]}"#;
        assert_eq!(body(&document, Some("kubernetes")), expected);
        assert_eq!(body(&document, None), expected.replace("kubernetes", "manual"));
    }

    #[test]
    fn a_document_that_does_not_fit_makes_several_requests() {
        let counts = |text: &str| -> Vec<(usize, u64)> {
            let document = Document::parse(text.as_bytes()).unwrap();
            bodies(&document, None).map(|(body, count)| (body.len(), count)).collect()
        };
        assert_eq!(counts(r#"{"nodes":[]}"#), [(23, 0)]);
        let nodes = vec!["1"; 7_000].join(",");
        let counted: Vec<u64> = counts(&format!(r#"{{"nodes":[{nodes}],"edges":[2,3]}}"#))
            .iter()
            .map(|(_, count)| *count)
            .collect();
        assert_eq!(counted, [5_000, 2_002]);
        let long = format!("\"{}\"", "x".repeat(BYTES_MAX / 2));
        assert_eq!(counts(&format!(r#"{{"nodes":[{long},{long},1]}}"#)).len(), 2);
    }
}
