//! Snapshots and metrics over HTTP, beyond the plain cases: large downloads, several things at once, methods,
//! and whether the figures move.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Server, eventually, scrape, upsert};

const SNAPSHOTS: &str = "/api/v1/admin/snapshots";

/// Periodic snapshots off: only those that a test asks for.
fn start() -> Server {
    Server::start_with(&[("SNAPSHOT_INTERVAL_SECONDS", "0")], &[])
}

fn create(server: &Server) -> Value {
    let reply = server.request("POST", SNAPSHOTS, &[], &[]);
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

fn place(snapshot: &Value) -> String {
    format!("{SNAPSHOTS}/{}", snapshot["snapshot_id"].as_str().unwrap())
}

/// Services with so much metadata that a snapshot of them does not fit into the buffers of a socket.
fn fill(server: &Server) {
    for batch in 0..16 {
        let named = |number: usize| format!("service-{batch}-{number}");
        let note = |number: usize| crate::support::sha256(&named(number)).repeat(240);
        let payload = (0..60).fold(upsert("manual"), |payload, number| {
            payload.node(&named(number), json!({"note": note(number)}))
        });
        server.ingest(&payload);
    }
}

#[test]
fn a_large_one_is_streamed_and_outlives_its_removal() {
    let server = start();
    fill(&server);
    let oldest = create(&server);
    let bytes = oldest["bytes"].as_u64().unwrap();
    assert!(bytes > 12 * 1024 * 1024, "{oldest}");
    let whole = server.get(&place(&oldest));
    assert_eq!((whole.status, whole.body.len() as u64), (200, bytes));
    assert_eq!(whole.header("content-type"), Some("application/octet-stream"));
    assert_eq!(whole.header("content-length"), Some(bytes.to_string().as_str()));
    assert_eq!(whole.header("transfer-encoding"), None);
    let id = oldest["snapshot_id"].as_str().unwrap().replace('-', "");
    let name = format!("snap-{:016x}-{id}", oldest["version"].as_u64().unwrap());
    let disposition = format!("attachment; filename=\"{name}\"");
    assert_eq!(whole.header("content-disposition"), Some(disposition.as_str()));
    let on_disk = server.data().join("snapshots").join(&name);
    assert_eq!(std::fs::read(&on_disk).unwrap(), whole.body, "byte for byte");

    let mut connection = server.connect();
    connection.write(format!("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", place(&oldest)).as_bytes()).unwrap();
    // The answer has begun, and most of it cannot have been sent.
    let mut first = [0; 12];
    connection.socket().peek(&mut first).unwrap();
    server.ingest(&upsert("manual").edge("a", "b"));
    create(&server);
    assert_eq!(server.request("DELETE", &place(&oldest), &[], &[]).status, 204);
    assert!(!on_disk.exists(), "the file is gone from the directory");
    let rest = connection.reply("GET").unwrap();
    assert!(rest.body == whole.body, "a removed snapshot is read to its end");
    assert_eq!(server.get(&place(&oldest)).status, 404);
}

#[test]
fn a_download_can_be_left_and_holds_no_place_then() {
    let server = start();
    fill(&server);
    let snapshot = create(&server);
    let request = format!("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", place(&snapshot));
    let begin = || {
        let mut connection = server.connect();
        connection.write(request.as_bytes()).unwrap();
        connection.socket().peek(&mut [0; 12]).unwrap();
        connection
    };
    let under_way: Vec<_> = (0..16).map(|_| begin()).collect();
    let refused = server.get(&place(&snapshot));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
    assert_eq!(server.get(SNAPSHOTS).status, 200, "only downloads are counted");
    drop(under_way);
    let whole = eventually("there is a place again", || {
        Some(server.get(&place(&snapshot))).filter(|reply| reply.status == 200)
    });
    assert_eq!(whole.body.len() as u64, snapshot["bytes"].as_u64().unwrap());
}

#[test]
fn a_file_that_ends_early_breaks_the_download_off() {
    let server = start();
    fill(&server);
    let snapshot = create(&server);
    let directory = server.data().join("snapshots");
    let mut files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let path = files.find(|path| path.to_string_lossy().contains("snap-")).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1_000_000).unwrap();

    let mut connection = server.connect();
    let error = connection.exchange("GET", &place(&snapshot), &[], &[]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "never a short body that looks whole");
    let verified = server.request("POST", &format!("{}/verify", place(&snapshot)), &[], &[]).json();
    assert_eq!((&verified["valid"], &verified["version"]), (&json!(false), &snapshot["version"]));
    let error = verified["error"].as_str().unwrap();
    assert!(!error.is_empty() && !error.contains('/'), "{error}");

    std::fs::remove_file(&path).unwrap();
    let gone = server.request("GET", &place(&snapshot), &[("X-Correlation-ID", "gone-1")], &[]);
    assert_eq!(gone.status, 500, "{}", gone.text());
    assert!(!gone.text().contains("snap-") && !gone.text().contains("os error"), "{}", gone.text());
    let caused = |line: &Value| line["correlation_id"] == "gone-1" && line["cause"].is_string();
    server.log_line("the cause, for the operator", caused);
}

