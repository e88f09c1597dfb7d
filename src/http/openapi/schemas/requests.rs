//! What requests hold.

use serde_json::json;

use super::{Schemas, list, object, of, one_of, or_null, text, time, within};
use crate::limits;

/// All of them, by name.
pub(super) fn all() -> Schemas {
    let target = json!({"type": "number", "exclusiveMinimum": 0});
    let text_of_alert = || text(1, limits::ALERT_TEXT_BYTES_MAX);
    vec![
        (
            "Report",
            object(json!({
                "source": of("DiscoverySource"), "timestamp": time(), "mode?": or_null(one_of(&["upsert", "replace"])),
                "nodes?": list(of("ReportedService")), "edges?": list(of("ReportedDependency")),
            })),
        ),
        (
            "ReportedService",
            object(json!({"service_id": of("ServiceId"), "metadata?": or_null(of("Metadata"))})),
        ),
        (
            "ReportedDependency",
            object(
                json!({"source": of("ServiceId"), "target": of("ServiceId"), "attributes": of("Attributes")}),
            ),
        ),
        (
            "Attributes",
            object(json!({
                "communication_mode": of("CommunicationMode"), "criticality?": or_null(of("DependencyCriticality")),
                "protocol?": or_null(text(0, limits::PROTOCOL_BYTES_MAX)),
                "timeout_ms?": or_null(within(1, limits::TIMEOUT_MS_MAX.into())),
                "retry_config?": or_null(of("RetryConfig")),
            })),
        ),
        ("Registration", object(json!({"metadata": of("Metadata")}))),
        (
            "JointImpactRequest",
            object(json!({
                "service_ids": {
                    "type": "array", "items": of("ServiceId"), "minItems": 1,
                },
                "depth?": or_null(within(1, limits::IMPACT_DEPTH_MAX.into())), "include_soft?": or_null(json!({"type": "boolean"})),
                "summary?": or_null(json!({"type": "boolean"})),
            })),
        ),
        (
            "SloChange",
            object(json!({
                "sli_type": one_of(&["availability", "latency"]), "current_target": target, "proposed_target": target,
            })),
        ),
        (
            "SloAnalysisRequest",
            object(json!({
                "service_id": of("ServiceId"), "proposed_change": of("SloChange"),
                "max_depth?": or_null(within(1, limits::SLO_DEPTH_MAX.into())),
            })),
        ),
        (
            "SloTargetRequest",
            object(json!({
                "availability_target": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 100},
            })),
        ),
        ("Acknowledgement", object(json!({"acknowledged_by": text(1, limits::ALERT_TEXT_BYTES_MAX)}))),
        ("Resolution", object(json!({"resolution_notes": text_of_alert()}))),
        (
            "NewApiKeyRequest",
            object(json!({
                "name": text(1, limits::API_KEY_NAME_BYTES_MAX), "role": of("Role"), "expires_at?": or_null(time()),
                "rate_limits?": or_null(of("RateLimits")),
            })),
        ),
        (
            "RateLimits",
            object(json!({
                "ingestion?": or_null(within(0, limits::RATE_PER_MINUTE_MAX.into())),
                "query?": or_null(within(0, limits::RATE_PER_MINUTE_MAX.into())),
                "default?": or_null(within(0, limits::RATE_PER_MINUTE_MAX.into())),
            })),
        ),
    ]
}
