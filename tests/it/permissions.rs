//! Who may open what a server writes: its owner, and nobody else, whatever the umask says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use crate::support::{Server, upsert};

/// Everything below a directory that somebody else may open.
fn too_open(directory: &Path, found: &mut Vec<String>, files: &mut usize) {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    if mode(directory) != 0o700 {
        found.push(format!("{} {:o}", directory.display(), mode(directory)));
    }
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            too_open(&path, found, files);
        } else {
            *files += 1;
            if mode(&path) != 0o600 {
                found.push(format!("{} {:o}", path.display(), mode(&path)));
            }
        }
    }
}

#[test]
fn a_data_directory_is_its_owners() {
    let mut server = Server::start();
    server.ingest(&upsert("manual"));
    server.sent("POST", "/api/v1/admin/snapshots", &json!({}), 201);
    server.sent("POST", "/api/v1/admin/api-keys", &json!({"name": "k", "role": "admin"}), 201);
    server.stop();
    let (mut found, mut files) = (Vec::new(), 0);
    too_open(&server.data(), &mut found, &mut files);
    assert!(files >= 5, "the log, a snapshot, the manifest, the keys, the lock: {files}");
    assert!(found.is_empty(), "{found:#?}");
}