#[test]
fn head_is_get_without_the_file() {
    let server = start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let snapshot = create(&server);
    let mut connection = server.connect();
    for target in [SNAPSHOTS.to_owned(), place(&snapshot), "/api/v1/metrics".to_owned()] {
        let head = connection.exchange("HEAD", &target, &[], &[]).unwrap();
        let get = connection.exchange("GET", &target, &[], &[]).unwrap();
        assert_eq!((head.status, get.status), (200, 200), "{target}");
        for name in ["content-type", "content-disposition"] {
            assert_eq!(head.header(name), get.header(name), "{target}: {name}");
        }
        if !target.ends_with("metrics") {
            assert_eq!(head.header("content-length"), get.header("content-length"), "{target}");
        }
    }
    let missing = format!("{SNAPSHOTS}/00000000-0000-7000-8000-000000000000");
    assert_eq!(connection.exchange("HEAD", &missing, &[], &[]).unwrap().status, 404);
}

#[test]
fn each_path_lists_its_methods() {
    let server = start();
    let snapshot = create(&server);
    let table = [
        ("/api/v1/metrics".to_owned(), "GET, HEAD", ["POST", "DELETE", "PUT"]),
        (SNAPSHOTS.to_owned(), "GET, HEAD, POST", ["DELETE", "PUT", "PATCH"]),
        (place(&snapshot), "GET, HEAD, DELETE", ["POST", "PUT", "PATCH"]),
        (format!("{}/verify", place(&snapshot)), "POST", ["GET", "HEAD", "DELETE"]),
    ];
    for (target, allow, methods) in table {
        for method in methods {
            let reply = server.request(method, &target, &[], &[]);
            assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {target}");
        }
    }
    for target in [format!("{SNAPSHOTS}/"), format!("{}/", place(&snapshot)), "/api/v1/admin".to_owned()] {
        assert_eq!(server.get(&target).status, 404, "{target}");
    }
    // A body is not looked at, and the connection goes on behind it.
    let mut connection = server.connect();
    for body in ["{", "[1, 2]", "not JSON"] {
        let reply =
            connection.exchange("POST", SNAPSHOTS, &[("Content-Type", "text/plain")], body.as_bytes());
        assert_eq!(reply.unwrap().status, 201, "{body}");
    }
}

