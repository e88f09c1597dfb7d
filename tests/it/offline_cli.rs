//! What an operator does to the data of a server that does not run, with the binary alone: verify, print,
//! restore, migrate.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Finished, Server, attributes, command, run, upsert};

fn watershed<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Finished {
    run(&mut command(arguments))
}

/// Runs a command with `--data-dir` behind it.
fn on(data: &Path, line: &str) -> Finished {
    run(command(line.split(' ')).arg("--data-dir").arg(data))
}

fn json_of(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

/// A server that stopped in order after some writes; it took a snapshot of them when it went.
fn stopped(writes: usize) -> Server {
    let mut server = Server::start();
    for index in 0..writes {
        server.ingest(&upsert("manual").edge("hub", &format!("target-{index:03}")));
    }
    server.terminate();
    assert!(server.wait().success());
    server
}

/// The file of the newest snapshot.
fn snapshot_of(data: &Path) -> PathBuf {
    let files = fs::read_dir(data.join("snapshots")).unwrap().map(|entry| entry.unwrap().path());
    files.max().expect("a server takes a snapshot when it stops")
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// Every file of a directory with its bytes, but the lock.
fn content(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(data).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(content(&entry.path()));
        } else if entry.file_name() != "LOCK" {
            files.push((entry.path(), fs::read(entry.path()).unwrap()));
        }
    }
    files.sort();
    files
}

fn digest(finished: &Finished) -> &str {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout.trim().rsplit_once("digest ").unwrap().1
}

#[test]
fn a_sound_directory_is_verified_and_left_as_it_is() {
    let server = stopped(12);
    let before = content(&server.data());
    let report = json_of(&on(&server.data(), "wal verify"));
    assert_eq!((&report["valid"], &report["last_version"]), (&json!(true), &json!(12)), "{report}");
    assert_eq!(report["snapshots"][0]["version"], 12, "{report}");
    let list = json_of(&on(&server.data(), "snapshot list"));
    let items = json_of(&on(&server.data(), "snapshot verify"));
    assert_eq!(list["items"][0]["snapshot_id"], items["items"][0]["snapshot_id"]);
    assert_eq!((&list["items"][0]["nodes"], &list["items"][0]["edges"]), (&json!(13), &json!(12)), "{list}");
    assert_eq!(on(&server.data(), "wal recover").stdout, "the log is sound up to lsn 12\n");
    assert!(content(&server.data()) == before, "a look changes nothing");
}

#[test]
fn a_running_server_keeps_its_directory() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let lines = [
        "wal verify",
        "wal dump",
        "wal recover",
        "snapshot list",
        "snapshot verify",
        "snapshot restore Cargo.toml",
    ];
    for line in lines {
        let finished = on(&server.data(), line);
        let expected = if line.contains("restore") { 1 } else { 4 };
        assert_eq!(
            (finished.code, finished.error_lines().len()),
            (Some(expected), 1),
            "{line}: {finished:?}"
        );
    }
    let (from, to) = (server.data(), server.data().join("inside"));
    let migrate = run(command(["migrate", "--from"]).arg(from).arg("--to").arg(&to));
    assert_eq!((migrate.code, to.exists()), (Some(4), false), "{migrate:?}");
}

