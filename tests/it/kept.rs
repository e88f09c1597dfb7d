//! Answers that are kept: the same as others, only sooner, and never when they have become old or were not allowed.

use std::io::Read as _;

use serde_json::json;

use crate::support::{Reply, Server, scrape, upsert};

const ADMIN: &str = "an-admin-key-for-tests-0123456789";

const READS: [&str; 8] = [
    "/api/v1/services/a/dependencies?depth=2",
    "/api/v1/services/a/dependencies?view=ids",
    "/api/v1/services/a",
    "/api/v1/services?limit=2",
    "/api/v1/services/b/impact",
    "/api/v1/services/b/impact?summary=true",
    "/api/v1/paths?from=a&to=b",
    "/api/v1/graph/critical",
];

fn hits(server: &Server) -> f64 {
    scrape(server)["watershed_cache_hits_total{cache_type=\"answer\"}"]
}

/// What differs between two answers to the same question is who asked when.
fn same(first: &Reply, second: &Reply, target: &str) {
    assert_eq!((first.status, &first.body), (second.status, &second.body), "{target}");
    let own = ["x-correlation-id", "date"];
    let shared = |reply: &Reply| {
        let headers = reply.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        headers.filter(|(name, _)| !own.contains(&&**name)).collect::<Vec<_>>()
    };
    assert_eq!(shared(first), shared(second), "{target}");
}

#[test]
fn what_is_asked_again_is_answered_as_before() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b").edge("b", "c"));
    for target in READS {
        let before = hits(&server);
        let replies: Vec<Reply> = (0..4).map(|_| server.get(target)).collect();
        assert_eq!(replies[0].status, 200, "{target}");
        replies[1..].iter().for_each(|reply| same(&replies[0], reply, target));
        assert!((hits(&server) - before - 2.0).abs() < 0.1, "{target}: kept from the second time on");
        let tag = replies[0].header("etag").unwrap();
        let held = server.request("GET", target, &[("if-none-match", tag)], &[]);
        assert_eq!((held.status, held.header("etag"), held.body.len()), (304, Some(tag), 0), "{target}");
        let other = server.request("GET", target, &[("if-none-match", "\"other\"")], &[]);
        same(&replies[0], &other, target);
    }
}

#[test]
fn a_write_makes_every_answer_old() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let target = "/api/v1/services/a/dependencies";
    for round in 0..5u64 {
        let replies: Vec<Reply> = (0..3).map(|_| server.get(target)).collect();
        for reply in &replies {
            assert_eq!(reply.version(), round + 1);
            assert_eq!(reply.json()["edges"].as_array().unwrap().len() as u64, round + 1, "round {round}");
        }
        server.ingest(&upsert("manual").edge("a", &format!("b-{round}")));
    }
    server.sent("DELETE", "/api/v1/services/a", &json!(null), 204);
    assert_eq!(server.get(target).status, 404, "what it was answered while it was there is no answer now");
}

#[test]
fn encodings_and_formats_are_kept_apart() {
    let server = Server::start();
    let edges = (0..200).map(|number| ("a".to_owned(), format!("callee-{number}")));
    server.ingest(&upsert("manual").edges(edges));
    let target = "/api/v1/services/a/dependencies";
    let ask = |headers: &[(&str, &str)]| server.request("GET", target, headers, &[]);
    let plain = ask(&[]);
    for _ in 0..3 {
        let dot = ask(&[("accept", "text/vnd.graphviz")]);
        assert_eq!(dot.header("content-type"), Some("text/vnd.graphviz"));
        let gzip = ask(&[("accept-encoding", "gzip")]);
        assert_eq!(gzip.header("content-encoding"), Some("gzip"));
        let tag = gzip.header("etag").unwrap();
        assert_ne!(plain.header("etag"), Some(tag));
        let held = ask(&[("accept-encoding", "gzip"), ("if-none-match", tag)]);
        assert_eq!((held.status, held.header("etag")), (304, Some(tag)));
        same(&plain, &ask(&[]), target);
    }
    let head = server.request("HEAD", target, &[], &[]);
    assert_eq!(head.header("content-length"), Some(&*plain.body.len().to_string()));
}

