//! Several sources, one graph: union of metadata, merge of edges by priority, conflicts, confidence, order in time.

use serde_json::{Value, json};

use crate::support::{Server, attributes, dependencies, service, upsert};

/// The sources, highest priority first, with the base of their confidence.
const SOURCES: [(&str, f64); 4] =
    [("manual", 1.0), ("service_mesh", 0.95), ("otel_service_graph", 0.85), ("kubernetes", 0.75)];

/// The contract's formula.
fn confidence(base: f64, times: u32) -> f64 {
    (base + (0.02 * f64::from(times + 1).ln()).min(0.1)).min(1.0)
}

fn edge(server: &Server) -> Value {
    dependencies(server, "a", "direction=downstream&depth=1").edge("a", "b")
}

fn assert_confidence(server: &Server, expected: f64, what: &str) {
    let found = edge(server)["confidence_score"].as_f64().unwrap();
    assert!((found - expected).abs() < 1e-4, "{what}: {found}, not {expected}");
}

#[test]
fn metadata_is_the_union_by_priority() {
    let server = Server::start();
    server.ingest(
        &upsert("kubernetes")
            .node("a", json!({"team": "k", "criticality": "low", "only_k": 1, "x": {"k": 1}})),
    );
    server.ingest(&upsert("manual").node("a", json!({"team": "m", "only_m": 2, "x": {"m": 2}})));
    server.ingest(
        &upsert("otel_service_graph").node("a", json!({"team": "o", "criticality": "critical", "only_o": 3})),
    );
    let shown = service(&server, "a");
    let expected =
        json!({"team": "m", "criticality": "critical", "only_k": 1, "only_m": 2, "only_o": 3, "x": {"m": 2}});
    assert_eq!(shown["metadata"], expected, "key-wise, not deep");
    assert_eq!(shown["team"], "m");
    assert_eq!(shown["criticality"], "critical", "of the highest source that names one");
}

#[test]
fn a_source_replaces_its_own_metadata() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").node("a", json!({"team": "k", "only_k": 1})));
    server.ingest(&upsert("manual").node("a", json!({"team": "m", "only_m": 1})));
    server.ingest(&upsert("manual").node("a", json!({"criticality": "high"})));
    let shown = service(&server, "a");
    assert_eq!(shown["metadata"], json!({"team": "k", "only_k": 1, "criticality": "high"}));
    assert_eq!(shown["team"], "k", "the next source's, now that the first has none");
    server.ingest(&upsert("manual").node("a", json!({})));
    let shown = service(&server, "a");
    assert_eq!(shown["metadata"], json!({"team": "k", "only_k": 1}));
    assert_eq!(shown["criticality"], "medium", "back to the default");
}

#[test]
fn edges_show_the_highest_priority_in_any_order_of_arrival() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let server = Server::start();
        let mut best = usize::MAX;
        let mut seen = Vec::new();
        for index in order {
            let (source, base) = SOURCES[index];
            let protocol = format!("by-{source}");
            let attributes = json!({"communication_mode": "sync", "protocol": protocol});
            server.ingest(&upsert(source).edge_with("a", "b", attributes));
            best = best.min(index);
            seen.push(index);
            seen.sort_unstable();
            let shown = edge(&server);
            assert_eq!(shown["discovery_source"], SOURCES[best].0, "{order:?}");
            assert_eq!(shown["protocol"], format!("by-{}", SOURCES[best].0));
            let sources: Vec<_> = seen.iter().map(|index| SOURCES[*index].0).collect();
            assert_eq!(shown["sources"], json!(sources), "all of them, in order of priority");
            if best == index {
                assert_confidence(&server, confidence(base, 1), source);
            }
        }
    }
}

#[test]
fn conflicts_name_every_other_source_in_order() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edge_with("a", "b", attributes("async", "soft")));
    let report = server.ingest(&upsert("manual").edge_with("a", "b", attributes("sync", "hard")));
    let conflict = |existing: &str, new: &str| {
        json!({"edge": {"source": "a", "target": "b"}, "existing_source": existing, "new_source": new,
            "resolution": "kept_higher_priority"})
    };
    assert_eq!(report["conflicts_resolved"], json!([conflict("kubernetes", "manual")]));
    let report = server.ingest(&upsert("service_mesh").edge_with("a", "b", attributes("sync", "degraded")));
    let both = json!([conflict("manual", "service_mesh"), conflict("kubernetes", "service_mesh")]);
    assert_eq!(report["conflicts_resolved"], both, "priority, whatever the order of arrival");
    assert_eq!(edge(&server)["criticality"], "hard", "kept");
}

