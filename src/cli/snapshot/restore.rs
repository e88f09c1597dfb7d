//! `watershed snapshot restore`: a data directory made of a snapshot's file.
//!
//! - The target is looked at first, then the file is read with every check; only then is anything written.

use std::path::{Path, PathBuf};

use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::offline::{Target, at};
use crate::cli::progress::Progress;
use crate::graph::Graph;
use crate::snapshot::{Header, LoadError, load_file};
use crate::storage::FsFile;

const EXAMPLES: &str = "\
Examples:
  watershed snapshot restore backup.snapshot --data-dir /var/lib/watershed-2
  watershed serve --data-dir /var/lib/watershed-2

The new directory has an id of its own, and no API keys: a snapshot holds none. Exit codes: 0 done; 1 the directory is not empty, or cannot
be written; 3 the snapshot does not hold, and nothing was made.";

/// Make a data directory of a snapshot's file
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The snapshot; its name does not matter
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The new data directory, missing or empty
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: PathBuf,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let target = Target::check(&options.data_dir)?;
    let (header, graph) = load(&options.file, console)?;
    target.make(&graph, header.directory_created_at, &options.file.display().to_string(), console)
}

/// Reads a snapshot's file with every check.
pub(in crate::cli) fn load(path: &Path, console: &Console) -> Result<(Header, Graph), Failure> {
    let progress = Progress::bar("verifying", console.err_sink());
    let file = FsFile::read_only(path).map_err(|error| at(path, error))?;
    load_file(&file, |done, total| progress.bytes(done, Some(total))).map_err(|error| match error {
        LoadError::Io(error) => at(path, error),
        error => Failure::Damaged(format!("{}: {error}. Nothing was changed.", path.display())),
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;

    use super::*;
    use crate::cli::offline::testing::{Damage, DataDir, flip, typed};

    fn restore(file: &Path, target: &Path) -> (u8, String, String) {
        let words: [OsString; 5] =
            ["snapshot".into(), "restore".into(), file.into(), "--data-dir".into(), target.into()];
        typed(words.to_vec())
    }

    #[test]
    fn a_snapshot_of_any_name_becomes_a_directory() {
        let directory = DataDir::with_snapshots(&[3], Damage::None);
        let (file, target) = (directory.beside("My Backup.SNAP"), directory.beside("new/one"));
        fs::copy(directory.snapshot(0), &file).unwrap();
        let mut permissions = fs::metadata(&file).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&file, permissions).unwrap();
        let (code, out, err) = restore(&file, &target);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("holds version 3 of ") && out.contains("digest "), "{out}");
        let verify: Vec<OsString> = ["wal", "verify", "--data-dir"]
            .into_iter()
            .map(Into::into)
            .chain([target.clone().into()])
            .collect();
        let (code, out, err) = typed(verify);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("\"last_version\":3"), "{out}");

        let (code, _, err) = restore(&file, &target);
        assert_eq!((code, err.contains("is not empty; nothing was changed")), (1, true), "{err}");
    }

    #[test]
    fn a_snapshot_that_does_not_hold_makes_nothing() {
        let directory = DataDir::with_snapshots(&[3], Damage::None);
        let (missing, empty) = (directory.beside("missing"), directory.beside("empty"));
        fs::create_dir(&empty).unwrap();
        flip(&directory.snapshot(0), 700);
        for target in [&missing, &empty] {
            let (code, out, err) = restore(&directory.snapshot(0), target);
            assert_eq!((code, out.as_str(), err.lines().count()), (3, "", 1), "{err}");
            let (code, ..) = restore(&directory.beside("no such file"), target);
            assert_eq!(code, 1);
        }
        assert!(!missing.exists());
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
    }
}
