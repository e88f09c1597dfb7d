//! The snapshots of a data directory: taken, kept, and what they make superfluous removed.
//!
//! What it is not: the thread and its queue; those are `snapshots`. So tests drive it call by call.
//!
//! - Order: the snapshot is written, verified and named; the manifest names it; only then go the snapshots
//!   that are not kept, and the segments that the oldest kept one makes superfluous. A crash in between
//!   leaves files that the manifest does not name, and the next pass takes them away.
//! - A snapshot is taken of commands that the log has synced, and of no others.
//! - While a single snapshot is kept the log stays whole: it is what there is to fall back to. And where the
//!   log is not whole there are two, of which the older is not removed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::SnapshotError;
use super::published::{Health, Published};
use crate::graph::Graph;
use crate::limits;
use crate::seeded::{self, Bug};
use crate::snapshot::{self, Entry, Manifest, Stamp, file_name};
use crate::storage::{FileName, Storage, StorageFile, is_full, remove_temporaries};
use crate::traces;
use crate::types::Timestamp;
use crate::wal;

/// What the edge provides: the time, and ids that nothing else has.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The wall clock.
    pub now: fn() -> Timestamp,
    /// A clock that never goes back.
    pub monotonic: fn() -> Instant,
    /// A fresh id.
    pub new_id: fn() -> Uuid,
}

pub(super) struct Keeper<S: Storage> {
    storage: S,
    directory: S,
    published: Arc<Published>,
    /// What counts: the manifest that is on disk, less the snapshots that do not hold.
    manifest: Manifest,
    /// Those; their files stay until the next manifest does without them.
    condemned: Vec<Uuid>,
    directory_created_at: Timestamp,
    retain: usize,
    reserve_bytes: u64,
    clock: Clock,
}

/// What a keeper is made from.
pub(super) struct Kept<S> {
    pub(super) storage: S,
    pub(super) directory: S,
    pub(super) manifest: Manifest,
    /// Snapshots of the manifest that were found not to hold.
    pub(super) condemned: Vec<Uuid>,
    pub(super) directory_created_at: Timestamp,
}

impl<S: Storage> Keeper<S> {
    pub(super) fn new(
        kept: Kept<S>,
        published: Arc<Published>,
        retain: usize,
        segment_bytes: u64,
        clock: Clock,
    ) -> Self {
        let Kept { storage, directory, mut manifest, condemned, directory_created_at } = kept;
        manifest.snapshots.retain(|entry| !condemned.contains(&entry.id));
        let reserve_bytes = limits::RESERVE_BYTES_MAX.min(segment_bytes / 2);
        let keeper = Self {
            storage,
            directory,
            published,
            manifest,
            condemned,
            directory_created_at,
            retain,
            reserve_bytes,
            clock,
        };
        keeper.note_newest();
        keeper
    }

    /// The snapshots that count, the newest first.
    pub(super) fn list(&self) -> &[Entry] {
        &self.manifest.snapshots
    }

    pub(super) fn find(&self, id: Uuid) -> Result<&Entry, SnapshotError> {
        self.list().iter().find(|entry| entry.id == id).ok_or(SnapshotError::Unknown)
    }

    /// Whether the published graph has changed since the newest snapshot.
    pub(super) fn has_news(&self) -> bool {
        let newest = self.list().first().map_or(0, |entry| entry.version);
        self.published.load().version() > newest
    }

    /// Takes a snapshot of the published graph.
    #[cfg(test)]
    pub(super) fn create(&mut self) -> Result<Entry, SnapshotError> {
        let graph = self.published.load();
        self.create_of(&graph)
    }

