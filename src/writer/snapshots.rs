//! The thread of the snapshots, and the way to it.
//!
//! - One job at a time: creating, deleting and verifying never meet.
//! - The writer is asked for one thing only: to sync what it has appended before a snapshot of it is taken.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded, select, tick};
use uuid::Uuid;

use super::Job;
use super::keeper::Keeper;
use super::published::{Health, Published};
use crate::limits;
use crate::snapshot::Entry;
use crate::storage::{Storage, StorageFile};

/// Why a snapshot is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Too many such requests are under way.
    #[error("too many requests about snapshots are waiting")]
    Busy,
    /// The server is going down.
    #[error("no snapshots are taken any more")]
    Stopped,
    /// There is no snapshot with this id.
    #[error("no snapshot has this id")]
    Unknown,
    /// It is the only one to fall back to, and the log does not reach back to its beginning.
    #[error("this snapshot is the only one to fall back to; take another one first")]
    LastResort,
    /// The newest snapshot is never removed.
    #[error("the newest snapshot is kept")]
    Newest,
    /// The log could not be synced, and a snapshot must not be ahead of it.
    #[error("the log could not be synced, and a snapshot of what is not in it would contradict it")]
    NotDurable,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// Anything else; the text names no place.
    #[error("{0}")]
    Failed(String),
}

/// What to do with the outcome. Called on the thread of the snapshots: it must not block.
pub type SnapshotReply<T> = Box<dyn FnOnce(Result<T, SnapshotError>) + Send>;

/// The bytes of a snapshot, held open: it can be read to its end even when it is removed.
pub trait SnapshotBytes: Send {
    /// Reads into a beginning of `buffer`; 0 at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

struct OpenSnapshot<F>(F);

impl<F: StorageFile + Send> SnapshotBytes for OpenSnapshot<F> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }
}

pub(super) enum SnapshotJob {
    Create(SnapshotReply<Entry>),
    List(SnapshotReply<Vec<Entry>>),
    Open(Uuid, SnapshotReply<(Entry, Box<dyn SnapshotBytes>)>),
    Verify(Uuid, SnapshotReply<(Entry, Option<String>)>),
    Delete(Uuid, SnapshotReply<()>),
    Stop,
}

/// The way to the snapshots, for any number of threads.
#[derive(Clone)]
pub struct Snapshots(pub(super) Sender<SnapshotJob>);

impl Snapshots {
    /// Takes one of the published graph.
    pub fn create(&self, reply: SnapshotReply<Entry>) -> Result<(), SnapshotError> {
        self.submit(SnapshotJob::Create(reply))
    }

    /// Lists those that are kept, the newest first.
    pub fn list(&self, reply: SnapshotReply<Vec<Entry>>) -> Result<(), SnapshotError> {
        self.submit(SnapshotJob::List(reply))
    }

    /// Opens one.
    pub fn open(
        &self,
        id: Uuid,
        reply: SnapshotReply<(Entry, Box<dyn SnapshotBytes>)>,
    ) -> Result<(), SnapshotError> {
        self.submit(SnapshotJob::Open(id, reply))
    }

    /// Reads one with every check; the text says why it does not hold.
    pub fn verify(
        &self,
        id: Uuid,
        reply: SnapshotReply<(Entry, Option<String>)>,
    ) -> Result<(), SnapshotError> {
        self.submit(SnapshotJob::Verify(id, reply))
    }

    /// Removes one that is not the newest.
    pub fn delete(&self, id: Uuid, reply: SnapshotReply<()>) -> Result<(), SnapshotError> {
        self.submit(SnapshotJob::Delete(id, reply))
    }

    fn submit(&self, job: SnapshotJob) -> Result<(), SnapshotError> {
        self.0.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => SnapshotError::Busy,
            TrySendError::Disconnected(_) => SnapshotError::Stopped,
        })
    }
}

/// What the thread works with.
pub(super) struct Worker<S: Storage> {
    pub(super) keeper: Keeper<S>,
    pub(super) published: Arc<Published>,
    /// The way to the writer, for its sync.
    pub(super) writer: Sender<Job>,
    /// Between periodic snapshots; zero for none.
    pub(super) interval: Duration,
}

const TICK: Duration = Duration::from_secs(1);

impl<S> Worker<S>
where
    S: Storage,
    S::File: Send + 'static,
{
    /// Runs until it is told to stop or nobody can give it jobs any more.
    pub(super) fn run(mut self, jobs: &Receiver<SnapshotJob>) {
        self.keeper.tidy();
        let ticks = tick(TICK);
        let mut waited = Duration::ZERO;
        let mut tried_while_full = false;
        loop {
            select! {
                recv(jobs) -> job => match job {
                    Ok(SnapshotJob::Stop) => return self.finish(),
                    Ok(job) => self.work(job),
                    Err(_) => return,
                },
                recv(ticks) -> _ => {
                    waited += TICK;
                    let is_full = self.published.health() == Health::Full;
                    let may_help = is_full && !tried_while_full && !self.interval.is_zero();
                    tried_while_full = is_full;
                    if may_help || self.is_due(waited) {
                        waited = Duration::ZERO;
                        self.take_if_changed();
                    }
                }
            }
        }
    }

    fn is_due(&self, waited: Duration) -> bool {
        !self.interval.is_zero() && waited >= self.interval
    }

    fn take_if_changed(&mut self) {
        if self.keeper.has_news() {
            // Counted and logged where it failed; tried again when it is due again.
            let _ = self.create();
        }
    }

    fn work(&mut self, job: SnapshotJob) {
        match job {
            SnapshotJob::Create(reply) => {
                reply(self.create());
            }
            SnapshotJob::List(reply) => reply(Ok(self.keeper.list().to_vec())),
            SnapshotJob::Open(id, reply) => {
                let boxed = |(entry, file)| (entry, Box::new(OpenSnapshot(file)) as Box<dyn SnapshotBytes>);
                reply(self.keeper.open(id).map(boxed));
            }
            SnapshotJob::Verify(id, reply) => reply(self.keeper.verify(id)),
            SnapshotJob::Delete(id, reply) => reply(self.keeper.delete(id)),
            SnapshotJob::Stop => {}
        }
    }

    /// Takes a snapshot of the graph that is published now, once all of it is synced. The writer goes on
    /// meanwhile.
    fn create(&mut self) -> Result<Entry, SnapshotError> {
        let graph = self.published.load();
        if graph.version() > self.published.gauges.durable_version.load(Ordering::Acquire) {
            let (reply, synced) = bounded(1);
            if self.writer.send(Job::Sync(reply)).is_ok() {
                // A writer that died says nothing; what is durable tells.
                let _ = synced.recv_timeout(limits::SNAPSHOT_SYNC_WAIT);
            }
        }
        self.keeper.create_of(&graph)
    }

    /// The last snapshot, of a graph that changes no more.
    fn finish(mut self) {
        if !self.interval.is_zero() && self.keeper.has_news() {
            let _ = self.create();
        }
    }
}
