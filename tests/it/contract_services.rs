//! Services one by one: registered, replaced, removed, and their targets.

use serde_json::{Value, json};

use crate::support::{
    Page, Server, all_pairs, dependencies, dependency_path, pairs, replace, service, service_path, upsert,
};

fn put(server: &Server, id: &str, metadata: &Value, status: u16) {
    server.sent("PUT", &service_path(id), &json!({"metadata": metadata}), status);
}

#[test]
fn registered_then_replaced() {
    let mut server = Server::start();
    put(&server, "a", &json!({"team": "one", "criticality": "high", "only": 1}), 201);
    let before = service(&server, "a");
    assert_eq!(before["discovered"], false);
    assert_eq!(before["team"], "one");
    put(&server, "a", &json!({"team": "two", "nested": {"x": [1, null]}}), 200);
    let after = service(&server, "a");
    assert_eq!(after["metadata"], json!({"team": "two", "nested": {"x": [1, null]}}), "replaced, not merged");
    assert_eq!(after["team"], "two");
    assert_eq!(after["criticality"], "medium", "back to the default");
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["created_at"], before["created_at"]);
    assert_eq!(server.version(), 2);
    server.crash_and_restart();
    assert_eq!(service(&server, "a"), after);
}

#[test]
fn it_is_the_manual_source_that_speaks() {
    let server = Server::start();
    server.ingest(&upsert("service_mesh").node("a", json!({"team": "mesh", "tier": 1})));
    let body = json!({"metadata": {"team": "hand", "x": 1}});
    let reply = server.send("PUT", "/api/v1/services/a", &body);
    assert!([200, 201].contains(&reply.status), "known, but not by hand: {}", reply.text());
    let union = json!({"team": "hand", "x": 1, "tier": 1});
    assert_eq!(service(&server, "a")["metadata"], union);
    server.ingest(&upsert("service_mesh").node("a", json!({"team": "mesh again", "tier": 2})));
    assert_eq!(service(&server, "a")["metadata"], json!({"team": "hand", "x": 1, "tier": 2}));
    server.ingest(&upsert("manual").node("a", json!({"y": 1})));
    assert_eq!(service(&server, "a")["metadata"], json!({"team": "mesh again", "y": 1, "tier": 2}));
    put(&server, "a", &json!({}), 200);
    assert_eq!(service(&server, "a")["metadata"], json!({"team": "mesh again", "tier": 2}));
}

#[test]
fn a_placeholder_becomes_registered() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edges([("a", "b"), ("b", "c")]));
    let before = service(&server, "b");
    let reply = server.send("PUT", &service_path("b"), &json!({"metadata": {"team": "t"}}));
    assert!([200, 201].contains(&reply.status), "it was there, and is registered now: {}", reply.text());
    let after = service(&server, "b");
    assert_eq!(after["discovered"], false);
    assert_eq!(after["metadata"], json!({"team": "t"}), "without the placeholder's mark");
    assert_eq!(after["id"], before["id"]);
    assert_eq!(all_pairs(&server), pairs([("a", "b"), ("b", "c")]));
}

#[test]
fn any_id_can_be_spelled_in_a_path() {
    let longest = "x".repeat(255);
    let ids = [
        "component:default/checkout",
        "dependencies",
        "impact",
        "slo",
        "größe 🚀",
        "a b",
        "a+b",
        "100%25",
        "?q=1&x#y",
        "..",
        "a//b/",
        "\"quoted\\\"",
        longest.as_str(),
    ];
    let server = Server::start();
    for id in ids {
        put(&server, id, &json!({"team": "t"}), 201);
        put(&server, id, &json!({"team": "u"}), 200);
        assert_eq!(service(&server, id)["service_id"], id);
        server.ingest(&upsert("manual").edges([(id, "hub"), ("hub", id)]));
        server.deleted(&format!("{}?source=manual", dependency_path(id, "hub")));
        server.deleted(&dependency_path("hub", id));
        assert_eq!(all_pairs(&server), pairs([]), "{id}");
        server.deleted(&service_path(id));
        assert_eq!(server.get(&service_path(id)).status, 404, "{id}");
    }
    assert_eq!(Page::all(&server, ""), ["hub"]);
}

#[test]
fn a_service_may_be_named_like_the_ingestion() {
    let server = Server::start();
    put(&server, "dependencies", &json!({"team": "t"}), 201);
    server.ingest(&upsert("manual").edge("dependencies", "b"));
    assert_eq!(service(&server, "dependencies")["direct_dependencies"], 1);
    assert_eq!(dependencies(&server, "dependencies", "").ids(), ["dependencies", "b"]);
    server.deleted("/api/v1/services/dependencies");
    server.get("/api/v1/services/dependencies").assert_problem(&[404], "", "gone");
    server.ingest(&upsert("manual").edge("a", "b"));
}

