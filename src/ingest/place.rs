//! Where in a document something stands, and what is wrong with it.

use std::fmt;

use serde_json::Value;

use super::Json;
use crate::limits;

/// A value that is well-formed and not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// Its place, such as `edges[3].target`.
    pub field: String,
    /// The value as JSON (strings as they are), cut at 200 characters; `None` where it is missing.
    pub value: Option<String>,
    /// What is expected.
    pub reason: String,
}

impl Invalid {
    /// A value at a place that has a name of its own, such as a query parameter.
    pub fn new(field: impl Into<String>, value: Option<&str>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.map(cut), reason: reason.into() }
    }
}

/// A text, cut at [`limits::ERROR_VALUE_CHARS_MAX`] characters.
fn cut(text: &str) -> String {
    text.chars().take(limits::ERROR_VALUE_CHARS_MAX).collect()
}

/// A place in a document; written out only when something is wrong there.
#[derive(Clone, Copy)]
pub(super) enum Place<'p> {
    Document,
    Member(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl Place<'_> {
    pub(super) fn member<'p>(&'p self, name: &'p str) -> Place<'p> {
        Place::Member(self, name)
    }

    pub(super) fn item(&self, index: usize) -> Place<'_> {
        Place::Item(self, index)
    }

    /// The error for a value that stands here.
    pub(super) fn invalid(&self, value: &Json<'_>, reason: impl Into<String>) -> Invalid {
        let text = match value.to_value() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Invalid::new(self.to_string(), Some(&text), reason)
    }

    /// The error for a value that should stand here.
    pub(super) fn missing(&self) -> Invalid {
        Invalid::new(self.to_string(), None, "the field is required")
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Document => formatter.write_str("body"),
            Place::Member(Place::Document, name) => formatter.write_str(name),
            Place::Member(parent, name) => write!(formatter, "{parent}.{name}"),
            Place::Item(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}
