//! What is done to a data directory that no server holds: looked at, mended, copied into a new one.
//!
//! - Looking changes nothing. Mending changes what it was told to, and puts aside what it takes away.
//! - A directory that is made from another one has an id of its own: whoever followed the old one must not take
//!   the new one for it. It cannot be started on before it is complete.

use std::io;

use super::StartError;
use super::keeper::Clock;
use super::open::{Base, base, lock, snapshots_of};
use crate::graph::Graph;
use crate::snapshot::{self, Entry, LoadError, Manifest, Stamp, WriteError, file_name};
use crate::storage::{FileName, Storage};
use crate::types::{Command, Timestamp};
use crate::wal::{self, Basis, Birth, Cut, CutError, LogEnd, OpenError, Options, Verdict, Wal};

/// A data directory, held against servers.
pub struct Offline<S: Storage> {
    storage: S,
    base: Base,
    _lock: S::Lock,
}

/// Why a directory was not made from another one.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The directory that was given, or the one to be made, cannot be used.
    #[error(transparent)]
    Directory(#[from] StartError),
    /// The directory that is to be made has something in it.
    #[error("{location} is not empty; nothing was changed")]
    NotEmpty {
        /// The directory.
        location: String,
    },
    /// The new snapshot could not be written.
    #[error("cannot write the snapshot: {0}")]
    Write(#[from] WriteError),
    /// The disk refused.
    #[error("cannot write the new directory: {0}")]
    Io(#[from] io::Error),
}

impl<S: Storage> Offline<S> {
    /// Takes a directory and reads its newest snapshot that holds.
    pub fn open(storage: &S) -> Result<Self, StartError> {
        let lock = lock(storage)?;
        Ok(Self { storage: storage.clone(), base: base(storage)?, _lock: lock })
    }

    /// What is wrong with the snapshots that are newer than the one that holds.
    pub fn bad_snapshots(&self) -> &[String] {
        self.base.bad_snapshots()
    }

    /// The snapshots that count, the newest first.
    pub fn snapshots(&self) -> &[Entry] {
        self.base.manifest.as_ref().map_or(&[], |manifest| &manifest.snapshots)
    }

    /// Reads a snapshot with every check; what comes back is why it does not hold.
    pub fn verify_snapshot(
        &self,
        entry: &Entry,
        progress: impl FnMut(u64, u64),
    ) -> Result<Option<LoadError>, StartError> {
        let directory = snapshots_of(&self.storage)?;
        let name = file_name(entry.version, entry.id);
        Ok(match snapshot::verify(&directory, &name, progress) {
            Ok(header) if Entry::of(&header).is_same_file(entry) => None,
            Ok(_) => Some(LoadError::Content("not the file that the manifest names".to_owned())),
            Err(error) => Some(error),
        })
    }

    /// Looks at what a start would read of the log.
    pub fn inspect(&self) -> Result<Verdict, OpenError> {
        wal::inspect(&self.storage, &self.base.basis)
    }

    /// Reads all of the log, and gives its commands to `each` up to where it ends, or breaks.
    pub fn dump(&self, each: impl FnMut(u64, Command)) -> Result<LogEnd, OpenError> {
        wal::dump(&self.storage, &self.base.basis, each)
    }

    /// Gives up the commands of a damaged log from `lsn` on, which is the first that a look names.
    pub fn cut(&self, birth: &Birth, options: Options, lsn: u64) -> Result<Cut, OfflineCutError> {
        let Base { basis, manifest, .. } = &self.base;
        let directory_id = manifest.as_ref().map_or(birth.directory_id, |manifest| manifest.directory_id);
        let birth = Birth { directory_id, ..birth.clone() };
        let mut cut = wal::cut(&self.storage, &birth, basis, options, lsn)?;
        let Some(manifest) = manifest else { return Ok(cut) };
        let last_version = (lsn - 1).max(basis.version);
        let (kept, beyond) =
            manifest.snapshots.iter().cloned().partition(|entry| entry.version <= last_version);
        for entry in &beyond as &Vec<Entry> {
            cut.kept.extend(self.put_aside(entry)?);
        }
        let (first_segment, newest_segment) = cut.segments.clone().into_inner();
        let directory_id = manifest.directory_id;
        Manifest { directory_id, first_segment, newest_segment, snapshots: kept }.write(&self.storage)?;
        Ok(cut)
    }

    /// Copies a snapshot to the quarantine; the next start takes the file away. Nothing where it is missing.
    fn put_aside(&self, entry: &Entry) -> Result<Option<(FileName, FileName)>, OfflineCutError> {
        let name = file_name(entry.version, entry.id);
        let directory = snapshots_of(&self.storage).map_err(|error| io::Error::other(error.to_string()))?;
        match directory.open(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
            Ok(file) => Ok(Some((name.clone(), wal::put_aside(&self.storage, &name, &file)?))),
        }
    }

    /// The graph that was acknowledged, and when its directory was made.
    pub fn graph(mut self) -> Result<(Graph, Option<Timestamp>), StartError> {
        let basis = self.base.basis.clone();
        let made = wal::replay(&self.storage, &basis, |version, command| self.base.apply(version, &command))
            .map_err(StartError::Log)?;
        Ok((self.base.graph, made))
    }
}

/// Why a damaged log was not cut.
#[derive(Debug, thiserror::Error)]
pub enum OfflineCutError {
    /// The log was not cut.
    #[error(transparent)]
    Cut(#[from] CutError),
    /// The disk refused, after the log was cut.
    #[error("the log is cut, but the manifest could not follow: {0}; run the same command again")]
    Io(#[from] io::Error),
}

/// What a new directory is made with.
#[derive(Clone, Copy, Debug)]
pub struct Making {
    /// A random number that nobody outside can know.
    pub salt: u64,
    /// How its log is written.
    pub options: Options,
    /// Time and ids.
    pub clock: Clock,
}

/// Makes a data directory in the format of this program of one in any format that it reads.
pub fn migrate<S: Storage>(source: Offline<S>, target: &S, making: Making) -> Result<Entry, OfflineError> {
    let (graph, made) = source.graph()?;
    establish(target, &graph, made.unwrap_or_else(making.clock.now), making)
}

/// Makes a data directory that begins with a graph; `directory_created_at` is passed on from where it comes.
///
/// The log first, then the snapshot, the manifest last: without a manifest a log that begins behind the first
/// version is refused.
pub fn establish<S: Storage>(
    target: &S,
    graph: &Graph,
    directory_created_at: Timestamp,
    making: Making,
) -> Result<Entry, OfflineError> {
    let lock = lock(target)?;
    if !target.list()?.is_empty() {
        return Err(OfflineError::NotEmpty { location: target.location() });
    }
    let Making { salt, options, clock } = making;
    let directory_id = (clock.new_id)();
    let birth = Birth { directory_id, salt, at: directory_created_at };
    let basis = Basis { version: graph.version(), ..Basis::default() };
    let (log, recovered) = Wal::open(target, &birth, &basis, options, |_, _| {}).map_err(StartError::Log)?;
    log.seal().map_err(|error| io::Error::other(error.to_string()))?;
    let stamp = Stamp { id: (clock.new_id)(), directory_id, directory_created_at, created_at: (clock.now)() };
    let header = snapshot::write(&snapshots_of(target)?, graph, &stamp)?;
    let entry = Entry::of(&header);
    let manifest = Manifest {
        directory_id,
        first_segment: recovered.first_segment,
        newest_segment: recovered.first_segment,
        snapshots: vec![entry.clone()],
    };
    manifest.write(target)?;
    drop(lock);
    Ok(entry)
}
