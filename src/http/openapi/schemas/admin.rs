//! What is said of snapshots, keys, the audit log and the server itself.

use serde_json::json;

use super::{Schemas, count, object, of, one_of, or_null, page_of, time, uuid, with};
use crate::types::AuditAction;

/// All of them, by name.
pub(super) fn all() -> Schemas {
    let key = || {
        json!({
            "id": uuid(), "name": {"type": "string"}, "role": of("Role"), "prefix": {"type": "string"},
            "created_at": time(), "created_by": {"type": "string"}, "expires_at": or_null(time()),
            "last_used_at": or_null(time()), "revoked_at": or_null(time()), "revoked_by": {"type": ["string", "null"]},
            "rate_limits": of("RateLimits"),
        })
    };
    let entry = json!({
        "at": time(), "actor": {"type": ["string", "null"]}, "action": one_of(AuditAction::NAMES),
        "from_version": count(), "to_version": count(), "source?": or_null(of("DiscoverySource")),
        "service_id?": of("ServiceId"), "target?": of("ServiceId"), "alert_id?": uuid(), "nodes?": count(),
        "edges?": count(),
    });
    let snapshot = json!({
        "snapshot_id": uuid(), "version": count(), "bytes": count(), "nodes": count(), "edges": count(),
        "duration_ms": count(), "created_at": time(),
    });
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    vec![
        ("Snapshot", object(snapshot)),
        ("SnapshotPage", page_of(of("Snapshot"))),
        (
            "Verification",
            object(json!({
                "snapshot_id": uuid(), "version": count(), "valid": {"type": "boolean"}, "error?": {"type": "string"},
            })),
        ),
        ("ApiKey", object(key())),
        ("NewApiKey", with(key(), json!({"key": {"type": "string", "pattern": "^ws_[0-9A-Za-z_]+$"}}))),
        ("ApiKeyPage", page_of(of("ApiKey"))),
        (
            "Swept",
            object(json!({
                "marked": count(), "dependencies_purged": count(), "services_purged": count(), "version": count(),
            })),
        ),
        ("AuditPage", page_of(object(entry))),
        (
            "Health",
            object(
                json!({"status": one_of(&["healthy"]), "service": one_of(&["watershed"]), "version": {"type": "string"}}),
            ),
        ),
        ("Readiness", object(json!({"status": one_of(&["ready", "not_ready"]), "checks": texts}))),
        (
            "Index",
            object(json!({"name": one_of(&["watershed"]), "version": {"type": "string"}, "links": texts})),
        ),
    ]
}
