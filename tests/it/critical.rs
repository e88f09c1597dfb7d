//! `GET /api/v1/graph/critical`: which services are the only way to others.

use serde_json::{Value, json};

use crate::support::{Server, upsert};

fn items(server: &Server, query: &str) -> Value {
    server.get_json(&format!("/api/v1/graph/critical?{query}"))["items"].clone()
}

fn item(service_id: &str, sole_path_for: u32, dependents: u32) -> Value {
    json!({"service_id": service_id, "sole_path_for": sole_path_for, "dependents": dependents})
}

#[test]
fn the_most_critical_come_first() {
    let server = Server::start();
    // Two front ends share a gateway; behind it a database of its own, and a queue that one of them uses, too.
    let edges = [
        ("web", "gateway"),
        ("mobile", "gateway"),
        ("gateway", "orders"),
        ("gateway", "stock"),
        ("orders", "database"),
        ("database", "disk"),
        ("orders", "queue"),
        ("web", "queue"),
    ];
    server.ingest(&upsert("manual").edges(edges));
    let expected = json!([item("gateway", 4, 2), item("orders", 2, 3), item("database", 1, 4)]);
    assert_eq!(server.get_json("/api/v1/graph/critical"), json!({"version": 1, "items": expected}));
    assert_eq!(items(&server, "limit=2"), json!([expected[0], expected[1]]));
    assert_eq!(items(&server, "limit=100"), expected);
    server.ingest(&upsert("manual").edges([("web", "orders"), ("mobile", "disk")]));
    assert_eq!(items(&server, ""), json!([item("orders", 1, 3), item("gateway", 1, 2)]), "by dependents");
}

#[test]
fn whoever_can_be_called_from_outside_is_an_entry_point() {
    let server = Server::start();
    server.ingest(
        &upsert("manual").edges([("a", "b"), ("b", "a"), ("b", "c"), ("c", "d")]).node("alone", json!({})),
    );
    assert_eq!(items(&server, ""), json!([item("b", 2, 1), item("c", 1, 2)]));
    server.ingest(&upsert("manual").edge("d", "a"));
    assert_eq!(items(&server, ""), json!([]), "one component, every member an entry point");
}

#[test]
fn an_empty_graph_has_none() {
    assert_eq!(items(&Server::start(), ""), json!([]));
}

#[test]
fn what_is_wrong_is_named() {
    let server = Server::start();
    for limit in ["0", "101", "-1", "x", "1.5"] {
        let reply = server.get(&format!("/api/v1/graph/critical?limit={limit}"));
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some("limit")), "{limit}");
    }
    assert_eq!(server.get("/api/v1/graph/critical?limit=%zz").status, 400);
    assert_eq!(server.request("DELETE", "/api/v1/graph/critical", &[], &[]).status, 405);
}

/// A chain too long for an async thread.
#[test]
fn a_long_chain_is_ranked_off_the_async_threads() {
    let server = Server::start();
    let names: Vec<String> = (0..5_000).map(|number| format!("s{number:04}")).collect();
    server.ingest(&upsert("manual").edges(names.windows(2).map(|pair| (&pair[0], &pair[1]))));
    let found = items(&server, "limit=3");
    assert_eq!(found, json!([item("s0000", 4_999, 0), item("s0001", 4_998, 1), item("s0002", 4_997, 2)]));
}
