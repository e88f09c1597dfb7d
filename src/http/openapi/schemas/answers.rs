//! What the graph answers.

use serde_json::{Value, json};

use super::{Schemas, count, list, object, of, one_of, or_null, page_of, time, uuid, with, within};
use crate::limits;
use crate::query::Divergence;
use crate::types::{AlertStatus, Direction};

/// What all answers show of a service.
fn service_members() -> Value {
    json!({
        "service_id": of("ServiceId"), "id": uuid(), "team": {"type": ["string", "null"]},
        "criticality": of("Criticality"), "service_type": of("ServiceType"), "discovered": {"type": "boolean"},
        "metadata": {"type": "object"},
    })
}

/// All of them, by name.
pub(super) fn all() -> Schemas {
    let mut all = subgraph();
    all.extend(impacts());
    all.extend(lists());
    all
}

fn subgraph() -> Schemas {
    let edge = json!({
        "source": of("ServiceId"), "target": of("ServiceId"), "communication_mode": of("CommunicationMode"),
        "criticality": of("DependencyCriticality"), "protocol": {"type": ["string", "null"]},
        "timeout_ms": {"type": ["integer", "null"]}, "retry_config": or_null(of("RetryConfig")),
        "confidence_score": {"type": "number", "minimum": 0, "maximum": 1},
        "discovery_source": of("DiscoverySource"), "sources": list(of("DiscoverySource")),
        "last_observed_at": time(), "is_stale": {"type": "boolean"},
    });
    let statistics = json!({
        "total_nodes": count(), "total_edges": count(), "upstream_services": count(), "downstream_services": count(),
        "max_depth_reached": count(), "has_circular_dependencies": {"type": "boolean"},
        "truncated": {"type": "boolean"},
    });
    let detail = json!({
        "direct_dependencies": count(), "direct_callers": count(),
        "availability_target": {"type": ["number", "null"]}, "created_at": time(), "updated_at": time(),
    });
    let position = json!({"type": "array", "items": count(), "minItems": 2, "maxItems": 2});
    let elements =
        json!({"nodes": list(json!({"type": "object"})), "edges": list(json!({"type": "object"}))});
    vec![
        ("CytoscapeGraph", object(json!({"elements": object(elements)}))),
        ("ServiceSummary", object(service_members())),
        ("Service", with(service_members(), detail)),
        ("ServiceAtDistance", with(service_members(), json!({"distance": count()}))),
        ("Dependency", object(edge)),
        ("Statistics", object(statistics)),
        (
            "Subgraph",
            object(json!({
                "service_id": of("ServiceId"), "direction": one_of(Direction::NAMES),
                "depth": within(1, limits::QUERY_DEPTH_MAX.into()), "version": count(),
                "nodes": list(json!({"oneOf": [of("ServiceAtDistance"), of("ServiceId")]})),
                "edges": list(json!({"oneOf": [of("Dependency"), position]})), "statistics": of("Statistics"),
            })),
        ),
    ]
}

