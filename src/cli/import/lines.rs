//! What goes to the server line by line: an NDJSON file as it is, or a document too large for one request.
//!
//! - A file is read as it is sent. A document is in memory already, and its entries are pieces of it.

use std::io::{self, BufRead, Read};

use bytes::{Bytes, BytesMut};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::document::Document;

/// What is sent at once.
const PIECE_BYTES: usize = 64 * 1024;
/// A first line that is longer is none of a stream.
const FIRST_LINE_BYTES_MAX: u64 = 64 * 1024;

/// An input whose beginning was looked at.
pub(super) enum Input {
    /// An NDJSON stream: its first line, and the rest.
    Stream(Map<String, Value>, Box<dyn BufRead + Send>),
    /// Anything else: what was read, and the rest.
    Text(Vec<u8>, Box<dyn BufRead + Send>),
}

/// Tells a stream by its first line: an object on a line of its own, without entries in it.
pub(super) fn look(mut input: Box<dyn BufRead + Send>) -> io::Result<Input> {
    let mut line = Vec::new();
    input.by_ref().take(FIRST_LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    let first = serde_json::from_slice::<Map<String, Value>>(&line).ok();
    let is_head =
        |object: &Map<String, Value>| !object.contains_key("nodes") && !object.contains_key("edges");
    Ok(match first.filter(is_head) {
        Some(first) if line.ends_with(b"\n") => Input::Stream(first, input),
        Some(_) | None => Input::Text(line, input),
    })
}

/// A stream as pieces; `source`, if there is one, goes before that of its first line.
pub(super) fn of_stream(
    mut first: Map<String, Value>,
    source: Option<&str>,
    rest: Box<dyn BufRead + Send>,
) -> impl Iterator<Item = io::Result<Bytes>> + Send + Unpin + 'static {
    if let Some(source) = source {
        first.insert("source".to_owned(), source.into());
    }
    let first = Value::Object(first).to_string() + "\n";
    let mut rest = rest;
    std::iter::once(Ok(first.into())).chain(std::iter::from_fn(move || {
        let mut piece = vec![0; PIECE_BYTES];
        match rest.read(&mut piece) {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some(Ok(piece.into()))
            }
            Err(error) => Some(Err(error)),
        }
    }))
}

/// A document as pieces of a stream. `text` is what it was parsed from.
pub(super) fn of_document(
    document: &Document<'_>,
    source: Option<&str>,
    text: &Bytes,
) -> impl Iterator<Item = io::Result<Bytes>> + Send + Unpin + 'static {
    let part = |raw: &&RawValue| text.slice_ref(raw.get().as_bytes());
    let nodes: Vec<Bytes> = document.nodes().iter().map(part).collect();
    let edges: Vec<Bytes> = document.edges().iter().map(part).collect();
    let source = source.map(|name| format!("\"{name}\""));
    let source = source.as_deref().or(document.source.map(RawValue::get));
    let members = [
        ("source", source),
        ("timestamp", document.timestamp.map(RawValue::get)),
        ("mode", document.mode.map(RawValue::get)),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some(format!("\"{name}\":{}", value?)));
    let first = format!("{{{}}}\n", members.collect::<Vec<_>>().join(","));
    let entries =
        nodes.into_iter().map(|node| ("node", node)).chain(edges.into_iter().map(|edge| ("edge", edge)));
    let mut entries = entries.peekable();
    let rest = std::iter::from_fn(move || {
        entries.peek()?;
        let mut piece = BytesMut::with_capacity(PIECE_BYTES + 1024);
        while piece.len() < PIECE_BYTES
            && let Some((name, entry)) = entries.next()
        {
            piece.extend_from_slice(format!("{{\"{name}\":").as_bytes());
            // A line feed in JSON is white space between values, wherever it stands.
            piece.extend(entry.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
            piece.extend_from_slice(b"}\n");
        }
        Some(Ok(piece.freeze()))
    });
    std::iter::once(Ok(first.into())).chain(rest)
}

/// Where in a document stands what the server names by the line of a stream and a field in it.
pub(super) fn place_in_document(document: &Document<'_>, line: u64, field: &str) -> String {
    let Some(entry) = line.checked_sub(2).map(|entry| entry as usize) else { return field.to_owned() };
    let nodes = document.nodes().len();
    let (list, index) = if entry < nodes { ("nodes", entry) } else { ("edges", entry - nodes) };
    let inside = field.strip_prefix("node").or(field.strip_prefix("edge")).unwrap_or_default();
    format!("{list}[{index}]{inside}")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn input(text: &'static str) -> Input {
        look(Box::new(Cursor::new(text))).unwrap()
    }

    fn text(pieces: impl Iterator<Item = io::Result<Bytes>>) -> String {
        pieces.map(|piece| String::from_utf8(piece.unwrap().to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_stream_is_told_by_its_first_line() {
        let Input::Stream(first, rest) = input("{\"source\":\"manual\",\"x\":1}\n{\"node\":{}}\n") else {
            panic!("a stream")
        };
        let sent = text(of_stream(first, Some("kubernetes"), rest));
        assert_eq!(sent, "{\"source\":\"kubernetes\",\"x\":1}\n{\"node\":{}}\n");
        for other in
            ["", "{", "{\"source\":\n\"manual\"}", "{\"nodes\":[]}\n", "[]\n", "{\"source\":\"manual\"}"]
        {
            let Input::Text(read, _) = input(other) else { panic!("{other:?} is a stream") };
            assert!(other.as_bytes().starts_with(&read));
        }
    }

    #[test]
    fn a_document_becomes_lines_and_lines_lead_back() {
        let source = Bytes::from_static(
            b"{\"timestamp\":\"t\",\"nodes\":[{\"a\":\n1.50},\r\n{}],\"edges\":[\n{\"b\":[]}],\"mode\":\"replace\"}",
        );
        let document = Document::parse(&source).unwrap();
        let expected = "{\"source\":\"manual\",\"timestamp\":\"t\",\"mode\":\"replace\"}\n{\"node\":{\"a\": 1.50}}\n\
                        {\"node\":{}}\n{\"edge\":{\"b\":[]}}\n";
        assert_eq!(text(of_document(&document, Some("manual"), &source)), expected);
        for (line, field, place) in [
            (1, "timestamp", "timestamp"),
            (2, "node.metadata.team", "nodes[0].metadata.team"),
            (3, "body", "nodes[1]"),
            (4, "edge.target", "edges[0].target"),
        ] {
            assert_eq!(place_in_document(&document, line, field), place);
        }
    }
}
