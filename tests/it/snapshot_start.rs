//! Starting from snapshots and the rest of the log: what is equal, what falls back, what refuses.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::disk::{entries, file_name, flip, segments, used};
use crate::support::{Finished, Reply, Server, eventually, refused, upsert};

/// Small segments and no snapshot but those asked for.
const SMALL: [(&str, &str); 3] =
    [("WAL_SEGMENT_BYTES", "65536"), ("SNAPSHOT_RETAIN", "2"), ("SNAPSHOT_INTERVAL_SECONDS", "0")];
/// The header of a segment; a spare one holds nothing behind it.
const HEADER: usize = 4096;
const STATS: &str = "/api/v1/graph/stats";
const READS: [&str; 5] = [
    STATS,
    "/api/v1/services?limit=100",
    "/api/v1/services/hub",
    "/api/v1/services/hub/dependencies?depth=10",
    "/api/v1/services/x/dependencies?depth=10",
];

/// Writes of about 9 KiB each, a few of which fill a small segment.
fn write(server: &Server, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let metadata = json!({"team": "core", "number": number, "text": "x".repeat(9_000)});
        server.ingest(
            &upsert("manual")
                .node(&format!("target-{number:03}"), metadata)
                .edge("hub", &format!("target-{number:03}")),
        );
    }
}

/// Several sources, a cycle, a placeholder: more than edges for a snapshot to keep.
fn write_variety(server: &Server) {
    server
        .ingest(&upsert("manual").node("x", json!({"team": "t", "tier": 1})).edges([("x", "y"), ("y", "x")]));
    for _ in 0..3 {
        server.ingest(&upsert("kubernetes").edges([("x", "y"), ("x", "hub")]));
    }
}

fn snapshot(server: &Server) {
    let reply = server.request("POST", "/api/v1/admin/snapshots", &[], &[]);
    assert_eq!(reply.status, 201, "{}", reply.text());
}

/// A server with small segments whose first ones two snapshots let go, and some log behind the second.
fn rotated() -> Server {
    let server = Server::start_with(&SMALL, &[]);
    let first = segments(&server.data()).remove(0);
    write_variety(&server);
    write(&server, 0..20);
    snapshot(&server);
    write(&server, 20..40);
    snapshot(&server);
    write(&server, 40..45);
    eventually("what no snapshot needs goes", || (!first.exists()).then_some(()));
    server
}

/// Whole answers with what identifies them, to the last byte.
fn answers(server: &Server) -> Vec<(Vec<u8>, Option<String>, u64)> {
    let read = |target: &str| {
        let reply: Reply = server.get(target);
        assert_eq!(reply.status, 200, "{target}: {}", reply.text());
        (reply.body.clone(), reply.header("etag").map(str::to_owned), reply.version())
    };
    READS.into_iter().map(read).collect()
}

fn snapshot_files(data: &Path) -> Vec<PathBuf> {
    let named = |path: &PathBuf| file_name(path).starts_with("snap-");
    entries(&data.join("snapshots")).into_iter().filter(named).collect()
}

fn assert_refused(finished: &Finished, names: &[&str]) {
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let naming = |line: &&str| names.iter().any(|name| line.contains(name));
    let lines: Vec<_> = finished.error_lines().into_iter().filter(naming).collect();
    assert_eq!(lines.len(), 1, "one line that names one of {names:?}: {finished:?}");
}

#[test]
fn segments_rotate_and_are_let_go() {
    let server = Server::start_with(&SMALL, &[]);
    write(&server, 0..40);
    let all = segments(&server.data());
    assert!(all.len() >= 5, "{all:?}");
    for segment in &all {
        assert!(fs::metadata(segment).unwrap().len() <= 65_536, "{segment:?}");
    }
    snapshot(&server);
    assert!(all.iter().all(|segment| segment.exists()), "one snapshot could be damaged: the log stays");
    write(&server, 40..41);
    snapshot(&server);
    let left = || segments(&server.data()).into_iter().filter(|segment| all.contains(segment)).count();
    eventually("those before the older snapshot go", || (left() <= 2).then_some(()));
}

#[test]
fn a_restart_from_a_snapshot_is_equal_to_the_last_byte() {
    let mut server = rotated();
    let before = answers(&server);
    assert!(
        serde_json::from_slice::<Value>(&before[0].0).unwrap()["digest"].is_string(),
        "a digest to compare"
    );
    for graceful in [false, true, true, false] {
        if graceful {
            server.stop();
        } else {
            server.kill();
        }
        server.start_again();
        assert_eq!(answers(&server), before);
    }
    let version = server.version();
    assert_eq!(server.ingest(&upsert("manual").edge("hub", "after"))["version"], version + 1);
    server.crash_and_restart();
    assert_eq!(server.version(), version + 1);
}

#[test]
fn a_damaged_newest_snapshot_loses_nothing() {
    for part in [0, 1, 5, 9] {
        let mut server = rotated();
        let before = answers(&server);
        server.kill();
        let newest = snapshot_files(&server.data()).pop().unwrap();
        flip(&newest, part, 10);
        server.start_again();
        assert_eq!(answers(&server), before, "{part} tenths");
        let level = |line: &Value| {
            ["warn", "error"]
                .contains(&line["level"].as_str().unwrap_or_default().to_ascii_lowercase().as_str())
        };
        let name = file_name(&newest);
        server.log_line("it says so", |line| level(line) && line.to_string().contains(name));
    }
}

