//! The two durabilities of the log, what each answer says of it, and who may read the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::disk::{file_name, flip, segments, tree, used};
use crate::support::{Page, Server, refused, upsert, within};

const SMALL: (&str, &str) = ("WAL_SEGMENT_BYTES", "65536");

#[test]
fn answers_say_whether_they_are_durable() {
    for (settings, durable) in
        [(&[][..], true), (&[("WAL_DURABILITY", "sync")], true), (&[("WAL_DURABILITY", "async")], false)]
    {
        let server = Server::start_with(settings, &[]);
        for number in 0..3 {
            let answer = server.ingest(&upsert("manual").edge("a", &format!("b-{number}")));
            assert_eq!(answer["durable"], durable, "{settings:?}: {answer}");
        }
        assert_eq!(Page::all(&server, "").len(), 4, "{settings:?}: visible to the next read");
    }
}

#[test]
fn a_kill_loses_nothing_in_either() {
    for mode in ["sync", "async"] {
        let mut server = Server::start_with(&[("WAL_DURABILITY", mode), SMALL], &[]);
        for round in 1..=5 {
            for number in 0..20 {
                server.ingest(&upsert("manual").edge("hub", &format!("target-{round}-{number}")));
            }
            server.crash_and_restart();
            assert_eq!(server.version(), round * 20, "{mode}");
            assert_eq!(Page::all(&server, "").len() as u64, round * 20 + 1, "{mode}");
        }
    }
}

#[test]
fn the_mode_can_change_from_start_to_start() {
    let mut server = Server::start_with(&[("WAL_DURABILITY", "async")], &[]);
    for (number, mode) in ["sync", "async", "sync"].into_iter().enumerate() {
        let answer = server.ingest(&upsert("manual").edge("a", &format!("b-{number}")));
        assert_eq!(answer["durable"], mode == "async", "the mode before this one");
        server.kill();
        server.start_again_with(&[("WAL_DURABILITY", mode)]);
        assert_eq!(server.version(), number as u64 + 1);
    }
}

#[test]
fn the_segment_size_can_change_from_start_to_start() {
    let mut server = Server::start_with(&[SMALL], &[]);
    for (round, bytes) in ["131072", "65536", "1048576"].into_iter().enumerate() {
        for number in 0..10 {
            let metadata = serde_json::json!({"text": "x".repeat(12_000)});
            server.ingest(&upsert("manual").node(&format!("bulky-{round}-{number}"), metadata));
        }
        if round == 1 {
            server.stop();
        } else {
            server.kill();
        }
        server.start_again_with(&[("WAL_SEGMENT_BYTES", bytes)]);
        assert_eq!(Page::all(&server, "").len(), (round + 1) * 10);
    }
}

/// The last write, too, is covered once the log was sealed by a stop or marked while idle: damage to it is no
/// torn tail.
#[test]
fn damage_to_the_very_last_write_is_noticed() {
    for graceful in [true, false] {
        let mut server = Server::start_with(&[("SNAPSHOT_INTERVAL_SECONDS", "0")], &[]);
        let before = content(&server);
        server.ingest(&upsert("manual").edge("first", "write"));
        let middle = content(&server);
        server.ingest(&upsert("manual").edge("last", "written"));
        let after = content(&server);
        assert!(before < middle && middle < after, "the log grows");
        // A mark comes 50 ms after the last write; nothing outside shows it.
        let _ = within(Duration::from_millis(500), || None::<()>);
        if graceful {
            server.stop();
        } else {
            server.kill();
        }
        let log = segments(&server.data()).remove(0);
        let total = used(&fs::read(&log).unwrap());
        assert!(total >= after, "something follows the last write");
        flip(&log, middle.midpoint(after), total);
        let finished = refused(&server.data(), &[]);
        assert_eq!(finished.code, Some(3), "graceful {graceful}: {finished:?}");
        assert!(finished.stderr.contains(file_name(&log)), "{finished:?}");
    }
}

/// How much of the first segment is written.
fn content(server: &Server) -> usize {
    used(&fs::read(segments(&server.data()).remove(0)).unwrap())
}

#[test]
fn only_the_owner_may_read() {
    let mut server = Server::start_with(&[SMALL], &[]);
    for number in 0..10 {
        let metadata = serde_json::json!({"text": "x".repeat(12_000)});
        server.ingest(&upsert("manual").node(&format!("bulky-{number}"), metadata));
    }
    let snapshot = server.request("POST", "/api/v1/admin/snapshots", &[], &[]);
    assert_eq!(snapshot.status, 201, "{}", snapshot.text());
    let check = |server: &Server| {
        let everything = tree(&server.data()).into_iter().chain([server.data()]);
        for path in everything {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, expected, "{}: {mode:o}", path.display());
        }
    };
    check(&server);
    server.crash_and_restart();
    check(&server);
    server.stop();
    check(&server);
}
