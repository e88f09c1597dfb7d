//! Staleness: what a sweep marks, what shows then, what makes it fresh again, and what is purged.
//!
//! - Ages are hours before now, with hours to spare on both sides of a threshold.
//! - A sweep is asked for; the one that is due by the clock comes a day after the data directory was made.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{
    Answer, Page, Payload, Server, all_pairs, dependencies, dependency_path, pairs, upsert,
};

const SWEEP: &str = "/api/v1/admin/staleness/run";

/// The instant so many hours ago.
fn hours_ago(hours: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    jiff::Timestamp::from_second(now - hours * 3600).unwrap().to_string()
}

/// An empty upsert of that age.
fn aged(source: &str, hours: i64) -> Payload {
    upsert(source).at(&hours_ago(hours))
}

/// Sweeps; how much was marked.
fn sweep(server: &Server) -> u64 {
    let before = server.version();
    let reply = server.request("POST", SWEEP, &[], &[]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let (report, after) = (reply.json(), server.version());
    assert_eq!(report["version"], after, "applied, and seen by the next read: {report}");
    let marked = report["marked"].as_u64().unwrap_or_else(|| panic!("no marked in {report}"));
    assert!(after <= before + 1, "a sweep is one command");
    assert!(marked == 0 || after == before + 1, "what was marked is a new version");
    marked
}

/// The edges that stand behind `id`, stale ones too.
fn with_stale(server: &Server, id: &str) -> Answer {
    dependencies(server, id, "direction=downstream&depth=1&include_stale=true")
}

fn is_stale(server: &Server, source: &str, target: &str) -> bool {
    with_stale(server, source).edge(source, target)["is_stale"].as_bool().unwrap()
}

fn stats(server: &Server) -> Value {
    server.get_json("/api/v1/graph/stats")
}

#[test]
fn nothing_to_mark() {
    let server = Server::start();
    assert_eq!(sweep(&server), 0, "an empty graph");
    server.ingest(&aged("manual", 0).edge("a", "b"));
    assert_eq!(sweep(&server), 0);
    assert!(!is_stale(&server, "a", "b"));
    for method in ["GET", "PUT", "DELETE"] {
        let reply = server.request(method, SWEEP, &[], &[]);
        reply.assert_problem(&[405], "", method);
        assert_eq!(reply.header("allow"), Some("POST"), "{method}");
    }
}

#[test]
fn fresh_on_arrival_stale_by_the_sweep() {
    let server = Server::start();
    server.ingest(&aged("kubernetes", 20_000).edges([("a", "b"), ("b", "c")]));
    server.ingest(&aged("manual", 1).edge("b", "d"));
    assert_eq!(all_pairs(&server).len(), 3, "whatever the timestamp");
    assert_eq!(stats(&server)["stale_dependencies"], 0);
    assert_eq!(sweep(&server), 2);
    assert_eq!(all_pairs(&server), pairs([("b", "d")]));
    assert_eq!(stats(&server)["stale_dependencies"], 2);
    assert_eq!(stats(&server)["dependencies"], 3, "stale is not gone");
    assert_eq!(Page::all(&server, ""), ["a", "b", "c", "d"]);
    assert_eq!(sweep(&server), 0, "marked once");
}

#[test]
fn stale_edges_are_followed_only_when_asked_for() {
    let server = Server::start();
    server.ingest(&aged("manual", 1).edges([("a", "b"), ("c", "d")]));
    server.ingest(&aged("manual", 1_000).edge("b", "c"));
    assert_eq!(sweep(&server), 1);
    for (query, ids, total) in [
        ("", vec!["a", "b"], 1),
        ("&include_stale=false", vec!["a", "b"], 1),
        ("&include_stale=", vec!["a", "b"], 1),
        ("&include_stale=true", vec!["a", "b", "c", "d"], 3),
    ] {
        let answer = dependencies(&server, "a", &format!("depth=10{query}"));
        assert_eq!(answer.ids(), ids, "{query}");
        assert_eq!(*answer.statistic("total_edges"), total, "{query}");
    }
    let upstream = dependencies(&server, "d", "direction=upstream&depth=10");
    assert_eq!(upstream.ids(), ["d", "c"]);
    let all = dependencies(&server, "a", "depth=10&include_stale=true");
    assert_eq!(all.edge("b", "c")["is_stale"], true);
    assert_eq!(all.edge("a", "b")["is_stale"], false);
}

/// An observation: its source, its age in hours, and whether it must become stale.
type Aged = (&'static str, i64, bool);

type Settings = &'static [(&'static str, &'static str)];

/// Settings, and which observations of an age in hours they make stale.
const THRESHOLDS: [(Settings, &[Aged]); 7] = [
    (
        &[],
        &[
            ("manual", 166, false),
            ("manual", 170, true),
            ("kubernetes", 166, false),
            ("kubernetes", 170, true),
        ],
    ),
    (&[("STALE_EDGE_THRESHOLD_HOURS", "10")], &[("service_mesh", 8, false), ("service_mesh", 12, true)]),
    (&[("STALE_EDGE_THRESHOLD_HOURS", "0")], &[("manual", 100_000, false), ("kubernetes", 100_000, false)]),
    (
        &[("STALE_EDGE_THRESHOLD_HOURS_KUBERNETES", "10"), ("STALE_EDGE_THRESHOLD_HOURS_MANUAL", "0")],
        &[
            ("kubernetes", 8, false),
            ("kubernetes", 12, true),
            ("manual", 100_000, false),
            ("service_mesh", 12, false),
            ("otel_service_graph", 170, true),
        ],
    ),
    (
        &[("STALE_EDGE_THRESHOLD_HOURS", "0"), ("STALE_EDGE_THRESHOLD_HOURS_KUBERNETES", "10")],
        &[("kubernetes", 12, true), ("manual", 100_000, false), ("otel_service_graph", 100_000, false)],
    ),
    (
        &[
            ("STALE_EDGE_THRESHOLD_HOURS", "10"),
            ("STALE_EDGE_THRESHOLD_HOURS_SERVICE_MESH", "1000"),
            ("STALE_EDGE_THRESHOLD_HOURS_OTEL_SERVICE_GRAPH", "100"),
        ],
        &[
            ("service_mesh", 998, false),
            ("service_mesh", 1_002, true),
            ("otel_service_graph", 98, false),
            ("otel_service_graph", 102, true),
            ("manual", 12, true),
        ],
    ),
    (&[("STALENESS_SWEEP_INTERVAL_HOURS", "0")], &[("manual", 166, false), ("manual", 170, true)]),
];

#[test]
fn thresholds() {
    for (settings, cases) in THRESHOLDS {
        let server = Server::start_with(settings, &[]);
        for (index, (source, hours, _)) in cases.iter().enumerate() {
            server.ingest(&aged(source, *hours).edge("a", &format!("t{index}")));
        }
        let expected = cases.iter().filter(|(_, _, stale)| *stale).count() as u64;
        assert_eq!(sweep(&server), expected, "{settings:?}");
        for (index, (source, hours, stale)) in cases.iter().enumerate() {
            let found = is_stale(&server, "a", &format!("t{index}"));
            assert_eq!(found, *stale, "{settings:?}: {source}, {hours} hours");
        }
    }
}

#[test]
fn observed_again_it_is_fresh_again() {
    let server = Server::start();
    server.ingest(&aged("kubernetes", 500).edge("a", "b"));
    assert_eq!(sweep(&server), 1);
    // An older one is counted and otherwise ignored.
    server.ingest(&aged("kubernetes", 600).edge("a", "b"));
    assert!(is_stale(&server, "a", "b"), "an older observation says nothing about now");
    // A newer one is fresh when it arrives, though it is old.
    server.ingest(&aged("kubernetes", 400).edge("a", "b"));
    assert!(!is_stale(&server, "a", "b"));
    assert_eq!(sweep(&server), 1, "and old enough for the next sweep");
    server.ingest(&aged("kubernetes", 1).edge("a", "b"));
    assert!(!is_stale(&server, "a", "b"));
    assert_eq!(sweep(&server), 0);
    assert_eq!(stats(&server)["stale_dependencies"], 0);
}

/// The edge a → b as the source reports it, at that age.
fn by(source: &str, hours: i64) -> Payload {
    aged(source, hours).edge_with("a", "b", json!({"communication_mode": "sync", "protocol": source}))
}

fn shown(server: &Server) -> (String, bool) {
    let edge = with_stale(server, "a").edge("a", "b");
    assert_eq!(
        edge["protocol"], edge["discovery_source"],
        "attributes and source of one observation: {edge}"
    );
    (edge["discovery_source"].as_str().unwrap().to_owned(), edge["is_stale"].as_bool().unwrap())
}

#[test]
fn the_best_that_is_not_stale_is_shown() {
    let mut server = Server::start();
    let (manual, mesh, kubernetes) = ("manual", "service_mesh", "kubernetes");
    server.ingest(&by(manual, 500));
    server.ingest(&by(mesh, 400));
    server.ingest(&by(kubernetes, 1));
    assert_eq!(shown(&server), (manual.to_owned(), false));
    assert_eq!(sweep(&server), 2, "observations are marked, not edges");
    assert_eq!(shown(&server), (kubernetes.to_owned(), false));
    assert_eq!(stats(&server)["stale_dependencies"], 0, "stale when all its observations are");
    server.crash_and_restart();
    assert_eq!(shown(&server), (kubernetes.to_owned(), false), "after a crash");
    server.ingest(&by(mesh, 399));
    assert_eq!(shown(&server), (mesh.to_owned(), false), "fresh on arrival");
    server.ingest(&by(manual, 0));
    assert_eq!(shown(&server), (manual.to_owned(), false));
}

#[test]
fn the_best_of_all_is_shown_when_all_are_stale() {
    let server = Server::start();
    for source in ["kubernetes", "service_mesh"] {
        server.ingest(&by(source, 500));
    }
    assert_eq!(sweep(&server), 2);
    assert_eq!(shown(&server), ("service_mesh".to_owned(), true));
    assert_eq!(all_pairs(&server), pairs([]));
    server.ingest(&by("kubernetes", 1));
    assert_eq!(shown(&server), ("kubernetes".to_owned(), false));
    assert_eq!(all_pairs(&server), pairs([("a", "b")]));
}

#[test]
fn a_stale_source_contradicts_nobody() {
    let server = Server::start();
    server.ingest(&by("manual", 500));
    server.ingest(&by("otel_service_graph", 1));
    assert_eq!(sweep(&server), 1);
    let report = server.ingest(&by("kubernetes", 1));
    let conflicts = report["conflicts_resolved"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1, "{report}");
    assert_eq!(conflicts[0]["existing_source"], "otel_service_graph");
}

#[test]
fn withdrawing_the_fresh_one_leaves_a_stale_edge() {
    let server = Server::start();
    server.ingest(&by("manual", 500));
    server.ingest(&by("kubernetes", 1));
    sweep(&server);
    server.deleted(&format!("{}?source=kubernetes", dependency_path("a", "b")));
    assert_eq!(shown(&server), ("manual".to_owned(), true));
    assert_eq!(all_pairs(&server), pairs([]));
}

fn cycles(server: &Server) -> Vec<(Value, bool)> {
    let page = server.get_json("/api/v1/circular-dependencies");
    let read = |alert: &Value| (alert["id"].clone(), alert["is_active"].as_bool().unwrap());
    page["items"].as_array().unwrap().iter().map(read).collect()
}

#[test]
fn a_cycle_is_made_of_edges_that_are_not_stale() {
    let server = Server::start();
    server.ingest(&aged("manual", 500).edge("a", "b"));
    let report = server.ingest(&aged("manual", 1).edge("b", "a"));
    let id = report["circular_dependencies_detected"][0]["alert_id"].clone();
    assert_eq!(cycles(&server), [(id.clone(), true)]);
    assert_eq!(sweep(&server), 1);
    assert_eq!(cycles(&server), [(id.clone(), false)]);
    assert_eq!(stats(&server)["cycles"], 0);
    for id in ["a", "b"] {
        let answer = dependencies(&server, id, "include_stale=true");
        assert_eq!(*answer.statistic("has_circular_dependencies"), false, "{id}");
    }
    // Closing it through a stale edge does not close it.
    let report = server.ingest(&aged("manual", 1).edges([("b", "c"), ("c", "a")]));
    assert_eq!(report["circular_dependencies_detected"], json!([]));
    server.deleted(&dependency_path("c", "a"));
    let report = server.ingest(&aged("kubernetes", 1).edge("a", "b"));
    assert_eq!(report["circular_dependencies_detected"][0]["alert_id"], id, "the same cycle is back");
    assert_eq!(cycles(&server), [(id, true)]);
    assert_eq!(stats(&server)["cycles"], 1);
}

#[test]
fn a_component_shrinks_by_a_sweep() {
    let server = Server::start();
    server.ingest(&aged("manual", 1).edges([("a", "b"), ("b", "a"), ("b", "c")]));
    let report = server.ingest(&aged("manual", 500).edge("c", "a"));
    let id = report["circular_dependencies_detected"][0]["alert_id"].clone();
    sweep(&server);
    let alert = server.get_json(&format!("/api/v1/circular-dependencies/{}", id.as_str().unwrap()));
    assert_eq!(alert["cycle_path"], json!(["a", "b", "a"]));
    assert_eq!(alert["members"].as_array().unwrap().len(), 2, "{alert}");
    assert_eq!(alert["is_active"], true);
}

#[test]
fn marks_survive_a_restart() {
    let mut server = Server::start();
    server.ingest(&aged("manual", 500).edge("a", "b"));
    server.ingest(&aged("manual", 1).edge("a", "c"));
    sweep(&server);
    let before = (with_stale(&server, "a").0, stats(&server));
    for kill in [true, false, true] {
        if kill {
            server.kill();
        } else {
            server.stop();
        }
        server.start_again();
        assert_eq!((with_stale(&server, "a").0, stats(&server)), before, "killed: {kill}");
    }
    assert_eq!(sweep(&server), 0);
}

#[test]
fn a_restart_is_no_sweep() {
    let mut server = Server::start();
    server.ingest(&aged("kubernetes", 20_000).edge("a", "b"));
    let version = server.version();
    for settings in
        [&[][..], &[("STALE_EDGE_THRESHOLD_HOURS", "1")], &[("STALENESS_SWEEP_INTERVAL_HOURS", "1")]]
    {
        for kill in [true, false] {
            if kill {
                server.kill();
            } else {
                server.stop();
            }
            server.start_again_with(settings);
            assert!(!is_stale(&server, "a", "b"), "{settings:?}, killed: {kill}");
            assert_eq!(server.version(), version, "{settings:?}, killed: {kill}");
        }
    }
    assert_eq!(sweep(&server), 1);
}

#[test]
fn the_settings_of_the_sweep_count_not_those_of_the_arrival() {
    let mut server = Server::start();
    server.ingest(&aged("manual", 12).edge("a", "b"));
    assert_eq!(sweep(&server), 0);
    server.stop();
    server.start_again_with(&[("STALE_EDGE_THRESHOLD_HOURS", "10")]);
    assert_eq!(sweep(&server), 1);
    server.stop();
    server.start_again_with(&[("STALE_EDGE_THRESHOLD_HOURS", "1000")]);
    assert!(is_stale(&server, "a", "b"), "a mark stays until it is observed again");
}

/// Edges long and lately dead, one that lives, and registered services beside placeholders.
fn cemetery(settings: &[(&str, &str)]) -> Server {
    let server = Server::start_with(settings, &[]);
    let old = aged("manual", 400 * 24).node("registered", json!({"team": "t"}));
    server.ingest(&old.edges([("registered", "ghost"), ("ghost", "phantom"), ("alive", "corpse")]));
    server.ingest(&aged("kubernetes", 10 * 24).edge("alive", "ill"));
    server.ingest(&aged("kubernetes", 1).edge("alive", "well"));
    server
}

#[test]
fn nothing_is_purged_by_default() {
    let server = cemetery(&[]);
    assert_eq!(sweep(&server), 4);
    assert_eq!(sweep(&server), 0);
    assert_eq!(stats(&server)["dependencies"], 5);
    assert_eq!(stats(&server)["services"], 7);
}

/// How long an edge has been stale is counted from its last observation, the only time that outlives a mark.
#[test]
fn what_is_stale_for_longer_is_purged() {
    let mut server = cemetery(&[("PURGE_STALE_AFTER_DAYS", "30")]);
    sweep(&server);
    sweep(&server);
    server.crash_and_restart();
    assert_eq!(Page::all(&server, ""), ["alive", "ill", "registered", "well"], "the registered one stays");
    assert_eq!(with_stale(&server, "alive").pairs(), pairs([("alive", "ill"), ("alive", "well")]));
    assert!(is_stale(&server, "alive", "ill"), "stale, but not for so long");
    assert_eq!(stats(&server)["dependencies"], 2);
    assert_eq!(sweep(&server), 0);
}

#[test]
fn what_is_seen_again_is_not_purged() {
    let server = cemetery(&[("PURGE_STALE_AFTER_DAYS", "30")]);
    server.ingest(&aged("service_mesh", 1).edges([("registered", "ghost"), ("ghost", "phantom")]));
    sweep(&server);
    sweep(&server);
    let left = [("alive", "well"), ("ghost", "phantom"), ("registered", "ghost")];
    assert_eq!(all_pairs(&server), pairs(left));
    assert_eq!(Page::all(&server, "discovered=true"), ["alive", "ghost", "ill", "phantom", "well"]);
}
