//! Cycles as ingestion reports them: created, grown, merged, and quiet while nothing changes.

use serde_json::{Value, json};

use crate::support::{Server, dependencies, upsert};

/// Ingests edges; the cycles of the answer as `(path, alert id)`.
fn detected(server: &Server, pairs: Pairs) -> Vec<(Vec<String>, String)> {
    let report = server.ingest(&upsert("manual").edges(pairs.iter().copied()));
    let cycles = report["circular_dependencies_detected"].as_array().unwrap();
    let read = |cycle: &Value| {
        let path = serde_json::from_value(cycle["cycle_path"].clone()).unwrap();
        (path, cycle["alert_id"].as_str().unwrap().to_owned())
    };
    cycles.iter().map(read).collect()
}

/// The edges of a small graph.
type Pairs<'a> = &'a [(&'a str, &'a str)];

fn paths(cycles: &[(Vec<String>, String)]) -> Value {
    json!(cycles.iter().map(|(path, _)| path).collect::<Vec<_>>())
}

#[test]
fn created_with_the_shortest_path_through_the_smallest() {
    let cases: [(&str, Pairs, Value); 6] = [
        ("two", &[("b", "a"), ("a", "b")], json!([["a", "b", "a"]])),
        ("three", &[("c", "a"), ("a", "b"), ("b", "c")], json!([["a", "b", "c", "a"]])),
        ("a shortcut", &[("a", "b"), ("b", "c"), ("c", "a"), ("b", "a")], json!([["a", "b", "a"]])),
        ("bytewise", &[("a", "B"), ("B", "a")], json!([["B", "a", "B"]])),
        ("bytewise beyond ASCII", &[("é", "z"), ("z", "é")], json!([["z", "é", "z"]])),
        (
            "not at the smallest's side",
            &[("x", "a"), ("a", "m"), ("m", "n"), ("n", "m")],
            json!([["m", "n", "m"]]),
        ),
    ];
    for (name, pairs, expected) in cases {
        let server = Server::start();
        assert_eq!(paths(&detected(&server, pairs)), expected, "{name}");
    }
}

#[test]
fn no_cycle_none_reported() {
    let server = Server::start();
    assert!(detected(&server, &[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e")]).is_empty());
    assert_eq!(*dependencies(&server, "a", "depth=10").statistic("has_circular_dependencies"), false);
}

#[test]
fn closed_by_a_later_request() {
    let server = Server::start();
    assert!(detected(&server, &[("a", "b"), ("b", "c")]).is_empty());
    assert_eq!(paths(&detected(&server, &[("c", "a")])), json!([["a", "b", "c", "a"]]));
    for id in ["a", "b", "c"] {
        assert_eq!(
            *dependencies(&server, id, "depth=1").statistic("has_circular_dependencies"),
            true,
            "{id}"
        );
    }
}

#[test]
fn closed_by_another_source() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edge("a", "b"));
    let report = server.ingest(&upsert("otel_service_graph").edge("b", "a"));
    assert_eq!(report["circular_dependencies_detected"][0]["cycle_path"], json!(["a", "b", "a"]));
}

#[test]
fn not_repeated_when_nothing_changed() {
    let server = Server::start();
    assert_eq!(detected(&server, &[("a", "b"), ("b", "a")]).len(), 1);
    assert!(detected(&server, &[("a", "b"), ("b", "a")]).is_empty(), "the same again");
    assert!(detected(&server, &[("x", "a"), ("b", "y")]).is_empty(), "neighbours that are not members");
    assert!(detected(&server, &[]).is_empty());
    assert_eq!(detected(&server, &[("x", "y"), ("y", "z"), ("z", "y")]).len(), 1, "another one, alone");
}

#[test]
fn alert_stays_the_same_while_the_component_grows() {
    let server = Server::start();
    let first = detected(&server, &[("b", "c"), ("c", "b")]);
    let grown = detected(&server, &[("c", "d"), ("d", "b")]);
    assert_eq!(grown.len(), 1, "changed, so listed");
    assert_eq!(grown[0].1, first[0].1);
    let smaller = detected(&server, &[("d", "a"), ("a", "b")]);
    assert_eq!(smaller[0].1, first[0].1, "even when another becomes the smallest");
    assert_eq!(smaller[0].0.first().unwrap(), "a");
    assert_eq!(smaller[0].0.last().unwrap(), "a");
}

#[test]
fn merged_components_keep_one_of_the_alerts() {
    let server = Server::start();
    let small = detected(&server, &[("a", "b"), ("b", "a")]);
    let large = detected(&server, &[("x", "y"), ("y", "z"), ("z", "x")]);
    assert_ne!(small[0].1, large[0].1);
    let merged = detected(&server, &[("b", "x"), ("z", "a")]);
    assert_eq!(merged.len(), 1);
    assert!(
        [&small[0].1, &large[0].1].contains(&&merged[0].1),
        "a component with predecessors gets no new alert"
    );
}

#[test]
fn several_at_once() {
    let server = Server::start();
    let mut found = detected(&server, &[("a", "b"), ("b", "a"), ("p", "q"), ("q", "p"), ("b", "p")]);
    found.sort();
    assert_eq!(paths(&found), json!([["a", "b", "a"], ["p", "q", "p"]]));
    assert_ne!(found[0].1, found[1].1);
}

#[test]
fn soft_and_asynchronous_edges_close_cycles_too() {
    let server = Server::start();
    let attributes = json!({"communication_mode": "async", "criticality": "soft"});
    let report = server.ingest(&upsert("manual").edge("a", "b").edge_with("b", "a", attributes));
    assert_eq!(report["circular_dependencies_detected"].as_array().unwrap().len(), 1);
}

#[test]
fn alerts_survive_a_crash() {
    let mut server = Server::start();
    let first = detected(&server, &[("a", "b"), ("b", "a")]);
    server.crash_and_restart();
    assert!(detected(&server, &[("a", "b")]).is_empty(), "known from before");
    let grown = detected(&server, &[("b", "c"), ("c", "a")]);
    assert_eq!(grown[0].1, first[0].1);
}
