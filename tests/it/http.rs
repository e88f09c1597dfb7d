//! What every response carries, whatever the endpoint: correlation ids, methods, health, HTTP/2, the log line.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

use crate::support::{Server, upsert};

#[test]
fn correlation_ids_that_are_kept() {
    let server = Server::start();
    let longest = "x".repeat(128);
    for given in ["a", "ABC-123_x.y", "0", "---", longest.as_str()] {
        for target in ["/api/v1/health", "/api/v1/services", "/no/such/path"] {
            let reply = server.request("GET", target, &[("X-Correlation-ID", given)], &[]);
            assert_eq!(reply.header("x-correlation-id"), Some(given), "{target}");
            if reply.status == 404 {
                assert_eq!(reply.json()["correlation_id"], given);
            }
        }
    }
}

#[test]
fn correlation_ids_that_are_replaced() {
    let server = Server::start();
    let long = "x".repeat(129);
    let mut seen = std::collections::BTreeSet::new();
    for given in ["", "with space", "semi;colon", "a/b", "a\"b", "{}", "é", "a,b", long.as_str()] {
        let reply = server.request("GET", "/no/such/path", &[("X-Correlation-ID", given)], &[]);
        assert_eq!(reply.status, 404, "{given}: a bad id is no error");
        let fresh = reply.header("x-correlation-id").unwrap().to_owned();
        assert_eq!(fresh.len(), 36, "{given}: a UUID, not {fresh}");
        assert_eq!(reply.json()["correlation_id"], fresh.as_str(), "the same in the body");
        assert!(seen.insert(fresh), "fresh each time");
    }
    assert!(seen.insert(server.get("/api/v1/health").header("x-correlation-id").unwrap().to_owned()));
}

#[test]
fn health_and_root() {
    let server = Server::start();
    let version = env!("CARGO_PKG_VERSION");
    let health = json!({"status": "healthy", "service": "watershed", "version": version});
    assert_eq!(server.get_json("/api/v1/health"), health);
    let ready = server.get_json("/api/v1/health/ready");
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["checks"]["database"], "healthy");
    let root = server.get_json("/");
    assert_eq!(root["name"], "watershed");
    assert_eq!(root["version"], version);
    assert!(root["links"].is_object() || root["links"].is_array(), "{root}");
}

#[test]
fn head_is_get_without_a_body() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    for target in
        ["/", "/api/v1/health", "/api/v1/services", "/api/v1/services/a", "/api/v1/services/a/dependencies"]
    {
        let get = server.get(target);
        let mut connection = server.connect();
        let head = connection.exchange("HEAD", target, &[], &[]).unwrap();
        assert_eq!(head.status, get.status, "{target}");
        for name in ["content-type", "etag", "x-graph-version", "vary"] {
            assert_eq!(head.header(name), get.header(name), "{target}: {name}");
        }
        let after = connection.exchange("GET", target, &[], &[]).unwrap();
        assert_eq!(after.body, get.body, "{target}: no byte of a body was left on the connection");
    }
    let missing = server.request("HEAD", "/api/v1/services/missing", &[], &[]);
    assert_eq!(missing.status, 404);
}

#[test]
fn methods_that_are_not_there() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let cases = [
        ("POST", "/api/v1/health", "GET"),
        ("DELETE", "/api/v1/health/ready", "GET"),
        ("POST", "/", "GET"),
        ("POST", "/api/v1/services", "GET"),
        ("POST", "/api/v1/graph/stats", "GET"),
        ("PATCH", "/api/v1/services/a", "GET"),
        ("PATCH", "/api/v1/services/dependencies", "POST"),
        ("POST", "/api/v1/services/a", "GET"),
        ("POST", "/api/v1/services/a/dependencies", "GET"),
        ("DELETE", "/api/v1/services/a/dependencies", "GET"),
        ("BREW", "/api/v1/services/a/dependencies", "GET"),
        ("get", "/api/v1/services", "GET"),
    ];
    for (method, target, allowed) in cases {
        let reply = server.request(method, target, &[], b"{}");
        assert_eq!(reply.status, 405, "{method} {target}");
        let allow = reply.header("allow").unwrap_or_else(|| panic!("{method} {target}: no Allow"));
        let listed: Vec<_> = allow.split(',').map(str::trim).collect();
        assert!(listed.contains(&allowed), "{method} {target}: {allow}");
        assert!(!listed.contains(&method), "{method} {target}: {allow}");
        assert_eq!(reply.json()["status"], 405);
    }
}

