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

/// Whether a document goes in one request; a larger one goes line by line.
pub(super) fn fits(document: &Document<'_>) -> bool {
    let entries = || document.nodes().iter().chain(document.edges());
    entries().count() <= ENTRIES_MAX
        && entries().map(|entry| entry.get().len() + 1).sum::<usize>() <= BYTES_MAX
}

/// The request; `source`, if there is one, goes before that of the file.
pub(super) fn body(document: &Document<'_>, source: Option<&str>) -> Bytes {
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
    list(&mut text, "nodes", document.nodes());
    text.push(',');
    list(&mut text, "edges", document.edges());
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
}
