//! Real dependency graphs against answers that an independent program computed.
//!
//! - The start is never in an oracle's sets, even where it lies on a cycle.
//! - An oracle counts self-loops among the edges; the contract forbids them and the graphs leave them out.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::{Page, Payload, Server, dependencies, encoded, fixture, sha256};

/// Ingests a graph and compares everything its oracle knows.
fn check(graph: &str, oracle: &str) {
    let (server, report) = ingested(graph);
    let oracle = read(oracle);
    check_whole(&server, &oracle);
    check_cycles(&server, &oracle, &report);
    let queries = oracle["queries"].as_object().unwrap();
    assert!(!queries.is_empty());
    for (id, expected) in queries {
        check_service(&server, id, expected);
        for direction in ["downstream", "upstream"] {
            check_reachable(&server, id, direction, &expected[direction]);
        }
    }
}

fn read(relative: &str) -> Value {
    let path = fixture(relative);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn ingested(graph: &str) -> (Server, Value) {
    let server = Server::start();
    let graph = read(graph);
    let report = server.ingest(&Payload::from_value(graph.clone()));
    assert_eq!(report["nodes_received"], graph["nodes"].as_array().unwrap().len());
    assert_eq!(report["edges_received"], graph["edges"].as_array().unwrap().len());
    (server, report)
}

/// The set of services and the set of dependencies, read back through listing and direct neighbours.
fn check_whole(server: &Server, oracle: &Value) {
    let ids = Page::all(server, "");
    assert!(
        ids.is_sorted_by(|left, right| left.as_bytes() < right.as_bytes()),
        "sorted bytewise, none twice"
    );
    assert_eq!(oracle["nodes"], ids.len());
    assert_eq!(oracle["nodes_sha256"], sha256(&ids.join("\n")));
    let mut pairs = BTreeSet::new();
    for id in &ids {
        pairs.extend(dependencies(server, id, "direction=downstream&depth=1").pairs());
    }
    let loops = oracle["self_loops"].as_u64().unwrap();
    assert_eq!(oracle["edges"].as_u64().unwrap() - loops, pairs.len() as u64);
    if loops == 0 {
        let lines: Vec<_> = pairs.iter().map(|(source, target)| format!("{source}\t{target}")).collect();
        assert_eq!(oracle["edges_sha256"], sha256(&lines.join("\n")));
    }
}

/// The components that ingestion reports, and the flag on every service that lies in one.
fn check_cycles(server: &Server, oracle: &Value, report: &Value) {
    let expected: Vec<BTreeSet<String>> = serde_json::from_value(oracle["sccs"].clone()).unwrap();
    let detected = report["circular_dependencies_detected"].as_array().unwrap();
    assert_eq!(detected.len(), expected.len(), "{report}");
    for cycle in detected {
        let path: Vec<String> = serde_json::from_value(cycle["cycle_path"].clone()).unwrap();
        assert_eq!(path.first(), path.last(), "{cycle}");
        let members = expected.iter().find(|members| members.contains(&path[0])).unwrap();
        assert_eq!(path.first(), members.first(), "the path starts at the smallest member");
        assert!(path.iter().all(|id| members.contains(id)), "{cycle} leaves {members:?}");
    }
    for id in Page::all(server, "") {
        let found = reachable(server, &id, "downstream", 10).contains(&id);
        let member = expected.iter().any(|members| members.contains(&id));
        assert_eq!(found, member, "{id} reaches itself");
        let answer = dependencies(server, &id, "direction=downstream&depth=10");
        let cyclic = answer.ids().iter().any(|id| expected.iter().any(|members| members.contains(id)));
        assert_eq!(*answer.statistic("has_circular_dependencies"), cyclic, "{id}");
    }
    for members in &expected {
        let smallest = members.first().unwrap();
        let down = reachable(server, smallest, "downstream", 10);
        let up = reachable(server, smallest, "upstream", 10);
        assert_eq!(down.intersection(&up).cloned().collect::<BTreeSet<_>>(), *members);
    }
}

/// Who is reached over at least one edge: the start too, when an edge of the answer leads back to it.
fn reachable(server: &Server, id: &str, direction: &str, depth: u64) -> BTreeSet<String> {
    let answer = dependencies(server, id, &format!("direction={direction}&depth={depth}"));
    let ends = answer.pairs().into_iter().map(|(from, to)| if direction == "downstream" { to } else { from });
    ends.collect()
}

fn check_service(server: &Server, id: &str, expected: &Value) {
    let found = server.get_json(&format!("/api/v1/services/{}", encoded(id)));
    let of =
        |direction: &str| dependencies(server, id, &format!("direction={direction}&depth=1")).others().len();
    assert_eq!(found["direct_dependencies"], of("downstream"), "{id}");
    assert_eq!(found["direct_callers"], of("upstream"), "{id}");
    assert_eq!(expected["downstream"]["1"]["count"], of("downstream"), "{id}");
    assert_eq!(expected["upstream"]["1"]["count"], of("upstream"), "{id}");
}

fn check_reachable(server: &Server, id: &str, direction: &str, expected: &Value) {
    let compare = |depth: &str, expected: &Value| {
        let answer = dependencies(server, id, &format!("direction={direction}&depth={depth}"));
        let ids: Vec<String> = answer.others().into_iter().collect();
        assert_eq!(expected["count"], ids.len(), "{direction} of {id} to {depth}");
        assert_eq!(expected["sha256"], sha256(&ids.join("\n")), "{direction} of {id} to {depth}");
        let statistic = answer.statistic(&format!("{direction}_services")).clone();
        assert_eq!(statistic, ids.len(), "{direction} of {id} to {depth}");
    };
    for depth in ["1", "2", "3", "10"] {
        compare(depth, &expected[depth]);
    }
    // Ten hops are all there are in these landscapes, unless the oracle itself says otherwise.
    if expected["all"]["sha256"] == expected["10"]["sha256"] {
        compare("10", &expected["all"]);
    }
}

#[test]
fn backstage() {
    check("backstage-sc-architecture/graph.json", "backstage-sc-architecture/oracle.json");
}

#[test]
fn govuk_2024() {
    check("govuk/graph-2024.json", "govuk/oracle-2024.json");
}

#[test]
fn govuk_2025() {
    check("govuk/graph-2025.json", "govuk/oracle-2025.json");
}

#[test]
fn jaeger() {
    check("jaeger-small/graph.json", "jaeger-small/oracle.json");
}

#[test]
fn kiali() {
    check("kiali-app/graph.json", "kiali-app/oracle.json");
}

#[test]
fn ldbc() {
    check("ldbc-example-directed/graph.json", "ldbc-example-directed/oracle.json");
}

#[test]
fn online_boutique() {
    check("online-boutique/graph.json", "online-boutique/oracle.json");
}

#[test]
fn robot_shop() {
    check("robot-shop/graph.json", "robot-shop/oracle.json");
}

/// The one landscape without an oracle: the reference model stands in for it.
#[test]
fn platform() {
    let (server, report) = ingested("platform/graph.json");
    let edges = read("platform/graph.json")["edges"].as_array().unwrap().clone();
    let end = |edge: &Value, name: &str| edge[name].as_str().unwrap().to_owned();
    let model =
        crate::support::Model::new(edges.iter().map(|edge| (end(edge, "source"), end(edge, "target"))));
    assert_eq!(report["edges_upserted"], edges.len());
    model.check_all(&server, &[1, 3, 10]);
}

/// The breadth-first levels that the benchmark's authors published.
#[test]
fn ldbc_published_levels() {
    let (server, _) = ingested("ldbc-example-directed/graph.json");
    let distances = dependencies(&server, "1", "direction=downstream&depth=10").distances();
    let published = fs::read_to_string(fixture("ldbc-example-directed/raw/example-directed-BFS")).unwrap();
    for line in published.lines() {
        let (id, level) = line.split_once(' ').unwrap();
        let level: u64 = level.parse().unwrap();
        let expected = (level != i64::MAX.cast_unsigned()).then_some(level);
        assert_eq!(distances.get(id).copied(), expected, "service {id}");
    }
    assert_eq!(published.lines().count(), 10);
}
