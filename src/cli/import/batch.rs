//! How a file is cut into requests.
//!
//! Not the sending: a plan is made whole before the first request, so that a file that cannot be
//! sent is refused before anything is.
//!
//! - Services come before dependencies, so that an edge finds its ends and makes no placeholders.
//! - A request has at most [`ENTRIES_MAX`] entries and, save a single larger entry, [`BYTES_MAX`] bytes.
//! - `mode: replace` stands for all edges of a source: they go in one request or not at all.

use std::fmt::Write as _;
use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::document::Document;

/// Entries of a request.
pub(super) const ENTRIES_MAX: usize = 5_000;
/// A request, in bytes; less than the least that servers take by default.
pub(super) const BYTES_MAX: usize = 4 * 1024 * 1024;
/// The names of the members and the marks between them.
const FRAME_BYTES: usize = 64;
/// Why writing cannot fail.
const TAKES_ALL: &str = "a String takes all that is written";

/// Why a file cannot be cut.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlanError {
    /// The edges of a replacement do not fit into a request.
    #[error(
        "\"mode\":\"replace\" must go in one request of at most {ENTRIES_MAX} edges and {BYTES_MAX} bytes, and it has \
         {edges} edges; leave the mode out to add them in batches"
    )]
    ReplaceTooLarge {
        /// How many there are.
        edges: usize,
    },
}

/// One request: which entries of the file it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    nodes: Range<usize>,
    edges: Range<usize>,
    mode: Mode,
}

/// Whether a request carries the mode of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    AsInFile,
    /// The services that precede the edges of a replacement.
    Upsert,
}

/// Cuts a file into requests; one at least, for an empty replacement means something.
pub(super) fn plan(document: &Document<'_>) -> Result<Vec<Batch>, PlanError> {
    let whole = cut(document, 0..document.nodes().len(), 0..document.edges().len(), Mode::AsInFile);
    if !document.replaces() || whole.len() == 1 {
        return Ok(whole);
    }
    let mut batches = cut(document, 0..document.nodes().len(), 0..0, Mode::Upsert);
    let mut replacement = cut(document, 0..0, 0..document.edges().len(), Mode::AsInFile);
    if replacement.len() > 1 {
        return Err(PlanError::ReplaceTooLarge { edges: document.edges().len() });
    }
    batches.append(&mut replacement);
    Ok(batches)
}

fn cut(document: &Document<'_>, nodes: Range<usize>, edges: Range<usize>, mode: Mode) -> Vec<Batch> {
    let head = FRAME_BYTES
        + [document.source, document.timestamp, document.mode]
            .into_iter()
            .flatten()
            .map(length)
            .sum::<usize>();
    let mut batches = Vec::new();
    let mut batch = Batch { nodes: nodes.start..nodes.start, edges: edges.start..edges.start, mode };
    let mut bytes = head;
    let entries = document.nodes()[nodes.clone()].iter().chain(&document.edges()[edges]);
    for (place, entry) in entries.enumerate() {
        let size = length(entry) + 1;
        if batch.entries() == ENTRIES_MAX || (batch.entries() > 0 && bytes + size > BYTES_MAX) {
            let next = Batch {
                nodes: batch.nodes.end..batch.nodes.end,
                edges: batch.edges.end..batch.edges.end,
                mode,
            };
            batches.push(std::mem::replace(&mut batch, next));
            bytes = head;
        }
        bytes += size;
        if place < nodes.len() {
            batch.nodes.end += 1;
        } else {
            batch.edges.end += 1;
        }
    }
    batches.push(batch);
    batches
}

fn length(value: &RawValue) -> usize {
    value.get().len()
}

impl Batch {
    /// How many entries it holds.
    pub(super) fn entries(&self) -> usize {
        self.nodes.len() + self.edges.len()
    }

    /// The request; `source`, if there is one, goes before that of the file.
    pub(super) fn body(&self, document: &Document<'_>, source: Option<&str>) -> Bytes {
        let source = source.map(|name| format!("\"{name}\""));
        let source = source.as_deref().or(document.source.map(RawValue::get));
        let mode = match self.mode {
            Mode::AsInFile => document.mode.map(RawValue::get),
            Mode::Upsert => None,
        };
        let timestamp = document.timestamp.map(RawValue::get);
        let mut text = String::from("{");
        for (name, value) in [("source", source), ("timestamp", timestamp), ("mode", mode)] {
            if let Some(value) = value {
                write!(text, "\"{name}\":{value},").expect(TAKES_ALL);
            }
        }
        list(&mut text, "nodes", &document.nodes()[self.nodes.clone()]);
        text.push(',');
        list(&mut text, "edges", &document.edges()[self.edges.clone()]);
        text.push('}');
        text.into()
    }

    /// A place in the request (`edges[3].target`) as a place in the file.
    pub(super) fn place_in_file(&self, field: &str) -> String {
        for (list, start) in [("nodes", self.nodes.start), ("edges", self.edges.start)] {
            let inside = field.strip_prefix(list).and_then(|rest| rest.strip_prefix('['));
            let Some((index, rest)) = inside.and_then(|rest| rest.split_once(']')) else { continue };
            if let Ok(index) = index.parse::<usize>() {
                return format!("{list}[{}]{rest}", index.saturating_add(start));
            }
        }
        field.to_owned()
    }
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

