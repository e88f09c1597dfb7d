//! A file in the ingest form, cut into its entries without reading them.
//!
//! Not a validation: the server says whether an entry is right. Here a file only has to be an object
//! with lists of nodes and edges, so that it can be cut into its entries.
//!
//! - An entry is a piece of the file's own text and reaches the server as it was written: no number
//!   is read and written again, no key that stands twice gets lost.

use std::io::Read;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::limits::FOREIGN_FILE_BYTES_MAX;

/// A file: it is held in memory whole.
pub(super) const FILE_BYTES_MAX: u64 = 2 << 30;

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It is too large for this program.
    #[error("it is longer than {FILE_BYTES_MAX} bytes; split it")]
    TooLarge,
    /// The text is no JSON, or no object of the ingest form.
    #[error("it is not in the ingest form: {0}")]
    Form(#[from] serde_json::Error),
    /// The text begins like something else.
    #[error(
        "it is not in the ingest form: expected a JSON object, {{\"source\":…,\"timestamp\":…,\"nodes\":[…],\"edges\":[…]}}"
    )]
    NoObject,
    /// A file of another tool is too large.
    #[error("it is longer than {FOREIGN_FILE_BYTES_MAX} bytes, which only a file in the ingest form may be")]
    ForeignTooLarge,
    /// A file of another tool is no text.
    #[error("it is not UTF-8 text")]
    Encoding,
    /// A line of a stream has no entry, or two.
    #[error("expected {{\"node\":{{…}}}} or {{\"edge\":{{…}}}} (line {0})")]
    Line(u64),
    /// What a replacement withdraws is not known from a part of it.
    #[error("a dry run of \"mode\":\"replace\" takes at most 5000 entries and 4 MiB in a file")]
    PartOfReplace,
    /// Neither of the lists is there.
    #[error("it is not in the ingest form: it has neither \"nodes\" nor \"edges\"")]
    NoEntries,
}

/// The members of the ingest form; others are left out, for the server ignores them too.
#[derive(Debug, Deserialize)]
pub(super) struct Document<'a> {
    /// Where the entries come from, a JSON string.
    #[serde(borrow)]
    pub(super) source: Option<&'a RawValue>,
    /// When they were seen, a JSON string.
    #[serde(borrow)]
    pub(super) timestamp: Option<&'a RawValue>,
    /// `"upsert"` or `"replace"`.
    #[serde(borrow)]
    pub(super) mode: Option<&'a RawValue>,
    #[serde(borrow)]
    nodes: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    edges: Option<Vec<&'a RawValue>>,
}

impl<'a> Document<'a> {
    /// Finds the entries in the text of a file.
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, DocumentError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        // A list would be taken for the members in their order.
        if first == Some(&b'[') {
            return Err(DocumentError::NoObject);
        }
        let document: Self = serde_json::from_slice(text)?;
        if document.nodes.is_none() && document.edges.is_none() {
            return Err(DocumentError::NoEntries);
        }
        Ok(document)
    }

    /// Whether it is all that its source knows.
    pub(super) fn replaces(&self) -> bool {
        self.mode.is_some_and(|mode| mode.get() == "\"replace\"")
    }

    /// The services.
    pub(super) fn nodes(&self) -> &[&'a RawValue] {
        self.nodes.as_deref().unwrap_or_default()
    }

    /// The dependencies.
    pub(super) fn edges(&self) -> &[&'a RawValue] {
        self.edges.as_deref().unwrap_or_default()
    }
}

/// All bytes of an input of which some were read.
pub(super) fn read_on(mut bytes: Vec<u8>, rest: impl Read) -> Result<Vec<u8>, DocumentError> {
    rest.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(DocumentError::TooLarge);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_text() {
        let text = br#"{"source":"manual", "mode":"replace","x":1,
            "nodes":[{"service_id":"a","metadata":{"n":1.50,"n":12345678901234567890}}, 7]}"#;
        let document = Document::parse(text).unwrap();
        let nodes: Vec<&str> = document.nodes().iter().map(|node| node.get()).collect();
        assert_eq!(nodes, [r#"{"service_id":"a","metadata":{"n":1.50,"n":12345678901234567890}}"#, "7"]);
        assert!(document.edges().is_empty() && document.mode.is_some() && document.timestamp.is_none());
        assert!(Document::parse(b"\xef\xbb\xbf{\"edges\":[]}").is_ok(), "a byte order mark is skipped");
    }

    #[test]
    fn refuses_what_cannot_be_cut() {
        let cases = [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("{\"nodes\":[\n{]}", "line 2 column 2"),
            ("{\"nodes\":7}", "invalid type: integer `7`, expected a sequence at line 1 column 10"),
            ("{\"nodes\":[],\"nodes\":[]}", "duplicate field `nodes` at line 1 column"),
            ("{\"edges\":[]}\n{\"edges\":[]}", "trailing characters at line 2 column 1"),
            (" [{\"source\":1}]", "expected a JSON object"),
            ("7", "expected struct Document"),
            ("{\"services\":[]}", "neither \"nodes\" nor \"edges\""),
            ("{\"nodes\":null}", "neither \"nodes\" nor \"edges\""),
        ];
        for (text, expected) in cases {
            let message = Document::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(message.starts_with("it is not in the ingest form: "), "{message}");
            assert!(message.contains(expected), "{text:?}: {message}");
        }
        assert!(Document::parse(b"{\"nodes\":[\"\xff\"]}").is_err(), "bytes that are no UTF-8");
    }

    #[test]
    fn what_was_read_comes_first() {
        assert_eq!(read_on(b"ab".to_vec(), &b"cd"[..]).unwrap(), b"abcd");
    }
}