#[test]
fn a_removed_one_leaves_no_content_and_the_newest_stays() {
    let server = start();
    let (older, newest) = (create(&server), create(&server));
    let mut connection = server.connect();
    let refused = connection.exchange("DELETE", &place(&newest), &[], &[]).unwrap();
    assert_eq!((refused.status, &refused.json()["title"]), (409, &json!("Conflict")));
    let removed = connection.exchange("DELETE", &place(&older), &[], &[]).unwrap();
    assert_eq!((removed.status, removed.body.len()), (204, 0));
    assert_eq!((removed.header("content-type"), removed.header("content-length")), (None, None));
    for id in ["x", "..%2Fmanifest", "%00", "00000000-0000-7000-8000-00000000000"] {
        let reply = connection.exchange("DELETE", &format!("{SNAPSHOTS}/{id}"), &[], &[]).unwrap();
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (404, Some("application/problem+json")),
            "{id}"
        );
    }
    assert_eq!(server.get_json(SNAPSHOTS), json!({"items": [newest], "next_cursor": null}));
}

#[test]
fn several_at_once_are_all_answered() {
    let server = start();
    server.ingest(&upsert("manual").edge("a", "b"));
    // All are asked before the first answer is read.
    let mut connections: Vec<_> = (0..12).map(|_| server.connect()).collect();
    for connection in &mut connections {
        connection.write(format!("POST {SNAPSHOTS} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).unwrap();
    }
    let replies = connections.iter_mut().map(|connection| connection.reply("POST").unwrap());
    let ids: BTreeSet<String> = replies.map(|reply| place(&reply.json())).collect();
    assert_eq!(ids.len(), 12);
    let items = server.get_json(SNAPSHOTS)["items"].as_array().unwrap().len();
    assert_eq!(items, 5, "as many as are kept");
}

#[test]
fn metrics_move() {
    let mut server = start();
    let before = scrape(&server);
    assert!(before["watershed_snapshot_age_seconds"].is_nan(), "there is no snapshot");
    server.ingest(&upsert("manual").edges([("a", "b"), ("b", "c")]));
    server.ingest(&upsert("manual").edge("a", "c"));
    create(&server);
    let after = scrape(&server);
    let expected = [
        ("graph_version", 0, 2),
        ("graph_nodes", 0, 3),
        ("graph_edges", 0, 3),
        ("wal_segments", 1, 1),
        ("wal_durable_version", 0, 2),
        ("wal_poisoned", 0, 0),
        ("wal_full", 0, 0),
        ("wal_commits_total", 0, 2),
        ("snapshot_version", 0, 2),
        ("snapshots_total", 0, 1),
        ("snapshot_failures_total", 0, 0),
    ];
    for (name, first, second) in expected {
        let name = format!("watershed_{name}");
        let [first, second] = [first, second].map(f64::from);
        assert!((before[&name] - first).abs() < 1e-9 && (after[&name] - second).abs() < 1e-9, "{name}");
    }
    assert!(after["watershed_wal_bytes"] > before["watershed_wal_bytes"]);
    assert!((0.0..60.0).contains(&after["watershed_snapshot_age_seconds"]));
    assert!((0.0..60.0).contains(&after["watershed_snapshot_duration_seconds_sum"]));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());

    server.crash_and_restart();
    let again = scrape(&server);
    assert!((0.0..600.0).contains(&again["watershed_snapshot_age_seconds"]), "it is read from the directory");
    assert!((again["watershed_snapshot_version"] - 2.0).abs() < 1e-9);
    assert!(again["watershed_wal_commits_total"].abs() < 1e-9, "since the start");
}

#[test]
fn a_slow_client_keeps_nobody_waiting() {
    let server = start();
    fill(&server);
    let snapshot = create(&server);
    let mut slow = server.connect();
    slow.write(format!("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", place(&snapshot)).as_bytes()).unwrap();
    slow.socket().peek(&mut [0; 12]).unwrap();
    for _ in 0..3 {
        create(&server);
        assert_eq!(server.get(&place(&snapshot)).body.len() as u64, snapshot["bytes"].as_u64().unwrap());
    }
    slow.socket().set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut some = [0; 4096];
    assert!(slow.socket().read(&mut some).unwrap() > 0);
}
