//! The writer's thread: recover, then commit batch after batch.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::batch::Staged;
use super::published::{Health, Published, Reader};
use super::{Handle, Job, WriteError};
use crate::apply;
use crate::graph::Graph;
use crate::limits;
use crate::storage::Storage;
use crate::wal::{Birth, CommitError, OpenError, Recovered, Wal};

/// Why a writer cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The operating system gave no thread.
    #[error("cannot start the writer's thread: {0}")]
    Thread(std::io::Error),
}

/// A running writer.
pub struct Started {
    /// Where its graphs appear.
    pub reader: Reader,
    /// The way to it.
    pub handle: Handle,
    /// What the log held.
    pub recovered: Recovered,
    /// Its end.
    pub stopper: Stopper,
}

/// Ends the writer.
pub struct Stopper {
    queue: Sender<Job>,
    thread: JoinHandle<()>,
}

impl Stopper {
    /// Commits what is queued, seals the log and waits for the thread. `false` when it had died.
    pub fn stop(self) -> bool {
        // Where the thread is gone already, the join below says so.
        drop(self.queue.send(Job::Stop));
        self.thread.join().is_ok()
    }
}

/// Replays the log of a data directory, publishes its graph and begins to take commands. Blocks
/// while it replays.
pub fn start<S>(storage: &S, birth: &Birth) -> Result<Started, StartError>
where
    S: Storage,
    Wal<S>: Send + 'static,
{
    let mut graph = Graph::default();
    let (log, recovered) = Wal::open(storage, birth, |version, command| {
        graph = apply::apply(&graph, &command).0;
        debug_assert_eq!(graph.version(), version);
    })?;
    let published = Arc::new(Published::new(graph, recovered.directory_id));
    let (queue, jobs) = bounded(limits::WRITER_QUEUE_COMMANDS_MAX);
    let writer = Writer { published: Arc::clone(&published), log, jobs };
    let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(|| writer.run());
    let thread = thread.map_err(StartError::Thread)?;
    let handle = Handle(queue.clone());
    Ok(Started { reader: Reader(published), handle, recovered, stopper: Stopper { queue, thread } })
}

struct Writer<S: Storage> {
    published: Arc<Published>,
    log: Wal<S>,
    jobs: Receiver<Job>,
}

impl<S: Storage> Writer<S> {
    fn run(mut self) {
        let alive = FailsOnPanic(Arc::clone(&self.published));
        while let Some(first) = self.next() {
            if !self.commit(first) {
                break;
            }
        }
        for job in self.jobs.try_iter() {
            match job {
                Job::Write(_, reply) => reply(Err(WriteError::Stopping)),
                Job::Stop => {}
            }
        }
        if let Err(error) = self.log.seal() {
            tracing::warn!(%error, "the log was not sealed; the next start replays it as after a crash");
        }
        drop(alive);
    }

    /// The next job. After a pause in the traffic the log notes what is durable; while the disk is
    /// full it is tried again and again, since callers that see "not ready" send nothing.
    fn next(&mut self) -> Option<Job> {
        match self.jobs.recv_timeout(limits::LOG_MARK_IDLE) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => match self.log.mark() {
                // That nothing had to be written says nothing about the disk.
                Ok(()) | Err(CommitError::Closed) => {}
                Err(error) => self.note_failure(&error),
            },
        }
        while self.published.health() == Health::Full {
            match self.jobs.recv_timeout(limits::STORAGE_PROBE) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => match self.log.probe() {
                    Ok(()) => self.heal(),
                    Err(error) => self.note_failure(&error),
                },
            }
        }
        self.jobs.recv().ok()
    }

    /// The disk took a write.
    fn heal(&self) {
        if self.published.health() == Health::Full {
            self.published.set_health(Health::Healthy);
            tracing::info!("the disk takes writes again");
        }
    }

    /// Commits a job and what queued behind it; `false` when the writer is to stop.
    fn commit(&mut self, first: Job) -> bool {
        let mut staged = Staged::on(self.published.load());
        let mut goes_on = true;
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Write(command, reply) => staged.add(&command, reply),
                Job::Stop => goes_on = false,
            }
            next = if staged.is_full() || !goes_on { None } else { self.jobs.try_recv().ok() };
        }
        let (graph, records, waiting) = staged.into_parts();
        let Some(records) = records else {
            waiting.succeed();
            return goes_on;
        };
        match self.log.commit(records) {
            Ok(_) => {
                self.published.publish(graph);
                self.heal();
                waiting.succeed();
            }
            Err(error) => {
                self.note_failure(&error);
                waiting.fail(write_error(&error));
            }
        }
        goes_on
    }

    fn note_failure(&self, error: &CommitError) {
        let health = match error {
            CommitError::Full(_) => Health::Full,
            // Nothing is wrong with the disk.
            CommitError::TooLarge { .. } => Health::Healthy,
            CommitError::Failed(_) | CommitError::Unknown(_) | CommitError::Closed => Health::Failed,
        };
        self.published.set_health(health);
        tracing::error!(%error, "a commit failed");
    }
}

fn write_error(error: &CommitError) -> WriteError {
    match error {
        CommitError::Full(_) => WriteError::StorageFull,
        CommitError::Unknown(_) => WriteError::OutcomeUnknown,
        CommitError::Failed(_) | CommitError::Closed | CommitError::TooLarge { .. } => {
            WriteError::StorageFailed
        }
    }
}

/// Turns readiness off when the writer panics: reads go on, and a supervisor sees it.
struct FailsOnPanic(Arc<Published>);

impl Drop for FailsOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set_health(Health::Failed);
        }
    }
}
