//! Who may do what: every endpoint of the document × every kind of credentials × methods that it does not take.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::Server;

const ADMIN: &str = "an-admin-key-for-tests-0123456789";

/// The least role of each endpoint, as the contract has it; none where anybody may.
const ENDPOINTS: &[(&str, &str, Option<usize>)] = &[
    ("GET", "/api/v1/health", None),
    ("GET", "/api/v1/health/ready", None),
    ("GET", "/api/v1/metrics", None),
    ("GET", "/openapi.json", None),
    ("GET", "/docs", None),
    ("GET", "/docs/{asset}", None),
    ("GET", "/", Some(0)),
    ("GET", "/api/v1/services", Some(0)),
    ("GET", "/api/v1/services/{service_id}", Some(0)),
    ("GET", "/api/v1/services/{service_id}/dependencies", Some(0)),
    ("GET", "/api/v1/services/{service_id}/impact", Some(0)),
    ("POST", "/api/v1/impact", Some(0)),
    ("POST", "/api/v1/slos/impact-analysis", Some(0)),
    ("GET", "/api/v1/paths", Some(0)),
    ("GET", "/api/v1/graph/stats", Some(0)),
    ("GET", "/api/v1/graph/divergence", Some(0)),
    ("GET", "/api/v1/graph/critical", Some(0)),
    ("GET", "/api/v1/circular-dependencies", Some(0)),
    ("GET", "/api/v1/circular-dependencies/{alert_id}", Some(0)),
    ("POST", "/api/v1/services/dependencies", Some(1)),
    ("POST", "/api/v1/graph/import", Some(1)),
    ("PUT", "/api/v1/services/{service_id}", Some(1)),
    ("DELETE", "/api/v1/services/{service_id}", Some(1)),
    ("PUT", "/api/v1/services/{service_id}/slo", Some(1)),
    ("DELETE", "/api/v1/services/{service_id}/dependencies/{target}", Some(1)),
    ("POST", "/api/v1/circular-dependencies/{alert_id}/acknowledge", Some(1)),
    ("POST", "/api/v1/circular-dependencies/{alert_id}/resolve", Some(1)),
    ("GET", "/api/v1/admin/snapshots", Some(2)),
    ("POST", "/api/v1/admin/snapshots", Some(2)),
    ("GET", "/api/v1/admin/snapshots/{snapshot_id}", Some(2)),
    ("DELETE", "/api/v1/admin/snapshots/{snapshot_id}", Some(2)),
    ("POST", "/api/v1/admin/snapshots/{snapshot_id}/verify", Some(2)),
    ("GET", "/api/v1/admin/api-keys", Some(2)),
    ("POST", "/api/v1/admin/api-keys", Some(2)),
    ("DELETE", "/api/v1/admin/api-keys/{key_id}", Some(2)),
    ("POST", "/api/v1/admin/staleness/run", Some(2)),
    ("GET", "/api/v1/admin/audit", Some(2)),
    ("GET", "/api/v1/admin/discovery", Some(2)),
    ("POST", "/api/v1/admin/discovery/{source}/run", Some(2)),
    ("GET", "/api/v1/admin/exports/postgres", Some(2)),
    ("POST", "/api/v1/admin/exports/postgres", Some(2)),
    ("GET", "/api/v1/admin/exports/postgres/{run_id}", Some(2)),
];

const ROLES: [&str; 3] = ["reader", "writer", "admin"];

/// A path of a template that is about nothing there is.
fn target(template: &str) -> String {
    template
        .split('/')
        .map(|part| if part.starts_with('{') { "nothing" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

fn server_with_keys() -> (Server, [String; 3]) {
    let server = Server::start_with(&[("ADMIN_API_KEY", ADMIN)], &[]);
    let keys = ROLES.map(|role| {
        let body = json!({"name": role, "role": role}).to_string();
        let made = server.request("POST", "/api/v1/admin/api-keys", &[("x-api-key", ADMIN)], body.as_bytes());
        made.json()["key"].as_str().unwrap().to_owned()
    });
    (server, keys)
}

#[test]
fn the_table_has_every_operation_of_the_document() {
    let server = Server::start();
    let document = server.get_json("/openapi.json");
    let mut described = BTreeSet::new();
    for (template, path) in document["paths"].as_object().unwrap() {
        for method in path.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), template.clone()));
        }
    }
    let listed: BTreeSet<_> = ENDPOINTS
        .iter()
        .map(|(method, template, _)| ((*method).to_owned(), (*template).to_owned()))
        .collect();
    assert_eq!(listed, described);
}

