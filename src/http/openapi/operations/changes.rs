//! Reports, and changes by hand.

use serde_json::json;

use super::Operation;
use crate::http::openapi::answers::{OF_A_WRITE, graph_json, nothing};
use crate::http::openapi::parameters::{flag, one_of, query, service};
use crate::types::DiscoverySource;

const TAG: &str = "changes";
const OF_A_WRITE_ABOUT: [u16; 7] = [400, 404, 408, 413, 415, 422, 507];

pub(super) fn all() -> Vec<Operation> {
    vec![ingest(), import(), put_service(), delete_service(), put_slo(), delete_dependency()]
}

fn ingest() -> Operation {
    let key = json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "description": "A retry with the same key and body gets the first answer for 24 h",
    });
    let attributes =
        json!({"communication_mode": "sync", "criticality": "hard", "protocol": "grpc", "timeout_ms": 5000});
    let example = json!({
        "source": "manual", "timestamp": "2026-02-14T10:00:00Z",
        "nodes": [{"service_id": "checkout-service", "metadata": {"team": "payments", "criticality": "high"}}],
        "edges": [{"source": "checkout-service", "target": "payment-service", "attributes": attributes}],
    });
    let dry_run =
        query("dry_run", "With true nothing is changed, and the answer says what would be", &flag(false));
    let answer = graph_json("Receipt", "Durable, and visible to the next read");
    Operation::new(("POST", "/api/v1/services/dependencies"), "ingest", TAG, answer)
        .says("What a source reports of services and dependencies", "All of it or nothing.")
        .takes([key, dry_run])
        .reads("Report", &example)
        .or((200, graph_json("DryRun", "With dry_run: what it would change in the graph of this version")))
        .fails(&[400, 408, 409, 413, 415, 422, 507])
}

fn import() -> Operation {
    let line = json!({"$ref": "#/components/schemas/ImportLine"});
    let mut answer = graph_json("ImportLine", "Progress, and at the end the totals or the error");
    answer["content"] = json!({"application/x-ndjson": {"schema": line}});
    // The version is in the last line: when the answer begins it is not known yet.
    answer["headers"] = json!({});
    let example = "{\"source\":\"manual\",\"timestamp\":\"2026-02-14T10:00:00Z\"}\n\
                   {\"edge\":{\"source\":\"a\",\"target\":\"b\",\"attributes\":{\"communication_mode\":\"sync\"}}}\n";
    let content = json!({"application/x-ndjson": {"schema": {"type": "string"}, "example": example}});
    let operation = Operation::new(("POST", "/api/v1/graph/import"), "import", TAG, answer)
        .says(
            "The same as a stream of any length",
            "A head, then a node or an edge a line; applied in batches.",
        )
        .fails(&OF_A_WRITE);
    Operation { body: Some(json!({"required": true, "content": content})), ..operation }
}

fn put_service() -> Operation {
    let answer = || graph_json("Service", "The service as it is now");
    Operation::new(("PUT", "/api/v1/services/{service_id}"), "put_service", TAG, answer())
        .says("Writes a service down, or replaces what was written down", "")
        .takes([service("service_id", "ecommerce-api")])
        .reads("Registration", &json!({"metadata": {"team": "commerce", "criticality": "critical"}}))
        .or((201, answer()))
        .fails(&OF_A_WRITE)
}

fn delete_service() -> Operation {
    Operation::new(
        ("DELETE", "/api/v1/services/{service_id}"),
        "delete_service",
        TAG,
        nothing("It is gone, and its dependencies with it"),
    )
    .says("Removes a service", "")
    .takes([service("service_id", "application-insights")])
    .fails(&[400, 404, 422, 507])
}

fn put_slo() -> Operation {
    let answer = graph_json("SloTarget", "The target as it is now");
    Operation::new(("PUT", "/api/v1/services/{service_id}/slo"), "put_slo", TAG, answer)
        .says("Sets the availability target of a service, or clears it", "")
        .takes([service("service_id", "ecommerce-api")])
        .reads("SloTargetRequest", &json!({"availability_target": 99.9}))
        .fails(&OF_A_WRITE_ABOUT)
}

fn delete_dependency() -> Operation {
    Operation::new(
        ("DELETE", "/api/v1/services/{service_id}/dependencies/{target}"),
        "delete_dependency",
        TAG,
        nothing("It is withdrawn"),
    )
    .says("Withdraws what one source says of a dependency, or all of it", "")
    .takes([
        service("service_id", "front-door"),
        service("target", "ecommerce-api"),
        query("source", "Whose observation; all of them without it", &one_of(DiscoverySource::NAMES)),
    ])
    .fails(&[400, 404, 422, 507])
}
