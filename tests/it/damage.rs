//! A data directory that is damaged, torn, locked or badly set up: what starts, what refuses, and what it says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Finished, Page, Server, command, run, upsert};

/// Starts on a directory where it must not, and returns what it said.
fn refused(data: &Path) -> Finished {
    run(command(["serve", "--api-port", "0", "--data-dir"]).arg(data))
}

/// A server with some writes, killed so that only the log holds them.
fn killed(writes: usize) -> Server {
    let mut server = Server::start();
    for index in 0..writes {
        server.ingest(&upsert("manual").edge("hub", &format!("target-{index:03}")));
    }
    server.kill();
    server
}

/// The largest file of the directory by content: the log. Zeros at the end are room, not content.
fn log_file(data: &Path) -> (PathBuf, Vec<u8>, usize) {
    let mut files = Vec::new();
    let mut rest = vec![data.to_owned()];
    while let Some(directory) = rest.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                rest.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        (path, bytes, used)
    };
    files.into_iter().map(read).max_by_key(|(_, _, used)| *used).unwrap()
}

#[test]
fn a_flipped_bit_in_the_middle_refuses_to_start() {
    for part in [3, 2, 5] {
        let server = killed(40);
        let (path, mut bytes, used) = log_file(&server.data());
        bytes[used / part] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let finished = refused(&server.data());
        assert_eq!(finished.code, Some(3), "{finished:?}");
        let name = path.file_name().unwrap().to_str().unwrap();
        let naming: Vec<_> = finished.error_lines().into_iter().filter(|line| line.contains(name)).collect();
        assert_eq!(naming.len(), 1, "one line that names the file: {finished:?}");
        let text = naming[0].replace(name, "");
        assert!(text.contains("offset") && text.chars().any(|c| c.is_ascii_digit()), "the offset: {text}");
        assert!(text.contains("watershed "), "the command that mends it: {text}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "evidence is left as it is");
    }
}

#[test]
fn a_torn_tail_starts_and_serves() {
    for cut in [1, 3, 7, 20] {
        let mut server = killed(20);
        let (path, bytes, used) = log_file(&server.data());
        fs::write(&path, &bytes[..used - cut]).unwrap();
        server.start_again();
        let version = server.version();
        assert_eq!(version, 19, "{cut} bytes: the torn write is gone, those before it are there");
        assert_eq!(Page::all(&server, "").len(), 20, "hub and 19 targets");
        assert_eq!(server.ingest(&upsert("manual").edge("hub", "after"))["version"], 20);
        server.crash_and_restart();
        assert_eq!(server.version(), 20, "what was written over the tear holds");
        assert_eq!(server.get("/api/v1/services/after").status, 200);
    }
}

#[test]
fn a_second_process_is_locked_out() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let finished = refused(&server.data());
    assert_eq!(finished.code, Some(4), "{finished:?}");
    assert!(!finished.error_lines().is_empty());
    assert_eq!(server.ingest(&upsert("manual").edge("a", "c"))["version"], 2, "the first is not disturbed");
}

#[test]
fn a_killed_process_leaves_no_lock() {
    let mut server = killed(1);
    server.start_again();
    assert_eq!(server.version(), 1);
}

