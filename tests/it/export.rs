//! `watershed export csv|ndjson`, and what it wrote imported again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::disk::{contents, entries, file_name};
use crate::support::{Finished, Payload, Server, attributes, command, run, upsert};

const STATS: &str = "/api/v1/graph/stats";
const FORMS: [&str; 2] = ["csv", "ndjson"];
/// A start that is no sweep: that would be a version more.
const QUIET: [(&str, &str); 1] = [("STALENESS_SWEEP_INTERVAL_HOURS", "0")];

/// Texts that a spreadsheet or a reader of lines could trip over.
const HOSTILE: [&str; 4] = ["=cmd|' /C calc'!A0", "-1", "'@x, \"y\"; z", "größe\u{2028}x"];

/// An empty upsert of now, which a sweep leaves as it is; the sample is of long ago.
fn fresh(source: &str) -> Payload {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    upsert(source).at(&jiff::Timestamp::from_second(now).unwrap().to_string())
}

/// A server with a sample and, on top, something of everything that the digest covers.
fn server() -> Server {
    let server = Server::start_with(&QUIET, &["--sample", "platform"]);
    let hostile = json!({"team": HOSTILE[0], "note": "a\nb\r\n\t=1", "n": [1e-7, 12_345_678_901_234_567_890_u64, null]});
    server.ingest(&fresh("manual").node(HOSTILE[0], hostile).node(HOSTILE[1], json!({})).edges([
        (HOSTILE[0], HOSTILE[1]),
        (HOSTILE[1], HOSTILE[2]),
        (HOSTILE[2], HOSTILE[0]),
        ("removed", HOSTILE[3]),
    ]));
    let mut attributes = attributes("async", "soft");
    attributes["retry_config"] = json!({});
    attributes["protocol"] = json!("=1+1");
    server.ingest(&fresh("kubernetes").edge_with(HOSTILE[0], HOSTILE[1], attributes));
    server.ingest(&upsert("kubernetes").at("2020-01-01T00:00:00.000001Z").edge("old", "older"));
    server.ingest(&fresh("service_mesh").edges([("one", "two"), ("two", "one"), ("p", "q"), ("q", "p")]));
    let alerts = server.get_json("/api/v1/circular-dependencies?limit=100");
    let alert = |member: &str| {
        let has = |alert: &&Value| alert["cycle_path"].as_array().unwrap().contains(&json!(member));
        let found = alerts["items"].as_array().unwrap().iter().find(has).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };
    for (member, verb, said) in [
        (HOSTILE[0], "acknowledge", json!({"acknowledged_by": "=me"})),
        ("one", "acknowledge", json!({"acknowledged_by": "'somebody\n"})),
        ("p", "resolve", json!({"resolution_notes": "+done"})),
    ] {
        let target = format!("/api/v1/circular-dependencies/{}/{verb}", alert(member));
        server.sent("POST", &target, &said, 200);
    }
    server.deleted("/api/v1/services/removed");
    server.deleted("/api/v1/services/p");
    server.sent("PUT", "/api/v1/services/one/slo", &json!({"availability_target": 99.95}), 200);
    server.sent("POST", "/api/v1/admin/staleness/run", &json!({}), 200);
    let stats = server.get_json(STATS);
    let has = |what: &str| stats[what].as_u64().unwrap() > 0;
    assert!(["stale_dependencies", "cycles", "discovered_services"].into_iter().all(has), "{stats}");
    server
}

/// What is asked of two servers that have to be the same.
fn questions(server: &Server) -> Vec<String> {
    let mut all: Vec<String> =
        [STATS, "/api/v1/services?limit=100", "/api/v1/circular-dependencies?limit=100"]
            .map(str::to_owned)
            .into();
    let listed = server.get_json("/api/v1/services?limit=100");
    for service in listed["items"].as_array().unwrap() {
        let id = crate::support::encoded(service["service_id"].as_str().unwrap());
        all.push(format!("/api/v1/services/{id}"));
        all.push(format!("/api/v1/services/{id}/dependencies?depth=10&direction=both&include_stale=true"));
    }
    all
}

fn export(form: &str, directory: &Path, origin: &[&str]) -> Finished {
    run(command(["export", form]).arg(directory).args(origin))
}

fn exported(form: &str, directory: &Path, origin: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let finished = export(form, directory, origin);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
    let named = |(path, bytes): (PathBuf, Vec<u8>)| (file_name(&path).to_owned(), bytes);
    contents(directory).into_iter().map(named).collect()
}

fn restore(tables: &Path, data: &Path) -> Finished {
    run(command(["import"]).arg(tables).arg("--data-dir").arg(data))
}

/// What somebody does to the text of a file.
type Edit<'e> = &'e dyn Fn(&str) -> String;

/// A stopped server's tables in a directory of their own.
fn tables(form: &str) -> (Server, TempDir, PathBuf) {
    let (mut server, directory) = (server(), tempfile::tempdir().unwrap());
    server.stop();
    let tables = directory.path().join("tables");
    exported(form, &tables, &["--data-dir", server.data().to_str().unwrap()]);
    (server, directory, tables)
}

