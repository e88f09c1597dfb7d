//! The body of an impact query for several services, checked.

use super::Json;
use super::fields::{flag, integer, list, object, optional, required, text};
use super::place::{Invalid, Place};
use crate::limits;
use crate::types::ServiceId;

/// A question about services that fail at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedImpact {
    /// The services, each once, in the order given; one at least, [`limits::IMPACT_FAILING_MAX`] at most.
    pub service_ids: Vec<ServiceId>,
    /// How many hops, 1 to [`limits::IMPACT_DEPTH_MAX`].
    pub depth: u8,
    /// Whether dependencies that are not hard are followed.
    pub include_soft: bool,
    /// Whether the list is left out.
    pub summary: bool,
}

/// Checks a request of `POST /api/v1/impact`.
pub fn impact(document: &Json<'_>) -> Result<CheckedImpact, Invalid> {
    let here = Place::Document;
    object((document, here))?;
    let (value, place) = required(document, &here, "service_ids")?;
    let given = list(document, &here, "service_ids", |at| {
        ServiceId::parse(text(at)?).map_err(|error| at.1.invalid(at.0, error.to_string()))
    })?;
    let mut service_ids: Vec<ServiceId> = Vec::new();
    for service_id in given {
        if !service_ids.contains(&service_id) {
            service_ids.push(service_id);
        }
        if service_ids.len() > limits::IMPACT_FAILING_MAX {
            let reason = format!("at most {} services at once", limits::IMPACT_FAILING_MAX);
            return Err(place.invalid(value, reason));
        }
    }
    if service_ids.is_empty() {
        return Err(place.invalid(value, "expected at least one service id"));
    }
    let depth = optional(document, &here, "depth")
        .map(|at| integer(at, 1, u64::from(limits::IMPACT_DEPTH_MAX)).map(|depth| depth as u8))
        .transpose()?;
    let include_soft = optional(document, &here, "include_soft").map(flag).transpose()?;
    let summary = optional(document, &here, "summary").map(flag).transpose()?;
    Ok(CheckedImpact {
        service_ids,
        depth: depth.unwrap_or(limits::IMPACT_DEPTH_DEFAULT),
        include_soft: include_soft.unwrap_or(true),
        summary: summary.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::parse_json;

    fn checked(text: &str) -> Result<CheckedImpact, String> {
        impact(&parse_json(text.as_bytes()).unwrap()).map_err(|invalid| invalid.field)
    }

    #[test]
    fn duplicates_are_merged_and_defaults_hold() {
        let question = checked(r#"{"service_ids":["b","a","b"]}"#).unwrap();
        assert_eq!(question.service_ids.iter().map(ServiceId::as_str).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!((question.depth, question.include_soft, question.summary), (10, true, false));
        let question =
            checked(r#"{"service_ids":["a"],"depth":100,"include_soft":false,"summary":true}"#).unwrap();
        assert_eq!((question.depth, question.include_soft, question.summary), (100, false, true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let many: Vec<String> = (0..101).map(|number| format!("\"s{number}\"")).collect();
        let many = format!(r#"{{"service_ids":[{}]}}"#, many.join(","));
        let cases = [
            ("[]", "body"),
            ("{}", "service_ids"),
            (r#"{"service_ids":[]}"#, "service_ids"),
            (r#"{"service_ids":"a"}"#, "service_ids"),
            (r#"{"service_ids":["a",1]}"#, "service_ids[1]"),
            (r#"{"service_ids":["a"," b"]}"#, "service_ids[1]"),
            (&many, "service_ids"),
            (r#"{"service_ids":["a"],"depth":0}"#, "depth"),
            (r#"{"service_ids":["a"],"depth":101}"#, "depth"),
            (r#"{"service_ids":["a"],"include_soft":"true"}"#, "include_soft"),
            (r#"{"service_ids":["a"],"summary":1}"#, "summary"),
        ];
        for (text, field) in cases {
            assert_eq!(checked(text), Err(field.to_owned()), "{text:.80}");
        }
    }
}
