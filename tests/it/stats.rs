//! The landscape in numbers.

use serde_json::{Value, json};

use crate::support::{Server, upsert};

fn stats(server: &Server) -> Value {
    server.get_json("/api/v1/graph/stats")
}

/// The numbers without the digest.
fn numbers(server: &Server) -> Value {
    let mut stats = stats(server);
    stats.as_object_mut().unwrap().remove("digest");
    stats
}

#[test]
fn an_empty_landscape_is_all_zeros() {
    let server = Server::start();
    let zeros = "0".repeat(64);
    assert_eq!(
        stats(&server),
        json!({
            "version": 0, "services": 0, "dependencies": 0, "observations": 0, "stale_dependencies": 0,
            "discovered_services": 0, "cycles": 0, "weakly_connected_components": 0, "max_callers": 0,
            "max_dependencies": 0, "digest": zeros,
        })
    );
}

#[test]
fn everything_is_counted() {
    let server = Server::start();
    // A star, a cycle of three that hangs on nothing, and a service on its own.
    let edges = [("hub", "a"), ("hub", "b"), ("c", "b"), ("x", "y"), ("y", "z"), ("z", "x")];
    server.ingest(&upsert("manual").node("alone", json!({})).edges(edges));
    server.ingest(&upsert("kubernetes").edge("hub", "a"));
    assert_eq!(
        numbers(&server),
        json!({
            "version": 2, "services": 8, "dependencies": 6, "observations": 7, "stale_dependencies": 0,
            "discovered_services": 7, "cycles": 1, "weakly_connected_components": 3, "max_callers": 2,
            "max_dependencies": 2,
        })
    );
}

#[test]
fn a_landscape_too_large_for_one_thread_is_counted_too() {
    let server = Server::start();
    let names: Vec<String> = (0..201).map(|number| format!("s{number}")).collect();
    let pairs = names[1..].iter().flat_map(|from| names.iter().map(move |to| (from.as_str(), to.as_str())));
    let pairs: Vec<_> = pairs.filter(|(from, to)| from != to).collect();
    for part in pairs.chunks(5_000) {
        server.ingest(&upsert("manual").edges(part.iter().copied()));
    }
    let numbers = numbers(&server);
    let expected = [("dependencies", 40_000), ("cycles", 1), ("weakly_connected_components", 1)];
    for (member, expected) in expected {
        assert_eq!(numbers[member], json!(expected), "{member}");
    }
    assert_eq!((&numbers["max_callers"], &numbers["max_dependencies"]), (&json!(200), &json!(200)));
}

#[test]
fn the_digest_changes_with_the_content_and_survives_a_restart() {
    let mut server = Server::start();
    let digest = |server: &Server| stats(server)["digest"].as_str().unwrap().to_owned();
    server.ingest(&upsert("manual").edge("a", "b"));
    let first = digest(&server);
    assert!(first.len() == 64 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
    server.ingest(&upsert("manual").edge("b", "a"));
    let second = digest(&server);
    assert_ne!(first, second);
    server.crash_and_restart();
    assert_eq!(digest(&server), second);
}
