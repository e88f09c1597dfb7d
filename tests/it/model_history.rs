//! What was done: the audit log, requests that are sent again, and alerts that outlive their cycles.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Reply, Server, attributes, upsert};

const JSON: (&str, &str) = ("content-type", "application/json");

fn keyed(server: &Server, key: &str, body: &Value) -> Reply {
    let headers = [JSON, ("idempotency-key", key)];
    server.request("POST", "/api/v1/services/dependencies", &headers, body.to_string().as_bytes())
}

#[test]
fn a_request_that_is_sent_again_gets_the_first_answer() {
    let mut server = Server::start();
    let report = upsert("kubernetes").edges([("a", "b"), ("b", "a")]).json().clone();
    let first = keyed(&server, "key-1", &report);
    assert_eq!(first.status, 202);
    let same = |server: &Server| {
        let again = keyed(server, "key-1", &report);
        assert_eq!((again.status, &again.body, again.version()), (202, &first.body, 1), "{}", again.text());
    };
    same(&server);
    let other = keyed(&server, "key-1", upsert("kubernetes").edge("a", "c").json());
    assert_eq!((other.status, other.json()["outcome"].as_str()), (409, Some("not_applied")));
    server.ingest(&upsert("manual").edge("x", "y"));
    same(&server);
    server.crash_and_restart();
    same(&server);
    server.stop();
    server.start_again();
    same(&server);
    assert_eq!(server.version(), 2, "it was done once");
    assert_eq!(keyed(&server, "key-2", &report).json()["version"], 3, "another key, another request");
}

#[test]
fn a_key_is_checked_and_a_refused_request_does_not_use_it_up() {
    let server = Server::start();
    let bad = json!({"source": "kubernetes", "timestamp": "2026-02-14T10:00:00Z", "edges": [{}]});
    assert_eq!(keyed(&server, "k", &bad).status, 422);
    let good = upsert("kubernetes").edge("a", "b").json().clone();
    assert_eq!(keyed(&server, "k", &good).status, 202);
    assert_eq!(keyed(&server, "k", &bad).status, 422, "content is judged before the key");
    for key in ["", "two words", &"x".repeat(256), "é"] {
        let reply = keyed(&server, key, &good);
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some("Idempotency-Key")), "{key:?}");
    }
    assert_eq!(keyed(&server, &"x".repeat(255), &good).status, 202);
    // A report of nothing changes nothing, and is remembered all the same.
    let nothing = upsert("kubernetes").json().clone();
    let first = keyed(&server, "nothing", &nothing);
    assert_eq!((first.status, &keyed(&server, "nothing", &nothing).body), (202, &first.body));
}

#[test]
fn at_once_is_done_once() {
    let server = Server::start();
    let report = upsert("kubernetes").edge("a", "b").json().clone();
    let headers = [JSON, ("idempotency-key", "same")];
    // All are sent before any answer is read.
    let mut connections: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for connection in &mut connections {
        connection
            .send("POST", "/api/v1/services/dependencies", &headers, report.to_string().as_bytes())
            .unwrap();
    }
    let replies = connections.iter_mut().map(|connection| connection.reply("POST").unwrap());
    let bodies: BTreeSet<Vec<u8>> = replies.map(|reply| reply.body).collect();
    assert_eq!((bodies.len(), server.version()), (1, 1));
}

