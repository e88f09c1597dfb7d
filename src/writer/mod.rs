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
mod published;
mod thread;

pub use published::{Health, Reader};
pub use thread::{StartError, Started, Stopper, start};

use crossbeam::channel::{Sender, TrySendError};

pub use crate::apply::{Outcome, Refusal};
use crate::types::Command;

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
    Stop,
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
