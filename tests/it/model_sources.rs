//! Several sources over one landscape: replacement, withdrawal, removal, registration, and that order does not matter.

use serde_json::{Value, json};

use crate::support::{Reply, Server, attributes, encoded, upsert};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn delete(server: &Server, target: &str) -> Reply {
    server.request("DELETE", target, &[], &[])
}

fn put(server: &Server, id: &str, body: &Value) -> Reply {
    server.request("PUT", &format!("/api/v1/services/{}", encoded(id)), &JSON, body.to_string().as_bytes())
}

/// What `a` calls: target, shown source, all sources.
fn edges(server: &Server) -> Vec<(String, String, Vec<String>)> {
    let answer = server.get_json("/api/v1/services/a/dependencies?direction=downstream&depth=1");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let edge = |edge: &Value| {
        let sources = edge["sources"].as_array().unwrap().iter().map(text).collect();
        (text(&edge["target"]), text(&edge["discovery_source"]), sources)
    };
    answer["edges"].as_array().unwrap().iter().map(edge).collect()
}

fn edge(target: &str, shown: &str, sources: &[&str]) -> (String, String, Vec<String>) {
    (target.to_owned(), shown.to_owned(), sources.iter().map(|source| (*source).to_owned()).collect())
}

#[test]
fn a_replacement_is_all_that_its_source_knows() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edges([("a", "b"), ("a", "c"), ("a", "d")]));
    server.ingest(&upsert("manual").edges([("a", "b"), ("x", "y")]));
    let replace = upsert("kubernetes").edge("a", "d").edge("a", "e").replacing();
    let answer = server.ingest(&replace);
    assert_eq!(
        (&answer["edges_removed"], &answer["version"]),
        (&json!(1), &json!(3)),
        "a → c; a → b is manual, too"
    );
    let expected = [
        edge("b", "manual", &["manual"]),
        edge("d", "kubernetes", &["kubernetes"]),
        edge("e", "kubernetes", &["kubernetes"]),
    ];
    assert_eq!(edges(&server), expected);
    assert_eq!(server.get("/api/v1/services/c").status, 200, "services stay");
    let answer = server.ingest(&upsert("kubernetes").replacing());
    assert_eq!(answer["edges_removed"], 2);
    assert_eq!(edges(&server), [edge("b", "manual", &["manual"])]);
    assert_eq!(server.ingest(&upsert("service_mesh").replacing())["edges_removed"], 0);
    assert_eq!(server.get_json("/api/v1/graph/stats")["dependencies"], 2);
}

#[test]
fn when_the_best_source_withdraws_the_next_one_is_shown() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge_with("a", "b", attributes("async", "soft")));
    let conflict = server.ingest(&upsert("kubernetes").edge_with("a", "b", attributes("sync", "hard")));
    let expected = json!([{"edge": {"source": "a", "target": "b"}, "existing_source": "manual",
        "new_source": "kubernetes", "resolution": "kept_higher_priority"}]);
    assert_eq!(conflict["conflicts_resolved"], expected);
    assert_eq!(edges(&server), [edge("b", "manual", &["manual", "kubernetes"])]);
    let target = "/api/v1/services/a/dependencies/b";
    for (query, status) in [
        ("?source=service_mesh", 404),
        ("?source=rumour", 422),
        ("?source=manual", 204),
        ("?source=manual", 404),
    ] {
        let reply = delete(&server, &format!("{target}{query}"));
        assert_eq!(reply.status, status, "{query}: {}", reply.text());
    }
    assert_eq!(edges(&server), [edge("b", "kubernetes", &["kubernetes"])]);
    let reply = delete(&server, target);
    assert_eq!((reply.status, reply.version(), reply.body.len()), (204, 4, 0));
    assert_eq!((edges(&server), delete(&server, target).status), (vec![], 404));
    for unknown in ["/api/v1/services/nobody/dependencies/b", "/api/v1/services/a/dependencies/nobody"] {
        assert_eq!(delete(&server, unknown).status, 404, "{unknown}");
    }
    assert_eq!(server.version(), 4, "what is refused is no change");
}

