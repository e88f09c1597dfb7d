//! YAML and JSON files as JSON values, document by document.
//!
//! Not a judge of what the documents mean.
//!
//! - A document that cannot be read costs itself: the text is cut at its markers before any of it is read.
//! - What a text can make us do is bounded by its length and by `limits`: aliases are expanded only so far, and values,
//!   text and depth are counted as they are built.
//! - Scalars are those of YAML 1.2's core schema, but `007` stays the text it is; keys are texts, and one key stands once in a mapping.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::options::NonFiniteFloatPolicy;

use super::Document;
use crate::limits;

/// One document of a text, or why it cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// What to call it in a note: the path, and its number where the text has several.
    pub place: String,
    /// Its content, or the reason in one line.
    pub value: Result<Value, String>,
    /// Whether it has `{{` in it, like a template that was not filled in.
    pub is_template: bool,
}

/// The documents of a text, without empty ones. O(bytes).
pub fn documents(document: Document<'_>) -> Vec<Parsed> {
    let refused =
        |reason: String| Parsed { place: document.path.to_owned(), value: Err(reason), is_template: false };
    if document.text.len() > limits::FOREIGN_FILE_BYTES_MAX {
        return vec![refused(format!("longer than {} MiB", limits::FOREIGN_FILE_BYTES_MAX >> 20))];
    }
    let pieces = pieces(document.text.trim_start_matches('\u{feff}'));
    let room = Room::new();
    let mut parsed = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        if index >= limits::YAML_DOCUMENTS_MAX {
            parsed.push(refused(format!("only the first {} documents count", limits::YAML_DOCUMENTS_MAX)));
            break;
        }
        let value = read(piece, &room);
        let number = if pieces.len() > 1 { format!(": document {}", index + 1) } else { String::new() };
        if value != Ok(Value::Null) {
            let place = format!("{}{number}", document.path);
            parsed.push(Parsed { place, value, is_template: piece.text.contains("{{") });
        }
        if room.is_exhausted() {
            break;
        }
    }
    parsed
}

/// A part of a text between two markers.
struct Piece<'t> {
    text: &'t str,
    lines_before: u64,
}

/// Cuts a text where a line begins with a marker: neither a block scalar nor a quoted one may hold such a line.
/// Pieces without content are left out.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut first_line, mut has_content) = (0, 0, false);
    let mut position = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let (begins, ends) = (is_marker(line, "---"), is_marker(line, "..."));
        if begins || ends {
            if has_content {
                pieces.push(Piece { text: &text[start..position], lines_before: first_line });
            }
            // The marker of the beginning is read with what follows it, that of the end with nothing.
            start = if begins { position } else { position + line.len() };
            first_line = number as u64 + u64::from(ends);
            has_content = begins && is_content(line[3..].trim());
        } else if !has_content {
            has_content = is_content(line.trim()) && !line.starts_with('%');
        }
        position += line.len();
    }
    if has_content {
        pieces.push(Piece { text: &text[start..], lines_before: first_line });
    }
    pieces
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn is_content(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn read(piece: &Piece<'_>, room: &Room) -> Result<Value, String> {
    let content = piece.text.strip_prefix("---").unwrap_or(piece.text);
    if content.trim_start().starts_with(['{', '[']) {
        let value = read_json(content, piece.lines_before, room);
        if value.is_ok() || room.is_exhausted() {
            return value;
        }
    }
    // What looked like JSON may be a flow collection.
    read_yaml(piece, room)
}

fn read_json(text: &str, lines_before: u64, room: &Room) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Tree { room, depth: 0 }.deserialize(&mut reader);
    value
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| explain(&error.to_string(), Some(lines_before + error.line() as u64)))
}

fn read_yaml(piece: &Piece<'_>, room: &Room) -> Result<Value, String> {
    let read = |reader: serde_saphyr::Deserializer<'_, '_>| Tree { room, depth: 0 }.deserialize(reader);
    let options = options(piece.text.len(), &room.repeats);
    serde_saphyr::with_deserializer_from_str_with_options(piece.text, options, read).map_err(|error| {
        let line = error.location().map(|at| piece.lines_before + at.line()).filter(|line| *line > 0);
        explain(&error.render_with_formatter(&serde_saphyr::UserMessageFormatter), line)
    })
}

