//! What an upsert answers and what it leaves behind: counts, placeholders, registration, metadata, duplicates.

use serde_json::{Value, json};

use crate::support::{Page, Payload, Server, attributes, dependencies, service, upsert};

/// Posts and compares these fields of the answer.
fn check(server: &Server, payload: &Payload, expected: &Value) -> Value {
    let report = server.ingest(payload);
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(report[name], *value, "{name} in {report}");
    }
    report
}

#[test]
fn answer_has_exactly_the_contracts_shape() {
    let server = Server::start();
    let payload = upsert("manual").node("checkout", json!({"team": "payments"})).edge("checkout", "payment");
    let expected = json!({"status": "completed", "nodes_received": 1, "edges_received": 1, "nodes_upserted": 2,
        "edges_upserted": 1, "edges_removed": 0, "circular_dependencies_detected": [], "conflicts_resolved": [],
        "warnings": ["1 unknown services auto-created as placeholders"], "estimated_completion_seconds": 0,
        "version": 1, "durable": true});
    let report = check(&server, &payload, &expected);
    let mut names: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted: Vec<_> = expected.as_object().unwrap().keys().map(String::as_str).collect();
    wanted.push("ingestion_id");
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    assert_uuid(&report["ingestion_id"]);
    assert_ne!(server.ingest(&payload)["ingestion_id"], report["ingestion_id"], "one id per request");
}

fn assert_uuid(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no UUID"));
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{text}");
    assert!(text.chars().all(|c| c == '-' || c.is_ascii_hexdigit()), "{text}");
}

#[test]
fn version_grows_by_one_for_each_change() {
    let server = Server::start();
    assert_eq!(server.version(), 0);
    for expected in 1..=5_u64 {
        let report = check(&server, &upsert("manual").edge("a", &format!("b{expected}")), &json!({}));
        assert_eq!(report["version"], expected);
        assert_eq!(server.version(), expected);
        assert_eq!(dependencies(&server, "a", "").0["version"], expected);
    }
}

#[test]
fn empty_upsert_is_valid_and_changes_nothing() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let nothing = json!({"nodes_received": 0, "edges_received": 0, "nodes_upserted": 0, "edges_upserted": 0,
        "edges_removed": 0, "warnings": [], "conflicts_resolved": [], "circular_dependencies_detected": [],
        "status": "completed", "version": 1});
    check(&server, &upsert("kubernetes"), &nothing);
    let bare = json!({"source": "manual", "timestamp": "2026-02-14T10:00:00Z"});
    check(&server, &Payload::from_value(bare), &nothing);
    let said =
        json!({"source": "manual", "timestamp": "2026-02-14T10:00:00Z", "mode": "upsert", "extra": {"x": 1}});
    check(&server, &Payload::from_value(said), &nothing);
    assert_eq!(server.version(), 1);
    assert_eq!(Page::all(&server, ""), ["a", "b"]);
}

#[test]
fn placeholders() {
    let server = Server::start();
    let report =
        server.ingest(&upsert("manual").node("a", json!({})).edges([("a", "x"), ("a", "y"), ("x", "z")]));
    assert_eq!(report["nodes_received"], 1);
    assert_eq!(report["nodes_upserted"], 4);
    assert_eq!(report["warnings"], json!(["3 unknown services auto-created as placeholders"]));
    for id in ["x", "y", "z"] {
        let found = service(&server, id);
        assert_eq!(found["discovered"], true, "{id}");
        assert_eq!(found["criticality"], "medium");
        assert_eq!(found["service_type"], "internal");
        assert_eq!(found["team"], Value::Null);
        assert_eq!(found["metadata"], json!({"source": "auto_discovered"}));
        assert_uuid(&found["id"]);
    }
    assert_eq!(service(&server, "a")["discovered"], false);
    let again = server.ingest(&upsert("manual").edge("a", "x"));
    assert_eq!(again["warnings"], json!([]), "known by now, placeholder or not");
    assert_eq!(again["nodes_upserted"], 0);
}