#[test]
fn every_change_is_in_the_audit_log_and_nothing_else() {
    let mut server = Server::start();
    let report = server.ingest(&upsert("manual").node("a", json!({})).edges([("a", "b"), ("b", "a")]));
    let alert = report["circular_dependencies_detected"][0]["alert_id"].as_str().unwrap().to_owned();
    let send = |method: &str, target: &str, body: &str| {
        let reply = server.request(method, target, &[JSON], body.as_bytes());
        assert!((200..300).contains(&reply.status), "{method} {target}: {}", reply.text());
    };
    send("PUT", "/api/v1/services/c", r#"{"metadata":{}}"#);
    send("PUT", "/api/v1/services/c/slo", r#"{"availability_target":99}"#);
    send(
        "POST",
        &format!("/api/v1/circular-dependencies/{alert}/acknowledge"),
        r#"{"acknowledged_by":"me"}"#,
    );
    send("POST", &format!("/api/v1/circular-dependencies/{alert}/resolve"), r#"{"resolution_notes":"ok"}"#);
    send("POST", "/api/v1/admin/staleness/run", "");
    send("DELETE", "/api/v1/services/a/dependencies/b?source=manual", "");
    send("DELETE", "/api/v1/services/c", "");
    server.ingest(&upsert("kubernetes").replacing());
    // Reads, refusals and reports of nothing leave no trace.
    server.get("/api/v1/services");
    server.request("DELETE", "/api/v1/services/nobody", &[], &[]);
    server.ingest(&upsert("manual"));
    let whole = server.get_json("/api/v1/admin/audit?limit=100");
    assert!(whole["next_cursor"].is_null());
    let items = whole["items"].as_array().unwrap();
    let mut actions: Vec<_> = items.iter().map(|item| item["action"].as_str().unwrap()).collect();
    actions.reverse();
    let expected = [
        "ingested",
        "service_registered",
        "slo_target_set",
        "alert_acknowledged",
        "alert_resolved",
        "staleness_swept",
        "dependency_withdrawn",
        "service_removed",
        "replaced",
    ];
    assert_eq!(actions, expected);
    for (place, item) in items.iter().rev().enumerate() {
        assert_eq!((&item["from_version"], &item["to_version"]), (&json!(place), &json!(place + 1)));
        assert_eq!(item["actor"], "127.0.0.1");
        assert!(item["at"].as_str().is_some_and(|at| at.ends_with('Z')));
    }
    assert_eq!(
        (&items[8]["nodes"], &items[8]["edges"], &items[8]["source"]),
        (&json!(1), &json!(2), &json!("manual"))
    );
    assert_eq!((&items[2]["service_id"], &items[2]["target"]), (&json!("a"), &json!("b")));
    assert_eq!((&items[1]["service_id"], &items[5]["alert_id"]), (&json!("c"), &json!(alert)));
    server.crash_and_restart();
    assert_eq!(server.get_json("/api/v1/admin/audit?limit=100"), whole);
    server.stop();
    server.start_again();
    assert_eq!(server.get_json("/api/v1/admin/audit?limit=100"), whole, "from the snapshot");
    let mut paged = Vec::new();
    let mut target = "/api/v1/admin/audit?limit=4".to_owned();
    loop {
        let page = server.get_json(&target);
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        target = format!("/api/v1/admin/audit?limit=4&cursor={cursor}");
    }
    assert_eq!(&paged, items);
    for query in ["limit=0", "limit=101", "cursor=forged"] {
        assert_eq!(server.get(&format!("/api/v1/admin/audit?{query}")).status, 422, "{query}");
    }
}

/// Alerts by their members: id, status, whether they are active and strong.
fn alerts(server: &Server, query: &str) -> Vec<(String, String, String, bool, bool)> {
    let items = server.get_json(&format!("/api/v1/circular-dependencies{query}"))["items"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let alert = |item: &Value| {
        let members: Vec<String> = item["members"].as_array().unwrap().iter().map(text).collect();
        let flag = |name: &str| item[name].as_bool().unwrap();
        (members.concat(), text(&item["id"]), text(&item["status"]), flag("is_active"), flag("is_strong"))
    };
    let mut alerts: Vec<_> = items.as_array().unwrap().iter().map(alert).collect();
    alerts.sort();
    alerts
}

#[test]
fn an_alert_follows_its_component_and_outlives_it() {
    let mut server = Server::start();
    let act = |server: &Server, id: &str, what: &str, body: &str| {
        let target = format!("/api/v1/circular-dependencies/{id}/{what}");
        server.request("POST", &target, &[JSON], body.as_bytes()).status
    };
    let (ack, resolve) = (r#"{"acknowledged_by":"me"}"#, r#"{"resolution_notes":"done"}"#);
    server.ingest(&upsert("manual").edges([("a", "b"), ("b", "c"), ("c", "a")]));
    let id = alerts(&server, "")[0].1.clone();
    assert_eq!(act(&server, &id, "acknowledge", ack), 200);
    assert_eq!(act(&server, &id, "acknowledge", ack), 409);
    // It grows, and shrinks: the alert stays, acknowledgement and all.
    server.ingest(&upsert("manual").edges([("c", "d"), ("d", "a")]));
    let grown = alerts(&server, "?status=acknowledged");
    assert_eq!((grown.len(), grown[0].0.as_str(), &grown[0].1), (1, "abcd", &id));
    server.request("DELETE", "/api/v1/services/d", &[], &[]);
    assert_eq!(alerts(&server, "")[0].0, "abc");
    // It goes, its members are kept; it comes back acknowledged, and open once it was resolved.
    let cut =
        |server: &Server| server.request("DELETE", "/api/v1/services/a/dependencies/b", &[], &[]).status;
    assert_eq!(cut(&server), 204);
    assert_eq!(
        alerts(&server, "?active=false"),
        [("abc".to_owned(), id.clone(), "acknowledged".to_owned(), false, false)]
    );
    server.ingest(&upsert("manual").edge("a", "b"));
    assert_eq!(
        alerts(&server, "?active=true"),
        [("abc".to_owned(), id.clone(), "acknowledged".to_owned(), true, true)]
    );
    assert_eq!(act(&server, &id, "resolve", resolve), 200);
    assert_eq!((act(&server, &id, "resolve", resolve), act(&server, &id, "acknowledge", ack)), (409, 409));
    cut(&server);
    server.crash_and_restart();
    server.ingest(&upsert("manual").edge("a", "b"));
    let back = server.get_json(&format!("/api/v1/circular-dependencies/{id}"));
    assert_eq!((&back["status"], &back["is_active"]), (&json!("open"), &json!(true)));
    assert!(back["acknowledged_by"].is_null() && back["resolution_notes"].is_null(), "{back}");
    assert_eq!(back["cycle_path"], json!(["a", "b", "c", "a"]));
}

#[test]
fn the_larger_part_keeps_the_alert_and_the_other_gets_a_new_one() {
    let server = Server::start();
    let ring = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "x"), ("x", "y"), ("y", "x"), ("y", "a")];
    server.ingest(&upsert("manual").edges(ring));
    let id = alerts(&server, "")[0].1.clone();
    server.request("DELETE", "/api/v1/services/y/dependencies/a", &[], &[]);
    let split = alerts(&server, "");
    assert_eq!(split.iter().map(|alert| alert.0.as_str()).collect::<Vec<_>>(), ["abc", "xy"]);
    assert!(split[0].1 == id && split[1].1 != id);
    // A loop of soft dependencies is weak, and a strong one inside makes it strong.
    let soft = upsert("manual").edge_with("m", "n", attributes("sync", "soft"));
    server.ingest(&soft.edge_with("n", "m", attributes("async", "hard")));
    let weak = alerts(&server, "?strong=false");
    assert_eq!(weak.iter().map(|alert| alert.0.as_str()).collect::<Vec<_>>(), ["mn"]);
    assert_eq!(alerts(&server, "?strong=true&active=true").len(), 2);
    let page = server.get_json("/api/v1/circular-dependencies?limit=2");
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = server.get_json(&format!("/api/v1/circular-dependencies?limit=2&cursor={cursor}"));
    assert_eq!((page["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (2, 1));
    assert!(rest["next_cursor"].is_null());
}

#[test]
fn bad_questions_about_alerts_are_refused() {
    let server = Server::start();
    for (query, field) in [
        ("status=closed", "status"),
        ("active=yes", "active"),
        ("strong=1", "strong"),
        ("cursor=x", "cursor"),
    ] {
        let reply = server.get(&format!("/api/v1/circular-dependencies?{query}"));
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some(field)), "{query}");
    }
    let unknown = "/api/v1/circular-dependencies/3901a22c-220f-5858-beed-88230c7d5c68";
    for target in [unknown, "/api/v1/circular-dependencies/7", "/api/v1/circular-dependencies/a%2Fb"] {
        assert_eq!(server.get(target).status, 404, "{target}");
    }
    let long = format!(r#"{{"acknowledged_by":"{}"}}"#, "x".repeat(1025));
    for body in ["{}", r#"{"acknowledged_by":""}"#, r#"{"acknowledged_by":7}"#, &long] {
        let reply = server.request("POST", &format!("{unknown}/acknowledge"), &[JSON], body.as_bytes());
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some("acknowledged_by")));
    }
    let body = br#"{"acknowledged_by":"me"}"#;
    assert_eq!(server.request("POST", &format!("{unknown}/acknowledge"), &[JSON], body).status, 404);
    assert_eq!(server.request("POST", &format!("{unknown}/resolve"), &[JSON], b"[").status, 400);
}
