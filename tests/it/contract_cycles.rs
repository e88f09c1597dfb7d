//! Alerts about circular dependencies: listed, filtered, found, and moved through their states.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Payload, Server, attributes, dependency_path, encoded, listed, replace, upsert};

const ALERTS: &str = "/api/v1/circular-dependencies";

/// An upsert of a ring through these services.
fn ring(payload: Payload, members: &[&str]) -> Payload {
    let next = members.iter().cycle().skip(1);
    payload.edges(members.iter().zip(next).map(|(from, to)| (*from, *to)))
}

/// Ingests something that closes one cycle; the id of its alert.
fn opened(server: &Server, payload: &Payload) -> String {
    let report = server.ingest(payload);
    let cycles = report["circular_dependencies_detected"].as_array().unwrap();
    assert_eq!(cycles.len(), 1, "{report}");
    cycles[0]["alert_id"].as_str().unwrap().to_owned()
}

fn alert(server: &Server, id: &str) -> Value {
    server.get_json(&format!("{ALERTS}/{id}"))
}

fn path(id: &str, action: &str) -> String {
    format!("{ALERTS}/{id}/{action}")
}

fn note(action: &str) -> Value {
    match action {
        "acknowledge" => json!({"acknowledged_by": "someone"}),
        _ => json!({"resolution_notes": "done"}),
    }
}

/// Moves an alert on, which must be allowed.
fn moved(server: &Server, id: &str, action: &str) -> Value {
    server.sent("POST", &path(id, action), &note(action), 200).json()
}

/// The first services of the cycles that a filter finds, sorted.
fn found(server: &Server, query: &str) -> Vec<String> {
    let first = |alert: &Value| alert["cycle_path"][0].as_str().unwrap().to_owned();
    let mut names: Vec<_> = listed(server, ALERTS, query, 2).iter().map(first).collect();
    names.sort();
    names
}

#[test]
fn none_without_cycles() {
    let server = Server::start();
    server.ingest(&upsert("manual").edges([("a", "b"), ("b", "c"), ("a", "c")]));
    assert_eq!(server.get_json(ALERTS), json!({"items": [], "next_cursor": null}));
}

#[test]
fn an_alert_as_it_opens() {
    let server = Server::start();
    let id = opened(&server, &ring(upsert("manual"), &["b", "c", "a"]));
    let page = server.get(ALERTS);
    assert_eq!(page.version(), 1);
    let alert = alert(&server, &id);
    assert_eq!(page.json(), json!({"items": [alert], "next_cursor": null}), "listed as found");
    let expected = json!({"id": id, "cycle_path": ["a", "b", "c", "a"], "status": "open", "acknowledged_by": null,
        "resolution_notes": null, "is_active": true, "is_strong": true});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(alert.get(name), Some(value), "{name} in {alert}");
    }
    let mut members: Vec<_> =
        alert["members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    members.sort_unstable();
    assert_eq!(members, ["a", "b", "c"]);
    let at = alert["detected_at"].as_str().unwrap();
    assert!(at.ends_with('Z') && at.parse::<jiff::Timestamp>().is_ok(), "{at}");
}

#[test]
fn every_alert_of_an_answer_can_be_found() {
    let server = Server::start();
    let payload = ring(ring(upsert("manual"), &["a", "b"]), &["p", "q", "r"]);
    let report = server.ingest(&payload.edge("b", "p"));
    let cycles = report["circular_dependencies_detected"].as_array().unwrap();
    assert_eq!(cycles.len(), 2);
    for cycle in cycles {
        let alert = alert(&server, cycle["alert_id"].as_str().unwrap());
        assert_eq!(alert["id"], cycle["alert_id"]);
        assert_eq!(alert["cycle_path"], cycle["cycle_path"]);
    }
}

