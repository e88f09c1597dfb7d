//! The audit trail: each change leaves an entry, nothing else does, and it is read newest first.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Server, encoded, import, listed, upsert};

const AUDIT: &str = "/api/v1/admin/audit";
const INGEST: &str = "/api/v1/services/dependencies";

fn entries(server: &Server) -> Vec<Value> {
    listed(server, AUDIT, "", 100)
}

/// The versions between which an entry's change lies.
fn versions(entry: &Value) -> (u64, u64) {
    let figure =
        |name: &str| entry[name].as_u64().unwrap_or_else(|| panic!("{name} is no number in {entry}"));
    (figure("from_version"), figure("to_version"))
}

/// A landscape with a cycle, made by three changes.
fn server() -> Server {
    let server = Server::start();
    for (source, target) in [("a", "b"), ("b", "c"), ("c", "a")] {
        server.ingest(&upsert("manual").edge(source, target));
    }
    server
}

fn alert(server: &Server) -> String {
    let page = server.get_json("/api/v1/circular-dependencies");
    page["items"][0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn nothing_happened_yet() {
    let server = Server::start();
    assert_eq!(server.get_json(AUDIT), json!({"items": [], "next_cursor": null}));
}

#[test]
fn newest_first_with_who_what_when_and_versions() {
    let server = server();
    let entries = entries(&server);
    assert_eq!(entries.iter().map(versions).collect::<Vec<_>>(), [(2, 3), (1, 2), (0, 1)]);
    for entry in &entries {
        for name in ["actor", "action"] {
            assert!(entry[name].as_str().is_some_and(|text| !text.is_empty()), "{name} in {entry}");
        }
    }
    let at = |entry: &Value| {
        let text = entry["at"].as_str().unwrap_or_else(|| panic!("no at in {entry}"));
        assert!(text.ends_with('Z'), "{text}");
        text.parse::<jiff::Timestamp>().unwrap()
    };
    assert!(entries.iter().map(at).is_sorted_by(|newer, older| newer >= older), "{entries:?}");
}

#[test]
fn each_kind_of_change_leaves_one_entry() {
    let server = server();
    let id = alert(&server);
    let alerts = format!("/api/v1/circular-dependencies/{id}");
    let nothing = Value::Null;
    let changes: [(&str, String, Value); 10] = [
        ("POST", INGEST.into(), upsert("kubernetes").edge("a", "b").json().clone()),
        ("PUT", "/api/v1/services/x".into(), json!({"metadata": {"team": "t"}})),
        ("PUT", "/api/v1/services/x".into(), json!({"metadata": {}})),
        ("PUT", "/api/v1/services/x/slo".into(), json!({"availability_target": 99.9})),
        ("POST", format!("{alerts}/acknowledge"), json!({"acknowledged_by": "someone"})),
        ("POST", format!("{alerts}/resolve"), json!({"resolution_notes": "done"})),
        ("DELETE", "/api/v1/services/a/dependencies/b?source=kubernetes".into(), nothing.clone()),
        ("DELETE", "/api/v1/services/a/dependencies/b".into(), nothing.clone()),
        ("DELETE", "/api/v1/services/x".into(), nothing.clone()),
        ("POST", "/api/v1/admin/staleness/run".into(), nothing),
    ];
    let mut known = entries(&server);
    for (method, target, body) in changes {
        let before = server.version();
        let reply = match body {
            Value::Null => server.request(method, &target, &[], &[]),
            body => server.send(method, &target, &body),
        };
        assert!((200..300).contains(&reply.status), "{method} {target}: {}", reply.text());
        let now = entries(&server);
        assert_eq!(now.len(), known.len() + 1, "{method} {target}: one more");
        assert_eq!(now[1..], known, "{method} {target}: the others are as they were");
        assert_eq!(versions(&now[0]), (before, server.version()), "{method} {target}");
        known = now;
    }
    let actions: BTreeSet<_> = known.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert!(actions.len() >= 6, "what was done can be told apart: {actions:?}");
}

#[test]
fn an_import_leaves_its_mark() {
    let server = server();
    let lines = [
        json!({"source": "manual", "timestamp": "2026-02-14T10:00:00Z"}),
        json!({"node": {"service_id": "x"}}),
    ];
    import(&server, &lines.map(|line| format!("{line}\n")).concat()).done();
    let entries = entries(&server);
    assert!(entries.len() > 3, "{entries:?}");
    assert_eq!(versions(&entries[0]).1, server.version());
}

#[test]
fn reads_leave_none() {
    let server = server();
    let before = entries(&server);
    let id = alert(&server);
    for target in [
        "/api/v1/services",
        "/api/v1/services/a",
        "/api/v1/services/a/dependencies",
        "/api/v1/circular-dependencies",
        &format!("/api/v1/circular-dependencies/{id}"),
        "/api/v1/graph/stats",
        "/api/v1/health/ready",
        "/api/v1/admin/snapshots",
        AUDIT,
    ] {
        assert_eq!(server.get(target).status, 200, "{target}");
    }
    assert_eq!(entries(&server), before);
}

#[test]
fn refused_writes_leave_none() {
    let server = server();
    let alerts = format!("/api/v1/circular-dependencies/{}", alert(&server));
    let resolved = json!({"resolution_notes": "done"});
    server.sent("POST", &format!("{alerts}/resolve"), &resolved, 200);
    let (before, version) = (entries(&server), server.version());
    let cases: [(&str, &str, Value, u16); 11] = [
        ("POST", INGEST, json!({"source": "nobody"}), 422),
        ("POST", INGEST, upsert("manual").edge("a", "a").json().clone(), 422),
        ("PUT", "/api/v1/services/y", json!({"metadata": []}), 422),
        ("PUT", "/api/v1/services/a/slo", json!({"availability_target": 0}), 422),
        ("PUT", "/api/v1/services/missing/slo", json!({"availability_target": 99}), 404),
        ("DELETE", "/api/v1/services/missing", Value::Null, 404),
        ("DELETE", "/api/v1/services/a/dependencies/missing", Value::Null, 404),
        ("DELETE", "/api/v1/services/a/dependencies/b?source=kubernetes", Value::Null, 404),
        ("POST", &format!("{alerts}/resolve"), resolved, 409),
        ("POST", &format!("{alerts}/acknowledge"), json!({}), 422),
        ("PATCH", "/api/v1/services/a", Value::Null, 405),
    ];
    for (method, target, body, status) in cases {
        let reply = match body {
            Value::Null => server.request(method, target, &[], &[]),
            body => server.send(method, target, &body),
        };
        assert_eq!(reply.status, status, "{method} {target}: {}", reply.text());
    }
    let reply = server.request("POST", INGEST, &[], b"{");
    assert_eq!(reply.status, 400);
    assert_eq!(entries(&server), before);
    assert_eq!(server.version(), version);
}

#[test]
fn a_retry_leaves_none() {
    let server = server();
    let body = upsert("manual").edge("x", "y").json().to_string();
    for _ in 0..3 {
        let reply = server.request("POST", INGEST, &[("Idempotency-Key", "key")], body.as_bytes());
        assert_eq!(reply.status, 202);
        assert_eq!(entries(&server).len(), 4, "the first one's");
    }
}

#[test]
fn pages() {
    let server = Server::start();
    for number in 0..30 {
        server.ingest(&upsert("manual").edge("hub", &format!("t{number}")));
    }
    let whole = entries(&server);
    assert_eq!(whole.len(), 30);
    for limit in [1, 7, 29, 30] {
        assert_eq!(listed(&server, AUDIT, "", limit), whole, "pages of {limit}");
    }
    let first = server.get_json(&format!("{AUDIT}?limit=10"));
    assert_eq!(first["items"], json!(whole[..10]));
    let cursor = encoded(first["next_cursor"].as_str().unwrap());
    server.ingest(&upsert("manual").edge("hub", "later"));
    let second = server.get_json(&format!("{AUDIT}?limit=50&cursor={cursor}"));
    assert_eq!(second["items"], json!(whole[10..]), "it goes on where it stopped, whatever comes on top");
    assert_eq!(entries(&server)[1..], whole);
}

#[test]
fn requests_that_must_be_refused() {
    let server = server();
    for (name, values) in [
        ("limit", &["0", "-1", "x", "1.5", "99999999999999999999"]),
        ("cursor", &["garbage", "AAAA", "0", "..", "%F0%9F%9A%80"]),
    ] {
        for value in values {
            let query = format!("{name}={value}");
            server.get(&format!("{AUDIT}?{query}")).assert_problem(&[422], name, &query);
        }
    }
    for method in ["POST", "PUT", "DELETE"] {
        let reply = server.request(method, AUDIT, &[], &[]);
        reply.assert_problem(&[405], "", "append-only");
    }
    assert_eq!(entries(&server).len(), 3);
}

#[test]
fn entries_survive_restarts() {
    let mut server = server();
    let mut known = entries(&server);
    let first = server.get_json(&format!("{AUDIT}?limit=1"));
    let cursor = format!("{AUDIT}?cursor={}", encoded(first["next_cursor"].as_str().unwrap()));
    let rest = server.get_json(&cursor)["items"].clone();
    for (number, kill) in [true, false, true, false].into_iter().enumerate() {
        if kill {
            server.kill();
        } else {
            server.stop();
        }
        server.start_again();
        assert_eq!(entries(&server), known, "killed: {kill}; a restart is no change");
        assert_eq!(server.get_json(&cursor)["items"], rest, "a cursor survives");
        server.ingest(&upsert("manual").edge("x", &format!("y{number}")));
        let now = entries(&server);
        assert_eq!(now[1..], known);
        known = now;
    }
}