#[test]
fn a_newest_snapshot_cut_short_or_gone_loses_nothing() {
    for keep in [None, Some(0), Some(1)] {
        let mut server = rotated();
        let before = answers(&server);
        server.kill();
        let newest = snapshot_files(&server.data()).pop().unwrap();
        match keep {
            None => fs::remove_file(&newest).unwrap(),
            Some(part) => {
                let bytes = fs::read(&newest).unwrap();
                fs::write(&newest, &bytes[..bytes.len() * part / 2]).unwrap();
            }
        }
        server.start_again();
        assert_eq!(answers(&server), before);
    }
}

#[test]
fn leftovers_are_ignored() {
    let mut server = rotated();
    let before = answers(&server);
    server.kill();
    let snapshots = server.data().join("snapshots");
    fs::write(snapshots.join("snap-00000000000000ff.tmp"), "half").unwrap();
    fs::write(server.data().join("wal-00000000000000ff.tmp"), "half").unwrap();
    server.start_again();
    assert_eq!(answers(&server), before);
}

#[test]
fn all_snapshots_damaged_and_the_log_cut_is_refused() {
    let mut server = rotated();
    server.kill();
    let files = snapshot_files(&server.data());
    assert_eq!(files.len(), 2, "{files:?}");
    for file in &files {
        flip(file, 1, 2);
    }
    let contents = crate::support::disk::contents(&server.data());
    let segments = segments(&server.data());
    let names: Vec<&str> = files.iter().chain(&segments).map(|path| file_name(path)).collect();
    let finished = refused(&server.data(), &SMALL);
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert!(
        finished.error_lines().iter().any(|line| names.iter().any(|name| line.contains(name))),
        "a line that names a file: {finished:?}"
    );
    let kept = |(path, bytes): (&PathBuf, &Vec<u8>)| fs::read(path).is_ok_and(|found| found == *bytes);
    let evidence = contents.iter().filter(|(path, _)| file_name(path) != "LOCK");
    assert!(evidence.into_iter().all(kept), "evidence is left as it is");
}

#[test]
fn all_snapshots_damaged_and_the_log_whole_loses_nothing() {
    let mut server = Server::start_with(&[("SNAPSHOT_INTERVAL_SECONDS", "0")], &[]);
    write_variety(&server);
    write(&server, 0..3);
    snapshot(&server);
    let before = answers(&server);
    server.kill();
    for file in snapshot_files(&server.data()) {
        flip(&file, 1, 2);
    }
    server.start_again();
    assert_eq!(answers(&server), before);
}

/// The segments with something behind their header; a spare one has nothing to lose.
fn filled(data: &Path) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| used(&fs::read(path).unwrap()) > HEADER;
    segments(data).into_iter().filter(holds).collect()
}

#[test]
fn a_missing_segment_is_noticed() {
    for place in ["first", "middle", "last"] {
        let mut server = Server::start_with(&SMALL, &[]);
        write(&server, 0..30);
        server.kill();
        let filled = filled(&server.data());
        assert!(filled.len() >= 4, "{filled:?}");
        let missing = match place {
            "first" => &filled[0],
            "middle" => &filled[filled.len() / 2],
            _ => &filled[filled.len() - 1],
        };
        fs::remove_file(missing).unwrap();
        assert_refused(&refused(&server.data(), &SMALL), &[file_name(missing)]);
        assert!(!missing.exists(), "it was not made again: {place}");
    }
}

#[test]
fn a_segment_missing_behind_the_snapshot_is_noticed() {
    let mut server = Server::start_with(&SMALL, &[]);
    write(&server, 0..3);
    snapshot(&server);
    write(&server, 3..30);
    server.kill();
    // The snapshot covers a part of the first segment; the second is the first that it does not reach.
    let missing = filled(&server.data()).remove(1);
    fs::remove_file(&missing).unwrap();
    assert_refused(&refused(&server.data(), &SMALL), &[file_name(&missing)]);
}

#[test]
fn a_segment_missing_behind_the_only_sound_snapshot_is_noticed() {
    let mut server = rotated();
    server.kill();
    // The newest snapshot would do without the oldest segment; the older one does not.
    let missing = filled(&server.data()).remove(0);
    fs::remove_file(&missing).unwrap();
    let newest = snapshot_files(&server.data()).pop().unwrap();
    flip(&newest, 1, 2);
    let finished = refused(&server.data(), &SMALL);
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let names = [file_name(&missing), file_name(&newest)];
    let naming = |line: &&str| names.iter().any(|name| line.contains(name));
    assert!(finished.error_lines().iter().any(naming), "a line that names {names:?}: {finished:?}");
}

#[test]
fn a_spare_segment_missing_is_no_matter() {
    let mut server = Server::start_with(&SMALL, &[]);
    write(&server, 0..10);
    server.kill();
    let holding = filled(&server.data());
    for spare in segments(&server.data()).into_iter().filter(|segment| !holding.contains(segment)) {
        fs::remove_file(spare).unwrap();
    }
    server.start_again();
    assert_eq!(server.version(), 10);
}