#[test]
fn bad_settings_stop_the_start_with_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let cases = [
        ("API_PORT", "x"),
        ("API_PORT", "70000"),
        ("API_PORT", "-1"),
        ("API_HOST", "not an address"),
        ("API_WORKERS", "many"),
        ("MAX_BODY_BYTES", "-1"),
        ("MAX_BODY_BYTES", "ten"),
        ("REQUEST_TIMEOUT_SECONDS", "soon"),
        ("HEADER_TIMEOUT_SECONDS", "1.5.5"),
        ("MAX_CONNECTIONS", "lots"),
        ("SHUTDOWN_GRACE_SECONDS", "never"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("SNAPSHOT_RETAIN", "1"),
        ("SNAPSHOT_RETAIN", "0"),
        ("SNAPSHOT_RETAIN", "x"),
        ("SNAPSHOT_INTERVAL_SECONDS", "-1"),
        ("SNAPSHOT_INTERVAL_SECONDS", "soon"),
        ("WAL_DURABILITY", "maybe"),
        ("WAL_SEGMENT_BYTES", "x"),
        ("WAL_SEGMENT_BYTES", "0"),
        ("WAL_SEGMENT_BYTES", "4096"),
        ("WAL_SEGMENT_BYTES", "65537"),
    ];
    for (name, value) in cases {
        let mut command = command(["serve", "--data-dir"]);
        if name != "API_PORT" {
            command.env("API_PORT", "0");
        }
        let finished = run(command.arg(directory.path().join("data")).env(name, value));
        assert_eq!(finished.code, Some(2), "{name}={value}: {finished:?}");
        let lines = finished.error_lines();
        assert_eq!(lines.len(), 1, "{name}={value}: one line, not {lines:#?}");
        let flag = name.to_ascii_lowercase();
        let named = [name.to_owned(), flag.clone(), flag.replace('_', "-")]
            .iter()
            .any(|form| lines[0].contains(form));
        assert!(named, "{name}={value}: {lines:?} does not name it");
    }
}

#[test]
fn bad_settings_files_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("settings.toml");
    for text in
        ["api_port = \"x\"", "api_port = 70000", "api_port = ", "[", "wal_durability = \"maybe\"", "\u{0}"]
    {
        fs::write(&file, text).unwrap();
        let mut command = command(["serve", "--data-dir"]);
        let finished = run(command.arg(directory.path().join("data")).arg("--config").arg(&file));
        assert_eq!(finished.code, Some(2), "{text:?}: {finished:?}");
        assert_eq!(finished.error_lines().len(), 1, "{text:?}: {finished:?}");
    }
    let mut absent = command(["serve", "--config", "no-such-settings.toml", "--data-dir"]);
    assert_eq!(run(absent.arg(directory.path().join("data"))).code, Some(2));
}

#[test]
fn an_open_server_stays_on_loopback() {
    let directory = tempfile::tempdir().unwrap();
    for host in ["0.0.0.0", "::"] {
        let mut command = command(["serve", "--api-port", "0", "--data-dir"]);
        let finished = run(command.arg(directory.path().join("data")).env("API_HOST", host));
        assert_eq!(finished.code, Some(2), "{host}: {finished:?}");
        assert_eq!(finished.error_lines().len(), 1, "{host}: {finished:?}");
    }
}

#[test]
fn the_command_that_a_refusal_names_mends_the_log() {
    let mut server = killed(40);
    let (path, mut bytes, used) = log_file(&server.data());
    bytes[used / 2] ^= 0x10;
    fs::write(&path, &bytes).unwrap();
    let recover =
        |extra: &[&str]| run(command(["wal", "recover", "--data-dir"]).arg(server.data()).args(extra));
    let shown = recover(&["--dry-run"]);
    assert_eq!((shown.code, fs::read(&path).unwrap()), (Some(3), bytes.clone()), "it only looks: {shown:?}");
    let lsn: u64 =
        shown.stdout.split("--truncate-at ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    for wrong in [lsn - 1, lsn + 1] {
        assert_eq!(recover(&["--truncate-at", &wrong.to_string(), "--yes"]).code, Some(2));
    }
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was cut at another place");
    let cut = recover(&["--truncate-at", &lsn.to_string(), "--yes"]);
    assert_eq!(cut.code, Some(0), "{cut:?}");
    let kept: Vec<_> = fs::read_dir(server.data().join("quarantine")).unwrap().map(Result::unwrap).collect();
    assert!(
        kept.iter().any(|entry| bytes[..used].ends_with(&fs::read(entry.path()).unwrap())),
        "what was cut is kept"
    );
    assert_eq!(recover(&[]).code, Some(0), "the log is sound now");
    server.start_again();
    assert_eq!(server.version(), lsn - 1);
    let locked = run(command(["wal", "recover", "--data-dir"]).arg(server.data()));
    assert_eq!(locked.code, Some(4), "{locked:?}");
}
