//! Versions, entity tags and conditional reads.

use crate::support::{Server, upsert};

const READS: [&str; 9] = [
    "/api/v1/services/a/dependencies",
    "/api/v1/services/a/dependencies?view=ids&depth=1",
    "/api/v1/services",
    "/api/v1/services/a",
    "/api/v1/graph/stats",
    "/api/v1/graph/divergence?kind=unobserved",
    "/api/v1/graph/critical",
    "/api/v1/paths?from=a&to=b",
    "/api/v1/services/a/dependencies?format=dot",
];

fn server() -> Server {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    server
}

#[test]
fn every_read_has_a_strong_tag_and_a_version() {
    let server = server();
    for target in READS {
        let reply = server.get(target);
        let tag = reply.header("etag").unwrap_or_else(|| panic!("{target}: no ETag"));
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{target}: {tag} is not strong");
        assert_eq!(reply.version(), 1, "{target}");
    }
    let vary = server.get(READS[0]).header("vary").unwrap().to_ascii_lowercase();
    assert!(vary.split(',').any(|name| name.trim() == "accept"), "{vary}");
}

#[test]
fn the_current_tag_is_not_modified() {
    let server = server();
    for target in READS {
        let first = server.get(target);
        let tag = first.header("etag").unwrap();
        let list = format!("\"other\", {tag}, \"more\"");
        let weak = format!("W/{tag}");
        for given in [tag, list.as_str(), weak.as_str(), "*"] {
            let mut connection = server.connect();
            let reply = connection.exchange("GET", target, &[("If-None-Match", given)], &[]).unwrap();
            assert_eq!(reply.status, 304, "{target}: {given}");
            assert_eq!(reply.header("etag"), Some(tag), "{target}");
            assert_eq!(reply.version(), 1, "{target}");
            assert!(reply.header("x-correlation-id").is_some());
            assert_eq!(reply.header("content-length").unwrap_or("0"), "0", "{target}: no body");
            let next = connection.exchange("GET", target, &[], &[]).unwrap();
            assert_eq!(next.body, first.body, "{target}: nothing was left on the connection");
        }
    }
}

#[test]
fn any_other_tag_is_a_full_answer() {
    let server = server();
    for target in READS {
        let tag = server.get(target).header("etag").unwrap().to_owned();
        let bare = tag.trim_matches('"').to_owned();
        for given in ["\"other\"", "", "garbage", bare.as_str(), "\"\""] {
            let reply = server.request("GET", target, &[("If-None-Match", given)], &[]);
            assert_eq!(reply.status, 200, "{target}: {given:?}");
            assert!(!reply.body.is_empty());
        }
    }
}

#[test]
fn a_change_makes_every_tag_old() {
    let server = server();
    let tags = READS.map(|target| server.get(target).header("etag").unwrap().to_owned());
    server.ingest(&upsert("manual").edge("a", "c"));
    for (target, tag) in READS.iter().zip(&tags) {
        let reply = server.request("GET", target, &[("If-None-Match", tag)], &[]);
        assert_eq!(reply.status, 200, "{target}");
        assert_ne!(reply.header("etag"), Some(tag.as_str()), "{target}");
        assert_eq!(reply.version(), 2, "{target}");
    }
}

#[test]
fn what_changes_nothing_keeps_the_tag() {
    let server = server();
    let tag = server.get(READS[0]).header("etag").unwrap().to_owned();
    server.ingest(&upsert("manual"));
    assert_eq!(server.post(&upsert("nobody")).status, 422);
    assert_eq!(server.request("GET", READS[0], &[("If-None-Match", &tag)], &[]).status, 304);
}

#[test]
fn different_questions_have_different_tags() {
    let server = server();
    let mut tags = std::collections::BTreeSet::new();
    let queries = [
        "",
        "depth=1",
        "direction=upstream",
        "view=ids",
        "max_nodes=1",
        "include_external=false",
        "min_confidence=1",
    ];
    for query in queries {
        let reply = server.get(&format!("{}?{query}", READS[0]));
        assert!(
            tags.insert(reply.header("etag").unwrap().to_owned()),
            "{query} has the tag of another answer"
        );
    }
}

#[test]
fn tags_survive_a_restart_and_differ_between_directories() {
    let mut first = server();
    let second = server();
    let tag = first.get(READS[0]).header("etag").unwrap().to_owned();
    assert_ne!(second.get(READS[0]).header("etag"), Some(tag.as_str()), "another directory, another graph");
    first.crash_and_restart();
    assert_eq!(first.request("GET", READS[0], &[("If-None-Match", &tag)], &[]).status, 304);
}

#[test]
fn an_unknown_service_is_never_not_modified() {
    let server = server();
    let reply = server.request("GET", "/api/v1/services/missing", &[("If-None-Match", "*")], &[]);
    assert_eq!(reply.status, 404);
}