#[test]
fn http2_with_prior_knowledge() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let work = async {
        let stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.unwrap();
        let driver = tokio::spawn(connection);
        // Several streams at once on one connection, a write among them.
        let body = upsert("manual").edge("b", "c").json().to_string();
        let write = exchange(sender.clone(), "POST", "/api/v1/services/dependencies", body);
        let reads: Vec<_> = ["/api/v1/services/a/dependencies", "/api/v1/health", "/api/v1/services/missing"]
            .into_iter()
            .map(|target| tokio::spawn(exchange(sender.clone(), "GET", target, String::new())))
            .collect();
        let mut statuses = vec![write.await.0];
        for read in reads {
            statuses.push(read.await.unwrap().0);
        }
        assert_eq!(statuses, [202, 200, 200, 404]);
        let (_, after) = exchange(sender.clone(), "GET", "/api/v1/services/b", String::new()).await;
        assert_eq!(after["direct_dependencies"], 1);
        drop(sender);
        driver.await.unwrap().unwrap();
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), work).await.unwrap() });
}

type Sender =
    hyper::client::conn::http2::SendRequest<http_body_util::combinators::BoxBody<Bytes, Infallible>>;

/// One request over HTTP/2: its status and its JSON.
async fn exchange(mut sender: Sender, method: &str, target: &str, body: String) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://localhost{target}"))
        .header("x-correlation-id", "over-h2")
        .body(Full::new(Bytes::from(body)).boxed())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.headers()["x-correlation-id"], "over-h2");
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// Every value in a log line, however it is nested.
fn leaves(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(fields) => fields.values().flat_map(leaves).collect(),
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        leaf => vec![leaf],
    }
}

#[test]
fn one_log_line_per_request() {
    let server = Server::start();
    let secret = "do-not-log-this-metadata";
    let payload = upsert("manual").node("a", json!({"note": secret})).edge("a", "b");
    let body = payload.json().to_string();
    let cases: [(&str, &str, &str, u16, &str); 4] = [
        ("log-1", "POST", "/api/v1/services/dependencies", 202, body.as_str()),
        ("log-2", "GET", "/api/v1/services/a/dependencies?depth=2", 200, ""),
        ("log-3", "GET", "/api/v1/services/missing", 404, ""),
        ("log-4", "POST", "/api/v1/services/dependencies", 400, "{\"do-not-log-this-metadata"),
    ];
    for (id, method, target, status, body) in cases {
        let reply = server.request(method, target, &[("X-Correlation-ID", id)], body.as_bytes());
        assert_eq!(reply.status, status, "{id}");
    }
    // The last request's line comes after the others', so that all have arrived when it has.
    let of = |line: &Value, id: &str| leaves(line).iter().any(|leaf| **leaf == id);
    for (id, method, target, status, _) in cases {
        let line =
            server.log_line(id, |line| of(line, id) && leaves(line).iter().any(|leaf| **leaf == status));
        assert!(leaves(&line).iter().any(|leaf| **leaf == method), "{id}: method in {line}");
        let template = |leaf: &&Value| leaf.as_str().is_some_and(|text| text.starts_with("/api/v1/services"));
        let routes: Vec<_> = leaves(&line).into_iter().filter(template).collect();
        assert_eq!(routes.len(), 1, "{id}: the route's template in {line}");
        let route = routes[0].as_str().unwrap();
        let variable = !target.ends_with("/services/dependencies");
        assert_eq!(route.contains('{'), variable, "{id}: {route} is a template, not a path");
        assert!(!route.contains("missing") && !route.contains('?'), "{id}: {route}");
        let numbers = leaves(&line).into_iter().filter(|leaf| leaf.is_number()).count();
        assert!(numbers >= 3, "{id}: status, duration, version in {line}");
    }
    let lines = server.log_so_far();
    assert!(lines.iter().all(|line| !line.contains(secret)), "never a body");
    for (id, ..) in cases {
        let count = lines.iter().filter(|line| line.contains(&format!("\"{id}\""))).count();
        assert_eq!(count, 1, "{id}: one line per request");
    }
}

#[test]
fn failed_requests_are_logged_and_served_after() {
    let server = Server::start();
    for _ in 0..20 {
        assert_eq!(server.request("POST", "/api/v1/services/dependencies", &[], b"{").status, 400);
    }
    assert_eq!(server.get("/api/v1/health").status, 200);
}

#[test]
fn a_request_whose_client_leaves_has_its_line_too() {
    let server = Server::start();
    let mut connection = server.connect();
    let head = "POST /api/v1/services/dependencies HTTP/1.1\r\nHost: h\r\nX-Correlation-ID: gone-1\r\nContent-Length: 99";
    connection.write(format!("{head}\r\nExpect: 100-continue\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(connection.reply("POST").unwrap().status, 100, "it is under way");
    drop(connection);
    let line = server.log_line("gone-1", |line| leaves(line).iter().any(|leaf| **leaf == "gone-1"));
    let has = |text: &str| leaves(&line).iter().any(|leaf| **leaf == text);
    assert!(has("POST") && has("/api/v1/services/dependencies"), "{line}");
}