/// Alerts of every kind, called by their first services.
fn of_every_kind() -> Server {
    let server = Server::start();
    let manual = || upsert("manual");
    opened(&server, &ring(manual(), &["open", "x1"]));
    let id = opened(&server, &ring(manual(), &["acknowledged", "x2"]));
    moved(&server, &id, "acknowledge");
    let id = opened(&server, &ring(manual(), &["resolved", "x3"]));
    moved(&server, &id, "resolve");
    let weak = manual().edge("weak", "x4").edge_with("x4", "weak", attributes("async", "hard"));
    opened(&server, &weak);
    opened(&server, &ring(manual(), &["gone", "x5"]));
    server.deleted(&dependency_path("x5", "gone"));
    server
}

#[test]
fn filters() {
    let server = of_every_kind();
    let cases: [(&str, &[&str]); 14] = [
        ("", &["acknowledged", "gone", "open", "resolved", "weak"]),
        ("status=open", &["gone", "open", "weak"]),
        ("status=acknowledged", &["acknowledged"]),
        ("status=resolved", &["resolved"]),
        ("active=true", &["acknowledged", "open", "resolved", "weak"]),
        ("active=false", &["gone"]),
        ("active=true&strong=true", &["acknowledged", "open", "resolved"]),
        ("active=true&strong=false", &["weak"]),
        ("status=open&active=true", &["open", "weak"]),
        ("status=open&active=true&strong=false", &["weak"]),
        ("status=acknowledged&active=false", &[]),
        ("status=resolved&strong=false", &[]),
        ("status=&active=&strong=&cursor=", &["acknowledged", "gone", "open", "resolved", "weak"]),
        ("unknown=1&status=resolved", &["resolved"]),
    ];
    for (query, expected) in cases {
        assert_eq!(found(&server, query), expected, "{query}");
    }
}

#[test]
fn queries_that_must_be_refused() {
    let server = of_every_kind();
    let cases: [(&str, &[&str]); 5] = [
        ("status", &["closed", "Open", "open,resolved", "1"]),
        ("active", &["yes", "1", "TRUE"]),
        ("strong", &["no", "0", "True"]),
        ("limit", &["0", "-1", "x", "1.5", "99999999999999999999"]),
        ("cursor", &["garbage", "AAAA", "0", "..", "%F0%9F%9A%80"]),
    ];
    for (name, values) in cases {
        for value in values {
            let query = format!("{name}={value}");
            server.get(&format!("{ALERTS}?{query}")).assert_problem(&[422], name, &query);
        }
    }
    server.get(&format!("{ALERTS}?status=%ff")).assert_problem(&[400], "", "not UTF-8");
    let listing = server.get_json("/api/v1/services?limit=1");
    let cursor = encoded(listing["next_cursor"].as_str().unwrap());
    let reply = server.get(&format!("{ALERTS}?cursor={cursor}"));
    reply.assert_problem(&[422], "cursor", "a cursor of another listing");
}

#[test]
fn pages_join_to_the_whole() {
    let mut server = Server::start();
    let rings: Vec<[String; 2]> = (0..25).map(|n| [format!("a{n:02}"), format!("b{n:02}")]).collect();
    for [a, b] in &rings {
        opened(&server, &ring(upsert("manual"), &[a, b]));
    }
    let whole = listed(&server, ALERTS, "", 100);
    let mut names: Vec<_> =
        whole.iter().map(|alert| alert["cycle_path"][0].as_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, rings.iter().map(|[a, _]| a.clone()).collect::<Vec<_>>(), "each once");
    for limit in [1, 7, 24, 25] {
        assert_eq!(listed(&server, ALERTS, "", limit), whole, "pages of {limit}");
        assert_eq!(listed(&server, ALERTS, "status=open&active=true", limit), whole, "filtered, of {limit}");
    }
    let first = server.get_json(&format!("{ALERTS}?limit=10"));
    let cursor = format!("cursor={}", encoded(first["next_cursor"].as_str().unwrap()));
    let rest = listed_from(&server, &cursor);
    server.crash_and_restart();
    assert_eq!(listed_from(&server, &cursor), rest, "a cursor survives a restart");
    assert_eq!([first["items"].as_array().unwrap().as_slice(), &rest].concat(), whole);
}