#[test]
fn bodies_that_must_be_refused() {
    let large = json!({"metadata": {"text": "x".repeat(16 * 1024)}}).to_string();
    let long_team = json!({"metadata": {"team": "t".repeat(256)}}).to_string();
    let cases: [(&str, &[u16], &str); 18] = [
        ("", &[400], ""),
        ("{", &[400], ""),
        (r#"{"metadata":{},"metadata":{}}"#, &[400], ""),
        (r#"{"metadata":{"a":1,"a":1}}"#, &[400], ""),
        ("[]", &[400, 422], "*"),
        (r#"{"metadata":[]}"#, &[422], "metadata"),
        (r#"{"metadata":"x"}"#, &[422], "metadata"),
        (r#"{"metadata":1}"#, &[422], "metadata"),
        (&large, &[422], "metadata"),
        (&long_team, &[422], "metadata.team"),
        (r#"{"metadata":{"team":1}}"#, &[422], "metadata.team"),
        (r#"{"metadata":{"criticality":"urgent"}}"#, &[422], "metadata.criticality"),
        (r#"{"metadata":{"criticality":"High"}}"#, &[422], "metadata.criticality"),
        (r#"{"metadata":{"service_type":"saas"}}"#, &[422], "metadata.service_type"),
        (r#"{"metadata":{"availability":0}}"#, &[422], "metadata.availability"),
        (r#"{"metadata":{"availability":1.001}}"#, &[422], "metadata.availability"),
        (r#"{"metadata":{"published_sla":"x"}}"#, &[422], "metadata.published_sla"),
        (r#"{"metadata":{"published_sla":-0.5}}"#, &[422], "metadata.published_sla"),
    ];
    let server = Server::start();
    put(&server, "b", &json!({"team": "t"}), 201);
    for (body, statuses, field) in cases {
        for id in ["a", "b"] {
            let reply = server.request("PUT", &service_path(id), &[], body.as_bytes());
            reply.assert_problem(statuses, field, &body[..body.len().min(60)]);
        }
    }
    let text = [("Content-Type", "text/plain")];
    server.request("PUT", "/api/v1/services/a", &text, b"{}").assert_problem(&[415], "", "text");
    assert_eq!(server.get("/api/v1/services/a").status, 404);
    assert_eq!(service(&server, "b")["metadata"], json!({"team": "t"}));
    assert_eq!(server.version(), 1);
}

#[test]
fn paths_that_must_be_refused() {
    let long = "x".repeat(256);
    let cases: [(&str, &[u16]); 10] = [
        ("%00", &[422]),
        ("a%0Ab", &[422]),
        ("%7F", &[422]),
        ("%20a", &[422]),
        ("a%20", &[422]),
        ("%C2%A0a", &[422]),
        (&long, &[422]),
        ("%ff", &[400]),
        ("%zz", &[400]),
        ("a/b", &[404]),
    ];
    let server = Server::start();
    for (id, statuses) in cases {
        let reply = server.send("PUT", &format!("/api/v1/services/{id}"), &json!({"metadata": {}}));
        reply.assert_problem(statuses, "*", id);
    }
    assert_eq!(server.version(), 0);
    let reply = server.request("POST", "/api/v1/services/a", &[], b"{}");
    reply.assert_problem(&[405], "", "POST");
    let mut allowed: Vec<_> = reply.header("allow").unwrap().split(',').map(str::trim).collect();
    allowed.retain(|method| !["HEAD", "OPTIONS"].contains(method));
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "PUT"]);
}

#[test]
fn a_removed_service_takes_its_edges_along() {
    let mut server = Server::start();
    server.ingest(&upsert("manual").node("b", json!({"team": "t"})).edges([("a", "b"), ("b", "c")]));
    server.ingest(&upsert("kubernetes").edges([("c", "b"), ("a", "b"), ("a", "c")]));
    server.deleted("/api/v1/services/b");
    assert_eq!(server.version(), 3);
    for restarted in [false, true] {
        for target in ["b", "b/dependencies"] {
            let reply = server.get(&format!("/api/v1/services/{target}"));
            reply.assert_problem(&[404], "", target);
        }
        server.delete("/api/v1/services/b").assert_problem(&[404], "", "twice");
        server.delete("/api/v1/services/a/dependencies/b").assert_problem(&[404], "", "its edge");
        assert_eq!(all_pairs(&server), pairs([("a", "c")]));
        assert_eq!(Page::all(&server, ""), ["a", "c"], "restarted: {restarted}");
        assert_eq!(service(&server, "a")["direct_dependencies"], 1);
        assert_eq!(service(&server, "c")["direct_callers"], 1);
        assert_eq!(server.version(), 3);
        server.crash_and_restart();
    }
}

/// One way to make a service.
type Creation = fn(&Server);

#[test]
fn a_service_that_comes_back_is_a_new_one() {
    let again = |server: &Server| put(server, "b", &json!({}), 201);
    let as_node = |server: &Server| drop(server.ingest(&upsert("kubernetes").node("b", json!({}))));
    let as_target = |server: &Server| drop(server.ingest(&upsert("kubernetes").edge("x", "b")));
    let ways: [(&str, Creation, Value); 3] = [
        ("PUT", again, json!({})),
        ("node", as_node, json!({})),
        ("placeholder", as_target, json!({"source": "auto_discovered"})),
    ];
    for (way, come_back, metadata) in ways {
        let server = Server::start();
        server.ingest(&upsert("manual").node("b", json!({"team": "old"})).edges([("a", "b"), ("b", "c")]));
        let before = service(&server, "b");
        server.deleted("/api/v1/services/b");
        come_back(&server);
        let after = service(&server, "b");
        assert_ne!(after["id"], before["id"], "{way}");
        assert_eq!(after["metadata"], metadata, "{way}");
        assert_eq!(after["direct_dependencies"], 0, "{way}: old edges stay gone");
        assert!(!all_pairs(&server).contains(&("a".to_owned(), "b".to_owned())), "{way}");
    }
}

#[test]
fn removals_that_must_be_refused() {
    let server = Server::start();
    put(&server, "a", &json!({}), 201);
    let cases: [(&str, &[u16]); 6] = [
        ("missing", &[404]),
        ("A", &[404]),
        ("%61%20", &[404, 422]),
        ("%00", &[404, 422]),
        ("%ff", &[400]),
        ("a/", &[404]),
    ];
    for (id, statuses) in cases {
        server.delete(&format!("/api/v1/services/{id}")).assert_problem(statuses, "*", id);
    }
    assert_eq!(server.version(), 1);
}

#[test]
fn targets() {
    let mut server = Server::start();
    put(&server, "a/b", &json!({"team": "t"}), 201);
    let path = format!("{}/slo", service_path("a/b"));
    for target in [json!(99.9), json!(99.999), json!(50), json!(0.5)] {
        let reply = server.sent("PUT", &path, &json!({"availability_target": target, "unknown": 1}), 200);
        assert!(reply.json().is_object(), "{}", reply.text());
    }
    assert_eq!(service(&server, "a/b")["metadata"], json!({"team": "t"}), "no part of the metadata");
    server.crash_and_restart();
    server.sent("PUT", &path, &json!({"availability_target": 99.9}), 200);
}

#[test]
fn targets_that_must_be_refused() {
    let server = Server::start();
    put(&server, "a", &json!({}), 201);
    let cases: [(&str, &[u16]); 13] = [
        ("", &[400]),
        (r#"{"availability_target":99.9"#, &[400]),
        (r#"{"availability_target":99.9,"availability_target":99.9}"#, &[400]),
        (r#"{"availability_target":NaN}"#, &[400]),
        ("{}", &[422]),
        (r#"{"availability_target":0}"#, &[422]),
        (r#"{"availability_target":-1}"#, &[422]),
        (r#"{"availability_target":100.1}"#, &[422]),
        (r#"{"availability_target":1e300}"#, &[422]),
        (r#"{"availability_target":"x"}"#, &[422]),
        (r#"{"availability_target":"99.9"}"#, &[422]),
        (r#"{"availability_target":[99.9]}"#, &[422]),
        (r#"{"availability_target":true}"#, &[422]),
    ];
    for (body, statuses) in cases {
        for id in ["a", "missing"] {
            let reply = server.request("PUT", &format!("/api/v1/services/{id}/slo"), &[], body.as_bytes());
            reply.assert_problem(statuses, "availability_target", body);
        }
    }
    let good = json!({"availability_target": 99.9});
    server.send("PUT", "/api/v1/services/missing/slo", &good).assert_problem(&[404], "", "missing");
    let text = [("Content-Type", "text/plain")];
    server.request("PUT", "/api/v1/services/a/slo", &text, b"{}").assert_problem(&[415], "", "text");
    assert_eq!(server.version(), 1);
}

#[test]
fn each_change_adds_one() {
    let server = Server::start();
    let changes: [(&str, &str, Value); 9] = [
        ("PUT", "/api/v1/services/a", json!({"metadata": {"team": "t"}})),
        ("PUT", "/api/v1/services/a", json!({"metadata": {"team": "u"}})),
        (
            "POST",
            "/api/v1/services/dependencies",
            upsert("kubernetes").edges([("a", "b"), ("a", "c")]).json().clone(),
        ),
        ("POST", "/api/v1/services/dependencies", upsert("manual").edge("a", "b").json().clone()),
        ("POST", "/api/v1/services/dependencies", replace("kubernetes").edge("a", "b").json().clone()),
        ("PUT", "/api/v1/services/a/slo", json!({"availability_target": 99.9})),
        ("DELETE", "/api/v1/services/a/dependencies/b?source=manual", Value::Null),
        ("DELETE", "/api/v1/services/a/dependencies/b", Value::Null),
        ("DELETE", "/api/v1/services/a", Value::Null),
    ];
    for (index, (method, target, body)) in changes.iter().enumerate() {
        let reply = match body {
            Value::Null => server.delete(target),
            body => server.send(method, target, body),
        };
        assert!((200..300).contains(&reply.status), "{method} {target}: {}", reply.text());
        assert_eq!(server.version(), index as u64 + 1, "{method} {target}");
    }
}