#[test]
fn agreement_is_no_conflict() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edge_with("a", "b", attributes("sync", "hard")));
    let spelled_out =
        json!({"communication_mode": "sync", "protocol": null, "timeout_ms": null, "retry_config": null});
    for source in ["manual", "otel_service_graph"] {
        let report = server.ingest(&upsert(source).edge_with("a", "b", spelled_out.clone()));
        assert_eq!(report["conflicts_resolved"], json!([]), "defaults spelled out or left out are the same");
    }
    let report = server.ingest(&upsert("kubernetes").edge_with("a", "b", attributes("sync", "hard")));
    assert_eq!(report["conflicts_resolved"], json!([]));
}

#[test]
fn a_change_of_mind_is_no_conflict() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge_with("a", "b", attributes("sync", "hard")));
    let report = server.ingest(&upsert("manual").edge_with("a", "b", attributes("async", "soft")));
    assert_eq!(report["conflicts_resolved"], json!([]), "a source replaces its own");
    assert_eq!(edge(&server)["communication_mode"], "async");
    assert_eq!(edge(&server)["sources"], json!(["manual"]));
}

#[test]
fn every_attribute_can_conflict() {
    let base = json!({"communication_mode": "sync", "criticality": "hard", "protocol": "grpc", "timeout_ms": 100,
        "retry_config": {"max_retries": 3, "backoff_strategy": "linear"}});
    let others = [
        ("communication_mode", json!("async")),
        ("criticality", json!("soft")),
        ("protocol", json!("http")),
        ("protocol", Value::Null),
        ("timeout_ms", json!(101)),
        ("timeout_ms", Value::Null),
        ("retry_config", Value::Null),
        ("retry_config", json!({"max_retries": 4, "backoff_strategy": "linear"})),
        ("retry_config", json!({"max_retries": 3, "backoff_strategy": "constant"})),
    ];
    let server = Server::start();
    for (index, (name, value)) in others.into_iter().enumerate() {
        let target = format!("t{index}");
        let mut changed = base.clone();
        changed[name] = value;
        server.ingest(&upsert("manual").edge_with("a", &target, base.clone()));
        let report = server.ingest(&upsert("kubernetes").edge_with("a", &target, changed));
        assert_eq!(report["conflicts_resolved"].as_array().unwrap().len(), 1, "{name}: {report}");
    }
}

#[test]
fn confidence_grows_with_times_observed() {
    for (source, base) in SOURCES {
        let server = Server::start();
        for times in 1..=8 {
            server.ingest(&upsert(source).edge("a", "b"));
            assert_confidence(&server, confidence(base, times), &format!("{source}, {times} times"));
        }
    }
}

#[test]
fn confidence_is_bounded() {
    let server = Server::start();
    // ln(times + 1) passes 5 at 148, where the addend reaches its bound of 0.1.
    for _ in 0..160 {
        server.ingest(&upsert("kubernetes").edge("a", "b"));
    }
    assert_confidence(&server, 0.85, "no more than 0.1 above the base");
}

#[test]
fn duplicates_in_one_request_are_one_observation() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edges([("a", "b"), ("a", "b"), ("a", "b")]));
    assert_confidence(&server, confidence(0.75, 1), "one request");
}

#[test]
fn an_older_observation_is_counted_and_otherwise_ignored() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").at("2026-02-14T10:00:00Z").edge_with(
        "a",
        "b",
        attributes("sync", "hard"),
    ));
    let older =
        upsert("kubernetes").at("2026-02-14T11:59:59+02:00").edge_with("a", "b", attributes("async", "soft"));
    let report = server.ingest(&older);
    assert_eq!(report["edges_received"], 1);
    let shown = edge(&server);
    assert_eq!(shown["communication_mode"], "sync");
    assert_eq!(shown["criticality"], "hard");
    assert_eq!(shown["last_observed_at"], "2026-02-14T10:00:00Z");
    assert_confidence(&server, confidence(0.75, 2), "observed twice");
}

#[test]
fn the_same_or_a_newer_timestamp_replaces() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge_with("a", "b", attributes("sync", "hard")));
    server.ingest(&upsert("manual").edge_with("a", "b", attributes("sync", "soft")));
    assert_eq!(edge(&server)["criticality"], "soft", "not older");
    server.ingest(&upsert("manual").at("2026-02-14T10:00:01Z").edge_with(
        "a",
        "b",
        attributes("async", "degraded"),
    ));
    assert_eq!(edge(&server)["criticality"], "degraded");
    assert_eq!(edge(&server)["last_observed_at"], "2026-02-14T10:00:01Z");
}

#[test]
fn time_is_compared_within_a_source_only() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").at("2026-05-01T00:00:00Z").edge_with(
        "a",
        "b",
        attributes("async", "soft"),
    ));
    server.ingest(&upsert("manual").at("2020-01-01T00:00:00Z").edge_with(
        "a",
        "b",
        attributes("sync", "hard"),
    ));
    let shown = edge(&server);
    assert_eq!(shown["discovery_source"], "manual");
    assert_eq!(shown["criticality"], "hard");
    assert_eq!(shown["last_observed_at"], "2020-01-01T00:00:00Z", "of the observation that is shown");
}
