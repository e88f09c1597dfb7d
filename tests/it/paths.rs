//! `GET /api/v1/paths`: which ways lead from one service to another.

use serde_json::{Value, json};

use crate::support::{Server, encoded, upsert};

fn paths(server: &Server, from: &str, to: &str, more: &str) -> Value {
    server.get_json(&format!("/api/v1/paths?from={}&to={}{more}", encoded(from), encoded(to)))
}

#[test]
fn the_shortest_come_first_and_no_service_twice() {
    let server = Server::start();
    let edges =
        [("a", "b"), ("b", "d"), ("a", "c"), ("c", "d"), ("a", "d"), ("b", "c"), ("c", "b"), ("d", "a")];
    server.ingest(&upsert("manual").edges(edges));
    let all =
        json!([["a", "d"], ["a", "b", "d"], ["a", "c", "d"], ["a", "b", "c", "d"], ["a", "c", "b", "d"]]);
    assert_eq!(paths(&server, "a", "d", ""), json!({"from": "a", "to": "d", "version": 1, "paths": all}));
    assert_eq!(paths(&server, "a", "d", "&max_paths=100")["paths"], all);
    assert_eq!(paths(&server, "a", "d", "&max_paths=1")["paths"], json!([["a", "d"]]));
    assert_eq!(
        paths(&server, "d", "b", "&max_paths=2")["paths"],
        json!([["d", "a", "b"], ["d", "a", "c", "b"]])
    );
    assert_eq!(paths(&server, "a", "a", "")["paths"], json!([["a"]]), "a service is where it is");
}

#[test]
fn where_there_is_no_way_the_list_is_empty() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a/b c", "\"q\"").node("alone", json!({})));
    assert_eq!(paths(&server, "a/b c", "\"q\"", "")["paths"], json!([["a/b c", "\"q\""]]));
    assert_eq!(paths(&server, "\"q\"", "a/b c", "")["paths"], json!([]));
    assert_eq!(paths(&server, "a/b c", "alone", "")["paths"], json!([]));
}

#[test]
fn what_is_wrong_is_named() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let refused = [
        ("", "from"),
        ("to=b", "from"),
        ("from=&to=b", "from"),
        ("from=a", "to"),
        ("from=a&to=", "to"),
        ("from=nobody", "to"),
        ("from=a&to=b&max_paths=0", "max_paths"),
        ("from=a&to=b&max_paths=101", "max_paths"),
        ("from=a&to=b&max_paths=x", "max_paths"),
        ("from=nobody&to=b&max_paths=-1", "max_paths"),
    ];
    for (query, field) in refused {
        let reply = server.get(&format!("/api/v1/paths?{query}"));
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some(field)), "{query}");
    }
    for query in ["from=nobody&to=b", "from=a&to=nobody", "from=A&to=b"] {
        assert_eq!(server.get(&format!("/api/v1/paths?{query}")).status, 404, "{query}");
    }
    assert_eq!(server.get("/api/v1/paths?from=%ff&to=b").status, 400);
}

/// Two hundred services that all call each other: too much for an async thread.
#[test]
fn a_crowd_is_searched_off_the_async_threads() {
    let server = Server::start();
    let names: Vec<String> = (0..200).map(|number| format!("s{number:03}")).collect();
    let pairs = names.iter().flat_map(|from| names.iter().map(move |to| (from.as_str(), to.as_str())));
    let pairs: Vec<_> = pairs.filter(|(from, to)| from != to).collect();
    for part in pairs.chunks(5_000) {
        server.ingest(&upsert("manual").edges(part.iter().copied()));
    }
    let found = paths(&server, "s000", "s199", "&max_paths=100");
    let found = found["paths"].as_array().unwrap();
    assert_eq!((found.len(), &found[0]), (100, &json!(["s000", "s199"])));
    assert!(found[1..].iter().all(|path| path.as_array().unwrap().len() == 3));
}

/// At each hop of a long way there is a way around: more than the server looks for.
#[test]
fn what_is_too_much_is_refused() {
    let server = Server::start();
    let name = |kind: &str, hop: usize| format!("{kind}{hop:05}");
    let steps = (0..12_000).flat_map(|hop| {
        let (here, around, next) = (name("a", hop), name("b", hop), name("a", hop + 1));
        [(here.clone(), next.clone()), (here, around.clone()), (around, next)]
    });
    let steps: Vec<_> = steps.collect();
    for part in steps.chunks(6_000) {
        server.ingest(&upsert("manual").edges(part.iter().map(|(from, to)| (from, to))));
    }
    let reply = server.get("/api/v1/paths?from=a00000&to=a12000&max_paths=20");
    assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some("max_paths")), "{}", reply.text());
    let one = server.get_json("/api/v1/paths?from=a00000&to=a12000&max_paths=1");
    assert_eq!(one["paths"][0].as_array().unwrap().len(), 12_001);
}
