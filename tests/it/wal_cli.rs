//! `watershed wal verify|dump|recover` on a stopped directory: they look, and change nothing unasked.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::disk::{contents, file_name, flip, segments, used};
use crate::support::{Finished, Server, command, run, upsert};

const SETTINGS: [(&str, &str); 2] = [("WAL_SEGMENT_BYTES", "65536"), ("SNAPSHOT_INTERVAL_SECONDS", "0")];
const WRITES: usize = 24;

fn wal(data: &Path, arguments: &[&str]) -> Finished {
    run(command(["wal"]).args(arguments).arg("--data-dir").arg(data))
}

/// A server that wrote several segments and was killed.
fn killed() -> Server {
    let mut server = Server::start_with(&SETTINGS, &[]);
    for number in 0..WRITES {
        let metadata = json!({"number": number, "text": "x".repeat(9_000)});
        server.ingest(&upsert("manual").node(&format!("bulky-{number}"), metadata));
    }
    server.kill();
    server
}

#[test]
fn verify_of_a_sound_log() {
    let mut server = killed();
    let before = contents(&server.data());
    let finished = wal(&server.data(), &["verify"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(contents(&server.data()), before, "it only reads");
    server.start_again();
    assert_eq!(server.version(), WRITES as u64);
    server.stop();
    assert_eq!(wal(&server.data(), &["verify"]).code, Some(0), "after a good end, too");
}

#[test]
fn verify_of_a_damaged_log_names_the_place() {
    let server = killed();
    let segments = segments(&server.data());
    for segment in [&segments[0], &segments[segments.len() / 2]] {
        let bytes = std::fs::read(segment).unwrap();
        flip(segment, 1, 2);
        let damaged = contents(&server.data());
        let finished = wal(&server.data(), &["verify"]);
        assert_eq!(finished.code, Some(3), "{finished:?}");
        let said = finished.stdout.clone() + &finished.stderr;
        let line = said.lines().find(|line| line.contains(file_name(segment)));
        assert!(line.is_some_and(|line| line.contains("offset")), "the file and the offset: {finished:?}");
        assert_eq!(contents(&server.data()), damaged, "it only reads");
        std::fs::write(segment, bytes).unwrap();
    }
    assert_eq!(wal(&server.data(), &["verify"]).code, Some(0));
}

#[test]
fn verify_of_what_is_locked_or_missing() {
    let mut server = killed();
    server.start_again();
    assert_eq!(wal(&server.data(), &["verify"]).code, Some(4), "a server has it");
    let missing = wal(&server.data().join("missing"), &["verify"]);
    assert!(matches!(missing.code, Some(1..=3)), "{missing:?}");
    assert!(!server.data().join("missing").exists(), "it makes nothing");
    assert_eq!(run(&mut command(["wal", "no-such-command"])).code, Some(2));
}

#[test]
fn dump_is_one_line_for_each_command() {
    let server = killed();
    let before = contents(&server.data());
    let finished = wal(&server.data(), &["dump"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let lines: Vec<Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let sequence: Vec<u64> = lines.iter().map(|line| line["lsn"].as_u64().expect("lsn")).collect();
    assert_eq!(sequence, (1..=WRITES as u64).collect::<Vec<_>>(), "in order, without a gap");
    for (number, line) in lines.iter().enumerate() {
        let at = line["at"].as_str().expect("at");
        assert!(at.ends_with('Z') && at.parse::<jiff::Timestamp>().is_ok(), "{at}");
        assert!(line["id"].is_string(), "{line}");
        assert!(!line["change"].is_null(), "{line}");
        assert!(line.to_string().contains(&format!("bulky-{number}")), "what it changed");
    }
    assert_eq!(contents(&server.data()), before, "it only reads");
}

#[test]
fn recover_only_looks_unless_told() {
    let server = killed();
    let sound = wal(&server.data(), &["recover"]);
    assert_eq!(sound.code, Some(0), "{sound:?}");
    let segments = segments(&server.data());
    let segment = &segments[1];
    flip(segment, 1, 2);
    let damaged = contents(&server.data());
    for arguments in [&["recover"][..], &["recover", "--dry-run"]] {
        let finished = wal(&server.data(), arguments);
        assert_eq!(finished.code, Some(3), "{finished:?}");
        let said = finished.stdout.clone() + &finished.stderr;
        assert!(said.contains(file_name(segment)) && said.contains("--truncate-at"), "{finished:?}");
        assert_eq!(contents(&server.data()), damaged, "it only looks: {arguments:?}");
    }
}

#[test]
fn recover_of_several_segments_keeps_what_it_cuts() {
    let mut server = killed();
    let all = segments(&server.data());
    let (segment, bytes) = (&all[1], std::fs::read(&all[1]).unwrap());
    flip(segment, 1, 2);
    let shown = wal(&server.data(), &["recover"]);
    let said = shown.stdout.clone() + &shown.stderr;
    let after = said.split("--truncate-at ").nth(1).expect("the command that mends it");
    let lsn: u64 = after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
    let cut = wal(&server.data(), &["recover", "--truncate-at", &lsn.to_string(), "--yes"]);
    assert_eq!(cut.code, Some(0), "{cut:?}");
    let kept = contents(&server.data().join("quarantine"));
    let size: usize = kept.values().map(|bytes| used(bytes)).sum();
    let later: usize = all[2..].iter().map(|path| path.exists()).filter(|there| !there).count();
    assert!(
        size > used(&bytes) / 3 && later > 0,
        "the rest of the segment and the later ones: {kept:?}",
        kept = kept.keys()
    );
    assert_eq!(wal(&server.data(), &["verify"]).code, Some(0));
    server.start_again();
    assert_eq!(server.version(), lsn - 1, "what came before the damage");
    server.ingest(&upsert("manual").edge("a", "b"));
    server.crash_and_restart();
    assert_eq!(server.version(), lsn);
}

#[test]
fn migrate_is_there() {
    let finished = run(&mut command(["migrate", "--help"]));
    assert_eq!(finished.code, Some(0), "{finished:?}");
}
