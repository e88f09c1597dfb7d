//! Alerts while cycles come and go, grow, shrink, split and merge.

use serde_json::{Value, json};

use crate::support::{Payload, Server, dependency_path, listed, replace, service_path, upsert};

const ALERTS: &str = "/api/v1/circular-dependencies";

/// One way to make a cycle go.
type Removal = fn(&Server);

/// What is done to an alert.
type Act = fn(&Server, &str);

/// The edges of a small graph.
type Pairs = &'static [(&'static str, &'static str)];

fn edges(pairs: Pairs) -> Payload {
    upsert("manual").edges(pairs.iter().copied())
}

/// Ingests edges that close one cycle; the id of its alert.
fn opened(server: &Server, pairs: Pairs) -> String {
    let report = server.ingest(&edges(pairs));
    let cycles = report["circular_dependencies_detected"].as_array().unwrap();
    assert_eq!(cycles.len(), 1, "{report}");
    cycles[0]["alert_id"].as_str().unwrap().to_owned()
}

fn alert(server: &Server, id: &str) -> Value {
    server.get_json(&format!("{ALERTS}/{id}"))
}

fn alerts(server: &Server, query: &str) -> Vec<Value> {
    listed(server, ALERTS, query, 100)
}

fn moved(server: &Server, id: &str, action: &str, body: &Value) {
    server.sent("POST", &format!("{ALERTS}/{id}/{action}"), body, 200);
}

fn acknowledge(server: &Server, id: &str) {
    moved(server, id, "acknowledge", &json!({"acknowledged_by": "someone"}));
}

fn resolve(server: &Server, id: &str) {
    moved(server, id, "resolve", &json!({"resolution_notes": "done"}));
}

fn members(alert: &Value) -> Vec<String> {
    let mut members: Vec<String> = serde_json::from_value(alert["members"].clone()).unwrap();
    members.sort();
    members
}

/// The members and the id of each active alert, sorted by members.
fn active(server: &Server) -> Vec<(Vec<String>, String)> {
    let read = |alert: &Value| (members(alert), alert["id"].as_str().unwrap().to_owned());
    let mut active: Vec<_> = alerts(server, "active=true").iter().map(read).collect();
    active.sort();
    active
}

#[test]
fn gone_cycles_leave_their_alert() {
    let by_edge = |server: &Server| server.deleted(&dependency_path("b", "a"));
    let by_source = |server: &Server| {
        server.deleted(&format!("{}?source=manual", dependency_path("b", "a")));
    };
    let by_service = |server: &Server| server.deleted(&service_path("b"));
    let by_replacement = |server: &Server| drop(server.ingest(&replace("manual").edge("a", "b")));
    let ways: [(&str, Removal); 4] = [
        ("edge", by_edge),
        ("observation", by_source),
        ("service", by_service),
        ("replacement", by_replacement),
    ];
    for (way, remove) in ways {
        let mut server = Server::start();
        let id = opened(&server, &[("a", "b"), ("b", "a")]);
        acknowledge(&server, &id);
        let before = alert(&server, &id);
        remove(&server);
        for restarted in [false, true] {
            let after = alert(&server, &id);
            assert_eq!(after["is_active"], false, "{way}, restarted: {restarted}");
            for name in ["id", "status", "acknowledged_by", "detected_at"] {
                assert_eq!(after[name], before[name], "{way}: {name}");
            }
            assert_eq!(alerts(&server, ""), [after], "{way}: it stays in the listing");
            assert!(active(&server).is_empty(), "{way}");
            assert_eq!(server.get_json("/api/v1/graph/stats")["cycles"], 0, "{way}");
            server.crash_and_restart();
        }
    }
}

#[test]
fn an_edge_that_another_source_sees_keeps_the_cycle() {
    let server = Server::start();
    let id = opened(&server, &[("a", "b"), ("b", "a")]);
    server.ingest(&upsert("kubernetes").edge("b", "a"));
    server.deleted(&format!("{}?source=manual", dependency_path("b", "a")));
    assert_eq!(alert(&server, &id)["is_active"], true);
    server.ingest(&replace("kubernetes"));
    assert_eq!(alert(&server, &id)["is_active"], false);
}

