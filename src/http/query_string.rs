//! The parameters of a query string.
//!
//! `+` is a space, an empty value counts as absent, unknown names are ignored; of a name given twice
//! the last value counts.

use std::borrow::Cow;
use std::fmt::Display;

use percent_encoding::percent_decode_str;

use super::problem::Problem;
use crate::ingest::Invalid;
use crate::limits;

/// The parameters in the order given.
pub(super) struct Parameters<'q>(Vec<Parameter<'q>>);

struct Parameter<'q> {
    name: Cow<'q, str>,
    raw: &'q str,
    value: Cow<'q, str>,
}

impl<'q> Parameters<'q> {
    /// Splits a query string; malformed encoding of a name or a value is a 400.
    pub(super) fn parse(query: Option<&'q str>) -> Result<Self, Problem> {
        let query = query.unwrap_or_default();
        if query.len() > limits::QUERY_STRING_BYTES_MAX {
            let limit = limits::QUERY_STRING_BYTES_MAX;
            return Err(Problem::bad_request(format!("a query string has at most {limit} bytes")));
        }
        let mut parameters = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.push(Parameter { name: decode_form(name)?, raw, value: decode_form(raw)? });
        }
        Ok(Self(parameters))
    }

    fn last(&self, name: &str) -> Option<&Parameter<'q>> {
        let parameter = self.0.iter().rev().find(|parameter| parameter.name == name)?;
        Some(parameter).filter(|parameter| !parameter.raw.is_empty())
    }

    /// The value of a parameter as it came; `None` when it is absent or empty.
    pub(super) fn raw(&self, name: &str) -> Option<&'q str> {
        self.last(name).map(|parameter| parameter.raw)
    }

    /// The decoded value of a parameter; `None` when it is absent or empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.last(name).map(|parameter| parameter.value.as_ref())
    }

    /// The decoded value of a parameter that has to be there: absent or empty it is a 422.
    pub(super) fn required(&self, name: &'static str, expected: &str) -> Result<&str, Invalid> {
        self.text(name).ok_or_else(|| Invalid::new(name, None, format!("required: {expected}")))
    }

    /// A parameter read by `parse`; what it does not read is a 422 that says what is expected.
    pub(super) fn read<T, E: Display>(
        &self,
        name: &'static str,
        expected: impl FnOnce() -> E,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let invalid = || Invalid::new(name, Some(text), format!("expected {}", expected()));
        parse(text).map(Some).ok_or_else(invalid)
    }

    /// A parameter with one of some names.
    pub(super) fn name<T>(
        &self,
        name: &'static str,
        names: &[&str],
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        self.read(name, || format!("one of {}", names.join(", ")), parse)
    }

    /// An integer parameter from `least` to `most`.
    pub(super) fn integer(&self, name: &'static str, least: u32, most: u32) -> Result<Option<u32>, Invalid> {
        let in_range = |number: &u32| (least..=most).contains(number);
        self.read(
            name,
            || format!("an integer from {least} to {most}"),
            |text| {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|number| digits && in_range(number))
            },
        )
    }

    /// How many items a page has.
    pub(super) fn page_limit(&self) -> Result<usize, Invalid> {
        let limit = self.integer("limit", 1, limits::PAGE_ITEMS_MAX as u32)?;
        Ok(limit.map_or(limits::PAGE_ITEMS_DEFAULT, |limit| limit as usize))
    }

    /// A parameter that is `true` or `false`.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, Invalid> {
        self.read(name, || "true or false", |text| text.parse().ok())
    }
}

/// Decodes a part of a query string.
pub(super) fn decode_form(text: &str) -> Result<Cow<'_, str>, Problem> {
    if text.contains('+') {
        return Ok(Cow::Owned(decode(&text.replace('+', " "))?.into_owned()));
    }
    decode(text)
}

/// Percent-decodes a path segment; what is not UTF-8 afterwards, or not well encoded, is a 400.
pub(super) fn decode(text: &str) -> Result<Cow<'_, str>, Problem> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    if !is_well_encoded(text.as_bytes()) {
        return Err(Problem::bad_request("a percent sign is followed by two hexadecimal digits"));
    }
    percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| Problem::bad_request("the address is not UTF-8 once it is percent-decoded"))
}

fn is_well_encoded(text: &[u8]) -> bool {
    let escapes = text.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    escapes.into_iter().all(|(at, _)| {
        text.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let parameters = Parameters::parse(Some("q=a+b%2B&depth=&depth=&x&limit=5&limit=7")).unwrap();
        assert_eq!(parameters.text("q"), Some("a b+"));
        assert_eq!(parameters.text("depth"), None);
        assert_eq!(parameters.text("x"), None);
        assert_eq!(parameters.integer("limit", 1, 10), Ok(Some(7)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for query in ["q=%", "q=%2", "q=%zz", "%ff=1", "q=%c3%28"] {
            assert!(Parameters::parse(Some(query)).is_err(), "{query}");
        }
        for value in ["0", "11", "x", "+5", "-1", "1.0", "99999999999", "%20 5"] {
            let query = format!("depth={value}");
            let parameters = Parameters::parse(Some(&query)).unwrap();
            assert_eq!(parameters.integer("depth", 1, 10).unwrap_err().field, "depth", "{value}");
        }
        let parameters = Parameters::parse(Some("include_stale=TRUE")).unwrap();
        assert_eq!(parameters.flag("include_stale").unwrap_err().value.as_deref(), Some("TRUE"));
    }
}