#[test]
fn a_removed_service_takes_its_dependencies_along() {
    let mut server = Server::start();
    server.ingest(&upsert("manual").edges([("a", "b"), ("b", "c"), ("c", "b"), ("d/e", "b")]));
    let before = server.get_json("/api/v1/services/b")["id"].clone();
    assert_eq!(delete(&server, "/api/v1/services/b").status, 204);
    assert_eq!(delete(&server, "/api/v1/services/b").status, 404);
    let stats = server.get_json("/api/v1/graph/stats");
    assert_eq!(
        (&stats["services"], &stats["dependencies"], &stats["cycles"]),
        (&json!(3), &json!(0), &json!(0))
    );
    assert_eq!(delete(&server, "/api/v1/services/d%2Fe").status, 204);
    assert_eq!(delete(&server, "/api/v1/services/d%2").status, 400);
    server.crash_and_restart();
    assert_eq!(server.get("/api/v1/services/b").status, 404);
    server.ingest(&upsert("manual").edge("a", "b"));
    assert_ne!(server.get_json("/api/v1/services/b")["id"], before, "another one of that name");
}

#[test]
fn put_registers_once_and_replaces_then() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").node("k", json!({"team": "k", "zone": 1})).edge("k", "p"));
    for (id, body, status) in [
        ("new/one", json!({"metadata": {"team": "t"}}), 201),
        ("new/one", json!({"metadata": {"tier": 2}}), 200),
        ("p", json!({"metadata": {}}), 201),
        ("p", json!({"metadata": {}}), 200),
        ("k", json!({"metadata": {"team": "m"}}), 200),
        ("dependencies", json!({"metadata": {"team": "d"}}), 201),
    ] {
        let reply = put(&server, id, &body);
        assert_eq!((reply.status, &reply.json()["service_id"]), (status, &json!(id)), "{}", reply.text());
        assert_eq!(reply.json()["discovered"], false);
    }
    assert_eq!(server.get_json("/api/v1/services/new%2Fone")["metadata"], json!({"tier": 2}));
    assert_eq!(
        server.get_json("/api/v1/services/k")["metadata"],
        json!({"team": "m", "zone": 1}),
        "manual goes first"
    );
    for (id, body, status, field) in [
        ("a", json!({}), 422, Some("metadata")),
        ("a", json!([]), 422, Some("body")),
        ("a", json!({"metadata": {"criticality": "urgent"}}), 422, Some("metadata.criticality")),
        (" a", json!({"metadata": {}}), 422, Some("service_id")),
    ] {
        let reply = put(&server, id, &body);
        assert_eq!((reply.status, reply.json()["field"].as_str()), (status, field), "{id} {body}");
    }
    assert_eq!(server.request("PUT", "/api/v1/services/a", &JSON, b"{").status, 400);
    assert_eq!(
        server.request("PUT", "/api/v1/services/a", &[("content-type", "text/plain")], b"{}").status,
        415
    );
    assert_eq!(server.version(), 7);
}

/// The same reports in every order of their sources leave the same merged view.
#[test]
fn the_order_of_sources_does_not_matter() {
    let reports = [
        upsert("manual").node("a", json!({"team": "m"})).edge_with("a", "b", attributes("async", "soft")),
        upsert("service_mesh").edge_with("a", "b", attributes("sync", "hard")).edge("b", "c"),
        upsert("otel_service_graph").edge_with("a", "b", attributes("sync", "degraded")).edge("c", "a"),
        upsert("kubernetes").node("a", json!({"team": "k", "zone": "z"})).edge("a", "c"),
    ];
    let view = |order: &[usize]| {
        let server = Server::start();
        // Services first, so that indexes, and with them the order of answers, are the same.
        let services = ["a", "b", "c"].iter().fold(upsert("kubernetes"), |all, id| all.node(id, json!({})));
        server.ingest(&services);
        for place in order {
            server.ingest(&reports[*place]);
        }
        let mut answer = server.get_json("/api/v1/services/a/dependencies");
        for node in answer["nodes"].as_array_mut().unwrap() {
            node.as_object_mut().unwrap().remove("id");
        }
        answer
    };
    let first = view(&[0, 1, 2, 3]);
    for order in [[3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1], [0, 3, 1, 2]] {
        assert_eq!(view(&order), first, "{order:?}");
    }
}
