//! Bodies that are too large, and documents that are made to hurt.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Connection, Server, chunk, chunked_head, request_bytes};

const INGEST: &str = "/api/v1/services/dependencies";
const LENGTH: usize = 100 * 1024 * 1024;

/// A hundred megabytes, declared or in chunks, fifty at a time: refused before they are held.
pub(super) fn large(server: &Server, _factor: usize) -> usize {
    let (before, address) = (server.memory_kib(), server.address());
    let declared = || {
        let mut connection = Connection::open(address).unwrap();
        let head = format!("POST {INGEST} HTTP/1.1\r\nhost: a\r\ncontent-length: {LENGTH}\r\n\r\n");
        connection.write(head.as_bytes()).unwrap();
        assert_eq!(connection.reply("POST").unwrap().status, 413, "declared, and no byte of it sent");
    };
    thread::scope(|scope| (0..50).for_each(|_| drop(scope.spawn(declared))));
    let grown = server.memory_kib().saturating_sub(before);
    assert!(grown <= 8 * 1024, "{grown} KiB for fifty that were declared");
    let chunked = || {
        let mut connection = Connection::open(address).unwrap();
        connection.write(&chunked_head("POST", INGEST, &[])).unwrap();
        let piece = chunk(&vec![b' '; 64 * 1024]);
        let mut sent = 0;
        // It answers at its limit, and takes what still comes for a moment, so that the answer can be read.
        while sent < LENGTH && connection.write(&piece).is_ok() {
            sent += 64 * 1024;
        }
        connection.reply("POST").map_or(413, |reply| reply.status)
    };
    let statuses: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(chunked)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| matches!(status, 413 | 503)), "{statuses:?}");
    let grown = server.memory_kib().saturating_sub(before);
    assert!(grown <= 8 * 16 * 1024, "{grown} KiB for eight that were cut off at 10 MiB");
    58
}

/// Documents that look for a parser that recurses, grows or gives up.
pub(super) fn hostile(server: &Server, _factor: usize) -> usize {
    let edges = |inside: &str| {
        format!(r#"{{"source":"manual","timestamp":"2026-02-14T10:00:00Z","edges":{inside}}}"#)
    };
    let documents = [
        ("a hundred thousand arrays", "[".repeat(100_000)),
        ("a hundred thousand objects", r#"{"a":"#.repeat(100_000)),
        ("a million numbers", edges(&format!("[{}0]", "0,".repeat(1_000_000)))),
        (
            "a string of a megabyte",
            edges(&format!(r#"[{{"source":"{}","target":"b"}}]"#, "x".repeat(1_000_000))),
        ),
        ("a key given twice", r#"{"source":"manual","source":"manual"}"#.to_owned()),
        (
            "1e400",
            edges(
                r#"[{"source":"a","target":"b","attributes":{"communication_mode":"sync","timeout_ms":1e400}}]"#,
            ),
        ),
        ("a lone surrogate", r#"{"source":"\ud800"}"#.to_owned()),
        ("NUL", edges(r#"[{"source":"a\u0000","target":"b","attributes":{"communication_mode":"sync"}}]"#)),
        (
            "digits",
            edges(&format!(
                r#"[{{"source":"a","target":"b","attributes":{{"timeout_ms":{}}}}}]"#,
                "9".repeat(500_000)
            )),
        ),
    ];
    let version = server.version();
    for (name, document) in &documents {
        let begun = Instant::now();
        let reply = server.request("POST", INGEST, &[], document.as_bytes());
        assert!((400..500).contains(&reply.status), "{name}: {}", reply.status);
        assert!(begun.elapsed() < Duration::from_secs(2), "{name}: {:?}", begun.elapsed());
    }
    let many: Vec<(String, String)> =
        (0..101).map(|number| (format!("x-{number}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(server.request("GET", "/", &many, &[]).status, 431);
    let mut connection = server.connect();
    let _ = connection.write(&request_bytes("GET", "/", &[("x-long", &"x".repeat(500_000))], &[]));
    assert!(connection.reply("GET").map_or(431, |reply| reply.status) == 431, "half a megabyte of head");
    assert_eq!(server.version(), version, "nothing of it was applied");
    documents.len() + 2
}