#[test]
fn what_comes_back() {
    let leave = |_: &Server, _: &str| {};
    let both = |server: &Server, id: &str| {
        acknowledge(server, id);
        resolve(server, id);
    };
    let cases: [(&str, Act, &str); 4] = [
        ("open", leave, "open"),
        ("acknowledged", acknowledge, "acknowledged"),
        ("resolved", resolve, "open"),
        ("acknowledged and resolved", both, "open"),
    ];
    for (name, act, status) in cases {
        let mut server = Server::start();
        let id = opened(&server, &[("a", "b"), ("b", "c"), ("c", "a")]);
        act(&server, &id);
        server.deleted(&dependency_path("b", "c"));
        assert_eq!(alert(&server, &id)["is_active"], false, "{name}");
        server.crash_and_restart();
        assert_eq!(opened(&server, &[("b", "c")]), id, "{name}: the same alert");
        let back = alert(&server, &id);
        assert_eq!((&back["status"], &back["is_active"]), (&json!(status), &json!(true)), "{name}");
        assert_eq!(back["cycle_path"], json!(["a", "b", "c", "a"]), "{name}");
        assert_eq!(alerts(&server, "").len(), 1, "{name}");
    }
}

#[test]
fn resolved_while_gone_opens_when_back() {
    let server = Server::start();
    let id = opened(&server, &[("a", "b"), ("b", "a")]);
    server.deleted(&dependency_path("b", "a"));
    resolve(&server, &id);
    assert_eq!(alert(&server, &id)["status"], "resolved");
    assert_eq!(opened(&server, &[("b", "a")]), id);
    assert_eq!(alert(&server, &id)["status"], "open");
    resolve(&server, &id);
}

#[test]
fn resolved_stays_resolved_while_its_cycle_stays() {
    let server = Server::start();
    let id = opened(&server, &[("a", "b"), ("b", "a")]);
    resolve(&server, &id);
    server.ingest(&edges(&[("a", "b"), ("b", "a"), ("b", "x"), ("y", "a")]));
    let after = alert(&server, &id);
    assert_eq!((&after["status"], &after["is_active"]), (&json!("resolved"), &json!(true)));
}

