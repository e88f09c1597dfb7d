//! The shapes of requests and answers, with the bounds and vocabularies that the server goes by.

use serde_json::{Map, Value, json};

use crate::limits;
use crate::types::{
    BackoffStrategy, CommunicationMode, Criticality, DependencyCriticality, DiscoverySource, Role,
    ServiceType,
};

mod admin;
mod answers;
mod dry_run;
mod requests;

/// All of them, by name.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for (name, schema) in vocabulary()
        .into_iter()
        .chain(requests::all())
        .chain(answers::all())
        .chain(dry_run::all())
        .chain(admin::all())
    {
        all.insert(name.to_owned(), schema);
    }
    Value::Object(all)
}

type Schemas = Vec<(&'static str, Value)>;

/// An object with these members, and perhaps others, of which those whose name ends in `?` may be left out.
fn object(members: Value) -> Value {
    let Value::Object(members) = members else { return members };
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in members {
        if let Some(name) = name.strip_suffix('?') {
            properties.insert(name.to_owned(), schema);
        } else {
            required.push(name.clone());
            properties.insert(name, schema);
        }
    }
    json!({"type": "object", "required": required, "properties": properties})
}

fn of(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn list(items: Value) -> Value {
    let mut list = json!({"type": "array"});
    list["items"] = items;
    list
}

fn one_of(names: &[&str]) -> Value {
    json!({"type": "string", "enum": names})
}

fn or_null(schema: Value) -> Value {
    let mut either = json!({});
    either["oneOf"] = Value::Array(vec![schema, json!({"type": "null"})]);
    either
}

fn text(least: usize, most: usize) -> Value {
    json!({"type": "string", "minLength": least, "maxLength": most})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn within(least: u64, most: u64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

fn ratio() -> Value {
    json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn page_of(items: Value) -> Value {
    object(json!({"items": list(items), "next_cursor": {"type": ["string", "null"]}}))
}

fn vocabulary() -> Schemas {
    vec![
        (
            "ServiceId",
            json!({
                "type": "string", "minLength": 1, "maxLength": limits::SERVICE_ID_BYTES_MAX,
                "description": "At most 255 bytes of UTF-8, no control characters, no white space at the ends",
            }),
        ),
        ("Criticality", one_of(Criticality::NAMES)),
        ("ServiceType", one_of(ServiceType::NAMES)),
        ("CommunicationMode", one_of(CommunicationMode::NAMES)),
        ("DependencyCriticality", one_of(DependencyCriticality::NAMES)),
        ("DiscoverySource", one_of(DiscoverySource::NAMES)),
        ("Role", one_of(Role::NAMES)),
        (
            "Metadata",
            json!({
                "type": "object", "description": "At most 16 KiB; team, criticality, service_type, published_sla and \
                    availability are read from it",
                "properties": {
                    "team": or_null(text(0, limits::TEAM_BYTES_MAX)), "criticality": or_null(of("Criticality")),
                    "service_type": or_null(of("ServiceType")), "published_sla": or_null(ratio()), "availability": or_null(ratio()),
                },
            }),
        ),
        (
            "RetryConfig",
            object(json!({
                "max_retries": within(0, limits::RETRIES_MAX.into()),
                "backoff_strategy": one_of(BackoffStrategy::NAMES),
            })),
        ),
        (
            "Problem",
            object(json!({
                "type": {"type": "string"}, "title": {"type": "string"}, "status": within(400, 599),
                "detail": {"type": "string"}, "instance": {"type": "string"}, "correlation_id": {"type": "string"},
                "field?": {"type": "string"}, "value?": {"type": "string"}, "retry_after_seconds?": count(),
                "line?": count(), "outcome?": one_of(&["not_applied", "unknown"]),
            })),
        ),
    ]
}

/// The members of both.
fn with(mut members: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut members, more) {
        members.extend(more);
    }
    object(members)
}