#[test]
fn the_log_is_printed_as_it_was_sent() {
    let server = Server::start();
    let metadata = json!({"team": "payments", "note": "größe"});
    let sent = upsert("service_mesh").node("checkout", metadata.clone()).edge("checkout", "payment");
    server.ingest(&sent);
    server.ingest(&upsert("manual").edge_with("checkout", "cart", attributes("async", "soft")));
    let mut server = server;
    server.kill();
    let dump = on(&server.data(), "wal dump");
    assert_eq!(dump.code, Some(0), "{dump:?}");
    let lines: Vec<Value> = dump.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["lsn"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    let change = &lines[0]["change"];
    assert_eq!((&change["kind"], &change["source"]), (&json!("upsert"), &json!("service_mesh")));
    assert_eq!(change["nodes"], json!([{"service_id": "checkout", "metadata": metadata}]));
    let edge = &lines[1]["change"]["edges"][0];
    assert_eq!((&edge["source"], &edge["target"]), (&json!("checkout"), &json!("cart")));
    assert_eq!(edge["attributes"]["communication_mode"], "async");
    assert_eq!(edge["attributes"]["criticality"], "soft");
}

#[test]
fn damage_is_exit_code_3_and_one_line() {
    let mut server = Server::start();
    for index in 0..20 {
        server.ingest(&upsert("manual").edge("hub", &format!("target-{index:03}")));
    }
    server.kill();
    let log = server.data().join("wal-0000000000000001");
    let place = fs::read(&log).unwrap().windows(10).position(|window| window == b"target-010").unwrap();
    flip(&log, place);
    let before = content(&server.data());
    for line in ["wal verify", "wal dump", "wal recover"] {
        let finished = on(&server.data(), line);
        assert_eq!((finished.code, finished.error_lines().len()), (Some(3), 1), "{line}: {finished:?}");
        let text = &finished.stderr;
        assert!(text.contains("wal-0000000000000001 offset ") && text.contains(" lsn 11"), "{line}: {text}");
    }
    assert_eq!(on(&server.data(), "wal dump").stdout.lines().count(), 10);
    assert!(content(&server.data()) == before);

    let server = stopped(3);
    let snapshot = snapshot_of(&server.data());
    flip(&snapshot, 700);
    let name = snapshot.file_name().unwrap().to_str().unwrap();
    for line in ["wal verify", "snapshot verify"] {
        let finished = on(&server.data(), line);
        assert_eq!((finished.code, finished.error_lines().len()), (Some(3), 1), "{line}: {finished:?}");
        assert!(finished.stderr.contains(name), "{line}: {finished:?}");
    }
}

#[test]
fn a_snapshot_is_restored_into_a_new_directory_only() {
    let server = stopped(8);
    let directory = tempfile::tempdir().unwrap();
    let (backup, new) = (directory.path().join("My backup.SNAP"), directory.path().join("new"));
    fs::copy(snapshot_of(&server.data()), &backup).unwrap();
    let restore =
        |file: &Path, to: &Path| run(command(["snapshot", "restore"]).arg(file).arg("--data-dir").arg(to));
    assert!(restore(&backup, &new).stdout.contains("version 8 "));
    assert_eq!(json_of(&on(&new, "wal verify"))["last_version"], 8);
    let before = content(&new);
    assert_eq!(restore(&backup, &new).code, Some(1));
    assert_eq!(restore(&backup, &server.data()).code, Some(1));
    assert!(content(&new) == before, "a refusal changes nothing");

    let migrated = directory.path().join("migrated");
    let migrate = run(command(["migrate", "--from"]).arg(&new).arg("--to").arg(&migrated));
    let original =
        run(command(["migrate", "--from"]).arg(server.data()).arg("--to").arg(directory.path().join("o")));
    assert_eq!(digest(&migrate), digest(&original), "the content is the same, wherever it comes from");

    flip(&backup, 600);
    let broken = directory.path().join("broken");
    let refused = restore(&backup, &broken);
    assert_eq!((refused.code, broken.exists()), (Some(3), false), "{refused:?}");
}

#[test]
fn a_restored_directory_serves_and_goes_on() {
    let mut server = stopped(5);
    let backup = server.data().with_file_name("backup");
    fs::copy(snapshot_of(&server.data()), &backup).unwrap();
    server.start_again();
    let before = server.get_json("/api/v1/services/hub/dependencies?depth=3");
    server.kill();
    fs::remove_dir_all(server.data()).unwrap();
    let restored = run(command(["snapshot", "restore"]).arg(&backup).arg("--data-dir").arg(server.data()));
    assert_eq!(restored.code, Some(0), "{restored:?}");
    server.start_again();
    assert_eq!(server.version(), 5);
    assert_eq!(server.get_json("/api/v1/services/hub/dependencies?depth=3")["nodes"], before["nodes"]);
    assert_eq!(server.ingest(&upsert("manual").edge("hub", "after"))["version"], 6);
    server.crash_and_restart();
    assert_eq!(server.version(), 6);
}

#[test]
fn what_holds_no_data_is_bad_usage() {
    let directory = tempfile::tempdir().unwrap();
    for line in ["wal verify", "wal dump", "wal recover", "snapshot list", "snapshot verify"] {
        let finished = on(directory.path(), line);
        assert_eq!((finished.code, finished.error_lines().len()), (Some(2), 1), "{line}: {finished:?}");
    }
    let finished = watershed(["migrate", "--from", "no/such/directory", "--to", "nor/this/one"]);
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing was made there");
}