/// What a document of that length may ask for. What aliases repeat is counted apart: merged keys that are overridden
/// never become values.
fn options(bytes: usize, repeats_left: &Rc<Cell<usize>>) -> serde_saphyr::Options {
    let repeats = repeats_left.get().min(1024 + 4 * bytes);
    let left = Rc::clone(repeats_left);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_depth: limits::YAML_DEPTH_MAX,
            flow_nesting_limit: limits::YAML_DEPTH_MAX,
            max_total_scalar_bytes: usize::MAX,
            max_recorded_anchor_events: repeats,
            max_recorded_anchor_bytes: limits::YAML_TEXT_BYTES_MAX,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: repeats },
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        null_as_string: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    options.with_budget_report(move |report| {
        let replayed = if report.aliases == 0 { 0 } else { repeats };
        left.set(left.get().saturating_sub(replayed.max(report.recorded_anchor_events)));
    })
}

/// The reason in one line that ends with where, as the file's reader counts lines.
fn explain(error: &str, line: Option<u64>) -> String {
    let first = error.lines().next().unwrap_or_default();
    let end = [" at line ", " (defined at ", " (used at ", ": limits breached"]
        .iter()
        .filter_map(|mark| first.find(mark))
        .min();
    let reason: String =
        first[..end.unwrap_or(first.len())].chars().take(limits::ERROR_VALUE_CHARS_MAX).collect();
    line.map_or(reason.clone(), |line| format!("{reason} at line {line}"))
}

/// What is left of what one text may make us hold.
struct Room {
    values: Cell<usize>,
    bytes: Cell<usize>,
    repeats: Rc<Cell<usize>>,
}

impl Room {
    fn new() -> Self {
        Self {
            values: Cell::new(limits::YAML_VALUES_MAX),
            bytes: Cell::new(limits::YAML_TEXT_BYTES_MAX),
            repeats: Rc::new(Cell::new(limits::YAML_REPEATS_MAX)),
        }
    }

    fn take<E: Error>(&self, values: usize, bytes: usize) -> Result<(), E> {
        self.values.set(self.values.get().saturating_sub(values));
        self.bytes.set(self.bytes.get().saturating_sub(bytes));
        if self.is_exhausted() {
            Err(E::custom("too many values, or aliases that become too many"))
        } else {
            Ok(())
        }
    }

    fn is_exhausted(&self) -> bool {
        self.values.get() == 0 || self.bytes.get() == 0
    }
}

/// Builds a value, and counts.
#[derive(Clone, Copy)]
struct Tree<'r> {
    room: &'r Room,
    depth: usize,
}

