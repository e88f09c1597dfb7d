//! The command line: import, queries as JSON when piped, samples, help, exit codes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    Finished, Page, Payload, Server, command, dependencies, fixture, run, run_with_input, upsert,
};

/// The sample that the server's own `--sample` knows.
const SAMPLE: &str = "platform";

/// Runs a command against a server.
fn client(server: &Server, arguments: &[&str]) -> Finished {
    run(command(arguments.iter().copied()).env("WATERSHED_URL", server.url()))
}

fn succeeded(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

fn failed(finished: &Finished) {
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(!finished.error_lines().is_empty(), "it says why");
}

fn write(directory: &Path, name: &str, payload: &Payload) -> String {
    let path = directory.join(name);
    fs::write(&path, payload.json().to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn import_of_a_file() {
    let server = Server::start();
    let file = fixture("jaeger-small/graph.json");
    succeeded(&client(&server, &["import", file.to_str().unwrap()]));
    assert_eq!(Page::all(&server, "").len(), 8);
    assert_eq!(server.version(), 1);
}

#[test]
fn import_takes_the_url_as_a_flag_too() {
    let server = Server::start();
    let file = fixture("jaeger-small/graph.json");
    let finished =
        run(command(["import", "--url", &server.url()]).arg(file).env("WATERSHED_URL", "http://127.0.0.1:1"));
    succeeded(&finished);
    assert_eq!(server.version(), 1, "the flag goes before the environment");
}

#[test]
fn import_of_standard_input() {
    let server = Server::start();
    let body = upsert("manual").edge("a", "b").json().to_string();
    let mut import = command(["import", "-", "--url", &server.url()]);
    succeeded(&run_with_input(&mut import, body.as_bytes()));
    assert_eq!(dependencies(&server, "a", "").ids(), ["a", "b"]);
    failed(&run_with_input(&mut command(["import", "-", "--url", &server.url()]), b"{"));
    assert_eq!(server.version(), 1);
}

#[test]
fn import_of_several() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let first = write(directory.path(), "first.json", &upsert("manual").edge("a", "b"));
    let second = write(directory.path(), "second.json", &upsert("kubernetes").edge("b", "c"));
    succeeded(&client(&server, &["import", &first, &second]));
    assert_eq!(Page::all(&server, ""), ["a", "b", "c"]);
    assert_eq!(server.version(), 2);
}

#[test]
fn import_of_a_bad_one() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let invalid = write(directory.path(), "invalid.json", &upsert("manual").edge("a", "a"));
    let finished = client(&server, &["import", &invalid]);
    failed(&finished);
    assert!(finished.stderr.contains("edges[0].target"), "what the server named: {}", finished.stderr);
    let malformed = directory.path().join("malformed.json");
    fs::write(&malformed, "{").unwrap();
    failed(&client(&server, &["import", malformed.to_str().unwrap()]));
    let missing = directory.path().join("missing.json");
    let finished = client(&server, &["import", missing.to_str().unwrap()]);
    failed(&finished);
    assert!(finished.stderr.contains("missing.json"), "{}", finished.stderr);
    assert_eq!(server.version(), 0);
}

#[test]
fn commands_without_a_server_fail() {
    for arguments in [&["services"][..], &["deps", "a"]] {
        failed(&run(command(arguments).env("WATERSHED_URL", "http://127.0.0.1:1")));
    }
}

fn parsed(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

#[test]
fn piped_queries_are_the_servers_own_answers() {
    let server = Server::start();
    server.ingest(&upsert("manual").node("a/b c", json!({"team": "t"})).edges([("a/b c", "x"), ("x", "y")]));
    let finished = client(&server, &["deps", "a/b c"]);
    succeeded(&finished);
    assert_eq!(parsed(&finished), dependencies(&server, "a/b c", "").0);
    let finished =
        client(&server, &["deps", "a/b c", "--depth", "1", "--direction", "downstream", "--format", "json"]);
    succeeded(&finished);
    assert_eq!(parsed(&finished), dependencies(&server, "a/b c", "depth=1&direction=downstream").0);
    let finished = client(&server, &["services"]);
    succeeded(&finished);
    assert_eq!(parsed(&finished), server.get_json("/api/v1/services"));
}

#[test]
fn failed_queries() {
    let server = Server::start();
    let finished = client(&server, &["deps", "missing"]);
    failed(&finished);
    assert_eq!(finished.stdout, "", "no half answer");
}

#[test]
fn health() {
    let key = "a-key-of-32-characters-and-some-more";
    let mut server = Server::start_with(&[("ADMIN_API_KEY", key)], &[]);
    for arguments in [&["health"][..], &["health", "--ready"]] {
        succeeded(&client(&server, arguments));
    }
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    failed(&client(&server, &["health"]));
}

#[test]
fn version() {
    for arguments in [["version"], ["--version"]] {
        let finished = run(&mut command(arguments));
        succeeded(&finished);
        assert!(finished.stdout.contains(env!("CARGO_PKG_VERSION")), "{finished:?}");
    }
}

#[test]
fn bad_usage() {
    let table: [&[&str]; 6] = [
        &["no-such-command"],
        &["serve", "--no-such-flag"],
        &["serve", "extra"],
        &["deps"],
        &["import"],
        &[],
    ];
    for arguments in table {
        let finished = run(&mut command(arguments));
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
    }
}

#[test]
fn help_lists_every_setting() {
    let finished = run(&mut command(["serve", "--help"]));
    succeeded(&finished);
    let settings = [
        ("API_HOST", "127.0.0.1"),
        ("API_PORT", "8000"),
        ("API_WORKERS", ""),
        ("DATA_DIR", "./data"),
        ("WAL_DURABILITY", "sync"),
        ("WAL_SEGMENT_BYTES", "67108864"),
        ("SNAPSHOT_INTERVAL_SECONDS", "300"),
        ("SNAPSHOT_RETAIN", "5"),
        ("MAX_BODY_BYTES", "10485760"),
        ("REQUEST_TIMEOUT_SECONDS", "30"),
        ("HEADER_TIMEOUT_SECONDS", "10"),
        ("MAX_CONNECTIONS", "10000"),
        ("LOG_LEVEL", "info"),
        ("LOG_FORMAT", "json"),
        ("SHUTDOWN_GRACE_SECONDS", "30"),
    ];
    for (name, default) in settings {
        let flag = format!("--{}", name.to_ascii_lowercase().replace('_', "-"));
        for text in [name, flag.as_str(), default] {
            assert!(finished.stdout.contains(text), "{name}: no {text:?} in {}", finished.stdout);
        }
    }
    for flag in ["--sample", "--config"] {
        assert!(finished.stdout.contains(flag), "{flag}");
    }
}

#[test]
fn precedence_of_settings() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("settings.toml");
    fs::write(&file, "max_body_bytes = 100\n").unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let long = upsert("manual").node("a", json!({"text": "x".repeat(200)}));
    let from_file = Server::start_with(&[], &config);
    assert_eq!(from_file.post(&long).status, 413);
    let from_environment = Server::start_with(&[("MAX_BODY_BYTES", "1000")], &config);
    assert_eq!(from_environment.post(&long).status, 202, "the environment goes before the file");
    let from_flag = Server::start_with(&[("MAX_BODY_BYTES", "1000")], &["--max-body-bytes", "100"]);
    assert_eq!(from_flag.post(&long).status, 413, "a flag goes before the environment");
}

#[test]
fn a_sample_fills_an_empty_directory_only() {
    let mut server = Server::start_with(&[], &["--sample", SAMPLE]);
    let services = Page::all(&server, "");
    assert!(!services.is_empty());
    let before = server.version();
    server.ingest(&upsert("manual").edge("mine", services[0].as_str()));
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    server.start_again();
    assert_eq!(server.version(), before + 1, "a second start keeps what is there");
    assert_eq!(Page::all(&server, "").len(), services.len() + 1);
    assert_eq!(server.get("/api/v1/services/mine").status, 200);
}

#[test]
fn an_unknown_sample_is_bad_usage() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut serve = command(["serve", "--api-port", "0", "--sample", "no-such-sample", "--data-dir"]);
    let finished = run(serve.arg(&data));
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("no-such-sample") || finished.stderr.contains("sample"), "{finished:?}");
}