#[test]
fn a_server_its_data_and_its_snapshot_give_the_same_bytes() {
    let mut server = server();
    let digest = server.get_json(STATS)["digest"].as_str().unwrap().to_owned();
    let directory = tempfile::tempdir().unwrap();
    let snapshot = directory.path().join("snapshot");
    let url = server.url();
    let mut of_server = Vec::new();
    for form in FORMS {
        let tables = directory.path().join(format!("server-{form}"));
        of_server.push(exported(form, &tables, &["--url", &url]));
    }
    let kept = server.get_json("/api/v1/admin/snapshots");
    assert_eq!(kept["items"].as_array().unwrap().len(), 1, "one for both: nothing changed in between");
    let output = snapshot.to_str().unwrap();
    let download = run(&mut command(["snapshot", "download", "--newest", "--output", output, "--url", &url]));
    assert_eq!(download.code, Some(0), "{download:?}");
    server.stop();
    for (form, expected) in FORMS.iter().zip(&of_server) {
        assert_eq!(expected.len(), 4, "three tables and a manifest");
        let manifest: Value = serde_json::from_slice(&expected["manifest.json"]).unwrap();
        assert_eq!(manifest["digest"], digest.as_str());
        let of_data = directory.path().join(format!("data-{form}"));
        let of_snapshot = directory.path().join(format!("snapshot-{form}"));
        assert!(exported(form, &of_data, &["--data-dir", server.data().to_str().unwrap()]) == *expected);
        assert!(exported(form, &of_snapshot, &["--snapshot", output]) == *expected);
    }
    assert_eq!(entries(directory.path()).len(), 7, "nothing else is left");
}

#[test]
fn what_was_exported_becomes_the_same_graph() {
    let mut server = server();
    let asked = questions(&server);
    let answers = |server: &Server| asked.iter().map(|target| server.get(target).text()).collect::<Vec<_>>();
    let expected = answers(&server);
    server.stop();
    for form in FORMS {
        let directory = tempfile::tempdir().unwrap();
        let tables = directory.path().join("tables");
        exported(form, &tables, &["--data-dir", server.data().to_str().unwrap()]);
        let finished = restore(&tables, &directory.path().join("data"));
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
        let mut restored = Server::start_in(directory, &QUIET, &[]);
        for ((target, before), after) in asked.iter().zip(&expected).zip(answers(&restored)) {
            assert_eq!(&after, before, "{form}: {target}");
        }
        let version = restored.version();
        assert_eq!(restored.ingest(&upsert("manual").edge("after", "all"))["version"], version + 1);
        restored.crash_and_restart();
        assert_eq!(restored.version(), version + 1, "it goes on from there");
    }
}

#[test]
fn a_server_takes_what_a_report_can_carry() {
    for form in FORMS {
        let (_server, _directory, tables) = tables(form);
        let other = Server::start_with(&QUIET, &[]);
        let import = |more: &[&str]| run(command(["import", "--url", &other.url()]).arg(&tables).args(more));
        let told = import(&["--dry-run"]);
        assert_eq!((told.code, other.version()), (Some(0), 0), "{told:?}");
        let finished = import(&["--format", "json"]);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let answer: Value = serde_json::from_str(&finished.stdout).unwrap();
        assert_eq!(answer["files"], 3, "{answer}");
        assert_eq!(answer["left_out"]["SLO targets"], 1, "{answer}");
        assert!(answer["left_out"]["stale observations"].as_u64().unwrap() > 0, "{answer}");
        let id = crate::support::encoded(HOSTILE[0]);
        let service = other.get_json(&format!("/api/v1/services/{id}"));
        assert_eq!(
            (&service["team"], &service["metadata"]["note"]),
            (&json!(HOSTILE[0]), &json!("a\nb\r\n\t=1"))
        );
        let found = other.get_json(&format!("/api/v1/services/{id}/dependencies?direction=downstream"));
        assert!(found["edges"].to_string().contains("=cmd"), "{found}");
        assert_eq!(other.get("/api/v1/services/old").status, 404, "what is stale is not reported anew");
        // In a tree the directory is found; a table of it alone would lose what the others say.
        let tree =
            run(command(["import", "--url", &other.url(), "--format", "json"]).arg(tables.parent().unwrap()));
        let again: Value = serde_json::from_str(&tree.stdout).unwrap();
        assert_eq!((&again["files"], &again["files_passed_over"]), (&json!(3), &json!(0)), "{tree:?}");
        let alone =
            run(command(["import", "--url", &other.url()]).arg(tables.join(format!("services.{form}"))));
        assert_eq!((alone.code, alone.stderr.contains("import the directory")), (Some(2), true), "{alone:?}");
        // An edit, as an analyst makes it.
        let file = tables.join(format!("dependencies.{form}"));
        let text = fs::read_to_string(&file).unwrap();
        let line = text.lines().find(|line| line.contains("two") && line.contains("one")).unwrap();
        fs::write(&file, format!("{text}{}\n", line.replace("two", "three"))).unwrap();
        assert_eq!(import(&[]).code, Some(0));
        assert_eq!(other.get("/api/v1/services/three").status, 200);
    }
}

