//! A manifest made anew from the files that it should name, where it does not hold itself.
//!
//! - Only snapshots that hold in full count, and only those of the directory whose log is there.
//! - All segments count that are there: what is missing between them a start notices; that a last one is missing
//!   it may not.

use std::io;

use super::StartError;
use super::open::{lock, snapshots_of};
use crate::snapshot::{self, Entry, LoadError, Manifest, ManifestError};
use crate::storage::{FileName, Storage};
use crate::wal::{self, OpenError};

/// What there is to make a manifest of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Why the one that is there does not hold; `None` when it does.
    pub fault: Option<String>,
    /// The snapshots that hold, the newest first.
    pub snapshots: Vec<Entry>,
    /// Those that do not, with what is wrong with each.
    pub passed_over: Vec<String>,
    /// The name in `quarantine/` under which the old one is kept, once it was replaced.
    pub kept_as: Option<FileName>,
}

/// Why there is no manifest to be made.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] StartError),
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// There is no log, so nothing tells whose snapshots these are.
    #[error("there is no segment of a log; restore a snapshot into a new directory instead")]
    NoLog,
    /// The disk refused.
    #[error("cannot replace the manifest: {0}")]
    Io(#[from] io::Error),
}

/// Looks at what a manifest could be made of, and makes it when `replace` says so and the one that is there does
/// not hold.
pub fn rebuild_manifest<S: Storage>(storage: &S, replace: Replace) -> Result<Rebuilt, RebuildError> {
    let _lock = lock(storage)?;
    let mut rebuilt = Rebuilt { fault: None, snapshots: Vec::new(), passed_over: Vec::new(), kept_as: None };
    rebuilt.fault = match Manifest::read(storage) {
        Ok(Some(_)) => return Ok(rebuilt),
        Ok(None) => Some("manifest: the file is missing".to_owned()),
        Err(ManifestError::Io(error)) => return Err(error.into()),
        Err(error) => Some(error.to_string()),
    };
    let directory_id = wal::directory_id(storage)?.ok_or(RebuildError::NoLog)?;
    let directory = snapshots_of(storage)?;
    for name in directory.list()?.into_iter().filter(|name| snapshot::parse_name(name).is_some()) {
        match snapshot::verify(&directory, &name, |_, _| {}) {
            Ok(header) if header.directory_id == directory_id => rebuilt.snapshots.push(Entry::of(&header)),
            Ok(_) => rebuilt.passed_over.push(format!("{name}: of another directory")),
            Err(LoadError::Io(error)) => return Err(error.into()),
            Err(error) => rebuilt.passed_over.push(format!("{name}: {error}")),
        }
    }
    rebuilt.snapshots.sort_by_key(|entry| std::cmp::Reverse((entry.version, entry.created_at)));
    if replace == Replace::Yes {
        let name = FileName::parse("manifest").expect("letters");
        if let Ok(file) = storage.open(&name) {
            rebuilt.kept_as = Some(wal::put_aside(storage, &name, &file)?);
        }
        let (first_segment, newest_segment) = wal::needed_segments(storage, 0)?.into_inner();
        let snapshots = rebuilt.snapshots.clone();
        Manifest { directory_id, first_segment, newest_segment, snapshots }.write(storage)?;
    }
    Ok(rebuilt)
}

/// Whether to act or only to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Only look.
    No,
    /// Replace what does not hold.
    Yes,
}