#[test]
fn registration_comes_later_and_stays() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edge("a", "b"));
    let before = service(&server, "b");
    let metadata = json!({"team": "core", "criticality": "critical", "service_type": "external", "tier": 1});
    let report = server.ingest(&upsert("manual").node("b", metadata.clone()));
    assert_eq!(report["nodes_upserted"], 1);
    assert_eq!(report["warnings"], json!([]));
    let after = service(&server, "b");
    assert_eq!(after["discovered"], false);
    assert_eq!(after["id"], before["id"], "given once, at creation");
    assert_eq!(after["created_at"], before["created_at"]);
    assert_eq!(after["metadata"], metadata, "what the source said, without the placeholder's mark");
    for (name, value) in [("team", "core"), ("criticality", "critical"), ("service_type", "external")] {
        assert_eq!(after[name], value, "{name}");
    }
    server.ingest(&upsert("kubernetes").edges([("c", "b"), ("b", "d")]));
    let mut referred = service(&server, "b");
    assert_eq!(referred["direct_callers"], 2);
    assert_eq!(referred["direct_dependencies"], 1);
    for name in ["direct_callers", "direct_dependencies", "updated_at"] {
        referred[name] = after[name].clone();
    }
    assert_eq!(referred, after, "a reference never downgrades");
}

#[test]
fn a_node_without_metadata_registers_too() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let body =
        json!({"source": "manual", "timestamp": "2026-02-14T10:00:00Z", "nodes": [{"service_id": "b"}]});
    server.ingest(&Payload::from_value(body));
    assert_eq!(service(&server, "b")["discovered"], false);
    assert_eq!(service(&server, "a")["discovered"], true);
}

#[test]
fn metadata_is_kept_whole() {
    let server = Server::start();
    let metadata = json!({"team": "t", "nested": {"list": [1, 2.5, null, true, "x"], "z": {}, "a": []}, "published_sla": 0.999,
        "availability": 1.0, "größe": "ünï\u{1F680}", "": "empty key", "big": 12_345_678_901_234_u64, "quote": "\"\\\u{0}\n"});
    server.ingest(&upsert("manual").node("a", metadata.clone()));
    assert_eq!(service(&server, "a")["metadata"], metadata);
    assert_eq!(dependencies(&server, "a", "").node("a")["metadata"], metadata);
    let large = json!({"text": "x".repeat(16 * 1024 - 11)});
    assert_eq!(large.to_string().len(), 16 * 1024);
    server.ingest(&upsert("manual").node("b", large.clone()));
    assert_eq!(service(&server, "b")["metadata"], large, "exactly at the limit");
}

#[test]
fn duplicates_of_a_service_the_last_wins() {
    let server = Server::start();
    let payload =
        upsert("manual").node("a", json!({"team": "first", "only": 1})).node("a", json!({"team": "last"}));
    let report = check(&server, &payload, &json!({"nodes_received": 2, "nodes_upserted": 1, "version": 1}));
    assert!(!report["warnings"].as_array().unwrap().is_empty(), "{report}");
    assert_eq!(service(&server, "a")["metadata"], json!({"team": "last"}));
}

#[test]
fn duplicates_of_an_edge() {
    let grpc = json!({"communication_mode": "sync", "criticality": "hard", "protocol": "grpc"});
    let http = json!({"communication_mode": "sync", "criticality": "hard", "protocol": "http"});
    let (sync, both) =
        (attributes("sync", "soft"), [attributes("sync", "degraded"), attributes("sync", "soft")]);
    let cases = [
        ("sync beats async", vec![attributes("async", "hard"), sync.clone()], sync.clone()),
        ("sync beats async, before it too", vec![sync.clone(), attributes("async", "hard")], sync),
        (
            "hard beats degraded",
            vec![attributes("sync", "hard"), both[0].clone()],
            attributes("sync", "hard"),
        ),
        ("degraded beats soft", vec![both[0].clone(), both[1].clone()], both[0].clone()),
        ("then the last", vec![grpc.clone(), http.clone()], http.clone()),
        ("the last of the best", vec![http.clone(), attributes("sync", "soft"), grpc.clone()], grpc),
        ("the same three times", vec![http.clone(), http.clone(), http.clone()], http),
    ];
    let server = Server::start();
    server.ingest(&upsert("manual").node("a", json!({})));
    for (index, (name, given, expected)) in cases.into_iter().enumerate() {
        let target = format!("t{index}");
        let payload = upsert("manual").node(&target, json!({}));
        let payload = given.iter().fold(payload, |payload, one| payload.edge_with("a", &target, one.clone()));
        let report = check(&server, &payload, &json!({"edges_received": given.len(), "edges_upserted": 1}));
        assert_eq!(report["warnings"].as_array().unwrap().len(), 1, "{name}: {report}");
        let edge = dependencies(&server, "a", "depth=1").edge("a", &target);
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(edge[field], *value, "{name}: {field}");
        }
    }
}

