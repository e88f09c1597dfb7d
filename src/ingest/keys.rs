//! The body that asks for a key, checked.

use super::Json;
use super::fields::{At, integer, name, object, optional, required, text};
use super::place::{Invalid, Place};
use crate::limits;
use crate::types::{LimitClass, NewKey, Role, Timestamp};

/// Checks a request of `POST /api/v1/admin/api-keys`. `now` is what the key has to outlive.
pub fn new_key(document: &Json<'_>, now: Timestamp) -> Result<NewKey, Invalid> {
    let here = Place::Document;
    object((document, here))?;
    let name_at = required(document, &here, "name")?;
    let key_name = text(name_at)?;
    key_name_fits(key_name).map_err(|reason| name_at.1.invalid(name_at.0, reason))?;
    let role = name(required(document, &here, "role")?, Role::NAMES, Role::parse)?;
    let expires_at = optional(document, &here, "expires_at").map(|at| end(at, now)).transpose()?;
    let mut rate_limits = [None; 3];
    if let Some((value, place)) = optional(document, &here, "rate_limits") {
        object((value, place))?;
        for class in LimitClass::ALL {
            let rate = optional(value, &place, class.as_str());
            let rate = rate.map(|at| integer(at, 0, limits::RATE_PER_MINUTE_MAX.into())).transpose()?;
            rate_limits[*class as usize] = rate.map(|rate| rate as u32);
        }
    }
    Ok(NewKey { name: key_name.into(), role, rate_limits, expires_at })
}

/// Why a text cannot be the name of a key.
pub fn key_name_fits(name: &str) -> Result<(), &'static str> {
    let fits = (1..=limits::API_KEY_NAME_BYTES_MAX).contains(&name.len())
        && name.trim() == name
        && !name.chars().any(char::is_control);
    if fits {
        Ok(())
    } else {
        Err("expected 1 to 100 bytes without control characters and without space at the ends")
    }
}

fn end(at: At<'_, '_>, now: Timestamp) -> Result<Timestamp, Invalid> {
    let expected = "expected an RFC 3339 time in the future";
    let end = Timestamp::parse(text(at)?).ok().filter(|end| *end > now);
    end.ok_or_else(|| at.1.invalid(at.0, expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::parse_json;

    fn check(body: &str) -> Result<NewKey, (String, String)> {
        let now = Timestamp::parse("2026-02-14T10:00:00Z").unwrap();
        let check = |document: &Json<'_>| {
            new_key(document, now).map_err(|error| (error.field.clone(), error.to_string()))
        };
        check(&parse_json(body.as_bytes()).unwrap())
    }

    #[test]
    fn a_key_is_described_by_its_name_and_role_and_what_is_special_about_it() {
        let plain = check(r#"{"name":"ci","role":"writer","note":"ignored"}"#).unwrap();
        assert_eq!(
            (&*plain.name, plain.role, plain.rate_limits, plain.expires_at),
            ("ci", Role::Writer, [None; 3], None)
        );
        let body = r#"{"name":"ci","role":"reader","expires_at":"2026-02-14T11:00:00+00:30",
            "rate_limits":{"query":0,"default":1000000,"ingestion":null}}"#;
        let special = check(body).unwrap();
        assert_eq!(special.rate_limits, [None, Some(0), Some(1_000_000)]);
        assert_eq!(special.expires_at.map(|at| at.to_string()), Some("2026-02-14T10:30:00Z".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = format!(r#"{{"name":"{}","role":"reader"}}"#, "x".repeat(101));
        let cases = [
            ("[]", "body", "an object"),
            (r#"{"role":"reader"}"#, "name", ""),
            (r#"{"name":"","role":"reader"}"#, "name", "1 to 100 bytes"),
            (r#"{"name":" a","role":"reader"}"#, "name", "space at the ends"),
            (r#"{"name":"a\nb","role":"reader"}"#, "name", "control characters"),
            (r#"{"name":7,"role":"reader"}"#, "name", "a string"),
            (&long, "name", "1 to 100 bytes"),
            (r#"{"name":"a"}"#, "role", ""),
            (r#"{"name":"a","role":"root"}"#, "role", "reader, writer, admin"),
            (
                r#"{"name":"a","role":"reader","expires_at":"2026-02-14T10:00:00Z"}"#,
                "expires_at",
                "in the future",
            ),
            (r#"{"name":"a","role":"reader","expires_at":"soon"}"#, "expires_at", "RFC 3339"),
            (r#"{"name":"a","role":"reader","expires_at":9}"#, "expires_at", "a string"),
            (r#"{"name":"a","role":"reader","rate_limits":7}"#, "rate_limits", "an object"),
            (
                r#"{"name":"a","role":"reader","rate_limits":{"query":-1}}"#,
                "rate_limits.query",
                "an integer from 0",
            ),
            (
                r#"{"name":"a","role":"reader","rate_limits":{"default":100000001}}"#,
                "rate_limits.default",
                "100000000",
            ),
            (
                r#"{"name":"a","role":"reader","rate_limits":{"ingestion":1.5}}"#,
                "rate_limits.ingestion",
                "an integer",
            ),
        ];
        for (body, field, expected) in cases {
            let (found, text) = check(body).unwrap_err();
            assert_eq!(found, field, "{body}: {text}");
            assert!(text.contains(expected), "{body}: {text}");
        }
    }
}
