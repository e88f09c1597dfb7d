//! The body of an SLO impact analysis, checked.

use super::Json;
use super::fields::{integer, name, number, object, optional, required, text};
use super::place::{Invalid, Place};
use crate::limits;
use crate::types::ServiceId;

/// What an SLO is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliType {
    /// The share of time for which it works, in percent.
    Availability,
    /// How long an answer takes, in milliseconds.
    Latency,
}

impl SliType {
    const NAMES: &[&str] = &["availability", "latency"];

    /// The name in requests and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency => "latency",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Availability, Self::Latency].into_iter().find(|kind| kind.as_str() == name)
    }

    fn target_max(self) -> f64 {
        match self {
            Self::Availability => 100.0,
            Self::Latency => f64::MAX,
        }
    }
}

/// A proposed change of an SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedSloChange {
    /// Whose.
    pub service_id: ServiceId,
    /// What it is about.
    pub sli_type: SliType,
    /// The target now: of availability in percent, above 0 and at most 100; of latency above 0.
    pub current_target: f64,
    /// The target then.
    pub proposed_target: f64,
    /// How many hops upstream to look, 1 to [`limits::SLO_DEPTH_MAX`].
    pub max_depth: u8,
}

/// Checks a request of `POST /api/v1/slos/impact-analysis`.
pub fn slo_change(document: &Json<'_>) -> Result<CheckedSloChange, Invalid> {
    let here = Place::Document;
    object((document, here))?;
    let id = required(document, &here, "service_id")?;
    let service_id = ServiceId::parse(text(id)?).map_err(|error| id.1.invalid(id.0, error.to_string()))?;
    let change = required(document, &here, "proposed_change")?;
    object(change)?;
    let (value, place) = change;
    let sli_type = name(required(value, &place, "sli_type")?, SliType::NAMES, SliType::parse)?;
    let target = |member| number(required(value, &place, member)?, 0.0, sli_type.target_max());
    let (current_target, proposed_target) = (target("current_target")?, target("proposed_target")?);
    let max_depth = optional(document, &here, "max_depth")
        .map(|at| integer(at, 1, u64::from(limits::SLO_DEPTH_MAX)).map(|depth| depth as u8))
        .transpose()?
        .unwrap_or(limits::SLO_DEPTH_DEFAULT);
    Ok(CheckedSloChange { service_id, sli_type, current_target, proposed_target, max_depth })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::parse_json;

    fn checked(text: &str) -> Result<CheckedSloChange, String> {
        slo_change(&parse_json(text.as_bytes()).unwrap()).map_err(|invalid| invalid.field)
    }

    fn with(change: &str, more: &str) -> Result<CheckedSloChange, String> {
        checked(&format!(r#"{{"service_id":"a","proposed_change":{change}{more}}}"#))
    }

    #[test]
    fn both_kinds_are_taken() {
        let change =
            with(r#"{"sli_type":"availability","current_target":99.9,"proposed_target":100}"#, "").unwrap();
        assert_eq!((change.sli_type, change.max_depth), (SliType::Availability, 3));
        assert!((change.proposed_target - 100.0).abs() < 1e-12);
        let change = r#"{"sli_type":"latency","current_target":200,"proposed_target":1e6}"#;
        let change = with(change, r#","max_depth":100"#).unwrap();
        assert_eq!((change.sli_type, change.max_depth), (SliType::Latency, 100));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = r#"{"sli_type":"availability","current_target":99.9,"proposed_target":99.5}"#;
        let change = |from: &str, to: &str| with(&good.replace(from, to), "");
        assert!(with(good, "").is_ok());
        let cases = [
            (checked("[]"), "body"),
            (checked("{}"), "service_id"),
            (checked(r#"{"service_id":""}"#), "service_id"),
            (checked(r#"{"service_id":"a"}"#), "proposed_change"),
            (with("[]", ""), "proposed_change"),
            (with("{}", ""), "proposed_change.sli_type"),
            (change("availability", "throughput"), "proposed_change.sli_type"),
            (change("99.9", "0"), "proposed_change.current_target"),
            (change("99.9", "\"99.9\""), "proposed_change.current_target"),
            (change("99.5", "100.1"), "proposed_change.proposed_target"),
            (change("99.5", "-1"), "proposed_change.proposed_target"),
            (with(good, r#","max_depth":0"#), "max_depth"),
            (with(good, r#","max_depth":101"#), "max_depth"),
        ];
        for (found, field) in cases {
            assert_eq!(found, Err(field.to_owned()));
        }
    }
}
