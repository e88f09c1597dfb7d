//! `watershed snapshot create|list|verify|download|restore`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::disk::{contents, entries, file_name, flip};
use crate::support::{Finished, Server, command, run, upsert};

const SNAPSHOTS: &str = "/api/v1/admin/snapshots";
const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";
const ON_REQUEST: [(&str, &str); 1] = [("SNAPSHOT_INTERVAL_SECONDS", "0")];
const READS: [&str; 4] = [
    "/api/v1/graph/stats",
    "/api/v1/services?limit=100",
    "/api/v1/services/a",
    "/api/v1/services/a/dependencies?depth=10",
];

fn server() -> Server {
    let server = Server::start_with(&ON_REQUEST, &[]);
    server.ingest(&upsert("manual").node("a", json!({"team": "t"})).edges([("a", "b"), ("b", "a")]));
    server.ingest(&upsert("kubernetes").edges([("a", "b"), ("a", "c")]));
    server
}

fn snapshot(arguments: &[&str]) -> Finished {
    run(command(["snapshot"]).args(arguments))
}

fn succeeded(finished: &Finished) -> Value {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

/// Makes a snapshot through the command line; its id.
fn create(server: &Server) -> String {
    succeeded(&snapshot(&["create", "--url", &server.url()]))["snapshot_id"].as_str().unwrap().to_owned()
}

/// A server, its only snapshot downloaded, and the directory where that lies.
fn downloaded() -> (Server, TempDir, PathBuf) {
    let (server, directory) = (server(), tempfile::tempdir().unwrap());
    let (id, file) = (create(&server), directory.path().join("downloaded"));
    let finished = snapshot(&["download", &id, "--output", file.to_str().unwrap(), "--url", &server.url()]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(fs::read(&file).unwrap(), server.get(&format!("{SNAPSHOTS}/{id}")).body);
    (server, directory, file)
}

fn restore(file: &Path, data: &Path) -> Finished {
    run(command(["snapshot", "restore"]).arg(file).arg("--data-dir").arg(data))
}

fn damage_newest(data: &Path) -> PathBuf {
    let named = |path: &PathBuf| file_name(path).starts_with("snap-");
    let newest = entries(&data.join("snapshots")).into_iter().rfind(named).unwrap();
    flip(&newest, 1, 2);
    newest
}

#[test]
fn created_and_listed_as_the_server_answers() {
    let server = server();
    let created = succeeded(&snapshot(&["create", "--url", &server.url()]));
    assert_eq!(server.get_json(SNAPSHOTS)["items"], json!([created]));
    let listed = succeeded(&snapshot(&["list", "--url", &server.url()]));
    assert_eq!(listed, server.get_json(SNAPSHOTS));
    let by_environment = run(command(["snapshot", "list"]).env("WATERSHED_URL", server.url()));
    assert_eq!(succeeded(&by_environment), listed);
}

#[test]
fn without_a_server_they_fail() {
    let nowhere = "http://127.0.0.1:1";
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("output");
    let output = output.to_str().unwrap();
    let table: [&[&str]; 4] = [
        &["create", "--url", nowhere],
        &["list", "--url", nowhere],
        &["verify", UNKNOWN, "--url", nowhere],
        &["download", UNKNOWN, "--output", output, "--url", nowhere],
    ];
    for arguments in table {
        let finished = snapshot(arguments);
        assert_eq!(finished.code, Some(1), "{arguments:?}: {finished:?}");
        assert!(!finished.error_lines().is_empty(), "{arguments:?}: it says why");
    }
    assert_eq!(entries(directory.path()), Vec::<PathBuf>::new(), "no half file");
    for arguments in [&[][..], &["no-such-command"], &["download"], &["restore"]] {
        assert_eq!(snapshot(arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn verified_by_a_server() {
    let server = server();
    let id = create(&server);
    let sound = succeeded(&snapshot(&["verify", &id, "--url", &server.url()]));
    assert_eq!((&sound["snapshot_id"], &sound["valid"]), (&json!(id), &json!(true)));
    damage_newest(&server.data());
    let damaged = snapshot(&["verify", &id, "--url", &server.url()]);
    assert!(matches!(damaged.code, Some(1 | 3)), "{damaged:?}");
    let unknown = snapshot(&["verify", UNKNOWN, "--url", &server.url()]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
}

#[test]
fn verified_in_a_stopped_directory() {
    let mut server = server();
    create(&server);
    server.ingest(&upsert("manual").edge("c", "d"));
    create(&server);
    server.stop();
    let verify = || run(command(["snapshot", "verify", "--data-dir"]).arg(server.data()));
    let sound = contents(&server.data());
    let finished = verify();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let newest = damage_newest(&server.data());
    let damaged = verify();
    assert_eq!(damaged.code, Some(3), "{damaged:?}");
    let said = damaged.stdout.clone() + &damaged.stderr;
    assert!(said.contains(file_name(&newest)), "which one: {damaged:?}");
    flip(&newest, 1, 2);
    assert_eq!(verify().code, Some(0));
    assert_eq!(contents(&server.data()), sound, "it only reads");
}

#[test]
fn an_unknown_one_is_not_downloaded() {
    let (server, directory) = (server(), tempfile::tempdir().unwrap());
    let output = directory.path().join("output");
    for (id, code) in [(UNKNOWN, 1), ("x", 2), ("../LOCK", 2)] {
        let finished =
            snapshot(&["download", id, "--output", output.to_str().unwrap(), "--url", &server.url()]);
        assert_eq!(finished.code, Some(code), "{id}: {finished:?}");
        assert_eq!(entries(directory.path()), Vec::<PathBuf>::new(), "no half file");
    }
}

#[test]
fn restored_into_an_empty_directory() {
    let (server, _directory, file) = downloaded();
    let fresh = tempfile::tempdir().unwrap();
    let data = fresh.path().join("data");
    let finished = restore(&file, &data);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let mut restored = Server::start_in(fresh, &ON_REQUEST, &[]);
    for target in READS {
        let [before, after] = [&server, &restored].map(|server| server.get(target));
        assert_eq!(after.text(), before.text(), "{target}: the digest, the ids, the times");
        assert_eq!(after.version(), before.version(), "{target}");
        let tags = [&before, &after].map(|reply| reply.header("etag").map(str::to_owned));
        assert!(
            tags[0].is_some() && tags[0] != tags[1],
            "{target}: another history has other tags: {tags:?}"
        );
    }
    let version = restored.version();
    assert_eq!(restored.ingest(&upsert("manual").edge("c", "d"))["version"], version + 1);
    restored.crash_and_restart();
    assert_eq!(restored.version(), version + 1, "it goes on from there");
}

#[test]
fn restored_into_a_directory_that_is_there_and_empty() {
    let (server, _directory, file) = downloaded();
    let fresh = tempfile::tempdir().unwrap();
    fs::create_dir(fresh.path().join("data")).unwrap();
    assert_eq!(restore(&file, &fresh.path().join("data")).code, Some(0));
    let restored = Server::start_in(fresh, &ON_REQUEST, &[]);
    assert_eq!(restored.get(READS[0]).text(), server.get(READS[0]).text());
}

#[test]
fn never_into_one_that_holds_something() {
    let (mut server, _directory, file) = downloaded();
    server.stop();
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("mine"), "kept").unwrap();
    for data in [server.data(), other.path().to_owned()] {
        let before = contents(&data);
        let finished = restore(&file, &data);
        assert!(matches!(finished.code, Some(1 | 2)), "{finished:?}");
        assert!(!finished.error_lines().is_empty(), "it says why");
        assert_eq!(contents(&data), before, "nothing changed");
    }
}

#[test]
fn nothing_damaged_is_restored() {
    let (_server, _directory, file) = downloaded();
    let sound = fs::read(&file).unwrap();
    let cut = sound[..sound.len() - 1].to_vec();
    let flipped = |part: usize| {
        let mut bytes = sound.clone();
        bytes[part * (sound.len() - 1) / 10] ^= 1;
        bytes
    };
    let longer = [&sound[..], b"x"].concat();
    for bytes in
        [flipped(0), flipped(1), flipped(5), flipped(10), cut, longer, Vec::new(), b"no snapshot".to_vec()]
    {
        fs::write(&file, &bytes).unwrap();
        let fresh = tempfile::tempdir().unwrap();
        let finished = restore(&file, fresh.path());
        assert_eq!(finished.code, Some(3), "{finished:?}");
        assert_eq!(entries(fresh.path()), Vec::<PathBuf>::new(), "it stays empty");
    }
    let fresh = tempfile::tempdir().unwrap();
    let missing = restore(&fresh.path().join("missing"), &fresh.path().join("data"));
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert_eq!(entries(fresh.path()), Vec::<PathBuf>::new());
}