fn listed_from(server: &Server, cursor: &str) -> Vec<Value> {
    server.get_json(&format!("{ALERTS}?limit=50&{cursor}"))["items"].as_array().unwrap().clone()
}

#[test]
fn unknown_alerts() {
    let server = Server::start();
    let known = opened(&server, &ring(upsert("manual"), &["a", "b"]));
    let upper = known.to_uppercase().replace('-', "");
    for id in ["00000000-0000-0000-0000-000000000000", "x", "a", "1", "..", &known[1..], &upper[1..]] {
        server.get(&format!("{ALERTS}/{id}")).assert_problem(&[404], "", id);
        for action in ["acknowledge", "resolve"] {
            server.send("POST", &path(id, action), &note(action)).assert_problem(&[404], "", id);
        }
    }
    assert_eq!(alert(&server, &known)["status"], "open");
    assert_eq!(server.version(), 1);
}

#[test]
fn methods() {
    let server = Server::start();
    let id = opened(&server, &ring(upsert("manual"), &["a", "b"]));
    for (method, target) in [
        ("POST", ALERTS.to_owned()),
        ("DELETE", format!("{ALERTS}/{id}")),
        ("PUT", format!("{ALERTS}/{id}")),
        ("GET", path(&id, "acknowledge")),
        ("PUT", path(&id, "resolve")),
    ] {
        let reply = server.request(method, &target, &[], &[]);
        reply.assert_problem(&[405], "", &format!("{method} {target}"));
        assert!(reply.header("allow").is_some(), "{method} {target}");
    }
    let text = [("Content-Type", "text/plain")];
    let reply = server.request("POST", &path(&id, "resolve"), &text, b"{}");
    reply.assert_problem(&[415], "", "text");
    server.get(&path(&id, "reopen")).assert_problem(&[404], "", "no such path");
}

#[test]
fn transitions() {
    let cases: [(&[&str], &str, u16); 7] = [
        (&[], "acknowledge", 200),
        (&[], "resolve", 200),
        (&["acknowledge"], "resolve", 200),
        (&["acknowledge"], "acknowledge", 409),
        (&["resolve"], "acknowledge", 409),
        (&["resolve"], "resolve", 409),
        (&["acknowledge", "resolve"], "resolve", 409),
    ];
    let mut server = Server::start();
    let mut last = BTreeMap::new();
    for (number, (before, action, status)) in cases.into_iter().enumerate() {
        let members = [format!("a{number}"), format!("b{number}")];
        let id = opened(&server, &ring(upsert("manual"), &members.each_ref().map(String::as_str)));
        for action in before {
            moved(&server, &id, action);
        }
        let (known, version) = (alert(&server, &id), server.version());
        let reply = server.send("POST", &path(&id, action), &note(action));
        assert_eq!(reply.status, status, "{before:?} {action}: {}", reply.text());
        let now = alert(&server, &id);
        if status == 200 {
            assert_eq!(reply.json(), now, "{before:?} {action}: the answer is the alert");
            let (state, name) = match action {
                "acknowledge" => ("acknowledged", "acknowledged_by"),
                _ => ("resolved", "resolution_notes"),
            };
            assert_eq!(now["status"], state);
            assert_eq!(now[name], note(action)[name]);
            assert_eq!(now["is_active"], true, "the cycle is still there");
            assert_eq!(server.version(), version + 1, "{before:?} {action}");
        } else {
            reply.assert_problem(&[409], "", action);
            assert_eq!(now, known, "{before:?} {action}");
            assert_eq!(server.version(), version, "{before:?} {action}");
        }
        if before == ["acknowledge"] {
            assert_eq!(now["acknowledged_by"], "someone", "kept");
        }
        last.insert(id, now);
    }
    server.crash_and_restart();
    for (id, known) in last {
        assert_eq!(alert(&server, &id), known, "after a crash");
    }
}