impl Tree<'_> {
    fn inside<E: Error>(self) -> Result<Self, E> {
        // Aliases nest deeper than any text.
        if self.depth >= limits::YAML_DEPTH_MAX {
            return Err(E::custom(format_args!("nested deeper than {} levels", limits::YAML_DEPTH_MAX)));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.room.take(1, 0).map(|()| Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.room.take(1, 0).map(|()| Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.room.take(1, 0).map(|()| value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.room.take(1, 0).map(|()| value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.room.take(1, 0).map(|()| Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.room.take(1, value.len()).map(|()| value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.room.take(1, value.len()).map(|()| value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.room.take(1, 0)?;
        let inside = self.inside()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inside)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.room.take(1, 0)?;
        let inside = self.inside()?;
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            self.room.take(0, key.len())?;
            let value = access.next_value_seed(inside)?;
            if members.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice")));
            }
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_all(text: &str) -> Vec<Parsed> {
        documents(Document { path: "f.yaml", text })
    }

    fn only(text: &str) -> Result<Value, String> {
        let mut all = read_all(text);
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0).value
    }

    #[test]
    fn a_bad_document_costs_itself() {
        let cases: [(&str, &[&str]); 8] = [
            (
                "a: 1\n---\nb: {\n--- # end\nc: 3\n",
                &[
                    "document 1={\"a\":1}",
                    "document 2!unclosed bracket '{' at line 3",
                    "document 3={\"c\":3}",
                ],
            ),
            ("\u{feff}a: 1\r\n---\r\nb: 2\r\n", &["document 1={\"a\":1}", "document 2={\"b\":2}"]),
            ("# text\n%YAML 1.2\n---\na: 1\n...\n# end\n", &["={\"a\":1}"]),
            ("--- 5\n--- |\n text\n --- more\n", &["document 1=5", "document 2=\"text\\n--- more\\n\""]),
            ("---\n---\n---\nnull\n", &[]),
            (
                "[1]\n---\n{\"a\": [{}]}\n---\n{a: b}",
                &["document 1=[1]", "document 2={\"a\":[{}]}", "document 3={\"a\":\"b\"}"],
            ),
            ("a: 1\na: 2", &["!duplicate mapping key `a` is not allowed here at line 2"]),
            (
                "x: 1\n---\n{\"a\": 1,\n \"a\": 2}",
                &[
                    "document 1={\"x\":1}",
                    "document 2!duplicate mapping key `a` is not allowed here at line 4",
                ],
            ),
        ];
        for (text, expected) in cases {
            let line = |parsed: &Parsed| {
                let place = parsed.place.strip_prefix("f.yaml").unwrap().trim_start_matches(": ").to_owned();
                place
                    + &parsed
                        .value
                        .as_ref()
                        .map_or_else(|error| format!("!{error}"), |value| format!("={value}"))
            };
            let actual: Vec<String> = read_all(text).iter().map(line).collect();
            assert_eq!(actual, expected, "{text}");
        }
    }

    #[test]
    fn scalars_are_those_of_the_core_schema() {
        let text = "h: 0x1F\no: 0o17\nz: 017\nw: 1_000\nn: ~\nb: yes\nt: 2001-01-01\ni: .inf\nf: 1e3\nT: True\ne:\n\
            1: a\ntrue: b\n~: c\n1.5: d\nx: !!binary aGk=\nr: !Ref y\nm: !own {a: b}\ns: '1'\nd: ${A:-1}\n";
        let expected = json!({
            "h": 31, "o": 15, "z": "017", "w": "1_000", "n": null, "b": "yes", "t": "2001-01-01", "i": ".inf",
            "f": 1000.0, "T": true, "e": null, "1": "a", "true": "b", "~": "c", "1.5": "d", "x": "aGk=", "r": "y",
            "m": {"a": "b"}, "s": "1", "d": "${A:-1}",
        });
        assert_eq!(only(text), Ok(expected));
        let merged = "a: &x {b: 1, c: 1}\nd: {<<: *x, c: 2}\ne: *x";
        assert_eq!(only(merged).unwrap()["d"], json!({"c": 2, "b": 1}));
        assert!(only("? [a]\n: b").is_err());
    }

    #[test]
    fn what_would_become_too_much_is_refused() {
        let bomb = |line: &str, first: &str| {
            let next = |(text, name): (String, u8), _| {
                let (old, new) = (char::from(name), char::from(name + 1));
                (text + &line.replace("NEW", &new.to_string()).replace("OLD", &old.to_string()), name + 1)
            };
            (0..9).fold((first.to_owned(), b'a'), next).0
        };
        let long = "x".repeat(1 << 20);
        let cases = [
            ("laughs", bomb("NEW: &NEW [*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD]\n", "a: &a [lol]\n")),
            ("mappings", bomb("NEW: &NEW {x: *OLD, y: *OLD, z: *OLD, u: *OLD, v: *OLD}\n", "a: &a {b: c}\n")),
            (
                "merges",
                bomb("NEW: &NEW {<<: [*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD]}\n", "a: &a {b: c}\n"),
            ),
            ("one long text", format!("a: &a {long}\nb: [{}]", "*a, ".repeat(1000))),
            ("one long key", format!("a: &a {{? {long} : 1}}\nb: [{}]", "*a, ".repeat(1000))),
            ("flow", "[".repeat(100_000)),
            ("sequences", "- ".repeat(100_000)),
            ("mappings in lines", (0..1000).map(|depth| " ".repeat(depth) + "a:\n").collect()),
            ("depth of aliases", bomb("NEW: &NEW [[[[[[[[[[[[[[[[*OLD]]]]]]]]]]]]]]]]\n", "a: &a [1]\n")),
            ("values", format!("[{}1]", "1,".repeat(limits::YAML_VALUES_MAX))),
            ("JSON values", format!("[{}[]]", "[],".repeat(limits::YAML_VALUES_MAX))),
            ("open anchors", "&a ".repeat(100_000)),
            ("100 MB", "a".repeat(100_000_000)),
        ];
        for (name, text) in cases {
            let error = only(&text).expect_err(name);
            assert!(error.len() < 300 && !error.contains('\n'), "{name}: {error}");
        }
        let many = "---\na\n".repeat(limits::YAML_DOCUMENTS_MAX + 5);
        assert_eq!(read_all(&many).len(), limits::YAML_DOCUMENTS_MAX + 1);
        let after = format!("[{}1]\n---\nb", "1,".repeat(limits::YAML_VALUES_MAX));
        assert_eq!(read_all(&after).len(), 1, "what is left of the text is not read");
    }
}
