//! Snapshots, keys, staleness and the audit log.

use serde_json::{Value, json};

use super::Operation;
use crate::http::openapi::answers::{OF_A_QUESTION, OF_A_WRITE, graph_json, json_of, nothing};
use crate::http::openapi::parameters::{id, page, path};

const TAG: &str = "admin";

pub(super) fn all() -> Vec<Operation> {
    let mut all = snapshots();
    all.extend(keys());
    all.extend(exports());
    all.extend([
        Operation::new(
            ("POST", "/api/v1/admin/staleness/run"),
            "run_staleness",
            TAG,
            graph_json("Swept", "What was marked and removed"),
        )
        .says("Judges staleness now", "")
        .fails(&[507]),
        Operation::new(
            ("GET", "/api/v1/admin/audit"),
            "audit",
            TAG,
            json_of("AuditPage", "The newest first"),
        )
        .says("Who changed what, when, from which version to which", "")
        .takes(page())
        .fails(&OF_A_QUESTION),
        Operation::new(
            ("GET", "/api/v1/admin/discovery"),
            "discovery",
            TAG,
            json_of("Discovery", "The sources that are set up"),
        )
        .says("How every source of discovery stands, with its last run and its next", ""),
        Operation::new(
            ("POST", "/api/v1/admin/discovery/{source}/run"),
            "run_discovery",
            TAG,
            json_of("DiscoveryRunNow", "The run has ended; its outcome says how"),
        )
        .says(
            "Asks a source now",
            "409 where the source is not set up; 503 while it is left alone after too many failures.",
        )
        .takes([source()])
        .fails(&[400, 404, 409]),
    ]);
    all
}

fn exports() -> [Operation; 3] {
    [
        Operation::new(
            ("GET", "/api/v1/admin/exports/postgres"),
            "exports",
            TAG,
            json_of("ExportRunPage", "The newest first"),
        )
        .says("The runs of the export to PostgreSQL since the start of the server", "The newest hundred."),
        Operation::new(
            ("POST", "/api/v1/admin/exports/postgres"),
            "run_export",
            TAG,
            json_of("ExportRun", "The run that is under way, now begun or before"),
        )
        .says("Exports to PostgreSQL now", "Does not wait for the end. 409 where the export is not set up.")
        .fails(&[409]),
        Operation::new(
            ("GET", "/api/v1/admin/exports/postgres/{run_id}"),
            "export",
            TAG,
            json_of("ExportRun", "The run as it stands"),
        )
        .says("A run of the export to PostgreSQL", "")
        .takes([id("run_id", "The id of a run")])
        .fails(&[400, 404]),
    ]
}

fn source() -> Value {
    let asked = ["service_mesh", "otel_service_graph", "kubernetes"];
    path(
        "source",
        "A source that can be asked",
        &json!({"type": "string", "enum": asked}),
        "otel_service_graph",
    )
}

fn snapshots() -> Vec<Operation> {
    let snapshot = || id("snapshot_id", "The id of a snapshot");
    let mut file = json_of("Snapshot", "The file as it is");
    file["content"] = json!({"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}});
    vec![
        Operation::new(
            ("GET", "/api/v1/admin/snapshots"),
            "snapshots",
            TAG,
            json_of("SnapshotPage", "The newest first"),
        )
        .says("The snapshots that are kept", ""),
        Operation::new(
            ("POST", "/api/v1/admin/snapshots"),
            "create_snapshot",
            TAG,
            json_of("Snapshot", "Taken, verified and kept"),
        )
        .says("Takes a snapshot of the graph", "")
        .fails(&[507]),
        Operation::new(("GET", "/api/v1/admin/snapshots/{snapshot_id}"), "snapshot", TAG, file)
            .says("Downloads a snapshot", "Whole or broken off, never short.")
            .takes([snapshot()])
            .fails(&[400, 404]),
        Operation::new(
            ("DELETE", "/api/v1/admin/snapshots/{snapshot_id}"),
            "delete_snapshot",
            TAG,
            nothing("It is gone"),
        )
        .says("Removes a snapshot", "Never the newest, nor the last one to fall back to.")
        .takes([snapshot()])
        .fails(&[400, 404, 409, 507]),
        Operation::new(
            ("POST", "/api/v1/admin/snapshots/{snapshot_id}/verify"),
            "verify_snapshot",
            TAG,
            json_of("Verification", "Whether it holds"),
        )
        .says("Makes every check that a start would make", "")
        .takes([snapshot()])
        .fails(&[400, 404]),
    ]
}

fn keys() -> Vec<Operation> {
    let example = json!({"name": "backstage", "role": "reader", "rate_limits": {"query": 600}});
    vec![
        Operation::new(
            ("GET", "/api/v1/admin/api-keys"),
            "keys",
            TAG,
            json_of("ApiKeyPage", "The oldest first"),
        )
        .says("The keys that there are and were, without their secrets", ""),
        Operation::new(
            ("POST", "/api/v1/admin/api-keys"),
            "create_key",
            TAG,
            json_of("NewApiKey", "The only time that the key is shown"),
        )
        .says("Makes a key", "From the first one on the server is not open any more.")
        .reads("NewApiKeyRequest", &example)
        .fails(&OF_A_WRITE),
        Operation::new(
            ("DELETE", "/api/v1/admin/api-keys/{key_id}"),
            "revoke_key",
            TAG,
            nothing("It is none from the next request on"),
        )
        .says("Revokes a key", "That cannot be undone.")
        .takes([id("key_id", "The id of a key")])
        .fails(&[400, 404, 507]),
    ]
}
