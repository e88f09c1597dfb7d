//! `GET /api/v1/graph/divergence`: what runs and what is declared, where they differ.

use serde_json::{Value, json};

use crate::support::{Server, encoded, upsert};

fn server() -> Server {
    let server = Server::start();
    server.ingest(&upsert("manual").edges([("a", "b"), ("a", "c"), ("b", "c")]));
    server.ingest(&upsert("kubernetes").edges([("a", "c"), ("c", "a")]));
    server.ingest(&upsert("service_mesh").edges([("a", "b"), ("x", "y"), ("B", "a"), ("a", "x")]));
    server.ingest(&upsert("otel_service_graph").edges([("x", "y"), ("a", "y")]));
    server
}

fn page(server: &Server, query: &str) -> Value {
    server.get_json(&format!("/api/v1/graph/divergence?{query}"))
}

fn item(source: &str, target: &str, sources: &[&str]) -> Value {
    json!({"source": source, "target": target, "sources": sources})
}

#[test]
fn both_kinds_in_bytewise_order() {
    let server = server();
    let undeclared = [
        item("B", "a", &["service_mesh"]),
        item("a", "x", &["service_mesh"]),
        item("a", "y", &["otel_service_graph"]),
        item("x", "y", &["service_mesh", "otel_service_graph"]),
    ];
    let expected = json!({"kind": "undeclared", "items": undeclared, "next_cursor": null});
    assert_eq!(page(&server, "kind=undeclared"), expected);
    let unobserved = [
        item("a", "c", &["manual", "kubernetes"]),
        item("b", "c", &["manual"]),
        item("c", "a", &["kubernetes"]),
    ];
    let expected = json!({"kind": "unobserved", "items": unobserved, "next_cursor": null});
    assert_eq!(page(&server, "kind=unobserved"), expected);
    server.ingest(&upsert("service_mesh").edge("b", "c"));
    server.ingest(&upsert("manual").edge("x", "y"));
    assert_eq!(page(&server, "kind=unobserved")["items"], json!([unobserved[0], unobserved[2]]));
    assert_eq!(page(&server, "kind=undeclared")["items"], json!(undeclared[..3]));
}

#[test]
fn pages_join_to_the_whole() {
    let server = server();
    let whole = page(&server, "kind=undeclared")["items"].as_array().unwrap().clone();
    for limit in 1..=4 {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = page(&server, &format!("kind=undeclared&limit={limit}&cursor={cursor}"));
            let found = page["items"].as_array().unwrap();
            assert!(found.len() == limit || page["next_cursor"].is_null());
            items.extend(found.clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = encoded(next);
        }
        assert_eq!(items, whole, "pages of {limit}");
    }
}

#[test]
fn an_empty_graph_does_not_diverge() {
    let server = Server::start();
    let expected = json!({"kind": "undeclared", "items": [], "next_cursor": null});
    assert_eq!(page(&server, "kind=undeclared"), expected);
}

#[test]
fn what_is_wrong_is_named() {
    let server = server();
    let cursor = page(&server, "kind=undeclared&limit=1")["next_cursor"].as_str().unwrap().to_owned();
    let services = server.get_json("/api/v1/services?limit=1")["next_cursor"].as_str().unwrap().to_owned();
    let refused = [
        (String::new(), "kind"),
        ("kind=".to_owned(), "kind"),
        ("kind=Undeclared".to_owned(), "kind"),
        ("kind=both".to_owned(), "kind"),
        ("kind=undeclared&limit=0".to_owned(), "limit"),
        ("kind=undeclared&limit=101".to_owned(), "limit"),
        ("kind=undeclared&cursor=garbage".to_owned(), "cursor"),
        (format!("kind=undeclared&cursor={services}"), "cursor"),
        (format!("kind=unobserved&cursor={cursor}"), "cursor"),
        (format!("kind=undeclared&cursor={}", &cursor[1..]), "cursor"),
    ];
    for (query, field) in refused {
        let reply = server.get(&format!("/api/v1/graph/divergence?{query}"));
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some(field)), "{query}");
    }
    assert_eq!(server.request("POST", "/api/v1/graph/divergence", &[], &[]).status, 405);
}

/// More dependencies than an async thread looks at, of which the last one diverges.
#[test]
fn a_needle_is_found_off_the_async_threads() {
    let server = Server::start();
    let names: Vec<String> = (0..160).map(|number| format!("s{number:03}")).collect();
    let pairs = names.iter().flat_map(|from| names.iter().map(move |to| (from.as_str(), to.as_str())));
    let pairs: Vec<_> = pairs.filter(|(from, to)| from != to).collect();
    for part in pairs.chunks(5_000) {
        server.ingest(&upsert("manual").edges(part.iter().copied()));
    }
    server.ingest(&upsert("service_mesh").edge("zebra", "s000"));
    let expected = json!([item("zebra", "s000", &["service_mesh"])]);
    assert_eq!(page(&server, "kind=undeclared")["items"], expected);
}
