//! What the commands share that work on data directories of servers that do not run.
//!
//! - A directory that holds no data is bad usage, not a sound directory: nobody takes an empty mount for a
//!   checked one.
//! - A directory that is to be made is looked at before anything is read or written.

#[cfg(test)]
pub(super) mod testing;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::console::Console;
use super::failure::Failure;
use super::progress::Progress;
use crate::clock;
use crate::graph::Graph;
use crate::keys::ReadError;
use crate::snapshot::{Entry, LoadError, ManifestError, file_name, read_header};
use crate::storage::{FileName, Fs, LockError, Storage as _};
use crate::types::Timestamp;
use crate::wal::{CutError, OpenError, Options};
use crate::writer::{Making, Offline, OfflineCutError, OfflineError, RebuildError, StartError, establish};

/// `--data-dir` of the commands that look at one or mend it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct DataDirOption {
    /// The data directory; no server may be running on it
    #[arg(
        long = "data-dir",
        value_name = "DIRECTORY",
        env = "DATA_DIR",
        hide_env_values = true,
        default_value = "./data"
    )]
    pub(super) path: PathBuf,
}

/// The directory at `path`, which has data in it.
pub(super) fn storage(path: &Path) -> Result<Fs, Failure> {
    if !path.is_dir() {
        return Err(Failure::Usage(format!("{} is no directory", path.display())));
    }
    let storage = Fs::at(path).map_err(Failure::failed)?;
    let files = storage.list().map_err(|error| at(path, error))?;
    let is_data = |file: &FileName| file.as_str() == "manifest" || file.as_str().starts_with("wal-");
    if files.iter().any(is_data) {
        return Ok(storage);
    }
    Err(Failure::Usage(format!("{} holds no data of a server", path.display())))
}

/// Takes the directory at `path` and reads its newest snapshot that holds.
pub(super) fn open(path: &Path) -> Result<Offline<Fs>, Failure> {
    Offline::open(&storage(path)?).map_err(start_failure)
}

/// A directory that is missing or empty, to be made into a data directory.
pub(super) struct Target {
    path: PathBuf,
    is_missing: bool,
}

impl Target {
    /// Looks at `path` and changes nothing. The file of a lock alone is nothing: an earlier try left it.
    pub(super) fn check(path: &Path) -> Result<Self, Failure> {
        let is_missing = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(at(path, error)),
            Ok(entries) => {
                for entry in entries {
                    if entry.map_err(|error| at(path, error))?.file_name() != "LOCK" {
                        let location = path.display().to_string();
                        return Err(offline_failure(OfflineError::NotEmpty { location }));
                    }
                }
                false
            }
        };
        Ok(Self { path: path.to_owned(), is_missing })
    }

    /// The directory for writing.
    pub(super) fn open(&self) -> Result<Fs, Failure> {
        Fs::at(&self.path).map_err(|error| at(&self.path, error))
    }

    /// Takes the directory away again if there was none and nothing has come into it.
    pub(super) fn undo(&self) {
        if self.is_missing {
            // It fails where there is something in it, and that is what it should do.
            let _ = fs::remove_dir(&self.path);
        }
    }

    /// Makes the data directory: it begins with a graph, and passes on when that of the graph was made.
    pub(super) fn make(
        &self,
        graph: &Graph,
        directory_created_at: Timestamp,
        from: &str,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let storage = self.open()?;
        let progress = Progress::spinner("writing", console.err_sink());
        let made = establish(&storage, graph, directory_created_at, making());
        drop(progress);
        let entry = made.map_err(|error| {
            self.undo();
            offline_failure(error)
        })?;
        let text = self.describe(&storage, &entry, from)?;
        console.print_line(text.as_bytes())
    }

    /// What a person reads about a directory that was made.
    pub(super) fn describe(&self, target: &Fs, entry: &Entry, from: &str) -> Result<String, Failure> {
        let name = file_name(entry.version, entry.id);
        let snapshots = target.directory(&FileName::parse("snapshots").expect("letters"));
        let header = snapshots.map_err(LoadError::from).and_then(|directory| read_header(&directory, &name));
        let header = header.map_err(|error| at(&self.path, error))?;
        Ok(format!(
            "{} holds version {} of {from}: {} services, {} dependencies, digest {}",
            self.path.display(),
            header.version,
            header.services,
            header.dependencies,
            header.digest
        ))
    }
}

