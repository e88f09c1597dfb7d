//! Requests that must be refused: one table in two parts, one check.
//!
//! - Every case states the status and, for a 422, the field that is named.
//! - After each the graph's version is what it was, and the next request is served.

mod bodies;
mod cursors;
mod queries;

use std::time::{Duration, Instant};

use crate::support::{Connection, Reply, Server, upsert};

/// A request and how it must fail.
struct Case {
    name: String,
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// More than one where the contract leaves two readings; the ambiguity is named in the case.
    statuses: Vec<u16>,
    /// The `field` of the problem; a trailing `*` stands for anything below it.
    field: Option<String>,
}

impl Case {
    /// A POST of this body that must fail.
    fn post(name: &str, body: impl Into<Vec<u8>>, status: u16, field: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            method: "POST",
            target: "/api/v1/services/dependencies".to_owned(),
            headers: Vec::new(),
            body: body.into(),
            statuses: vec![status],
            field: field.map(str::to_owned),
        }
    }

    /// A GET of this target that must fail.
    fn get(target: &str, status: u16, field: Option<&str>) -> Self {
        Self { method: "GET", target: target.to_owned(), ..Self::post(target, "", status, field) }
    }

    /// With a header.
    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Where another status is as good a reading of the contract.
    fn or(mut self, status: u16) -> Self {
        self.statuses.push(status);
        self
    }
}

/// Sends every case and compares.
fn check(cases: &[Case]) {
    let server = Server::start();
    server.ingest(&upsert("manual").edges([("a", "b"), ("b", "c")]));
    for case in cases {
        let headers: Vec<_> = case.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // A bomb must not keep us busy; the rest only must not hang, however loaded this machine is.
        let limit = Duration::from_secs(if case.name.starts_with("deep") { 1 } else { 30 });
        let begin = Instant::now();
        let reply = server.request(case.method, &case.target, &headers, &case.body);
        assert!(begin.elapsed() < limit, "{}: took {:?}", case.name, begin.elapsed());
        check_problem(case, &reply);
        assert_eq!(server.version(), 1, "{}: the graph changed", case.name);
    }
}

fn check_problem(case: &Case, reply: &Reply) {
    let what =
        format!("{} ({} {}): {}", case.name, case.method, case.target, String::from_utf8_lossy(&reply.body));
    assert!(case.statuses.contains(&reply.status), "{} instead of {:?}: {what}", reply.status, case.statuses);
    let media_type = reply.header("content-type").unwrap_or_default();
    assert!(media_type.starts_with("application/problem+json"), "{media_type:?}: {what}");
    let problem = reply.json();
    assert_eq!(problem["type"], "about:blank", "{what}");
    assert!(titles(reply.status).iter().any(|title| problem["title"] == *title), "{what}");
    assert_eq!(problem["status"], reply.status, "{what}");
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}");
    let path = case.target.split('?').next().unwrap();
    assert_eq!(problem["instance"], path, "{what}");
    assert_eq!(problem["correlation_id"], reply.header("x-correlation-id").unwrap(), "{what}");
    let value = problem["value"].as_str().unwrap_or_default();
    assert!(value.chars().count() <= 200, "value is cut: {what}");
    if let Some(expected) = case.field.as_deref().filter(|_| reply.status == 422) {
        let field = problem["field"].as_str().unwrap_or_else(|| panic!("no field: {what}"));
        let below = expected.strip_suffix('*').is_some_and(|prefix| field.starts_with(prefix));
        assert!(field == expected || below, "field {field}, not {expected}: {what}");
    }
    if let [status] = *case.statuses {
        assert_eq!(
            case.field.is_some(),
            status == 422,
            "{}: a 422, and only a 422, must name a field",
            case.name
        );
    }
}

/// The standard phrase of a status; one of them was renamed and is still known by both names.
fn titles(status: u16) -> &'static [&'static str] {
    match status {
        400 => &["Bad Request"],
        404 => &["Not Found"],
        405 => &["Method Not Allowed"],
        413 => &["Content Too Large", "Payload Too Large"],
        415 => &["Unsupported Media Type"],
        422 => &["Unprocessable Entity"],
        other => panic!("no case expects {other}"),
    }
}

