//! What is said of snapshots, keys, the audit log and the server itself.

use serde_json::json;

use super::{Schemas, count, list, object, of, one_of, or_null, page_of, time, uuid, with};
use crate::sources::runner::RunOutcome;
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
    let run = || {
        json!({
            "outcome": one_of(&RunOutcome::ALL.map(RunOutcome::as_str)), "trigger": one_of(&["schedule", "request", "change"]),
            "started_at": time(), "duration_ms": count(), "services": count(), "dependencies": count(),
            "nodes_upserted": count(), "edges_upserted": count(), "circular_dependencies": count(),
            "left_out": {"type": "object", "additionalProperties": count()},
            "notes": list(json!({"type": "string"})), "error": {"type": ["string", "null"]},
            "version": or_null(count()),
        })
    };
    let runs = json!({"type": "object", "additionalProperties": count()});
    let source = json!({
        "source": of("DiscoverySource"), "running": {"type": "boolean"}, "interval_seconds": count(),
        "next_run_at": or_null(time()), "last_complete_at": or_null(time()),
        "circuit": one_of(&["closed", "open", "half_open"]), "circuit_open_seconds": or_null(count()),
        "runs": runs, "last_run": or_null(of("DiscoveryRun")),
    });
    let export = json!({
        "run_id": uuid(), "state": one_of(&["running", "succeeded", "failed"]),
        "mode": or_null(one_of(&["full", "incremental"])), "version": count(), "rows": count(), "started_at": time(),
        "finished_at": or_null(time()), "error": {"type": ["string", "null"]},
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
        ("DiscoveryRun", object(run())),
        ("DiscoveryRunNow", with(run(), json!({"source": of("DiscoverySource")}))),
        ("Discovery", object(json!({"sources": list(object(source))}))),
        ("ExportRun", object(export)),
        ("ExportRunPage", page_of(of("ExportRun"))),
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