#[test]
fn growth() {
    let server = Server::start();
    let id = opened(&server, &[("b", "c"), ("c", "b")]);
    acknowledge(&server, &id);
    let before = alert(&server, &id);
    assert_eq!(opened(&server, &[("c", "a"), ("a", "b")]), id);
    let after = alert(&server, &id);
    assert_eq!(members(&after), ["a", "b", "c"]);
    assert_eq!(after["cycle_path"], json!(["a", "b", "c", "a"]));
    for name in ["status", "acknowledged_by", "detected_at", "resolution_notes"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_eq!(alerts(&server, "").len(), 1);
}

#[test]
fn shrinking() {
    let server = Server::start();
    let id = opened(&server, &[("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("c", "b")]);
    acknowledge(&server, &id);
    server.deleted(&dependency_path("d", "a"));
    let after = alert(&server, &id);
    assert_eq!(members(&after), ["b", "c"]);
    assert_eq!(after["cycle_path"], json!(["b", "c", "b"]));
    assert_eq!((&after["status"], &after["is_active"]), (&json!("acknowledged"), &json!(true)));
    assert_eq!(alerts(&server, "").len(), 1);
}

/// Two rings that hang together by two edges, of which one goes: three members here, two there.
const DUMBBELL: Pairs = &[("a", "b"), ("b", "a"), ("x", "y"), ("y", "z"), ("z", "x"), ("b", "x"), ("z", "a")];

#[test]
fn a_split() {
    let mut server = Server::start();
    let id = opened(&server, DUMBBELL);
    acknowledge(&server, &id);
    server.deleted(&dependency_path("z", "a"));
    let found = active(&server);
    assert_eq!(found.len(), 2, "{found:?}");
    let (small, large) = (&found[0], &found[1]);
    assert_eq!(
        (&small.0, &large.0),
        (&vec!["a".into(), "b".into()], &vec!["x".into(), "y".into(), "z".into()])
    );
    assert_eq!(large.1, id, "the larger share keeps the alert");
    assert_ne!(small.1, id);
    assert_eq!(alert(&server, &large.1)["status"], "acknowledged");
    let new = alert(&server, &small.1);
    assert_eq!((&new["status"], &new["acknowledged_by"]), (&json!("open"), &Value::Null));
    server.crash_and_restart();
    assert_eq!(active(&server), found);
    let merged = opened(&server, &[("z", "a")]);
    assert!([&small.1, &large.1].contains(&&merged), "one of the two, when they merge again");
    assert_eq!(active(&server).len(), 1);
}

#[test]
fn a_merge() {
    let server = Server::start();
    let small = opened(&server, &[("a", "b"), ("b", "a")]);
    let large = opened(&server, &[("x", "y"), ("y", "z"), ("z", "x")]);
    let merged = opened(&server, &[("b", "x"), ("z", "a")]);
    assert!([&small, &large].contains(&&merged), "one of its predecessors");
    let all: Vec<String> = ["a", "b", "x", "y", "z"].map(String::from).into();
    assert_eq!(active(&server), [(all, merged.clone())], "one component, one alert");
    let other = if merged == small { large } else { small };
    assert_eq!(alert(&server, &other)["is_active"], false, "it stays, without a cycle of its own");
}

#[test]
fn moving_on_in_one_request() {
    let cases: [(&str, Pairs, Pairs); 3] = [
        (
            "one leaves, one comes",
            &[("a", "b"), ("b", "c"), ("c", "a")],
            &[("b", "c"), ("c", "d"), ("d", "b")],
        ),
        ("one member stays", &[("a", "b"), ("b", "c"), ("c", "a")], &[("c", "d"), ("d", "c")]),
        ("turned round", &[("a", "b"), ("b", "c"), ("c", "a")], &[("b", "a"), ("c", "b"), ("a", "c")]),
    ];
    for (name, before, after) in cases {
        let server = Server::start();
        let id = opened(&server, before);
        acknowledge(&server, &id);
        server.ingest(&replace("manual").edges(after.iter().copied()));
        let now = alert(&server, &id);
        assert_eq!(active(&server), [(members(&now), id)], "{name}: it follows");
        assert_eq!(now["status"], "acknowledged", "{name}");
        assert!(after.iter().all(|(from, _)| members(&now).iter().any(|id| id == from)), "{name}: {now}");
    }
}

#[test]
fn nothing_in_common_is_another_cycle() {
    let server = Server::start();
    let id = opened(&server, &[("a", "b"), ("b", "a")]);
    acknowledge(&server, &id);
    let report = server.ingest(&replace("manual").edges([("c", "d"), ("d", "c")]));
    let new = report["circular_dependencies_detected"][0]["alert_id"].as_str().unwrap();
    assert_ne!(new, id);
    assert_eq!(alert(&server, new)["status"], "open");
    assert_eq!(alert(&server, &id)["is_active"], false);
}

#[test]
fn everything_survives_any_restart() {
    let mut server = Server::start();
    let id = opened(&server, DUMBBELL);
    acknowledge(&server, &id);
    server.deleted(&dependency_path("z", "a"));
    let other = opened(&server, &[("p", "q"), ("q", "p")]);
    resolve(&server, &other);
    server.deleted(&dependency_path("q", "p"));
    let before = alerts(&server, "");
    assert_eq!(before.len(), 3);
    for kill in [true, false, true] {
        if kill {
            server.kill();
        } else {
            server.stop();
        }
        server.start_again();
        assert_eq!(alerts(&server, ""), before, "killed: {kill}");
    }
}
