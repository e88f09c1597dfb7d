//! The one writer: a thread that turns commands into published graphs.
//!
//! ```text
//! Handle::submit ─▶ bounded queue ─▶ admit ─▶ apply ─▶ log append + fdatasync ─▶ publish ─▶ reply
//! ```
//!
//! - A commit takes what queued while the one before was syncing: no timer, no waiting for company.
//! - What is visible is on disk; what is acknowledged is visible.
//! - A failed write drops the staged graph: readers never see it. After a failed sync nothing more is
//!   written, and reads go on.
//! - Replies are callbacks, so that this room knows no async runtime.

mod batch;
mod core;
mod open;
mod published;
mod thread;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crossbeam::channel::{Sender, TrySendError, bounded};

pub use published::{Health, Reader, StorageFigures};
use published::Published;

pub use crate::apply::{Outcome, Refusal};
use crate::limits;
use crate::storage::{LockError, Storage};
use crate::types::Command;
use crate::wal::{Birth, OpenError, Options, Recovered, Wal};

/// A command that is in the published graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// The version that contains it.
    pub version: u64,
    /// What it did.
    pub outcome: Outcome,
    /// Whether it is on disk.
    pub durable: bool,
}

/// Why a command is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The queue is full. Not applied.
    #[error("too many writes are waiting")]
    Busy,
    /// The writer has stopped. Not applied.
    #[error("the writer has stopped")]
    Stopping,
    /// The graph cannot take it. Not applied.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The command is too long for the log. Not applied.
    #[error("the command is too long for the log")]
    TooLarge,
    /// The disk is full. Not applied.
    #[error("the disk is full")]
    StorageFull,
    /// The log cannot be written. Not applied.
    #[error("the log cannot be written")]
    StorageFailed,
    /// The log could not be synced: whether it is there after a restart is not known.
    #[error("the log could not be synced")]
    OutcomeUnknown,
}

/// What to do with the outcome of a command. Called on the writer's thread: it must not block.
pub type Reply = Box<dyn FnOnce(Result<Committed, WriteError>) + Send>;

enum Job {
    Write(Command, Reply),
    /// Sync what was appended, then say so.
    Sync(Sender<()>),
    Stop,
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is on disk.
    Sync,
    /// When it is written; it is on disk within [`limits::ASYNC_SYNC_INTERVAL`].
    Async,
}

/// Why a writer cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The directory is another process's, or cannot be taken.
    #[error("{location}: {source}")]
    Lock {
        /// The directory.
        location: String,
        /// Why.
        source: LockError,
    },
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

/// Replays a data directory, publishes its graph and begins to take commands. Blocks while it replays.
pub fn start<S>(storage: &S, birth: &Birth, options: Options, durability: Durability) -> Result<Started, StartError>
where
    S: Storage,
    S::Lock: Send + 'static,
    Wal<S>: Send + 'static,
{
    let open::Opened { graph, log, recovered, lock } = open::open(storage, birth, options)?;
    let published = Arc::new(Published::new(graph, recovered.directory_id));
    published.gauges.first_segment.store(recovered.first_segment, Ordering::Relaxed);
    let (queue, jobs) = bounded(limits::WRITER_QUEUE_COMMANDS_MAX);
    let core = core::Core::new(Arc::clone(&published), log, durability);
    let shared = Arc::clone(&published);
    let run = move || {
        thread::run(core, &jobs, &shared);
        drop(lock);
    };
    let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(run);
    let thread = thread.map_err(StartError::Thread)?;
    let handle = Handle(queue.clone());
    Ok(Started { reader: Reader(published), handle, recovered, stopper: Stopper { queue, thread } })
}

/// The way to the writer, for any number of threads.
#[derive(Clone)]
pub struct Handle(Sender<Job>);

impl Handle {
    /// Queues a command. `reply` is called once, unless the writer dies, or not at all when this
    /// fails.
    pub fn submit(&self, command: Command, reply: Reply) -> Result<(), WriteError> {
        self.0.try_send(Job::Write(command, reply)).map_err(|error| match error {
            TrySendError::Full(_) => WriteError::Busy,
            TrySendError::Disconnected(_) => WriteError::Stopping,
        })
    }
}

#[cfg(test)]
mod tests;
