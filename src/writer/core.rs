//! The writer without its thread: a state and what each call does to it and to the log.
//!
//! What it is not: the queue, the pauses, the waiting; those are `thread`. So tests drive it call by call over
//! a disk that fails.
//!
//! - Order: apply, append, sync, publish, reply. With [`Durability::Async`] the sync comes later, and the
//!   reply says so.
//! - A failed commit leaves the published graph as it was.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::batch::{Staged, Waiting};
use super::published::{Health, Published};
use super::{Durability, WriteError};
use crate::graph::Graph;
use crate::limits;
use crate::seeded::{self, Bug};
use crate::storage::Storage;
use crate::wal::{self, CommitError, Wal};

pub(super) struct Core<S: Storage> {
    published: Arc<Published>,
    log: Wal<S>,
    durability: Durability,
    monotonic: fn() -> Instant,
    /// Bytes appended since the last sync.
    unsynced_bytes: u64,
    /// The segment for whose successor room was last looked for in vain.
    cramped_segment: Option<u64>,
}

impl<S: Storage> Core<S> {
    pub(super) fn new(
        published: Arc<Published>,
        log: Wal<S>,
        durability: Durability,
        monotonic: fn() -> Instant,
    ) -> Self {
        let core = Self { published, log, durability, monotonic, unsynced_bytes: 0, cramped_segment: None };
        core.note_figures();
        core
    }

    /// Begins a commit on top of the published graph.
    pub(super) fn stage(&self) -> Staged {
        Staged::on(self.published.load(), self.durability == Durability::Sync, (self.monotonic)())
    }

    /// Commits what was staged and tells those who wait.
    pub(super) fn commit(&mut self, staged: Staged) {
        let staging = (self.monotonic)().duration_since(staged.begun());
        let (graph, records, waiting) = staged.into_parts();
        let Some(records) = records else {
            waiting.succeed();
            return;
        };
        if seeded::has(Bug::PublishBeforeSync) {
            drop(self.published.publish(Arc::clone(&graph)));
        }
        if seeded::has(Bug::AcknowledgeBeforeSync) {
            waiting.succeed();
            let _ = self.append(records).map(|()| drop(self.published.publish(graph)));
            return;
        }
        match self.append(records) {
            Ok(()) => self.succeed(graph, waiting, staging),
            Err(error) => self.fail(graph, waiting, &error),
        }
        self.note_figures();
    }

    fn append(&mut self, records: wal::Batch) -> Result<(), CommitError> {
        match self.durability {
            Durability::Sync => {
                self.append_timed(records)?;
                self.sync_timed()
            }
            Durability::Async => {
                let written = self.append_timed(records)?;
                self.unsynced_bytes += written.frame_bytes;
                if self.unsynced_bytes >= limits::ASYNC_SYNC_BYTES { self.sync() } else { Ok(()) }
            }
        }
    }

    fn append_timed(&mut self, records: wal::Batch) -> Result<wal::Committed, CommitError> {
        let begun = (self.monotonic)();
        let written = self.log.append(records)?;
        self.published.gauges.append.observe((self.monotonic)().duration_since(begun));
        Ok(written)
    }

    fn sync_timed(&mut self) -> Result<(), CommitError> {
        let begun = (self.monotonic)();
        self.log.sync()?;
        self.published.gauges.sync.observe((self.monotonic)().duration_since(begun));
        Ok(())
    }

    fn succeed(&self, graph: Arc<Graph>, waiting: Waiting, staging: Duration) {
        let begun = (self.monotonic)();
        // Who sees the graph finds it durable, where it is.
        self.published.gauges.durable_version.store(self.log.synced_version(), Ordering::Release);
        let before = self.published.publish(graph);
        let publishing = (self.monotonic)().duration_since(begun);
        self.published.gauges.publish.observe(staging + publishing);
        self.heal();
        self.published.gauges.commits.fetch_add(1, Ordering::Relaxed);
        waiting.succeed();
        // Nobody waits for what the new graph does not share with the old one to be given back, which by `perf` is 6 %
        // of the writer's time on graph L.
        drop(before);
    }

