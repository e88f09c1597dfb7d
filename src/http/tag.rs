//! Entity tags, and the conditions that clients make of them.
//!
//! A strong tag is of the bytes on the wire, so that an answer in gzip has one of its own, which follows from the
//! other.

use hyper::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};

const OF_GZIP: &[u8] = b"-gzip\"";

/// What a client holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The answer as it is.
    Plain,
    /// The answer in gzip.
    Gzip,
}

/// What a condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// There is none.
    None,
    /// The client has the answer.
    Holds(Held),
    /// The client has another one.
    Fails,
}

/// Holds the tag of an answer against `If-None-Match`.
pub(super) fn condition(headers: &HeaderMap, tag: &HeaderValue) -> Condition {
    // Most clients send none, and one look is cheaper than beginning to iterate.
    if !headers.contains_key(IF_NONE_MATCH) {
        return Condition::None;
    }
    let given = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    tags.find_map(|given| held(given, tag)).map_or(Condition::Fails, Condition::Holds)
}

fn held(given: &str, tag: &HeaderValue) -> Option<Held> {
    if given == "*" || given == tag {
        return Some(Held::Plain);
    }
    let plain = given.as_bytes().strip_suffix(OF_GZIP)?;
    (Some(plain) == tag.as_bytes().strip_suffix(b"\"")).then_some(Held::Gzip)
}

/// Whether a tag is that of an answer in gzip.
pub(super) fn is_of_gzip(tag: &HeaderValue) -> bool {
    tag.as_bytes().ends_with(OF_GZIP)
}

/// The tag of the same answer in gzip.
pub(super) fn of_gzip(tag: &HeaderValue) -> HeaderValue {
    let plain = tag.as_bytes().strip_suffix(b"\"").unwrap_or(tag.as_bytes());
    HeaderValue::from_maybe_shared([plain, OF_GZIP].concat()).expect("tags are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_names_one_of_its_tags() {
        let cases = [
            (&[][..], Condition::None),
            (&["*"], Condition::Holds(Held::Plain)),
            (&["\"a-1\""], Condition::Holds(Held::Plain)),
            (&["W/\"a-1\""], Condition::Holds(Held::Plain)),
            (&["\"b\", \"a-1\""], Condition::Holds(Held::Plain)),
            (&["\"b\"", "\"a-1\""], Condition::Holds(Held::Plain)),
            (&["\"a-1-gzip\""], Condition::Holds(Held::Gzip)),
            (&["W/\"a-1-gzip\""], Condition::Holds(Held::Gzip)),
            (&["\"b-gzip\", \"a-1-gzip\""], Condition::Holds(Held::Gzip)),
            (&["\"a-2\""], Condition::Fails),
            (&["a-1"], Condition::Fails),
            (&["\"a-1-gzip-gzip\""], Condition::Fails),
            (&["\"-gzip\""], Condition::Fails),
            (&[""], Condition::Fails),
        ];
        for (lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(IF_NONE_MATCH, HeaderValue::from_static(line));
            }
            assert_eq!(condition(&headers, &HeaderValue::from_static("\"a-1\"")), expected, "{lines:?}");
        }
        assert_eq!(of_gzip(&HeaderValue::from_static("\"a-1\"")), "\"a-1-gzip\"");
    }
}
