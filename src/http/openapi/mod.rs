//! The API as a document of `OpenAPI` 3.1, made from what the server goes by: its endpoints, who may call them, the bounds
//! and the vocabularies.
//!
//! ```text
//! endpoints + access ─▶ operations (what each takes and gives) ─▶ document ◀─ schemas (the shapes)
//! ```
//!
//! - An endpoint without a description here does not pass the tests; nor does a description without an endpoint.
//! - Every operation has an example that can be sent as it is; a test sends them all.

mod answers;
mod operations;
mod parameters;
mod schemas;

use std::sync::LazyLock;

use hyper::Method;
use serde_json::{Map, Value, json};

use super::access::Access;
use super::endpoints::{ENDPOINTS, Endpoint};
use super::route::Route;
use operations::Operation;

/// The document as text.
pub(super) fn document() -> &'static [u8] {
    static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| build().to_string().into_bytes());
    &DOCUMENT
}

fn build() -> Value {
    let mut paths = Map::new();
    for operation in operations::all() {
        let (method, template) = operation.endpoint;
        let endpoint = ENDPOINTS.iter().find(|listed| listed.method == method && listed.template == template);
        let endpoint = endpoint.expect("a test holds the descriptions to the endpoints");
        let path = paths.entry(template).or_insert_with(|| json!({}));
        path[method.to_ascii_lowercase()] = describe(operation, endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "watershed",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "What does a service need, and what breaks when it fails?",
            "description": "An in-memory service dependency graph. Every graph answer carries X-Graph-Version; errors are \
                RFC 9457 problem details; unknown fields of a request are ignored, and fields may be added to answers.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "graph", "description": "Questions to the graph"},
            {"name": "changes", "description": "Reports, and changes by hand"},
            {"name": "alerts", "description": "Circular dependencies"},
            {"name": "admin", "description": "Snapshots, keys, staleness, the audit log"},
            {"name": "operations", "description": "Health, metrics, documentation"},
        ],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": answers::errors(),
            "headers": answers::headers(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer <key>"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    })
}

/// An operation, with what follows from who may call it and how often.
fn describe(operation: Operation, endpoint: &Endpoint) -> Value {
    let method = Method::from_bytes(endpoint.method.as_bytes()).expect("methods of routes are methods");
    let route = Route::find(&method, endpoint.template).expect("endpoints are routes");
    let (role, is_limited) = match Access::of(&route) {
        Access::Free | Access::Metrics => (None, false),
        Access::Limited(role, _) => (Some(role), true),
    };
    let mut errors = operation.errors.to_vec();
    if role.is_some() {
        errors.extend([401, 403, 503]);
    }
    if matches!(Access::of(&route), Access::Metrics) {
        errors.extend([401, 403]);
    }
    if is_limited {
        errors.push(429);
    }
    errors.extend([405, 500]);
    errors.sort_unstable();
    errors.dedup();
    let mut responses = Map::new();
    let mut success = operation.answer;
    if is_limited {
        for name in ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"] {
            success["headers"][name] = json!({"$ref": format!("#/components/headers/{name}")});
        }
    }
    success["headers"]["X-Correlation-ID"] = json!({"$ref": "#/components/headers/X-Correlation-ID"});
    responses.insert(endpoint.success.to_string(), success);
    for (status, answer) in operation.more {
        responses.insert(status.to_string(), answer);
    }
    for status in errors {
        let name = answers::error_name(status);
        responses.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}));
    }
    let needs =
        role.map_or("Needs no key.".to_owned(), |role| format!("Needs a key of role {}.", role.as_str()));
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": format!("{} {needs}", operation.description).trim_start(),
        "parameters": operation.parameters,
        "responses": responses,
        // Open as long as there is no key, hence the empty alternative.
        "security": if role.is_some() { json!([{}, {"bearer": []}, {"apiKey": []}]) } else { json!([]) },
    });
    if let Some(body) = operation.body {
        described["requestBody"] = body;
    }
    described
}

#[cfg(test)]
mod tests;
