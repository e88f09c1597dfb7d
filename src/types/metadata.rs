//! What a source says about a service besides its id.
//!
//! - The whole object is kept, as compact JSON text; what the graph acts on is read from it once.
//! - Numbers are kept as 64-bit integers or IEEE doubles, as RFC 8259 §6 advises for exchange.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Criticality, ServiceType};
use crate::limits;

/// One source's metadata object of one service. Cloning shares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    json: Arc<str>,
    facts: MetadataFacts,
}

/// The members of a metadata object that the graph acts on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataFacts {
    /// Who owns the service, at most 255 bytes.
    pub team: Option<Arc<str>>,
    /// How much it matters.
    pub criticality: Option<Criticality>,
    /// Who runs it.
    pub service_type: Option<ServiceType>,
    /// What an external provider promises, a ratio in (0, 1].
    pub published_sla: Option<f64>,
    /// What was measured, a ratio in (0, 1].
    pub availability: Option<f64>,
}

/// Which member of a metadata object is not valid, and why.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidMetadata {
    /// The member's name; `None` when the object itself is at fault.
    pub member: Option<&'static str>,
    /// What is expected.
    pub reason: String,
}

impl Default for Metadata {
    /// The empty object.
    fn default() -> Self {
        Self { json: "{}".into(), facts: MetadataFacts::default() }
    }
}

impl Metadata {
    /// Checks the members that have a meaning and the size of the whole, at most
    /// [`limits::METADATA_BYTES_MAX`] as compact JSON.
    pub fn from_object(object: &Map<String, Value>) -> Result<Self, InvalidMetadata> {
        let facts = MetadataFacts::read(object)?;
        let json = compact(object);
        if json.len() > limits::METADATA_BYTES_MAX {
            let reason = format!("metadata has at most {} bytes as JSON", limits::METADATA_BYTES_MAX);
            return Err(InvalidMetadata { member: None, reason });
        }
        Ok(Self { json: json.into(), facts })
    }

    /// Reads an object from its JSON text, as the log holds it.
    pub fn from_json(json: &str) -> Result<Self, InvalidMetadata> {
        let object: Map<String, Value> = serde_json::from_str(json)
            .map_err(|error| InvalidMetadata { member: None, reason: error.to_string() })?;
        Self::from_object(&object)
    }

    /// The object as compact JSON.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The members that the graph acts on.
    pub fn facts(&self) -> &MetadataFacts {
        &self.facts
    }

    /// Whether two texts of objects have the same members, in whatever order. Numbers are the same where they are written
    /// alike: 1 and 1.0 are two.
    pub(crate) fn is_same_object(one: &str, other: &str) -> bool {
        let read = |json| serde_json::from_str::<Value>(json).ok();
        one == other || read(one) == read(other)
    }

    /// The key-wise union of objects, the earlier one winning unless it says null; one alone is
    /// shared, not copied.
    pub(crate) fn union(in_priority_order: &[&Self]) -> (Arc<str>, MetadataFacts) {
        match in_priority_order {
            [] => ("{}".into(), MetadataFacts::default()),
            [only] => (Arc::clone(&only.json), only.facts.clone()),
            [first, others @ ..] => {
                let mut object = first.object();
                let mut facts = first.facts.clone();
                for other in others {
                    for (key, value) in other.object() {
                        let shown = object.entry(key).or_insert(Value::Null);
                        if shown.is_null() {
                            *shown = value;
                        }
                    }
                    facts.fill_from(&other.facts);
                }
                (compact(&object).into(), facts)
            }
        }
    }

    fn object(&self) -> Map<String, Value> {
        serde_json::from_str(&self.json).expect("the text was written from an object")
    }
}

fn compact(object: &Map<String, Value>) -> String {
    serde_json::to_string(object).expect("a JSON value has no part that cannot be written")
}

