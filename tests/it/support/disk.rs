//! Looks at a data directory from outside: the names that the contract gives, and damage to what lies there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The segments of the log, oldest first: `wal-` and sixteen hexadecimal digits.
pub(crate) fn segments(data: &Path) -> Vec<PathBuf> {
    let number = |path: &Path| {
        let digits = path.file_name()?.to_str()?.strip_prefix("wal-")?;
        (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
    };
    entries(data).into_iter().filter(|path| number(path).is_some()).collect()
}

/// What lies in a directory, sorted by name; nothing when it is not there.
pub(crate) fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Everything below a directory, directories too, without the directory itself.
pub(crate) fn tree(directory: &Path) -> Vec<PathBuf> {
    let below = |path: PathBuf| {
        let inside = if path.is_dir() { tree(&path) } else { Vec::new() };
        std::iter::once(path).chain(inside)
    };
    entries(directory).into_iter().flat_map(below).collect()
}

/// The bytes of every file below a directory, but for the one that tells who holds it.
pub(crate) fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_content = |path: &PathBuf| path.is_file() && file_name(path) != "LOCK";
    let files = tree(directory).into_iter().filter(is_content);
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// How much of a file there is before the zeros at its end, which are room and not content.
pub(crate) fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// Flips one bit of a file, `numerator / denominator` of the way through its content.
pub(crate) fn flip(path: &Path, numerator: usize, denominator: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = used(&bytes) * numerator / denominator;
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// The last part of a path.
pub(crate) fn file_name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}
