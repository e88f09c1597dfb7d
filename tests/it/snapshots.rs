//! Snapshots over the API: made, listed, downloaded, verified, deleted, kept and let go.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::support::disk::{entries, flip};
use crate::support::{Reply, Server, eventually, upsert, within};

const SNAPSHOTS: &str = "/api/v1/admin/snapshots";
const UNKNOWN: &str = "/api/v1/admin/snapshots/00000000-0000-4000-8000-000000000000";
/// No snapshot but those asked for.
const ON_REQUEST: [(&str, &str); 1] = [("SNAPSHOT_INTERVAL_SECONDS", "0")];

fn server() -> Server {
    let server = Server::start_with(&ON_REQUEST, &[]);
    server.ingest(&upsert("manual").edges([("a", "b"), ("b", "c")]));
    server
}

/// Asks for a snapshot, which must be made; the answer.
fn create(server: &Server) -> Value {
    let reply = server.request("POST", SNAPSHOTS, &[], &[]);
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

/// One more version, and a snapshot of it; its id.
fn next(server: &Server) -> String {
    let target = format!("target-{}", server.version());
    server.ingest(&upsert("manual").edge("a", &target));
    id(&create(server))
}

fn id(snapshot: &Value) -> String {
    snapshot["snapshot_id"].as_str().unwrap().to_owned()
}

fn path(id: &str) -> String {
    format!("{SNAPSHOTS}/{id}")
}

/// The ids in the list, newest first.
fn listed(server: &Server) -> Vec<String> {
    server.get_json(SNAPSHOTS)["items"].as_array().unwrap().iter().map(id).collect()
}

/// The file that holds what a download of this snapshot gives.
fn file(server: &Server, id: &str) -> PathBuf {
    let bytes = server.get(&path(id)).body;
    let files = entries(&server.data().join("snapshots"));
    files.into_iter().find(|file| fs::read(file).unwrap() == bytes).expect("the download is the file")
}

fn assert_problem(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert_eq!(reply.json()["status"], status);
}

#[test]
fn created_with_every_field() {
    let server = server();
    let snapshot = create(&server);
    let id = id(&snapshot);
    assert_eq!((id.len(), id.matches('-').count()), (36, 4), "a UUID: {id}");
    assert_eq!(id.parse::<uuid::Uuid>().unwrap().to_string(), id, "in its usual form");
    assert_eq!(snapshot["version"], server.version());
    assert!(snapshot["bytes"].as_u64().unwrap() > 0, "{snapshot}");
    assert_eq!((&snapshot["nodes"], &snapshot["edges"]), (&Value::from(3), &Value::from(2)));
    assert!(snapshot["duration_ms"].is_number(), "{snapshot}");
    let created = snapshot["created_at"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.parse::<jiff::Timestamp>().is_ok(), "{created}");
    assert_eq!(server.version(), 1, "a snapshot is no version");
}

#[test]
fn a_body_is_not_needed() {
    let server = server();
    for body in ["", "{}", "{", "anything"] {
        let reply = server.request("POST", SNAPSHOTS, &[], body.as_bytes());
        assert_eq!(reply.status, 201, "{body:?}: {}", reply.text());
    }
}

#[test]
fn an_empty_graph_has_a_snapshot_too() {
    let mut server = Server::start_with(&ON_REQUEST, &[]);
    let snapshot = create(&server);
    assert_eq!([&snapshot["version"], &snapshot["nodes"], &snapshot["edges"]], [&Value::from(0); 3]);
    server.crash_and_restart();
    assert_eq!(server.version(), 0);
    assert_eq!(listed(&server), [id(&snapshot)]);
}

#[test]
fn listed_newest_first() {
    let mut server = server();
    assert_eq!(server.get_json(SNAPSHOTS)["items"], Value::Array(Vec::new()));
    let first = create(&server);
    server.ingest(&upsert("manual").edge("c", "d"));
    let second = create(&server);
    let list = server.get_json(SNAPSHOTS);
    assert_eq!(list["items"], Value::Array(vec![second.clone(), first.clone()]), "with the same fields");
    assert_eq!(list.get("next_cursor"), Some(&Value::Null));
    server.crash_and_restart();
    let ids: Vec<String> = [&second, &first].map(id).to_vec();
    assert_eq!(listed(&server), ids, "ids outlive the process");
    for item in server.get_json(SNAPSHOTS)["items"].as_array().unwrap() {
        let before = if id(item) == id(&first) { &first } else { &second };
        for field in ["version", "bytes", "nodes", "edges", "created_at"] {
            assert_eq!(item[field], before[field], "{field}");
        }
    }
}

#[test]
fn downloaded_as_bytes() {
    let server = server();
    let snapshot = create(&server);
    let reply = server.get(&path(&id(&snapshot)));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    assert_eq!(snapshot["bytes"], reply.body.len());
    assert!(file(&server, &id(&snapshot)).exists());
}

#[test]
fn head_of_both() {
    let server = server();
    let target = path(&id(&create(&server)));
    for target in [SNAPSHOTS, target.as_str()] {
        let get = server.get(target);
        let mut connection = server.connect();
        let head = connection.exchange("HEAD", target, &[], &[]).unwrap();
        assert_eq!(head.status, 200, "{target}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{target}");
        let after = connection.exchange("GET", target, &[], &[]).unwrap();
        assert_eq!(after.body, get.body, "{target}: no byte of a body was left on the connection");
    }
    assert_eq!(server.request("HEAD", UNKNOWN, &[], &[]).status, 404);
}

#[test]
fn verified_sound_and_damaged() {
    let server = server();
    let id = id(&create(&server));
    let target = format!("{}/verify", path(&id));
    let verify = || {
        let reply = server.request("POST", &target, &[], &[]);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    };
    let sound = verify();
    assert_eq!((&sound["snapshot_id"], &sound["valid"]), (&Value::from(id.as_str()), &Value::from(true)));
    let (file, parts) = (file(&server, &id), [0, 1, 5, 9]);
    let bytes = fs::read(&file).unwrap();
    for part in parts {
        flip(&file, part, 10);
        let damaged = verify();
        assert_eq!(damaged["snapshot_id"], id.as_str());
        assert_eq!(damaged["valid"], false, "{part} tenths: {damaged}");
        assert!(!damaged["error"].as_str().unwrap().is_empty(), "{damaged}");
        fs::write(&file, &bytes).unwrap();
    }
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(verify()["valid"], false, "cut short");
    fs::write(&file, &bytes).unwrap();
    assert_eq!(verify()["valid"], true);
}

#[test]
fn deleted_but_never_the_newest() {
    let server = server();
    let old = id(&create(&server));
    let new = next(&server);
    assert_problem(&server.request("DELETE", &path(&new), &[], &[]), 409);
    let (kept, gone) = (file(&server, &new), file(&server, &old));
    let deleted = server.request("DELETE", &path(&old), &[], &[]);
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(listed(&server), [new.as_str()]);
    for (method, target) in
        [("GET", path(&old)), ("DELETE", path(&old)), ("POST", format!("{}/verify", path(&old)))]
    {
        assert_problem(&server.request(method, &target, &[], &[]), 404);
    }
    eventually("the file is gone", || (!gone.exists()).then_some(()));
    assert!(kept.exists());
    assert_problem(&server.request("DELETE", &path(&new), &[], &[]), 409);
}

#[test]
fn unknown_and_malformed_ids() {
    let server = server();
    create(&server);
    let malformed = ["x", "1", "..", "%2e%2e", "..%2f..%2fLOCK", "00000000", "%00", "snap-0000000000000001"];
    let targets = malformed.map(path).into_iter().chain([UNKNOWN.to_owned()]);
    for target in targets {
        assert_problem(&server.get(&target), 404);
        assert_problem(&server.request("DELETE", &target, &[], &[]), 404);
        assert_problem(&server.request("POST", &format!("{target}/verify"), &[], &[]), 404);
    }
    assert_eq!(listed(&server).len(), 1);
}

#[test]
fn methods_that_are_not_there() {
    let server = server();
    let one = path(&id(&create(&server)));
    let verify = format!("{one}/verify");
    let cases: [(&str, &[&str], &[&str]); 3] = [
        (SNAPSHOTS, &["GET", "HEAD", "POST"], &["PUT", "DELETE", "PATCH"]),
        (&one, &["GET", "HEAD", "DELETE"], &["POST", "PUT", "PATCH"]),
        (&verify, &["POST"], &["GET", "DELETE", "PUT"]),
    ];
    for (target, allowed, refused) in cases {
        for method in refused {
            let reply = server.request(method, target, &[], &[]);
            assert_problem(&reply, 405);
            let allow = reply.header("allow").expect("Allow");
            let mut listed: Vec<_> = allow.split(',').map(str::trim).collect();
            listed.sort_unstable();
            let mut expected = allowed.to_vec();
            expected.sort_unstable();
            assert_eq!(listed, expected, "{method} {target}");
        }
    }
}

#[test]
fn retention_keeps_the_newest() {
    let server = Server::start_with(&[ON_REQUEST[0], ("SNAPSHOT_RETAIN", "2")], &[]);
    let ids: Vec<String> = (0..4).map(|_| next(&server)).collect();
    let kept = [ids[3].clone(), ids[2].clone()];
    eventually("the others are let go", || (listed(&server) == kept).then_some(()));
    for gone in &ids[..2] {
        assert_eq!(server.get(&path(gone)).status, 404);
    }
    for kept in &kept {
        assert!(file(&server, kept).exists());
    }
}

#[test]
fn periodic_and_only_when_something_changed() {
    let server = Server::start_with(&[("SNAPSHOT_INTERVAL_SECONDS", "1")], &[]);
    let more_than = |count: usize| Some(listed(&server).len()).filter(|found| *found > count);
    let interval = Duration::from_secs(1);
    assert_eq!(within(interval * 5 / 2, || more_than(0)), None, "nothing was ever written");
    server.ingest(&upsert("manual").edge("a", "b"));
    eventually("a snapshot of the write", || more_than(0));
    let list = server.get_json(SNAPSHOTS);
    assert_eq!(list["items"][0]["version"], 1, "{list}");
    assert_eq!(within(interval * 5 / 2, || more_than(1)), None, "nothing was written since");
    server.ingest(&upsert("manual").edge("b", "c"));
    eventually("a snapshot of the next write", || more_than(1));
    assert_eq!(server.get_json(SNAPSHOTS)["items"][0]["version"], 2);
}

#[test]
fn made_at_shutdown_when_something_changed() {
    let mut server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let files = |server: &Server| entries(&server.data().join("snapshots"));
    assert!(files(&server).is_empty(), "the interval is longer than this test");
    server.stop();
    assert!(!files(&server).is_empty(), "one of the write");
    server.start_again();
    assert_eq!(server.version(), 1);
    assert_eq!(server.get_json(SNAPSHOTS)["items"][0]["version"], 1);
    let before = files(&server);
    server.stop();
    assert_eq!(files(&server), before, "nothing changed since");
}

#[test]
fn none_at_shutdown_when_switched_off() {
    let mut server = server();
    server.stop();
    assert!(entries(&server.data().join("snapshots")).is_empty(), "0 is none at all");
    server.start_again();
    assert_eq!(server.version(), 1);
}
