//! Staleness: only sweeps mark, only newer observations take the mark away, and restarts do neither.

use serde_json::{Value, json};

use crate::support::{Server, attributes, eventually, upsert};

const OLD: &str = "2026-01-01T00:00:00Z";

fn sweep(server: &Server) -> Value {
    let reply = server.request("POST", "/api/v1/admin/staleness/run", &[], &[]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// A moment ago, so that it is fresh by any threshold.
fn now(server: &Server) -> String {
    server.request(
        "PUT",
        "/api/v1/services/clock",
        &[("content-type", "application/json")],
        b"{\"metadata\":{}}",
    );
    server.get_json("/api/v1/services/clock")["updated_at"].as_str().unwrap().to_owned()
}

fn stale(server: &Server) -> Value {
    server.get_json("/api/v1/graph/stats")["stale_dependencies"].clone()
}

#[test]
fn a_sweep_marks_what_is_old_and_a_newer_observation_revives() {
    let mut server = Server::start();
    server.ingest(&upsert("kubernetes").at(OLD).edges([("a", "b"), ("b", "a")]));
    assert_eq!(stale(&server), 0, "what comes in is fresh, whatever its timestamp");
    assert_eq!(server.get_json("/api/v1/graph/stats")["cycles"], 1);
    let swept = sweep(&server);
    assert_eq!((&swept["marked"], &swept["version"]), (&json!(2), &json!(2)));
    assert_eq!((stale(&server), &server.get_json("/api/v1/graph/stats")["cycles"]), (json!(2), &json!(0)));
    assert_eq!(sweep(&server)["marked"], 0, "once is enough");
    let nodes = |query: &str| {
        let answer = server.get_json(&format!("/api/v1/services/a/dependencies{query}"));
        answer["nodes"].as_array().unwrap().len()
    };
    assert_eq!((nodes(""), nodes("?include_stale=true")), (1, 2));
    let before = server.get_json("/api/v1/services/a/dependencies?include_stale=true");
    assert_eq!(before["edges"][0]["is_stale"], true);
    server.crash_and_restart();
    assert_eq!(server.get_json("/api/v1/services/a/dependencies?include_stale=true"), before);
    server.stop();
    server.start_again();
    assert_eq!(
        server.get_json("/api/v1/services/a/dependencies?include_stale=true"),
        before,
        "from the snapshot"
    );
    // Older than what is known: counted, and nothing else.
    server.ingest(&upsert("kubernetes").at("2025-12-31T00:00:00Z").edge("a", "b"));
    assert_eq!(stale(&server), 2);
    let alive = server.ingest(&upsert("kubernetes").at(OLD).edge("a", "b"));
    assert_eq!(stale(&server), 1, "an equal timestamp is as new");
    assert_eq!(alive["circular_dependencies_detected"], json!([]));
    let closed = server.ingest(&upsert("manual").edge("b", "a"));
    assert_eq!(
        closed["circular_dependencies_detected"].as_array().unwrap().len(),
        1,
        "the cycle is there again"
    );
}

#[test]
fn each_source_has_its_threshold_and_the_next_one_is_shown() {
    let settings = [("STALE_EDGE_THRESHOLD_HOURS", "0"), ("STALE_EDGE_THRESHOLD_HOURS_SERVICE_MESH", "1")];
    let server = Server::start_with(&settings, &[]);
    server.ingest(&upsert("service_mesh").at(OLD).edge_with("a", "b", attributes("async", "soft")));
    server.ingest(&upsert("kubernetes").at(OLD).edge("a", "b"));
    let shown = || server.get_json("/api/v1/services/a/dependencies")["edges"][0].clone();
    assert_eq!(
        (&shown()["discovery_source"], &shown()["communication_mode"]),
        (&json!("service_mesh"), &json!("async"))
    );
    assert_eq!(sweep(&server)["marked"], 1, "kubernetes never goes stale");
    assert_eq!(
        (&shown()["discovery_source"], &shown()["communication_mode"]),
        (&json!("kubernetes"), &json!("sync"))
    );
    assert_eq!((stale(&server), &shown()["is_stale"]), (json!(0), &json!(false)));
    let conflict = server.ingest(&upsert("manual").edge_with("a", "b", attributes("sync", "degraded")));
    let conflicts = conflict["conflicts_resolved"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1, "a stale observation contradicts nobody: {conflicts:?}");
    assert_eq!(conflicts[0]["existing_source"], "kubernetes");
}

#[test]
fn what_is_stale_for_long_is_purged_and_placeholders_with_it() {
    let settings = [("STALE_EDGE_THRESHOLD_HOURS", "24"), ("PURGE_STALE_AFTER_DAYS", "30")];
    let mut server = Server::start_with(&settings, &[]);
    let fresh = now(&server);
    server.ingest(&upsert("manual").at("2025-01-01T00:00:00Z").edges([("a", "b"), ("a", "c")]));
    server.ingest(&upsert("manual").at(&fresh).edge("a", "d").node("alone", json!({})));
    let slo = b"{\"availability_target\":99}";
    server.request("PUT", "/api/v1/services/c/slo", &[("content-type", "application/json")], slo);
    let counts =
        |swept: &Value| ["marked", "dependencies_purged", "services_purged"].map(|name| swept[name].clone());
    assert_eq!(
        counts(&sweep(&server)),
        [json!(2), json!(0), json!(0)],
        "what is marked now can still be seen again"
    );
    assert_eq!(counts(&sweep(&server)), [json!(0), json!(2), json!(1)]);
    server.crash_and_restart();
    // b was a placeholder that nothing refers to; c has a target, alone was registered.
    for (id, status) in [("b", 404), ("c", 200), ("alone", 200), ("a", 200), ("d", 200)] {
        assert_eq!(server.get(&format!("/api/v1/services/{id}")).status, status, "{id}");
    }
    assert_eq!(server.get_json("/api/v1/graph/stats")["dependencies"], 1);
}

#[test]
fn what_is_seen_again_and_what_is_stale_for_a_short_time_stays() {
    let settings = [("STALE_EDGE_THRESHOLD_HOURS", "24"), ("PURGE_STALE_AFTER_DAYS", "36000")];
    let server = Server::start_with(&settings, &[]);
    server.ingest(&upsert("manual").at(OLD).edges([("a", "b"), ("c", "d")]));
    sweep(&server);
    server.ingest(&upsert("kubernetes").at(&now(&server)).edge("a", "b"));
    assert_eq!(sweep(&server)["dependencies_purged"], 0);
    assert_eq!(
        (server.get_json("/api/v1/graph/stats")["dependencies"].clone(), stale(&server)),
        (json!(2), json!(1))
    );
}

/// One is due an interval after the directory was made, not at a start.
#[test]
fn a_restart_brings_no_sweep() {
    let mut server = Server::start_with(&[("STALENESS_SWEEP_INTERVAL_HOURS", "1")], &[]);
    server.ingest(&upsert("kubernetes").at(OLD).edge("a", "b"));
    for _ in 0..2 {
        server.crash_and_restart();
        eventually("it is ready", || (server.get("/api/v1/health/ready").status == 200).then_some(()));
    }
    assert_eq!((server.version(), stale(&server)), (1, json!(0)));
    let audit = server.get_json("/api/v1/admin/audit");
    assert_eq!(audit["items"].as_array().unwrap().len(), 1);
}