/// What a new directory is made with.
pub(super) fn making() -> Making {
    Making { salt: clock::random_u64(), options: Options::SMALLEST, clock: clock::for_writer() }
}

/// A failure at a place.
pub(super) fn at(path: &Path, error: impl Into<anyhow::Error>) -> Failure {
    Failure::Failed(error.into().context(path.display().to_string()))
}

pub(super) fn start_failure(error: StartError) -> Failure {
    match &error {
        StartError::Lock { location, source } => lock_failure(location, source),
        error if error.is_damage() => Failure::Damaged(error.to_string()),
        _ => Failure::failed(error),
    }
}

pub(super) fn lock_failure(location: &str, error: &LockError) -> Failure {
    match error {
        LockError::Held { .. } => Failure::Locked(format!("{location}: {error}")),
        LockError::Io(_) => Failure::Failed(anyhow::anyhow!("{location}: {error}")),
    }
}

pub(super) fn rebuild_failure(error: RebuildError) -> Failure {
    match error {
        RebuildError::Directory(error) => start_failure(error),
        RebuildError::Log(error) => log_failure(error),
        RebuildError::NoLog | RebuildError::Io(_) => Failure::failed(error),
    }
}

pub(super) fn keys_failure(error: ReadError) -> Failure {
    match error {
        ReadError::Damaged { .. } => Failure::Damaged(error.to_string()),
        ReadError::Io { .. } => Failure::failed(error),
    }
}

pub(super) fn manifest_failure(error: ManifestError) -> Failure {
    match error {
        ManifestError::Io(_) => Failure::failed(error),
        error => Failure::Damaged(error.to_string()),
    }
}

pub(super) fn log_failure(error: OpenError) -> Failure {
    if error.is_damage() { Failure::Damaged(error.to_string()) } else { Failure::failed(error) }
}

pub(super) fn cut_failure(error: OfflineCutError) -> Failure {
    match error {
        OfflineCutError::Cut(CutError::Log(error)) => log_failure(error),
        OfflineCutError::Cut(error @ (CutError::Sound { .. } | CutError::OtherLsn { .. })) => {
            Failure::Usage(error.to_string())
        }
        OfflineCutError::Io(_) => Failure::failed(error),
    }
}

pub(super) fn offline_failure(error: OfflineError) -> Failure {
    match error {
        OfflineError::Directory(error) => start_failure(error),
        OfflineError::NotEmpty { .. } => Failure::failed(error),
        OfflineError::Write(_) | OfflineError::Io(_) => {
            Failure::Failed(anyhow::Error::new(error).context("the new directory is not complete; remove it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_with_data_is_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        for path in [directory.path().to_owned(), directory.path().join("missing")] {
            assert_eq!(open(&path).err().map(|failure| failure.exit_code()), Some(2), "{path:?}");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "not even a lock");
    }

    #[test]
    fn only_what_is_missing_or_empty_is_a_target() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("not/yet");
        let target = Target::check(&missing).unwrap();
        assert!(!missing.exists(), "a look makes nothing");
        target.open().unwrap();
        target.undo();
        assert!(!missing.exists());
        Target::check(directory.path()).map(drop).unwrap_err();
        fs::remove_dir(directory.path().join("not")).unwrap();
        fs::write(directory.path().join("LOCK"), "process 1").unwrap();
        Target::check(directory.path()).unwrap().undo();
        for name in [".hidden", "a b", "wal-0000000000000001"] {
            let file = directory.path().join(name);
            fs::write(&file, "").unwrap();
            let failure = Target::check(directory.path()).err().unwrap();
            assert_eq!(failure.exit_code(), 1, "{name}");
            assert!(failure.message().unwrap().ends_with("is not empty; nothing was changed"), "{failure:?}");
            fs::remove_file(file).unwrap();
        }
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(Target::check(&file).err().unwrap().exit_code(), 1);
    }
}