#[test]
fn bodies_that_are_just_right() {
    let server = Server::start();
    let texts = ["x".to_owned(), "x".repeat(1_024), "é".repeat(512), "a \"b\"\\ 🚀".to_owned()];
    for (number, text) in texts.iter().enumerate() {
        let members = [format!("a{number}"), format!("b{number}")];
        let id = opened(&server, &ring(upsert("manual"), &members.each_ref().map(String::as_str)));
        let body = json!({"acknowledged_by": text, "unknown": [1]});
        server.sent("POST", &path(&id, "acknowledge"), &body, 200);
        server.sent("POST", &path(&id, "resolve"), &json!({"resolution_notes": text}), 200);
        let now = alert(&server, &id);
        assert_eq!((&now["acknowledged_by"], &now["resolution_notes"]), (&json!(text), &json!(text)));
    }
}

#[test]
fn bodies_that_must_be_refused() {
    let server = Server::start();
    let id = opened(&server, &ring(upsert("manual"), &["a", "b"]));
    let resolved = opened(&server, &ring(upsert("manual"), &["c", "d"]));
    moved(&server, &resolved, "resolve");
    let version = server.version();
    let unknown = "00000000-0000-0000-0000-000000000000";
    let values = [
        json!(""),
        json!("x".repeat(1_025)),
        json!("é".repeat(513)),
        json!(null),
        json!(1),
        json!(["x"]),
        json!({}),
    ];
    for (action, field) in [("acknowledge", "acknowledged_by"), ("resolve", "resolution_notes")] {
        let mut bodies: Vec<(String, u16)> =
            values.iter().map(|value| (json!({field: value}).to_string(), 422)).collect();
        bodies.push(("{}".to_owned(), 422));
        bodies.push((json!({field.to_uppercase(): "x"}).to_string(), 422));
        bodies.push((String::new(), 400));
        bodies.push((format!(r#"{{"{field}":"x""#), 400));
        bodies.push((format!(r#"{{"{field}":"x","{field}":"x"}}"#), 400));
        for (body, status) in bodies {
            // Content comes before state, so a resolved or an unknown one makes no difference.
            for id in [&id, &resolved, unknown] {
                let reply = server.request("POST", &path(id, action), &[], body.as_bytes());
                reply.assert_problem(&[status], field, &format!("{action} {body:.60}"));
            }
        }
    }
    assert_eq!(alert(&server, &id)["status"], "open");
    assert_eq!(server.version(), version);
}

#[test]
fn strength() {
    let (strong, weak) =
        (attributes("sync", "hard"), [("async", "hard"), ("sync", "soft"), ("sync", "degraded")]);
    let mut server = Server::start();
    let triangle = ring(upsert("manual"), &["a", "b", "c"]);
    let id = opened(&server, &triangle);
    assert_eq!(alert(&server, &id)["is_strong"], true);
    for (mode, criticality) in weak {
        server.ingest(&upsert("manual").edge_with("b", "c", attributes(mode, criticality)));
        assert_eq!(alert(&server, &id)["is_strong"], false, "{mode} {criticality}");
        assert_eq!(alert(&server, &id)["is_active"], true, "{mode} {criticality}");
        server.ingest(&upsert("manual").edge_with("b", "c", strong.clone()));
        assert_eq!(alert(&server, &id)["is_strong"], true);
    }
    server.ingest(&upsert("manual").edge_with("c", "b", attributes("async", "soft")));
    assert_eq!(alert(&server, &id)["is_strong"], true, "a weak edge beside a strong ring");
    server.crash_and_restart();
    assert_eq!(alert(&server, &id)["is_strong"], true);
    server.ingest(&replace("manual"));
    assert_eq!(alert(&server, &id)["is_active"], false);
}