/// A server with a hub of so many callers, the way to all of them, and how long the answer is.
fn long_answer(callers: u32) -> (Server, &'static str) {
    let server = Server::start();
    let edges = (0..callers).map(|number| (format!("caller-{number:05}"), "hub".to_owned()));
    server.ingest(&upsert("manual").edges(edges));
    (server, "/api/v1/services/hub/dependencies?direction=upstream&max_nodes=100000")
}

#[test]
fn long_answers_are_kept_too() {
    let (server, target) = long_answer(3_000);
    let replies: Vec<Reply> = (0..4).map(|_| server.get(target)).collect();
    assert!(replies[0].body.len() > 1024 * 1024, "{}", replies[0].body.len());
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.body == replies[0].body));
    let length = |reply: &Reply| reply.header("content-length").map(str::to_owned);
    let known = Some(replies[0].body.len().to_string());
    assert_eq!(replies.iter().map(length).collect::<Vec<_>>(), [None, None, known.clone(), known]);
    assert!((hits(&server) - 2.0).abs() < 0.1);
    let gzip = server.request("GET", target, &[("accept-encoding", "gzip")], &[]);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*gzip.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, replies[0].body);
    server.ingest(&upsert("manual").edge("one-more", "hub"));
    assert_eq!(server.get_json(target)["statistics"]["total_edges"], 3_001, "a write makes it old");
}

#[test]
fn an_answer_that_is_not_taken_to_its_end_is_not_kept() {
    let (server, target) = long_answer(3_000);
    let whole = server.get(target);
    let mut connection = server.connect();
    connection.write(format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
    drop(connection);
    let again = server.get(target);
    assert_eq!((again.status, &again.body), (200, &whole.body));
}

#[test]
fn an_answer_that_is_too_long_is_made_anew() {
    let (server, target) = long_answer(10_000);
    let replies: Vec<Reply> = (0..4).map(|_| server.get(target)).collect();
    assert!(replies[0].body.len() > 4 * 1024 * 1024, "{}", replies[0].body.len());
    assert!(
        replies.iter().all(|reply| reply.body == replies[0].body && reply.header("content-length").is_none())
    );
    assert!(hits(&server).abs() < 0.1);
}

#[test]
fn what_cannot_be_kept_is_no_miss() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let misses = || scrape(&server)["watershed_cache_misses_total{cache_type=\"answer\"}"];
    server.sent("POST", "/api/v1/impact", &json!({"service_ids": ["b"]}), 200);
    server.get("/api/v1/health");
    assert!(misses().abs() < 0.1, "only reads of the graph are looked for");
    server.get("/api/v1/services/a");
    assert!((misses() - 1.0).abs() < 0.1);
}

#[test]
fn what_is_kept_is_for_those_who_may_read_it() {
    let server = Server::start_with(&[("ADMIN_API_KEY", ADMIN), ("RATE_LIMIT_QUERY", "5")], &[]);
    let report = upsert("manual").edge("a", "b").json().to_string();
    let headers = [("x-api-key", ADMIN), ("content-type", "application/json")];
    assert_eq!(
        server.request("POST", "/api/v1/services/dependencies", &headers, report.as_bytes()).status,
        202
    );
    let target = "/api/v1/services/a/dependencies";
    let ask = |key: &str| server.request("GET", target, &[("x-api-key", key)], &[]).status;
    assert_eq!([(); 5].map(|()| ask(ADMIN)), [200; 5]);
    assert_eq!(ask(ADMIN), 429, "a kept answer costs a request, too");
    assert_eq!(server.get(target).status, 401);
    assert_eq!(ask("not-the-admin-key-of-this-server"), 401);
}
