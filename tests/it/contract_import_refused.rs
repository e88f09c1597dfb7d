//! Streams to import that must be refused: at once, or at the line that is wrong.

use serde_json::{Value, json};

use crate::support::{Import, Imported, Page, Server, all_pairs, import, pairs, upsert};

const HEADER: &str = r#"{"source":"manual","timestamp":"2026-02-14T10:00:00Z"}"#;

/// A line that is as it should be.
fn edge(source: &str, target: &str) -> String {
    let attributes = json!({"communication_mode": "sync"});
    json!({"edge": {"source": source, "target": target, "attributes": attributes}}).to_string()
}

fn node(id: &str) -> String {
    json!({"node": {"service_id": id}}).to_string()
}

fn text(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// A line that is wrong, with the status and, for a 422, the end of the field that must be named.
type Wrong = (&'static str, u16, &'static str);

const WRONG_LINES: [Wrong; 24] = [
    ("{", 400, ""),
    ("hello", 400, ""),
    (r#"{"node":{"service_id":"x"}"#, 400, ""),
    (r#"{"node":{"service_id":"x"}}}"#, 400, ""),
    (r#"{"node":{"service_id":"x"}}{"node":{"service_id":"y"}}"#, 400, ""),
    (r#"{"node":{"service_id":"x","service_id":"y"}}"#, 400, ""),
    (r#"{"node":{"service_id":"x"},"node":{"service_id":"y"}}"#, 400, ""),
    (r#"{"node":{"service_id":"x","metadata":{"a":{"b":1,"b":1}}}}"#, 400, ""),
    ("{\"node\":{\"service_id\":\"x\u{0}\"}}", 400, ""),
    ("{}", 422, ""),
    (r#"{"other":{"service_id":"x"}}"#, 422, ""),
    (r#"{"node":{}}"#, 422, "service_id"),
    (r#"{"node":{"service_id":1}}"#, 422, "service_id"),
    (r#"{"node":{"service_id":" x"}}"#, 422, "service_id"),
    (r#"{"node":"x"}"#, 422, "node"),
    (r#"{"node":{"service_id":"x","metadata":[]}}"#, 422, "metadata"),
    (r#"{"node":{"service_id":"x","metadata":{"criticality":"urgent"}}}"#, 422, "metadata.criticality"),
    (r#"{"edge":{"source":"x","target":"y"}}"#, 422, "attributes*"),
    (r#"{"edge":{"source":"x","target":"y","attributes":{}}}"#, 422, "communication_mode"),
    (
        r#"{"edge":{"source":"x","target":"y","attributes":{"communication_mode":"Sync"}}}"#,
        422,
        "communication_mode",
    ),
    (
        r#"{"edge":{"source":"x","target":"y","attributes":{"communication_mode":"sync","timeout_ms":0}}}"#,
        422,
        "timeout_ms",
    ),
    (r#"{"edge":{"source":"x","target":"x","attributes":{"communication_mode":"sync"}}}"#, 422, "target"),
    (r#"{"edge":{"source":"x","attributes":{"communication_mode":"sync"}}}"#, 422, "target"),
    (r#"{"edge":{"target":"y","attributes":{"communication_mode":"sync"}}}"#, 422, "source"),
];

/// Fails unless the problem has this status and field, and the number of the line when it is told.
fn assert_problem(problem: &Value, line: u64, wrong: Wrong) {
    let (what, status, field) = wrong;
    assert_eq!(problem["status"], status, "{what}: {problem}");
    assert_eq!(problem["line"], line, "{what}: {problem}");
    for name in ["type", "title", "detail", "correlation_id"] {
        assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "{what}: {name} in {problem}");
    }
    if status == 422 {
        let named = problem["field"].as_str().unwrap_or_else(|| panic!("{what}: no field in {problem}"));
        let found = match field.strip_suffix('*') {
            Some(part) => named.contains(part),
            None => named.ends_with(field),
        };
        assert!(found, "{what}: field {named}, not {field}");
    }
}

/// The edges that an error says were applied must be exactly those that are there.
fn assert_applied(server: &Server, imported: &Imported, before: u64, what: &str) {
    let last = imported.failed();
    let edges = last["applied"]["edges"].as_u64().unwrap_or_else(|| panic!("{what}: {last}"));
    let there = server.get_json("/api/v1/graph/stats")["dependencies"].as_u64().unwrap();
    assert_eq!(there, before + edges, "{what}: {last}");
}

#[test]
fn wrong_lines() {
    let server = Server::start();
    let mut there = 0;
    for (number, wrong) in WRONG_LINES.into_iter().enumerate() {
        // The wrong line is the fourth, and something good stands behind it.
        let good = |name: &str| edge(&format!("source-{number}"), name);
        let stream = text(&[HEADER, &good("one"), &node("registered"), wrong.0, &good("behind")]);
        let imported = import(&server, &stream);
        assert_problem(&imported.failed()["error"], 4, wrong);
        assert_applied(&server, &imported, there, wrong.0);
        there = server.get_json("/api/v1/graph/stats")["dependencies"].as_u64().unwrap();
        let behind = (format!("source-{number}"), "behind".to_owned());
        assert!(!all_pairs(&server).contains(&behind), "{}: nothing behind it is applied", wrong.0);
    }
    assert!(Page::all(&server, "q=x").is_empty(), "nothing of a wrong line");
    import(&server, &text(&[HEADER, &edge("a", "b")])).done();
}

#[test]
fn bytes_that_are_no_text() {
    let server = Server::start();
    let mut import = Import::begin(&server);
    import.send(text(&[HEADER, &node("a")]).as_bytes()).unwrap();
    import.send(b"{\"node\":{\"service_id\":\"\xff\"}}\n").unwrap();
    assert_problem(&import.finish().failed()["error"], 3, ("no UTF-8", 400, ""));
}

#[test]
fn wrong_headers() {
    let cases: [Wrong; 12] = [
        ("{", 400, ""),
        ("hello", 400, ""),
        (r#"{"source":"manual","source":"manual","timestamp":"2026-02-14T10:00:00Z"}"#, 400, ""),
        ("{}", 422, ""),
        (r#"{"timestamp":"2026-02-14T10:00:00Z"}"#, 422, "source"),
        (r#"{"source":"nobody","timestamp":"2026-02-14T10:00:00Z"}"#, 422, "source"),
        (r#"{"source":"Manual","timestamp":"2026-02-14T10:00:00Z"}"#, 422, "source"),
        (r#"{"source":"manual"}"#, 422, "timestamp"),
        (r#"{"source":"manual","timestamp":"yesterday"}"#, 422, "timestamp"),
        (r#"{"source":"manual","timestamp":"2999-01-01T00:00:00Z"}"#, 422, "timestamp"),
        (r#"{"source":"manual","timestamp":"2026-02-14T10:00:00Z","mode":"merge"}"#, 422, "mode"),
        (r#"{"node":{"service_id":"a"}}"#, 422, ""),
    ];
    let server = Server::start();
    server.ingest(&upsert("manual").edge("kept", "one"));
    for wrong in cases {
        for rest in ["", "\n", &format!("\n{}\n", edge("a", "b"))] {
            let problem = import(&server, &format!("{}{rest}", wrong.0)).problem();
            assert_problem(&problem, 1, wrong);
        }
    }
    assert_eq!(all_pairs(&server), pairs([("kept", "one")]));
    assert_eq!(server.version(), 1);
}

#[test]
fn nothing_at_all() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("kept", "one"));
    let problem = Import::begin(&server).finish().problem();
    assert!([400, 422].contains(&problem["status"].as_u64().unwrap()), "{problem}");
    let headers = [("Content-Type", "application/x-ndjson")];
    let reply = server.request("POST", "/api/v1/graph/import", &headers, &[]);
    assert!([200, 400, 422].contains(&reply.status), "{}", reply.text());
    assert!(!reply.text().contains("done"), "{}", reply.text());
    assert_eq!(server.version(), 1);
}

#[test]
fn other_content_types() {
    let server = Server::start();
    let stream = text(&[HEADER, &edge("a", "b")]);
    for kind in [
        None,
        Some("application/json"),
        Some("text/plain"),
        Some("application/ndjson"),
        Some("application/x-ndjsonx"),
        Some("application/octet-stream"),
    ] {
        let headers: Vec<_> = kind.map(|kind| ("Content-Type", kind)).into_iter().collect();
        let reply = server.request("POST", "/api/v1/graph/import", &headers, stream.as_bytes());
        reply.assert_problem(&[415], "", kind.unwrap_or("none, which means JSON"));
        let imported = Import::begin_with(&server, &headers).finish();
        assert_eq!(imported.status(), 415, "{kind:?}, in chunks");
    }
    assert_eq!(server.version(), 0);
    for kind in ["application/x-ndjson; charset=utf-8", "Application/X-NDJSON"] {
        let reply =
            server.request("POST", "/api/v1/graph/import", &[("Content-Type", kind)], stream.as_bytes());
        assert_eq!(reply.status, 200, "{kind}: {}", reply.text());
    }
    let reply = server.get("/api/v1/graph/import");
    reply.assert_problem(&[405], "", "GET");
    assert_eq!(reply.header("allow"), Some("POST"));
}

#[test]
fn what_was_applied_before_the_error_stays() {
    const LINES: usize = 60_000;
    let mut server = Server::start();
    let mut stream = text(&[HEADER]);
    for number in 0..LINES {
        stream += &text(&[&edge("hub", &format!("service-{number:06}"))]);
    }
    stream += &text(&["{"]);
    stream += &text(&[&edge("hub", "behind")]);
    let imported = Import::begin(&server).finish_with(stream.into_bytes(), 60_000);
    assert_problem(&imported.failed()["error"], LINES as u64 + 2, ("{", 400, ""));
    assert_applied(&server, &imported, 0, "a long stream");
    let stats = server.get_json("/api/v1/graph/stats");
    assert!(stats["dependencies"].as_u64().unwrap() > 0, "batches before that of the error: {stats}");
    server.crash_and_restart();
    assert_eq!(server.get_json("/api/v1/graph/stats"), stats);
}

#[test]
fn a_replacement_that_fails_withdraws_nothing() {
    let mut server = Server::start();
    server.ingest(&upsert("manual").edges([("kept", "one"), ("kept", "two")]));
    let header = r#"{"source":"manual","timestamp":"2026-02-14T10:00:00Z","mode":"replace"}"#;
    let good = edge("new", "one");
    for stream in [
        text(&[header, "{"]),
        text(&[header, &good, "{"]),
        text(&[header, &good, &edge("x", "x")]),
        text(&[header, &good, &good[..20]]),
        format!("{}{}", text(&[header, &good]), &good[..good.len() - 1]),
    ] {
        import(&server, &stream).failed();
        assert!(pairs([("kept", "one"), ("kept", "two")]).is_subset(&all_pairs(&server)), "{stream}");
    }
    server.crash_and_restart();
    assert!(pairs([("kept", "one"), ("kept", "two")]).is_subset(&all_pairs(&server)), "after a crash");
    import(&server, &text(&[header, &good])).done();
    assert_eq!(all_pairs(&server), pairs([("new", "one")]));
}
