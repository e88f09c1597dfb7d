//! From a data directory to a graph and a log that can be written.
//!
//! - The newest snapshot that holds is taken; one that does not is reported and passed over. The log is kept
//!   back to the oldest that is kept, so nothing is lost by that.
//! - Nothing is changed unless the directory can be used.

use uuid::Uuid;

use super::StartError;
use super::keeper::Kept;
use crate::apply;
use crate::graph::Graph;
use crate::seeded::{self, Bug};
use crate::snapshot::{self, Entry, Manifest, file_name};
use crate::storage::{FileName, Storage};
use crate::types::Command;
use crate::wal::{self, Basis, Birth, Options, Recovered, Wal};

/// A data directory that is taken.
pub(super) struct Opened<S: Storage> {
    pub(super) graph: Graph,
    pub(super) log: Wal<S>,
    pub(super) recovery: Recovery,
    pub(super) kept: Kept<S>,
    pub(super) lock: S::Lock,
}

/// What was found at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// In the log.
    pub log: Recovered,
    /// The snapshot that the graph was read from.
    pub snapshot: Option<Entry>,
    /// Snapshots that do not hold, with what is wrong with each.
    pub bad_snapshots: Vec<String>,
}

/// What a directory says before its log is read.
pub(super) struct Base {
    pub(super) graph: Graph,
    pub(super) basis: Basis,
    pub(super) manifest: Option<Manifest>,
    snapshot: Option<Entry>,
    bad_snapshots: Vec<String>,
    /// Those of the manifest that were found not to hold.
    condemned: Vec<Uuid>,
}

/// Takes the directory and works out the graph that was acknowledged.
pub(super) fn open<S: Storage>(
    storage: &S,
    birth: &Birth,
    options: Options,
) -> Result<Opened<S>, StartError> {
    let lock = lock(storage)?;
    let mut base = base(storage)?;
    let mut basis = base.basis.clone();
    if seeded::has(Bug::ReplayTwice) {
        basis.version = 0;
    }
    let opened = Wal::open(storage, birth, &basis, options, |version, command| base.apply(version, &command));
    let (log, recovered) = match opened {
        Ok(opened) => opened,
        Err(source) if base.bad_snapshots.is_empty() => return Err(StartError::Log(source)),
        Err(source) => {
            let (bad, source) = (base.bad_snapshots.join("; "), Box::new(source));
            return Err(StartError::Snapshots { bad, source });
        }
    };
    let directory = snapshots_of(storage)?;
    let manifest = base.manifest.unwrap_or_else(|| Manifest {
        directory_id: recovered.directory_id,
        first_segment: recovered.first_segment,
        newest_segment: recovered.first_segment,
        snapshots: Vec::new(),
    });
    let directory_created_at = recovered.created_at;
    let condemned = base.condemned;
    let kept = Kept { storage: storage.clone(), directory, manifest, condemned, directory_created_at };
    let recovery = Recovery { log: recovered, snapshot: base.snapshot, bad_snapshots: base.bad_snapshots };
    Ok(Opened { graph: base.graph, log, recovery, kept, lock })
}

pub(super) fn lock<S: Storage>(storage: &S) -> Result<S::Lock, StartError> {
    let location = storage.location();
    storage.try_lock().map_err(|source| StartError::Lock { location, source })
}

/// The directory of the snapshots.
pub(super) fn snapshots_of<S: Storage>(storage: &S) -> Result<S, StartError> {
    let name = FileName::parse("snapshots").expect("letters");
    storage
        .directory(&name)
        .map_err(|source| StartError::Io { doing: "use the directory of snapshots", source })
}

/// Reads the manifest and the newest snapshot that holds.
pub(super) fn base<S: Storage>(storage: &S) -> Result<Base, StartError> {
    let manifest = Manifest::read(storage)
        .map_err(|source| StartError::Manifest { location: storage.location(), source })?;
    let mut base = Base {
        graph: Graph::default(),
        basis: Basis::default(),
        manifest: None,
        snapshot: None,
        bad_snapshots: Vec::new(),
        condemned: Vec::new(),
    };
    let Some(manifest) = manifest else {
        let is_trimmed = wal::directory_id(storage).is_ok_and(|id| id.is_some())
            && !wal::is_whole(storage).map_err(StartError::Log)?;
        if is_trimmed && has_snapshots(storage)? {
            return Err(StartError::NoManifest { location: storage.location() });
        }
        return Ok(base);
    };
    let directory = snapshots_of(storage)?;
    base.basis = Basis {
        version: 0,
        durable_version: manifest.snapshots.iter().map(|entry| entry.version).max().unwrap_or(0),
        segments: Some(manifest.first_segment..=manifest.newest_segment),
        directory_id: Some(manifest.directory_id),
    };
    for entry in &manifest.snapshots {
        let name = file_name(entry.version, entry.id);
        match snapshot::load(&directory, &name) {
            Ok((header, graph)) if Entry::of(&header).is_same_file(entry) => {
                base.basis.version = entry.version;
                base.graph = graph;
                base.snapshot = Some(entry.clone());
                break;
            }
            Ok(_) => base.bad_snapshots.push(format!("{name}: not the file that the manifest names")),
            Err(error) => base.bad_snapshots.push(format!("{name}: {error}")),
        }
        base.condemned.push(entry.id);
        if seeded::has(Bug::NoFallBack) {
            break;
        }
    }
    base.manifest = Some(manifest);
    Ok(base)
}

fn has_snapshots<S: Storage>(storage: &S) -> Result<bool, StartError> {
    let files = snapshots_of(storage)?.list();
    let files = files.map_err(|source| StartError::Io { doing: "list the snapshots", source })?;
    Ok(files.iter().any(|file| snapshot::parse_name(file).is_some()))
}

impl Base {
    /// Applies the command of the next version.
    pub(super) fn apply(&mut self, version: u64, command: &Command) {
        self.graph = apply::apply(&self.graph, command).0;
        debug_assert_eq!(self.graph.version(), version);
    }

    pub(super) fn bad_snapshots(&self) -> &[String] {
        &self.bad_snapshots
    }
}