#[test]
fn bodies() {
    let cases = bodies::cases();
    assert!(cases.len() >= 80, "{} cases", cases.len());
    check(&cases);
}

#[test]
fn queries_and_paths() {
    check(&queries::cases());
}

#[test]
fn order_of_checks() {
    let large = vec![b' '; 10 * 1024 * 1024 + 1];
    let wrong_type = |case: Case| case.header("Content-Type", "text/plain");
    check(&[
        wrong_type(Case {
            target: "/api/v1/nowhere".to_owned(),
            ..Case::post("path before type", "{", 404, None)
        }),
        wrong_type(Case { method: "PATCH", ..Case::post("method before type", "{", 405, None) }),
        wrong_type(Case::post("type before size", large.clone(), 415, None)),
        wrong_type(Case::post("type before syntax", "{", 415, None)),
        Case::post("size before syntax", large, 413, None),
        Case::post("syntax before content", r#"{"source":"nobody","source":"nobody"}"#, 400, None),
        Case::get("/api/v1/services/missing/dependencies?depth=11", 422, Some("depth")),
        Case::get("/api/v1/nowhere?depth=%zz", 404, None),
    ]);
}

/// The first offence in the body is the one that is named, and none of the valid entries is kept.
#[test]
fn a_request_is_valid_as_a_whole() {
    let server = Server::start();
    let payload = upsert("manual").edges((0..50).map(|index| (format!("s{index}"), format!("t{index}"))));
    let payload = payload.edge("self", "self").edge("me", "me");
    let reply = server.post(&payload);
    assert_eq!(reply.status, 422);
    assert_eq!(reply.json()["field"], "edges[50].target");
    assert_eq!(reply.json()["value"], "self");
    assert_eq!(server.version(), 0);
    assert_eq!(server.get("/api/v1/services/s0").status, 404);
}

#[test]
fn a_declared_length_over_the_limit_is_refused_unread() {
    let server = Server::start_with(&[("MAX_BODY_BYTES", "1000")], &[]);
    for length in ["1001", "99999999999"] {
        let mut connection = server.connect();
        let head = format!(
            "POST /api/v1/services/dependencies HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n"
        );
        connection.write(head.as_bytes()).unwrap();
        assert_eq!(connection.reply("POST").unwrap().status, 413, "{length}: before any of it came");
    }
    let body = upsert("manual").json().to_string();
    let padded = format!("{body}{}", " ".repeat(1000 - body.len()));
    let reply = server.request("POST", "/api/v1/services/dependencies", &[], padded.as_bytes());
    assert_eq!(reply.status, 202, "exactly at the limit");
}

#[test]
fn expecting_clients_are_refused_before_they_send() {
    let server = Server::start_with(&[("MAX_BODY_BYTES", "1000")], &[]);
    let mut connection = server.connect();
    let head = "POST /api/v1/services/dependencies HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n";
    connection.write(head.as_bytes()).unwrap();
    assert_eq!(connection.reply("POST").unwrap().status, 413, "no 100 first");
}

/// Sends chunks until the server answers or takes no more.
fn chunked(connection: &mut Connection, chunk: &[u8], count: usize) -> Reply {
    let head = "POST /api/v1/services/dependencies HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write(head.as_bytes()).unwrap();
    let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
    framed.extend_from_slice(chunk);
    framed.extend_from_slice(b"\r\n");
    let sent = (0..count).all(|_| connection.write(&framed).is_ok());
    if sent {
        let _ = connection.write(b"0\r\n\r\n");
    }
    connection.reply("POST").unwrap()
}

#[test]
fn chunks_over_the_limit_are_refused() {
    let server = Server::start();
    let reply = chunked(&mut server.connect(), &vec![b' '; 64 * 1024], 161);
    assert_eq!(reply.status, 413);
    let body = upsert("manual").edge("a", "b").json().to_string();
    let reply = chunked(&mut server.connect(), body.as_bytes(), 1);
    assert_eq!(reply.status, 202, "chunks as such are fine");
}