fn impacts() -> Schemas {
    let hit = json!({
        "service_id": of("ServiceId"), "distance": count(), "severity": one_of(&["outage", "degraded"]),
        "path": list(of("ServiceId")), "team": {"type": ["string", "null"]}, "criticality": of("Criticality"),
    });
    let by = json!({"type": "object", "additionalProperties": count()});
    let change = json!({
        "service_id": of("ServiceId"), "relationship": {"type": "string"},
        "current_composite_availability": {"type": ["number", "null"]},
        "projected_composite_availability": {"type": ["number", "null"]}, "delta": {"type": ["number", "null"]},
        "current_slo_target": {"type": ["number", "null"]}, "slo_at_risk": {"type": ["boolean", "null"]},
        "risk_detail": {"type": ["string", "null"]},
    });
    let summary = json!({
        "total_impacted": count(), "slos_at_risk": {"type": ["integer", "null"]}, "recommendation": {"type": "string"},
        "latency_note": {"type": ["string", "null"]},
    });
    vec![
        ("Hit", object(hit.clone())),
        ("JointHit", with(hit, json!({"failing": list(of("ServiceId"))}))),
        (
            "ImpactTotals",
            object(json!({"impacted": count(), "by_severity": by, "by_team": by, "by_criticality": by})),
        ),
        (
            "Impact",
            object(json!({
                "service_id": of("ServiceId"), "version": count(), "impacted_services?": list(of("Hit")),
                "totals": of("ImpactTotals"),
            })),
        ),
        (
            "JointImpact",
            object(json!({
                "service_ids": list(of("ServiceId")), "version": count(), "impacted_services?": list(of("JointHit")),
                "totals": of("ImpactTotals"),
            })),
        ),
        ("AvailabilityChange", object(change)),
        (
            "SloAnalysis",
            object(json!({
                "analysis_id": uuid(), "service_id": of("ServiceId"), "version": count(),
                "proposed_change": of("SloChange"), "impacted_services": list(of("AvailabilityChange")),
                "summary": object(summary),
            })),
        ),
        (
            "SloTarget",
            object(
                json!({"service_id": of("ServiceId"), "availability_target": {"type": ["number", "null"]}}),
            ),
        ),
    ]
}

fn lists() -> Schemas {
    let pair = json!({
        "source": of("ServiceId"), "target": of("ServiceId"), "sources": list(of("DiscoverySource")),
    });
    let stats = json!({
        "version": count(), "services": count(), "dependencies": count(), "observations": count(),
        "stale_dependencies": count(), "discovered_services": count(), "cycles": count(),
        "weakly_connected_components": count(), "max_callers": count(), "max_dependencies": count(),
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    });
    let critical = json!({"service_id": of("ServiceId"), "sole_path_for": count(), "dependents": count()});
    let alert = json!({
        "id": uuid(), "cycle_path": list(of("ServiceId")), "members": list(of("ServiceId")),
        "status": one_of(AlertStatus::NAMES), "detected_at": time(), "acknowledged_by": {"type": ["string", "null"]},
        "resolution_notes": {"type": ["string", "null"]}, "is_active": {"type": "boolean"},
        "is_strong": {"type": "boolean"},
    });
    let ways = list(list(of("ServiceId")));
    vec![
        ("ServicePage", page_of(of("ServiceSummary"))),
        (
            "Paths",
            object(
                json!({"from": of("ServiceId"), "to": of("ServiceId"), "version": count(), "paths": ways}),
            ),
        ),
        (
            "DivergencePage",
            with(
                json!({"kind": one_of(Divergence::NAMES)}),
                json!({"items": list(object(pair)), "next_cursor": {"type": ["string", "null"]}}),
            ),
        ),
        ("Stats", object(stats)),
        ("Critical", object(json!({"version": count(), "items": list(object(critical))}))),
        ("Alert", object(alert)),
        ("AlertPage", page_of(of("Alert"))),
        ("Receipt", receipt()),
        (
            "ImportLine",
            json!({
                "type": "object",
                "description": "Progress, or the totals (done), or the error with what was applied; one a line",
            }),
        ),
    ]
}

fn receipt() -> Value {
    let cycle = json!({"cycle_path": list(of("ServiceId")), "alert_id": uuid()});
    object(json!({
        "ingestion_id": uuid(), "status": one_of(&["completed"]), "nodes_received": count(), "edges_received": count(),
        "nodes_upserted": count(), "edges_upserted": count(), "edges_removed": count(),
        "circular_dependencies_detected": list(object(cycle)), "conflicts_resolved": list(conflict()),
        "warnings": list(json!({"type": "string"})), "estimated_completion_seconds": count(), "version": count(),
        "durable": {"type": "boolean"},
    }))
}

/// Where another source says something else.
pub(super) fn conflict() -> Value {
    let ends = json!({"source": of("ServiceId"), "target": of("ServiceId")});
    object(json!({
        "edge": object(ends), "existing_source": of("DiscoverySource"), "new_source": of("DiscoverySource"),
        "resolution": one_of(&["kept_higher_priority"]),
    }))
}
