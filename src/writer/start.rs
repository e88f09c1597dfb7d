//! The two threads of a data directory: how they begin and how they end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Sender, bounded};

use super::core::Core;
use super::keeper::{Clock, Keeper};
use super::open::{self, Recovery};
use super::published::{Published, Reader};
use super::snapshots::{SnapshotJob, Snapshots, Worker};
use super::{Durability, Handle, Job, StartError, thread};
use crate::limits;
use crate::storage::Storage;
use crate::wal::{Birth, Options, Wal};

/// How a writer works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How the log is written.
    pub log: Options,
    /// When a write is acknowledged.
    pub durability: Durability,
    /// Between periodic snapshots; zero for none but those that are asked for.
    pub snapshot_interval: Duration,
    /// Snapshots that are kept, at least [`limits::SNAPSHOTS_RETAINED_MIN`].
    pub snapshots_retained: usize,
    /// Time and ids.
    pub clock: Clock,
}

/// A running writer.
pub struct Started {
    /// Where its graphs appear.
    pub reader: Reader,
    /// The way to it.
    pub handle: Handle,
    /// The way to the snapshots.
    pub snapshots: Snapshots,
    /// What the directory held.
    pub recovery: Recovery,
    /// Its end.
    pub stopper: Stopper,
}

/// Ends the writer.
pub struct Stopper {
    queue: Sender<Job>,
    thread: JoinHandle<()>,
    snapshot_queue: Sender<SnapshotJob>,
    snapshot_thread: JoinHandle<()>,
}

impl Stopper {
    /// Commits what is queued, seals the log, takes a last snapshot and waits for the threads. `false` when
    /// one of them had died.
    pub fn stop(self) -> bool {
        // Where a thread is gone already, its join says so.
        drop(self.queue.send(Job::Stop));
        let sealed = self.thread.join().is_ok();
        drop(self.snapshot_queue.send(SnapshotJob::Stop));
        self.snapshot_thread.join().is_ok() && sealed
    }
}

/// Replays a data directory, publishes its graph and begins to take commands. Blocks while it replays.
pub fn start<S>(storage: &S, birth: &Birth, settings: Settings) -> Result<Started, StartError>
where
    S: Storage + Send + 'static,
    S::File: Send + 'static,
    S::Lock: Send + Sync + 'static,
    Wal<S>: Send + 'static,
{
    let open::Opened { graph, log, recovery, kept, lock } = open::open(storage, birth, settings.log)?;
    let published = Arc::new(Published::new(graph, recovery.log.directory_id));
    published.gauges.first_segment.store(recovery.log.first_segment, Ordering::Relaxed);
    published.gauges.segment_bytes.store(settings.log.segment_bytes, Ordering::Relaxed);
    let core = Core::new(Arc::clone(&published), log, settings.durability, settings.clock.monotonic);
    let (queue, jobs) = bounded(limits::WRITER_QUEUE_COMMANDS_MAX);
    let shared = Arc::clone(&published);
    // Both threads hold the directory: it is another process's only when both have ended, however they did.
    let lock = Arc::new(lock);
    let writers_lock = Arc::clone(&lock);
    let thread = spawn("writer", move || {
        thread::run(core, &jobs, &shared);
        drop(writers_lock);
    })?;

    let Settings { snapshots_retained, log: Options { segment_bytes }, clock, .. } = settings;
    let keeper = Keeper::new(kept, Arc::clone(&published), snapshots_retained, segment_bytes, clock);
    let (writer, interval) = (queue.clone(), settings.snapshot_interval);
    let worker = Worker { keeper, published: Arc::clone(&published), writer, interval };
    let (snapshot_queue, snapshot_jobs) = bounded(limits::SNAPSHOT_QUEUE_JOBS_MAX);
    let snapshot_thread = spawn("snapshots", move || {
        worker.run(&snapshot_jobs);
        drop(lock);
    })?;
    let (handle, snapshots) = (Handle(queue.clone()), Snapshots(snapshot_queue.clone()));
    let stopper = Stopper { queue, thread, snapshot_queue, snapshot_thread };
    Ok(Started { reader: Reader(published), handle, snapshots, recovery, stopper })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(StartError::Thread)
}