#[test]
fn what_is_not_what_was_written_makes_nothing() {
    let (_server, directory, tables) = tables("csv");
    let cut = |text: &str| text[..text.len() - 3].to_owned();
    let edited = |text: &str| text.replacen(",hard,", ",soft,", 1);
    let dangling = |text: &str| text.replace("\none,", "\nnobody,");
    let cases: [(&str, Edit<'_>, &str, bool); 6] = [
        ("dependencies.csv", &cut, "dependencies.csv: line ", false),
        (
            "dependencies.csv",
            &edited,
            "If they were edited, a running server takes them: `watershed import ",
            true,
        ),
        ("dependencies.csv", &dangling, "no service has the id \"nobody\"", false),
        (
            "services.csv",
            &|text| text.replacen(",internal,", ",outside,", 1),
            "service_type: the sources say ",
            false,
        ),
        (
            "cycles.csv",
            &|text| text.lines().next().unwrap().to_owned() + "\n",
            "the active cycles are not ",
            true,
        ),
        ("manifest.json", &|text| text.replace("\"digest\": \"", "\"digest\": \"0"), "the digest is ", true),
    ];
    let missing = directory.path().join("missing");
    for (file, edit, expected, is_edit) in cases {
        let path = tables.join(file);
        let sound = fs::read_to_string(&path).unwrap();
        fs::write(&path, edit(&sound)).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), sound, "{expected}");
        let refused = restore(&tables, &missing);
        assert_eq!((refused.code, refused.error_lines().len()), (Some(3), 1), "{refused:?}");
        assert!(refused.stderr.contains(expected), "{refused:?}");
        assert!(refused.stderr.contains("Nothing was changed."), "{refused:?}");
        assert_eq!(refused.stderr.contains("were edited"), is_edit, "{refused:?}");
        assert!(!missing.exists());
        fs::write(&path, sound).unwrap();
    }
    fs::rename(tables.join("cycles.csv"), directory.path().join("cycles.csv")).unwrap();
    let refused = restore(&tables, &missing);
    assert_eq!((refused.code, refused.stderr.contains("cycles.csv: ")), (Some(1), true), "{refused:?}");
    fs::rename(directory.path().join("cycles.csv"), tables.join("cycles.csv")).unwrap();
    fs::write(tables.join("manifest.json"), "{}").unwrap();
    assert_eq!(restore(&tables, &missing).code, Some(2), "it is none of ours");
    assert!(!missing.exists());
}

#[test]
fn a_directory_with_something_in_it_stays_as_it_is() {
    let (server, directory, tables) = tables("ndjson");
    let data = server.data();
    let before = contents(&tables);
    let again = export("ndjson", &tables, &["--data-dir", data.to_str().unwrap()]);
    assert_eq!(
        (again.code, again.stderr.contains("is not empty; nothing was changed")),
        (Some(1), true),
        "{again:?}"
    );
    let over = restore(&tables, &data);
    assert_eq!(
        (over.code, over.stderr.contains("is not empty; nothing was changed")),
        (Some(1), true),
        "{over:?}"
    );
    assert!(contents(&tables) == before);
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    exported("csv", &empty, &["--data-dir", data.to_str().unwrap()]);
}

#[test]
fn a_disk_without_room_leaves_nothing() {
    let (server, directory, _tables) = tables("csv");
    let target = directory.path().join("full");
    // The system refuses every byte of a file beyond the first 1,024, and does not end the process for trying.
    let limited = "trap '' XFSZ; ulimit -f 2; exec \"$0\" export csv \"$1\" --data-dir \"$2\"";
    let mut shell = command(["version"]);
    let program = shell.get_program().to_owned();
    shell = std::process::Command::new("sh");
    shell.args(["-c", limited]).arg(program).arg(&target).arg(server.data());
    shell.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    let refused = run(shell.stderr(std::process::Stdio::piped()));
    assert_eq!((refused.code, refused.error_lines().len()), (Some(1), 1), "{refused:?}");
    assert!(refused.stderr.contains("full/") && refused.stderr.contains(".csv: "), "{refused:?}");
    assert_eq!(entries(directory.path()).len(), 1, "only what was there before");
}

#[test]
fn what_cannot_be_read_makes_nothing() {
    let server = Server::start_with(&[("ADMIN_API_KEY", "0123456789012345678901234567890123456789")], &[]);
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("tables");
    let data = server.data();
    let data = data.to_str().unwrap();
    for (origin, code) in [
        (&["--url", "http://127.0.0.1:1"][..], 1),
        (&["--url", &server.url()], 1),
        (&["--data-dir", data], 4),
        (&["--snapshot", "Cargo.toml"], 3),
        (&["--snapshot", "no-such-file"], 1),
        (&["--data-dir", "src"], 2),
    ] {
        let refused = export("csv", &target, origin);
        assert_eq!((refused.code, refused.error_lines().len()), (Some(code), 1), "{origin:?}: {refused:?}");
        assert_eq!(entries(directory.path()), Vec::<PathBuf>::new(), "{origin:?}");
    }
}