    fn fail(&self, graph: Arc<Graph>, waiting: Waiting, error: &CommitError) {
        self.note_failure(error);
        if seeded::has(Bug::PublishFailedCommit) {
            drop(self.published.publish(graph));
        }
        if seeded::has(Bug::AcknowledgeFailedCommit) {
            waiting.succeed();
        } else {
            waiting.fail(self.write_error(error));
        }
    }

    /// Whether appended bytes wait for their sync.
    pub(super) fn has_unsynced(&self) -> bool {
        self.unsynced_bytes > 0
    }

    /// Syncs what was appended.
    pub(super) fn sync(&mut self) -> Result<(), CommitError> {
        self.unsynced_bytes = 0;
        let synced = self.sync_timed();
        if let Err(error) = &synced {
            self.note_failure(error);
        }
        self.note_figures();
        synced
    }

    /// What is done in a pause: the log notes what is durable, and has room for its next segment.
    pub(super) fn pause(&mut self) {
        self.unsynced_bytes = 0;
        match self.log.mark() {
            // That nothing had to be written says nothing about the disk.
            Ok(()) | Err(CommitError::Closed) => {}
            Err(error) => self.note_failure(&error),
        }
        self.prepare();
        self.note_figures();
    }

    /// What is done between two commits: the first of a segment is followed by looking for room for the next.
    pub(super) fn look_ahead(&mut self) {
        if self.cramped_segment != Some(self.log.active_segment()) {
            self.prepare();
        }
    }

    /// Has room for the next segment. A full disk is no failure yet: there is room in the segment that is
    /// written.
    fn prepare(&mut self) {
        let segment = Some(self.log.active_segment());
        match self.log.prepare() {
            Ok(()) => self.cramped_segment = None,
            Err(CommitError::Closed) => {}
            Err(error) => {
                if self.cramped_segment != segment {
                    tracing::warn!(%error, "no room for the next segment of the log");
                }
                self.cramped_segment = segment;
            }
        }
    }

    /// Tries whether a full disk takes writes again.
    pub(super) fn probe(&mut self) {
        match self.log.probe() {
            Ok(()) => self.heal(),
            Err(error) => self.note_failure(&error),
        }
        self.note_figures();
    }

    /// Whether writes are refused for a reason that may go away.
    pub(super) fn is_blocked(&self) -> bool {
        matches!(self.published.health(), Health::Full | Health::Blocked)
    }

    /// Closes the log on purpose.
    pub(super) fn seal(mut self) -> Result<(), CommitError> {
        if self.has_unsynced() {
            self.sync()?;
        }
        self.log.seal()
    }

    /// The disk took a write.
    fn heal(&self) {
        if self.is_blocked() {
            self.published.set_health(Health::Healthy);
            tracing::info!("the disk takes writes again");
        }
    }

    fn note_failure(&self, error: &CommitError) {
        let before = self.published.health();
        let health = match error {
            CommitError::Full(_) => Health::Full,
            CommitError::NoRoom(_) => Health::Blocked,
            // Nothing is wrong with the disk.
            CommitError::TooLarge { .. } => before,
            CommitError::Failed(_) if self.log.is_open() => before,
            CommitError::Failed(_) | CommitError::Unknown(_) | CommitError::Closed => Health::Failed,
        };
        self.published.set_health(health);
        if before != health || health == Health::Healthy {
            tracing::error!(%error, "the log could not be written");
        }
    }

    fn write_error(&self, error: &CommitError) -> WriteError {
        match error {
            CommitError::Full(_) => WriteError::StorageFull,
            CommitError::Unknown(_) => WriteError::OutcomeUnknown,
            CommitError::TooLarge { .. } => WriteError::TooLarge,
            CommitError::NoRoom(_) => WriteError::WriteFailed,
            CommitError::Failed(_) if self.log.is_open() => WriteError::WriteFailed,
            CommitError::Failed(_) | CommitError::Closed => WriteError::StorageFailed,
        }
    }

    fn note_figures(&self) {
        let gauges = &self.published.gauges;
        gauges.durable_version.store(self.log.synced_version(), Ordering::Relaxed);
        gauges.active_segment.store(self.log.active_segment(), Ordering::Relaxed);
        gauges.active_bytes.store(self.log.active_bytes(), Ordering::Relaxed);
    }
}
