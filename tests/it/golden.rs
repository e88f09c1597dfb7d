//! Data directories of every format version that was ever released: each still starts, and answers what the program
//! of its time answered.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::disk::{contents, entries, file_name};
use crate::support::{Server, upsert};

const STATS: &str = "/api/v1/graph/stats";

/// `snapshots/v1`, `snapshots/v2`, …
fn released() -> Vec<PathBuf> {
    let versions = entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots"));
    let is_version = |path: &PathBuf| {
        file_name(path).strip_prefix('v').is_some_and(|digits| digits.parse::<u32>().is_ok())
    };
    versions.into_iter().filter(is_version).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in entries(from) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).unwrap();
        }
    }
}

fn expected(version: &Path) -> Value {
    serde_json::from_slice(&fs::read(version.join("expected.json")).unwrap()).unwrap()
}

/// A server on a copy of a released directory.
fn started_on(version: &Path) -> Server {
    let directory = tempfile::tempdir().unwrap();
    copy(&version.join("data"), &directory.path().join("data"));
    // A sweep that became due since the release would be a version more.
    let settings = [("WAL_SEGMENT_BYTES", "65536"), ("STALENESS_SWEEP_INTERVAL_HOURS", "0")];
    Server::start_in(directory, &settings, &[])
}

fn assert_answers(server: &Server, expected: &Value, version: &Path) {
    assert_eq!(server.get_json(STATS), expected["stats"], "{}", version.display());
    for (target, answer) in expected["answers"].as_object().unwrap() {
        assert_covers(&server.get_json(target), answer, &format!("{}: {target}", version.display()));
    }
}

/// Whether all that was answered then is answered now; members that were added since say more, not something else.
fn assert_covers(now: &Value, then: &Value, place: &str) {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            for (name, value) in then {
                assert_covers(now.get(name).unwrap_or(&Value::Null), value, &format!("{place}.{name}"));
            }
        }
        (Value::Array(now), Value::Array(then)) => {
            assert_eq!(now.len(), then.len(), "{place}");
            for (item, (now, then)) in now.iter().zip(then).enumerate() {
                assert_covers(now, then, &format!("{place}[{item}]"));
            }
        }
        (now, then) => assert_eq!(now, then, "{place}"),
    }
}

#[test]
fn every_released_version_answers_as_it_did() {
    let versions = released();
    assert!(versions.len() >= 3, "{versions:?}");
    for version in versions {
        let expected = expected(&version);
        let kept = contents(&version);
        let mut server = started_on(&version);
        assert_answers(&server, &expected, &version);
        // And it goes on from there: through a commit, a crash, a clean stop with a snapshot, and a start from it.
        let next = expected["stats"]["version"].as_u64().unwrap() + 1;
        assert_eq!(server.ingest(&upsert("manual").edge("frontend", "added"))["version"], next);
        let grown = server.get_json(STATS);
        server.crash_and_restart();
        assert_eq!(server.get_json(STATS), grown);
        server.stop();
        server.start_again();
        assert_eq!(server.get_json(STATS), grown);
        assert_eq!(contents(&version), kept, "the released directory itself is left alone");
    }
}

/// Where bugs can be switched on the program holds a text that tells; a unit test shows that it would be found.
#[test]
fn the_program_cannot_be_told_to_make_mistakes() {
    let marker = b"watershed can be told to make mistakes";
    let program = fs::read(env!("CARGO_BIN_EXE_watershed")).unwrap();
    assert!(!program.windows(marker.len()).any(|window| window == marker));
}
