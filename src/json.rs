//! JSON text written straight to a byte buffer: the scalars that answers are made of.
//!
//! Not a serializer: there is no tree of values and nothing can fail. Escaping and numbers are
//! those of `serde_json` and `itoa`.

use std::fmt::Display;
use std::io::Write;

use crate::types::Timestamp;

/// Writes `text` as a JSON string, quoted and escaped.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    // Ids and protocols hardly ever need escaping; looking first is a third of the serializer's cost.
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        serde_json::to_writer(out, text).expect("writing to memory cannot fail");
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

/// Writes a string or `null`.
pub fn push_optional_string(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => push_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Writes an integer.
pub fn push_integer(out: &mut Vec<u8>, integer: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
}

/// Writes a finite number as briefly as it can be read back, or `null`.
pub fn push_optional_number(out: &mut Vec<u8>, number: Option<f64>) {
    serde_json::to_writer(out, &number).expect("a vector takes every byte");
}

/// Writes `true`, `false` or `null`.
pub fn push_optional_bool(out: &mut Vec<u8>, value: Option<bool>) {
    match value {
        Some(value) => push_bool(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

/// Writes `true` or `false`.
pub fn push_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Writes the text of a value that needs no escaping (a UUID, a timestamp), in quotes.
pub fn push_plain(out: &mut Vec<u8>, value: impl Display) {
    out.push(b'"');
    write!(out, "{value}").expect("writing to memory cannot fail");
    out.push(b'"');
}

/// Writes timestamps; remembers the last one, since neighbours in an answer mostly share it.
#[derive(Default)]
pub struct TimestampWriter {
    last: Option<Timestamp>,
    text: Vec<u8>,
}

impl TimestampWriter {
    /// Writes `at` as an RFC 3339 string.
    pub fn push(&mut self, out: &mut Vec<u8>, at: Timestamp) {
        if self.last != Some(at) {
            self.text.clear();
            push_plain(&mut self.text, at);
            self.last = Some(at);
        }
        out.extend_from_slice(&self.text);
    }
}

/// Writes the items of a list with commas between them.
pub fn push_list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut push: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        push(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        let mut out = Vec::new();
        push_string(&mut out, "a\"\\\n\u{1}é🦀/");
        assert_eq!(String::from_utf8(out).unwrap(), r#""a\"\\\n\u0001é🦀/""#);
    }

    #[test]
    fn timestamps_repeat_and_change() {
        let first = Timestamp::parse("2026-02-14T10:00:00Z").unwrap();
        let second = first.plus_microseconds(1);
        let (mut out, mut writer) = (Vec::new(), TimestampWriter::default());
        push_list(&mut out, [first, first, second], |out, at| writer.push(out, at));
        let expected = r#"["2026-02-14T10:00:00Z","2026-02-14T10:00:00Z","2026-02-14T10:00:00.000001Z"]"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
