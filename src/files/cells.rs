//! One value of a row, and the text of it in a CSV cell.
//!
//! - The escape is a bijection: what was written is what is read, whatever it begins with.

use std::borrow::Cow;

use uuid::Uuid;

use crate::json;
use crate::types::Timestamp;

/// A value on its way out.
pub(super) enum Cell<'v> {
    /// Nothing was said.
    None,
    /// A text, which may be empty.
    Text(&'v str),
    /// A UUID.
    Id(Uuid),
    /// An instant.
    Instant(Timestamp),
    /// A count.
    Number(u64),
    /// A finite number that is none.
    Percent(f64),
    /// A yes or no.
    Flag(bool),
    /// A JSON object or list, compact.
    Json(Cow<'v, str>),
}

impl<'v> Cell<'v> {
    pub(super) fn text(text: Option<&'v str>) -> Self {
        text.map_or(Self::None, Self::Text)
    }

    pub(super) fn number(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::None, |number| Self::Number(number.into()))
    }

    pub(super) fn instant(instant: Option<Timestamp>) -> Self {
        instant.map_or(Self::None, Self::Instant)
    }

    /// The value as JSON.
    pub(super) fn push_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::None => out.extend_from_slice(b"null"),
            Self::Text(text) => json::push_string(out, text),
            Self::Id(id) => json::push_plain(out, id.as_hyphenated()),
            Self::Instant(instant) => json::push_plain(out, instant),
            Self::Number(number) => json::push_integer(out, *number),
            Self::Percent(percent) => json::push_optional_number(out, Some(*percent)),
            Self::Flag(flag) => json::push_bool(out, *flag),
            Self::Json(json) => out.extend_from_slice(json.as_bytes()),
        }
    }

    /// The value as the text of a CSV cell.
    pub(super) fn to_csv(&self) -> Cow<'_, str> {
        match self {
            Self::None => "".into(),
            Self::Text(text) => escape(text),
            Self::Id(id) => id.to_string().into(),
            Self::Instant(instant) => instant.to_string().into(),
            Self::Number(number) => number.to_string().into(),
            Self::Percent(percent) => percent.to_string().into(),
            Self::Flag(true) => "true".into(),
            Self::Flag(false) => "false".into(),
            Self::Json(json) => json.as_ref().into(),
        }
    }
}

/// What a spreadsheet may take for the beginning of a formula, or pass over to find one.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n'];
const ESCAPE: char = '\'';

/// A text as a cell that is no formula, and not the empty one that says nothing.
fn escape(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.starts_with(ESCAPE) || text.starts_with(FORMULA) {
        format!("{ESCAPE}{text}").into()
    } else {
        text.into()
    }
}

/// What a cell says; `None` where it says nothing.
pub(super) fn unescape(cell: &str) -> Option<&str> {
    (!cell.is_empty()).then(|| cell.strip_prefix(ESCAPE).unwrap_or(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_formula_is_none_and_comes_back() {
        let cases = [
            ("", "'"),
            ("a", "a"),
            ("a=b", "a=b"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("\t=1", "'\t=1"),
            ("\r\n=1", "'\r\n=1"),
            ("'", "''"),
            ("'=1", "''=1"),
            ("''", "'''"),
        ];
        for (text, cell) in cases {
            assert_eq!(escape(text), cell);
            assert_eq!(unescape(cell), Some(text));
        }
        assert_eq!(unescape(""), None);
    }
}
