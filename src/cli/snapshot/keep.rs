//! How many downloaded snapshots a directory keeps.
//!
//! - By the time in their ids: after a restore from a backup versions begin again at a lower one.
//! - Files with other names than a server gives to snapshots are not looked at, but for what downloads left behind that
//!   were killed: half a file a day old is nobody's any more.

use std::fs::{self, DirEntry};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::offline::at;
use crate::clock;
use crate::snapshot::parse_name;
use crate::storage::FileName;

/// No download takes as long.
const UNFINISHED_KEPT_SECONDS: i64 = 24 * 60 * 60;

/// Whether snapshots may be deleted from here at all: not from where a server has its own.
pub(super) fn check(directory: &Path, keep: u32) -> Result<(), Failure> {
    if !directory.is_dir() {
        let path = directory.display();
        return Err(Failure::Usage(format!("--keep {keep} is for a directory, and {path} is none")));
    }
    let is_data = |directory: &Path| directory.join("manifest").exists();
    if is_data(directory) || is_data(&directory.join("..")) {
        let path = directory.display();
        return Err(Failure::Usage(format!(
            "{path} is part of a data directory, which keeps its own snapshots"
        )));
    }
    Ok(())
}

/// Deletes the oldest snapshots, so that so many are left. Returns those that are gone.
pub(super) fn delete_all_but(directory: &Path, keep: u32) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut left_behind = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| at(directory, error))? {
        let entry = entry.map_err(|error| at(directory, error))?;
        let name = entry.file_name().into_string().ok().and_then(|name| FileName::parse(name).ok());
        if let Some((_, id)) = name.as_ref().and_then(parse_name) {
            found.push((id, entry.path()));
        } else if entry.file_name().to_str().is_some_and(is_unfinished) && is_old(&entry) {
            left_behind.push(entry.path());
        }
    }
    found.sort_unstable();
    let surplus = found.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
    let surplus = found.into_iter().take(surplus).map(|(_, path)| path);
    let gone: Vec<PathBuf> = surplus.chain(left_behind).collect();
    for path in &gone {
        fs::remove_file(path).map_err(|error| at(path, error))?;
    }
    Ok(gone)
}

/// Whether a download is written under that name.
fn is_unfinished(name: &str) -> bool {
    let rest = name.strip_prefix(".watershed-").and_then(|rest| rest.split_once('.'));
    rest.is_some_and(|(_, end)| end == "tmp")
}

fn is_old(entry: &DirEntry) -> bool {
    let oldest = clock::now().as_microseconds() / 1_000_000 - UNFINISHED_KEPT_SECONDS;
    entry.metadata().is_ok_and(|metadata| metadata.mtime() < oldest)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tempfile::tempdir;
    use uuid::Uuid;

    use super::*;
    use crate::snapshot::file_name;

    #[test]
    fn the_oldest_go_by_their_ids_and_nothing_else_does() {
        let directory = tempdir().unwrap();
        // The version fell with the third: it is of a server that was restored.
        let names: Vec<String> = [(70, 1), (80, 2), (3, 3), (4, 4)]
            .map(|(version, id)| file_name(version, Uuid::from_u128(id)).as_str().to_owned())
            .into();
        let others = ["api-keys", "snap-1", "notes.txt", "snap-0000000000000001-x"];
        for name in names.iter().map(String::as_str).chain(others) {
            fs::write(directory.path().join(name), name).unwrap();
        }
        let unfinished = [".watershed-1.tmp", ".watershed-2.tmp"].map(|name| directory.path().join(name));
        for path in &unfinished {
            fs::write(path, "half").unwrap();
        }
        let touched = Command::new("touch").args(["-d", "2 days ago"]).arg(&unfinished[0]).status().unwrap();
        assert!(touched.success());
        assert_eq!(delete_all_but(directory.path(), 4).ok().unwrap(), [unfinished[0].clone()]);
        fs::remove_file(&unfinished[1]).unwrap();
        let gone = delete_all_but(directory.path(), 2).ok().unwrap();
        assert_eq!(gone, [directory.path().join(&names[0]), directory.path().join(&names[1])]);
        let left = fs::read_dir(directory.path()).unwrap();
        let mut left: Vec<String> =
            left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort_unstable();
        let mut expected: Vec<&str> = names[2..].iter().map(String::as_str).chain(others).collect();
        expected.sort_unstable();
        assert_eq!(left, expected);
    }

    #[test]
    fn a_directory_of_a_server_is_refused() {
        let directory = tempdir().unwrap();
        let snapshots = directory.path().join("snapshots");
        fs::create_dir(&snapshots).unwrap();
        assert!(check(&snapshots, 1).is_ok());
        fs::write(directory.path().join("manifest"), "").unwrap();
        for path in [directory.path(), &snapshots, &directory.path().join("manifest")] {
            assert!(matches!(check(path, 1), Err(Failure::Usage(_))), "{}", path.display());
        }
    }
}