    /// A file with this many nodes and edges, each entry padded to `size` bytes.
    fn file(nodes: usize, edges: usize, size: usize, mode: &str) -> String {
        let list = |letter: char, count: usize| {
            let entries: Vec<String> = (0..count)
                .map(|n| format!("\"{letter}{n}{}\"", " ".repeat(size - 3 - n.to_string().len())))
                .collect();
            entries.join(",")
        };
        format!(
            r#"{{"source":"manual","mode":"{mode}","nodes":[{}],"edges":[{}]}}"#,
            list('n', nodes),
            list('e', edges)
        )
    }

    /// Nodes and edges of each request.
    fn shape(text: &str) -> Result<Vec<(usize, usize)>, PlanError> {
        let document = Document::parse(text.as_bytes()).unwrap();
        Ok(plan(&document)?.iter().map(|batch| (batch.nodes.len(), batch.edges.len())).collect())
    }

    #[test]
    fn nodes_go_first_and_bounds_hold() {
        let cases = [
            (file(0, 0, 10, "upsert"), vec![(0, 0)]),
            (file(2, 3, 10, "upsert"), vec![(2, 3)]),
            (file(5_000, 0, 10, "upsert"), vec![(5_000, 0)]),
            (file(5_001, 1, 10, "upsert"), vec![(5_000, 0), (1, 1)]),
            (file(3, 12_000, 10, "upsert"), vec![(3, 4_997), (0, 5_000), (0, 2_003)]),
            (file(2, 3, 1024 * 1024, "upsert"), vec![(2, 1), (0, 2)]),
            (file(2, 1, BYTES_MAX + 1, "upsert"), vec![(1, 0), (1, 0), (0, 1)]),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(&text), Ok(expected));
        }
    }

    #[test]
    fn a_replacement_is_never_cut() {
        assert_eq!(shape(&file(1_000, 4_000, 10, "replace")), Ok(vec![(1_000, 4_000)]));
        assert_eq!(shape(&file(7_000, 5_000, 10, "replace")), Ok(vec![(5_000, 0), (2_000, 0), (0, 5_000)]));
        assert_eq!(shape(&file(6_000, 0, 10, "replace")), Ok(vec![(5_000, 0), (1_000, 0), (0, 0)]));
        assert_eq!(shape(&file(0, 5_001, 10, "replace")), Err(PlanError::ReplaceTooLarge { edges: 5_001 }));
        let text = file(7_000, 1, 10, "replace");
        let document = Document::parse(text.as_bytes()).unwrap();
        let bodies: Vec<Bytes> =
            plan(&document).unwrap().iter().map(|batch| batch.body(&document, None)).collect();
        let modes: Vec<bool> = bodies.iter().map(|body| Document::parse(body).unwrap().replaces()).collect();
        assert_eq!(modes, [false, false, true]);
    }

    #[test]
    fn every_entry_is_sent_once_in_order() {
        let text = file(7_001, 8_002, 10, "upsert");
        let document = Document::parse(text.as_bytes()).unwrap();
        let (mut nodes, mut edges) = (Vec::new(), Vec::new());
        for batch in plan(&document).unwrap() {
            let body = batch.body(&document, None);
            assert!(body.len() <= BYTES_MAX && batch.entries() <= ENTRIES_MAX);
            let part = Document::parse(&body).unwrap();
            nodes.extend(part.nodes().iter().map(|entry| entry.get().to_owned()));
            edges.extend(part.edges().iter().map(|entry| entry.get().to_owned()));
        }
        assert!(nodes.iter().map(String::as_str).eq(document.nodes().iter().map(|entry| entry.get())));
        assert!(edges.iter().map(String::as_str).eq(document.edges().iter().map(|entry| entry.get())));
    }

    #[test]
    fn a_request_reads_like_its_file() {
        let document = Document::parse(
            br#"{ "timestamp" : "t", "source":"kubernetes", "nodes":[{"service_id" : "a"}] }"#,
        );
        let document = document.unwrap();
        let batch = &plan(&document).unwrap()[0];
        let expected = r#"{"source":"kubernetes","timestamp":"t","nodes":[{"service_id" : "a"}],"edges":[]}"#;
        assert_eq!(batch.body(&document, None), expected);
        assert_eq!(batch.body(&document, Some("manual")), expected.replace("kubernetes", "manual"));
    }

    #[test]
    fn a_place_in_a_request_is_found_in_the_file() {
        let batch = Batch { nodes: 10..12, edges: 300..400, mode: Mode::AsInFile };
        for (field, expected) in [
            ("nodes[1].metadata", "nodes[11].metadata"),
            ("edges[3].target", "edges[303].target"),
            ("edges[0]", "edges[300]"),
            ("timestamp", "timestamp"),
            ("edges", "edges"),
            ("edges[x].target", "edges[x].target"),
            ("edges[18446744073709551615]", "edges[18446744073709551615]"),
        ] {
            assert_eq!(batch.place_in_file(field), expected);
        }
    }
}