    /// Takes a snapshot of a graph that was published. When the disk is full the reserve is given up for it,
    /// since it lets old segments go.
    pub(super) fn create_of(&mut self, graph: &Graph) -> Result<Entry, SnapshotError> {
        let _part = traces::part("snapshot");
        let taken = match self.take(graph) {
            Err(SnapshotError::Full) if self.release_reserve() => self.take(graph),
            taken => taken,
        };
        let gauges = &self.published.gauges;
        match &taken {
            Ok(entry) => {
                gauges.snapshots.fetch_add(1, Ordering::Relaxed);
                gauges.snapshot.observe(Duration::from_millis(entry.duration_ms.into()));
                tracing::info!(
                    version = entry.version,
                    bytes = entry.bytes,
                    ms = entry.duration_ms,
                    "snapshot taken"
                );
            }
            Err(error) => {
                gauges.snapshot_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "no snapshot was taken");
            }
        }
        taken
    }

    fn take(&mut self, graph: &Graph) -> Result<Entry, SnapshotError> {
        let durable_version = self.published.gauges.durable_version.load(Ordering::Acquire);
        if graph.version() > durable_version && !seeded::has(Bug::SnapshotUnsynced) {
            return Err(SnapshotError::NotDurable);
        }
        let begun = (self.clock.monotonic)();
        let mut entry = self.write(graph)?;
        entry.duration_ms =
            u32::try_from((self.clock.monotonic)().duration_since(begun).as_millis()).unwrap_or(u32::MAX);
        let kept = self.list().iter().take(self.retain - 1).cloned();
        let snapshots = std::iter::once(entry.clone()).chain(kept).collect();
        self.install(snapshots)?;
        self.note_newest();
        Ok(entry)
    }

    fn write(&self, graph: &Graph) -> Result<Entry, SnapshotError> {
        let stamp = Stamp {
            id: (self.clock.new_id)(),
            directory_id: self.manifest.directory_id,
            directory_created_at: self.directory_created_at,
            created_at: (self.clock.now)(),
        };
        let header = snapshot::write(&self.directory, graph, &stamp).map_err(|error| match error {
            snapshot::WriteError::DiskFull(_) => SnapshotError::Full,
            snapshot::WriteError::Io(_) | snapshot::WriteError::Verification(_) => {
                SnapshotError::Failed(error.to_string())
            }
        })?;
        Ok(Entry::of(&header))
    }

    /// Makes these the snapshots that count, and removes what they make superfluous.
    fn install(&mut self, snapshots: Vec<Entry>) -> Result<(), SnapshotError> {
        if seeded::has(Bug::RemoveSnapshotsBeforeManifest) {
            self.remove_files(&snapshots).map_err(failed)?;
        }
        let basis = basis(&snapshots);
        let segments = wal::needed_segments(&self.storage, basis).map_err(failed)?;
        if seeded::has(Bug::RemoveSegmentsBeforeManifest) {
            wal::remove_segments(&self.storage, *segments.start()).map_err(failed)?;
        }
        let active = self.published.gauges.active_segment.load(Ordering::Acquire);
        let manifest = Manifest {
            directory_id: self.manifest.directory_id,
            first_segment: (*segments.start()).min(active),
            // Not the newest that is there: the name of that one may not be durable yet.
            newest_segment: active,
            snapshots,
        };
        let written = manifest.write(&self.storage);
        written.map_err(|error| if is_full(&error) { SnapshotError::Full } else { failed(error) })?;
        self.manifest = manifest;
        self.condemned.clear();
        self.tidy();
        Ok(())
    }

    /// Removes the files that the manifest does without, and none that it names, whatever has become superfluous
    /// since it was written. What cannot be removed now is when the next snapshot comes.
    pub(super) fn tidy(&self) {
        let removed = self
            .remove_files(self.list())
            .and_then(|()| remove_temporaries(&self.directory, "snap-"))
            .map_err(failed)
            .and_then(|()| wal::remove_segments(&self.storage, self.manifest.first_segment).map_err(failed));
        if let Err(error) = removed {
            tracing::warn!(%error, "superfluous files could not be removed");
        }
        self.published.gauges.first_segment.store(self.manifest.first_segment, Ordering::Relaxed);
        if self.published.health() == Health::Healthy {
            self.hold_reserve();
        }
    }

    fn remove_files(&self, kept: &[Entry]) -> io::Result<()> {
        for file in self.directory.list()? {
            let named = snapshot::parse_name(&file);
            let is_superfluous =
                |id: &Uuid| kept.iter().all(|entry| entry.id != *id) && !self.condemned.contains(id);
            if named.is_some_and(|(_, id)| is_superfluous(&id)) {
                self.directory.remove(&file)?;
            }
        }
        Ok(())
    }

    /// Reads a snapshot with every check; what comes back is why it does not hold.
    pub(super) fn verify(&self, id: Uuid) -> Result<(Entry, Option<String>), SnapshotError> {
        let entry = self.find(id)?.clone();
        let name = file_name(entry.version, entry.id);
        let fault = match snapshot::verify(&self.directory, &name, |_, _| {}) {
            Ok(header) if Entry::of(&header).is_same_file(&entry) => None,
            Ok(_) => Some("the file is not the one that the manifest names".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        Ok((entry, fault))
    }

    /// Opens the file of a snapshot.
    pub(super) fn open(&self, id: Uuid) -> Result<(Entry, S::File), SnapshotError> {
        let entry = self.find(id)?.clone();
        let file = self.directory.open(&file_name(entry.version, entry.id)).map_err(failed)?;
        Ok((entry, file))
    }

    /// Removes a snapshot that is not the newest, and not the only one to fall back to either.
    pub(super) fn delete(&mut self, id: Uuid) -> Result<(), SnapshotError> {
        self.find(id)?;
        if self.list().first().is_some_and(|newest| newest.id == id) {
            return Err(SnapshotError::Newest);
        }
        let others: Vec<Entry> = self.list().iter().filter(|entry| entry.id != id).cloned().collect();
        if others.len() < limits::SNAPSHOTS_RETAINED_MIN && !wal::is_whole(&self.storage).map_err(failed)? {
            return Err(SnapshotError::LastResort);
        }
        self.install(others)
    }

    /// Holds room that is given up when a snapshot needs it.
    fn hold_reserve(&self) {
        let held = || -> io::Result<()> {
            let file = match self.storage.create(&reserve()) {
                // It may be there without its room.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.storage.open(&reserve())?,
                file => file?,
            };
            file.allocate(self.reserve_bytes)
        };
        if held().is_err() {
            self.release_reserve();
        }
    }

    /// Gives up the room, and says whether there was any.
    fn release_reserve(&self) -> bool {
        self.storage.remove(&reserve()).is_ok()
    }

    fn note_newest(&self) {
        let Some(newest) = self.list().first() else { return };
        let gauges = &self.published.gauges;
        let at = newest.created_at.as_microseconds().unsigned_abs();
        gauges.snapshot_version.store(newest.version, Ordering::Relaxed);
        gauges.snapshot_at_microseconds.store(at, Ordering::Relaxed);
        gauges.snapshot_milliseconds.store(newest.duration_ms.into(), Ordering::Relaxed);
    }
}

/// Up to this version nobody needs the log: the oldest of several snapshots holds it.
fn basis(snapshots: &[Entry]) -> u64 {
    let kept = if seeded::has(Bug::RemoveSegmentsTooMany) { snapshots.first() } else { snapshots.last() };
    if snapshots.len() < 2 { 0 } else { kept.map_or(0, |entry| entry.version) }
}

fn reserve() -> FileName {
    FileName::parse("reserve").expect("letters")
}

fn failed(error: impl std::fmt::Display) -> SnapshotError {
    SnapshotError::Failed(error.to_string())
}
