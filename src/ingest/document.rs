//! A JSON document as a tree that borrows from its text.
//!
//! `serde_json` reads; this keeps what it reads, in the order given, and refuses what it would let
//! pass: a key given twice in one object, and more values than a request may make us hold. Nesting
//! is bounded by `serde_json` at 128 levels.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::limits;

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer of 64 bits, or a double.
    Number(Number),
    /// A string, borrowed where it has no escapes.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object, its members in the order given, each key once.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Why a text is no JSON document that we take.
#[derive(Debug, thiserror::Error)]
pub enum MalformedJson {
    /// It is none, or holds a key twice.
    #[error("the body is not valid JSON: {0}")]
    Syntax(serde_json::Error),
    /// It is one, and too much.
    #[error("a document has at most {} values; split it into several requests", limits::JSON_VALUES_MAX)]
    TooManyValues,
}

/// Reads one document. O(bytes).
pub fn parse_json(text: &[u8]) -> Result<Json<'_>, MalformedJson> {
    let values_left = Cell::new(limits::JSON_VALUES_MAX);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let document = Reader { values_left: &values_left }.deserialize(&mut reader);
    let document = document.and_then(|document| reader.end().map(|()| document));
    document.map_err(|error| match values_left.get() {
        OVERDRAWN => MalformedJson::TooManyValues,
        _ => MalformedJson::Syntax(error),
    })
}

impl<'a> Json<'a> {
    /// A member of an object; `None` for another key and for all that are no objects.
    pub fn member(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => None,
        }
    }

    /// The same value without borrowing.
    pub fn to_value(&self) -> Value {
        match self {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(number.clone()),
            Json::String(text) => Value::String(text.to_string()),
            Json::Array(items) => Value::Array(items.iter().map(Json::to_value).collect()),
            Json::Object(members) => Value::Object(to_map(members)),
        }
    }
}

/// An object's members without borrowing.
pub(super) fn to_map(members: &[(Cow<'_, str>, Json<'_>)]) -> Map<String, Value> {
    members.iter().map(|(key, value)| (key.to_string(), value.to_value())).collect()
}

/// What is left when a document had more values than it may.
const OVERDRAWN: usize = usize::MAX;

#[derive(Clone, Copy)]
struct Reader<'c> {
    values_left: &'c Cell<usize>,
}

impl<'a> DeserializeSeed<'a> for Reader<'_> {
    type Value = Json<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Json<'a>, D::Error> {
        let left = self.values_left.get().checked_sub(1).unwrap_or(OVERDRAWN);
        self.values_left.set(left);
        if left == OVERDRAWN {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Reader<'_> {
    type Value = Json<'a>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'a>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'a>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'a>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'a>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json<'a>, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Json<'a>, E> {
        Ok(Json::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'a>, E> {
        Ok(Json::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Json<'a>, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<Json<'a>, A::Error> {
        let mut object = Vec::new();
        let mut keys = Keys::default();
        while let Some(Key(key)) = members.next_key()? {
            if keys.has_or_adds(&object, &key) {
                return Err(A::Error::custom(format!("the key {key:?} is given twice")));
            }
            object.push((key, members.next_value_seed(self)?));
        }
        Ok(Json::Object(object))
    }
}

/// An object's key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The keys of an object so far: small objects are searched, large ones hashed.
#[derive(Default)]
struct Keys<'a>(HashSet<Cow<'a, str>>);

const SEARCHED_KEYS_MAX: usize = 16;

impl<'a> Keys<'a> {
    fn has_or_adds(&mut self, object: &[(Cow<'a, str>, Json<'a>)], key: &str) -> bool {
        if object.len() < SEARCHED_KEYS_MAX {
            return object.iter().any(|(other, _)| other == key);
        }
        if self.0.is_empty() {
            self.0.extend(object.iter().map(|(key, _)| key.clone()));
        }
        !self.0.insert(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_borrows() {
        let text = br#" {"b":[1,-2,2.5,"x","\u00e9",true,null,{}],"a":{}} "#;
        let Json::Object(members) = parse_json(text).unwrap() else { panic!("an object") };
        assert_eq!(members.iter().map(|(key, _)| key.as_ref()).collect::<Vec<_>>(), ["b", "a"]);
        assert!(members.iter().all(|(key, _)| matches!(key, Cow::Borrowed(_))));
        let expected = serde_json::json!([1, -2, 2.5, "x", "é", true, null, {}]);
        assert_eq!(members[0].1.to_value(), expected);
    }

    #[test]
    fn refuses_what_is_no_document() {
        let many = (0..20).map(|key| format!("\"{key}\":0,")).collect::<Vec<_>>().concat();
        let deep = "[".repeat(100_000);
        let cases = [
            "",
            "{",
            "[1,]",
            "{\"a\":1}x",
            "nul",
            "\"\\ud800\"",
            "1e400",
            "\u{feff}{}",
            &deep,
            r#"{"a":1,"a":2}"#,
            r#"{"x":[{"a":1,"\u0061":2}]}"#,
            &format!("{{{many}\"7\":1}}"),
        ];
        for text in cases {
            assert!(parse_json(text.as_bytes()).is_err(), "{text:.40}");
        }
        assert!(parse_json(b"\"\xff\"").is_err());
        let message = parse_json(br#"{"a":1,"a":2}"#).unwrap_err().to_string();
        assert!(message.contains("\"a\" is given twice"), "{message}");
    }

    #[test]
    fn a_document_has_so_many_values() {
        let text = format!("[{}1]", "1,".repeat(limits::JSON_VALUES_MAX));
        assert!(matches!(parse_json(text.as_bytes()), Err(MalformedJson::TooManyValues)));
    }
}
