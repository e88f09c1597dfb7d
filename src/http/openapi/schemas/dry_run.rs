//! What a report would change.

use serde_json::{Value, json};

use super::answers::conflict;
use super::{Schemas, count, list, object, of, or_null, with};

/// All of them, by name.
pub(super) fn all() -> Schemas {
    let service = json!({
        "team": {"type": ["string", "null"]}, "criticality": of("Criticality"), "service_type": of("ServiceType"),
        "discovered": {"type": "boolean"}, "metadata": {"type": "object"},
    });
    let attributes = json!({
        "communication_mode": of("CommunicationMode"), "criticality": of("DependencyCriticality"),
        "protocol": {"type": ["string", "null"]}, "timeout_ms": {"type": ["integer", "null"]},
        "retry_config": or_null(of("RetryConfig")),
    });
    let moved = json!({"discovery_source": of("DiscoverySource"), "is_stale": {"type": "boolean"}});
    let id = json!({"service_id": of("ServiceId")});
    let ends = json!({"source": of("ServiceId"), "target": of("ServiceId")});
    let services = json!({
        "added": list(with(id.clone(), service.clone())),
        "changed": list(with(id, change(&of("ServiceDifference")))),
    });
    let dependencies = json!({
        "added": list(with(ends.clone(), json!({"attributes": object(attributes.clone())}))),
        "changed": list(with(ends.clone(), change(&of("DependencyDifference")))),
        "removed": list(object(ends)),
    });
    vec![
        ("ServiceDifference", object(optional(&[service]))),
        ("DependencyDifference", object(optional(&[attributes, moved]))),
        ("DryRun", answer(services, dependencies)),
    ]
}

fn answer(services: Value, dependencies: Value) -> Value {
    object(json!({
        "dry_run": {"type": "boolean"}, "version": count(), "services": object(services),
        "dependencies": object(dependencies), "observations_refreshed": count(), "observations_withdrawn": count(),
        "circular_dependencies_detected": list(object(json!({"cycle_path": list(of("ServiceId"))}))),
        "conflicts_resolved": list(conflict()), "warnings": list(json!({"type": "string"})),
    }))
}

fn change(difference: &Value) -> Value {
    json!({"before": difference, "after": difference})
}

/// The same members, each of which may be left out: those that do not differ are.
fn optional(parts: &[Value]) -> Value {
    let members = parts.iter().filter_map(Value::as_object).flatten();
    Value::Object(members.map(|(name, schema)| (format!("{name}?"), schema.clone())).collect())
}