impl MetadataFacts {
    fn read(object: &Map<String, Value>) -> Result<Self, InvalidMetadata> {
        Ok(Self {
            team: read_team(object)?,
            criticality: read_name(object, "criticality", Criticality::NAMES, Criticality::parse)?,
            service_type: read_name(object, "service_type", ServiceType::NAMES, ServiceType::parse)?,
            published_sla: read_ratio(object, "published_sla")?,
            availability: read_ratio(object, "availability")?,
        })
    }

    fn fill_from(&mut self, other: &Self) {
        self.team = self.team.take().or_else(|| other.team.clone());
        self.criticality = self.criticality.or(other.criticality);
        self.service_type = self.service_type.or(other.service_type);
        self.published_sla = self.published_sla.or(other.published_sla);
        self.availability = self.availability.or(other.availability);
    }
}

/// A member that is there and not null.
fn given<'a>(object: &'a Map<String, Value>, member: &str) -> Option<&'a Value> {
    object.get(member).filter(|value| !value.is_null())
}

fn invalid<T>(member: &'static str, reason: impl Into<String>) -> Result<T, InvalidMetadata> {
    Err(InvalidMetadata { member: Some(member), reason: reason.into() })
}

fn read_team(object: &Map<String, Value>) -> Result<Option<Arc<str>>, InvalidMetadata> {
    match given(object, "team") {
        None => Ok(None),
        Some(Value::String(team)) if team.len() <= limits::TEAM_BYTES_MAX => Ok(Some(team.as_str().into())),
        Some(_) => invalid("team", format!("a team is a string of at most {} bytes", limits::TEAM_BYTES_MAX)),
    }
}

fn read_name<T>(
    object: &Map<String, Value>,
    member: &'static str,
    names: &[&str],
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, InvalidMetadata> {
    let Some(value) = given(object, member) else { return Ok(None) };
    match value.as_str().and_then(parse) {
        Some(parsed) => Ok(Some(parsed)),
        None => invalid(member, format!("expected one of {}", names.join(", "))),
    }
}

fn read_ratio(object: &Map<String, Value>, member: &'static str) -> Result<Option<f64>, InvalidMetadata> {
    let Some(value) = given(object, member) else { return Ok(None) };
    match value.as_f64() {
        Some(ratio) if ratio > 0.0 && ratio <= 1.0 => Ok(Some(ratio)),
        _ => invalid(member, "expected a ratio above 0 and at most 1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(json: &str) -> Metadata {
        Metadata::from_json(json).unwrap()
    }

    #[test]
    fn keeps_everything_and_reads_what_counts() {
        let read = metadata(r#"{"team":"payments","tier":1,"criticality":"high","x":{"y":[1.5,null]}}"#);
        assert_eq!(read.facts().team.as_deref(), Some("payments"));
        assert_eq!(read.facts().criticality, Some(Criticality::High));
        assert!(read.json().contains(r#""x":{"y":[1.5,null]}"#));
    }

    #[test]
    fn names_the_member_at_fault() {
        let cases = [
            (r#"{"criticality":"urgent"}"#, "criticality"),
            (r#"{"criticality":1}"#, "criticality"),
            (r#"{"service_type":"third-party"}"#, "service_type"),
            (r#"{"published_sla":99.9}"#, "published_sla"),
            (r#"{"availability":0}"#, "availability"),
            (r#"{"team":["a"]}"#, "team"),
        ];
        for (json, member) in cases {
            assert_eq!(Metadata::from_json(json).unwrap_err().member, Some(member), "{json}");
        }
        let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(limits::METADATA_BYTES_MAX));
        assert_eq!(Metadata::from_json(&large).unwrap_err().member, None);
    }

    #[test]
    fn union_prefers_the_earlier() {
        let (json, facts) = Metadata::union(&[
            &metadata(r#"{"team":"a","tier":1,"criticality":null}"#),
            &metadata(r#"{"team":"b","criticality":"low","zone":"z"}"#),
        ]);
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value, serde_json::json!({"team":"a","tier":1,"criticality":"low","zone":"z"}));
        assert_eq!(facts.team.as_deref(), Some("a"));
        assert_eq!(facts.criticality, Some(Criticality::Low));
    }
}
