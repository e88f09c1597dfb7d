//! The bodies of small changes, checked.

use std::sync::Arc;

use super::Json;
use super::fields::{number, object, required, text};
use super::place::{Invalid, Place};
use super::upsert::check_metadata;
use crate::limits;
use crate::types::Metadata;

const HERE: Place<'static> = Place::Document;

/// What is written down about a service: `{"metadata":{…}}`.
pub fn registration(document: &Json<'_>) -> Result<Metadata, Invalid> {
    object((document, HERE))?;
    check_metadata(required(document, &HERE, "metadata")?)
}

/// An SLO target: `{"availability_target":99.9}` in percent, or null for none.
pub fn availability_target(document: &Json<'_>) -> Result<Option<f64>, Invalid> {
    object((document, HERE))?;
    let target = required(document, &HERE, "availability_target")?;
    if *target.0 == Json::Null { Ok(None) } else { number(target, 0.0, 100.0).map(Some) }
}

/// Who looks after an alert: `{"acknowledged_by":"…"}`.
pub fn acknowledgement(document: &Json<'_>) -> Result<Arc<str>, Invalid> {
    said(document, "acknowledged_by")
}

/// How a cycle was dealt with: `{"resolution_notes":"…"}`.
pub fn resolution(document: &Json<'_>) -> Result<Arc<str>, Invalid> {
    said(document, "resolution_notes")
}

fn said(document: &Json<'_>, member: &str) -> Result<Arc<str>, Invalid> {
    object((document, HERE))?;
    let at = required(document, &HERE, member)?;
    let words = text(at)?;
    if !(1..=limits::ALERT_TEXT_BYTES_MAX).contains(&words.len()) {
        let reason = format!("expected 1 to {} bytes", limits::ALERT_TEXT_BYTES_MAX);
        return Err(at.1.invalid(at.0, reason));
    }
    Ok(words.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::parse_json;

    fn field<T: std::fmt::Debug>(check: fn(&Json<'_>) -> Result<T, Invalid>, text: &str) -> String {
        check(&parse_json(text.as_bytes()).unwrap()).unwrap_err().field
    }

    #[test]
    fn what_is_valid_is_taken() {
        let read = |text: &'static str| parse_json(text.as_bytes()).unwrap();
        let metadata = registration(&read(r#"{"metadata":{"team":"a"},"x":1}"#)).unwrap();
        assert_eq!(metadata.json(), r#"{"team":"a"}"#);
        for (text, percent) in
            [("99.9", Some(99.9)), ("100", Some(100.0)), ("1e-3", Some(0.001)), ("null", None)]
        {
            let body = format!(r#"{{"availability_target":{text}}}"#);
            assert_eq!(availability_target(&parse_json(body.as_bytes()).unwrap()), Ok(percent));
        }
        assert_eq!(acknowledgement(&read(r#"{"acknowledged_by":"é"}"#)).as_deref(), Ok("é"));
        assert_eq!(resolution(&read(r#"{"resolution_notes":"done"}"#)).as_deref(), Ok("done"));
    }

    #[test]
    fn what_is_not_names_its_place() {
        for text in ["[]", "1", "null"] {
            assert_eq!(field(registration, text), "body");
            assert_eq!(field(availability_target, text), "body");
            assert_eq!(field(resolution, text), "body");
        }
        for text in ["{}", r#"{"metadata":null}"#, r#"{"metadata":[]}"#] {
            assert_eq!(field(registration, text), "metadata");
        }
        assert_eq!(field(registration, r#"{"metadata":{"team":1}}"#), "metadata.team");
        for value in ["0", "-1", "100.001", "\"99\"", "true", "1e300"] {
            let body = format!(r#"{{"availability_target":{value}}}"#);
            assert_eq!(field(availability_target, &body), "availability_target");
        }
        let long = format!(r#"{{"acknowledged_by":"{}"}}"#, "x".repeat(1025));
        for text in ["{}", r#"{"acknowledged_by":""}"#, r#"{"acknowledged_by":null}"#, &long] {
            assert_eq!(field(acknowledgement, text), "acknowledged_by");
        }
    }
}