#[test]
fn each_endpoint_lets_in_its_role_and_those_above() {
    let (server, keys) = server_with_keys();
    let mut cases = 0;
    for (method, template, needed) in ENDPOINTS {
        let target = target(template);
        // A body that no endpoint takes: what is let in changes nothing.
        let ask = |headers: &[(&str, &str)]| server.request(method, &target, headers, b"no JSON").status;
        let refused = |status: u16| matches!(status, 401 | 403);
        assert_eq!(ask(&[]) == 401, needed.is_some(), "{method} {target} without a key");
        for (role, key) in keys.iter().enumerate() {
            let status = ask(&[("x-api-key", key)]);
            let is_enough = needed.is_none_or(|needed| role >= needed);
            let what = format!("{method} {target} as {}: {status}", ROLES[role]);
            assert!(if is_enough { !refused(status) } else { status == 403 }, "{what}");
            cases += 1;
        }
        assert!(!refused(ask(&[("x-api-key", ADMIN)])), "{method} {target} with the key of the settings");
        cases += 2;
    }
    assert_eq!(cases, ENDPOINTS.len() * 5);
}

#[test]
fn head_needs_what_get_needs() {
    let (server, keys) = server_with_keys();
    for (_, template, needed) in ENDPOINTS.iter().filter(|(method, ..)| *method == "GET") {
        let target = target(template);
        let ask = |headers: &[(&str, &str)]| server.request("HEAD", &target, headers, &[]).status;
        assert_eq!(ask(&[]) == 401, needed.is_some(), "HEAD {target}");
        assert_eq!(
            ask(&[("x-api-key", &keys[0])]) == 403,
            needed.is_some_and(|needed| needed > 0),
            "HEAD {target}"
        );
    }
}

#[test]
fn checks_run_in_the_order_of_the_contract() {
    let settings = [("ADMIN_API_KEY", ADMIN), ("RATE_LIMIT_INGESTION", "1"), ("MAX_BODY_BYTES", "100")];
    let server = Server::start_with(&settings, &[]);
    let make = |role: &str| -> String {
        let body = json!({"name": "k", "role": role}).to_string();
        let made: Value =
            server.request("POST", "/api/v1/admin/api-keys", &[("x-api-key", ADMIN)], body.as_bytes()).json();
        made["key"].as_str().unwrap().to_owned()
    };
    let (reader, writer) = (make("reader"), make("writer"));
    let ingest = "/api/v1/services/dependencies";
    let long = vec![b'x'; 200];
    let csv = ("content-type", "text/csv");
    let ask = |method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]| {
        let reply = server.request(method, target, headers, body);
        (reply.status, reply.header("x-ratelimit-remaining").is_some())
    };
    assert_eq!(ask("POST", "/api/v1/nowhere", &[csv], &long).0, 404, "path before credentials");
    assert_eq!(ask("PATCH", ingest, &[csv], &long).0, 405, "method before credentials");
    assert_eq!(
        ask("POST", ingest, &[csv], &long),
        (401, false),
        "credentials before role, and no token is taken"
    );
    assert_eq!(ask("POST", ingest, &[("x-api-key", &reader), csv], &long), (403, false), "role before limit");
    assert_eq!(
        ask("POST", ingest, &[("x-api-key", &writer), csv], &long),
        (415, true),
        "then the content type"
    );
    assert_eq!(
        ask("POST", ingest, &[("x-api-key", &writer), csv], &long),
        (429, true),
        "limit before content type"
    );
    let other = make("writer");
    assert_eq!(ask("POST", ingest, &[("x-api-key", &other)], &long).0, 413, "size before syntax");
    let other = make("writer");
    assert_eq!(ask("POST", ingest, &[("x-api-key", &other)], b"{").0, 400, "syntax before content");
    let other = make("writer");
    assert_eq!(ask("POST", ingest, &[("x-api-key", &other)], b"{}").0, 422);
}