#[test]
fn no_warning_without_a_reason() {
    let server = Server::start();
    let payload = upsert("manual").node("a", json!({})).node("b", json!({})).edges([("a", "b"), ("b", "a")]);
    check(&server, &payload, &json!({"warnings": [], "nodes_upserted": 2, "edges_upserted": 2}));
}

#[test]
fn limits_are_inclusive() {
    let server = Server::start();
    let most = json!({"communication_mode": "sync", "protocol": "p".repeat(50), "timeout_ms": 86_400_000,
        "retry_config": {"max_retries": 100, "backoff_strategy": "constant"}});
    let least = json!({"communication_mode": "async", "protocol": null, "timeout_ms": 1,
        "retry_config": {"max_retries": 0, "backoff_strategy": "exponential"}});
    let none = json!({"communication_mode": "async", "timeout_ms": null, "retry_config": null});
    let payload = upsert("manual")
        .node("a", json!({"team": "t".repeat(255), "availability": 1, "published_sla": 0.000_001}));
    server.ingest(
        &payload.edge_with("a", "b", most.clone()).edge_with("a", "c", least).edge_with("a", "d", none),
    );
    let answer = dependencies(&server, "a", "");
    assert_eq!(answer.edge("a", "b")["retry_config"], most["retry_config"]);
    assert_eq!(answer.edge("a", "b")["timeout_ms"], 86_400_000);
    assert_eq!(answer.edge("a", "c")["timeout_ms"], 1);
    assert_eq!(answer.edge("a", "d")["retry_config"], Value::Null);
}

#[test]
fn timestamps_with_offsets() {
    let server = Server::start();
    let cases = [
        ("2026-02-14T10:00:00Z", "2026-02-14T10:00:00Z"),
        ("2026-02-14T10:00:00+05:30", "2026-02-14T04:30:00Z"),
        ("2026-02-14T23:30:00-08:00", "2026-02-15T07:30:00Z"),
        ("2024-02-29T00:00:00+00:00", "2024-02-29T00:00:00Z"),
        ("1999-12-31T23:59:59-00:01", "2000-01-01T00:00:59Z"),
    ];
    for (index, (given, shown)) in cases.into_iter().enumerate() {
        let target = format!("t{index}");
        server.ingest(&upsert("manual").at(given).edge("a", &target));
        let edge = dependencies(&server, "a", "depth=1").edge("a", &target);
        assert_eq!(edge["last_observed_at"], shown, "{given}");
    }
}

#[test]
fn a_little_in_the_future_is_clock_skew() {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let at = |seconds: i64| jiff::Timestamp::from_second(now + seconds).unwrap().to_string();
    let server = Server::start();
    server.ingest(&upsert("manual").at(&at(4 * 60)).edge("a", "b"));
    for seconds in [6 * 60, 86_400, 10 * 365 * 86_400] {
        let reply = server.post(&upsert("manual").at(&at(seconds)).edge("a", "c"));
        assert_eq!(reply.status, 422, "{seconds} s ahead");
        assert_eq!(reply.json()["field"], "timestamp");
    }
    assert_eq!(server.version(), 1);
}

#[test]
fn content_types_of_json() {
    let server = Server::start();
    let body = upsert("manual").json().to_string();
    for kind in
        [None, Some("application/json"), Some("application/json; charset=utf-8"), Some("Application/JSON")]
    {
        let headers: Vec<_> = kind.map(|kind| ("Content-Type", kind)).into_iter().collect();
        let reply = server.request("POST", "/api/v1/services/dependencies", &headers, body.as_bytes());
        assert_eq!(reply.status, 202, "{kind:?}");
        assert!(reply.header("content-type").unwrap().starts_with("application/json"));
    }
}
