//! The one writer: a thread that turns commands into published graphs, and beside it one that takes snapshots
//! of them.
//!
//! ```text
//! Handle::submit ─▶ bounded queue ─▶ admit ─▶ apply ─▶ log append + fdatasync ─▶ publish ─▶ reply
//! Snapshots::create, every so often ─▶ the published graph ─▶ snapshot ─▶ manifest ─▶ old files go
//! ```
//!
//! - `open`: from a directory to a graph. `core` and `keeper`: what is done, call by call. `thread` and
//!   `snapshots`: their threads. `offline`: what is done to a directory that no server holds. `rehearsal`: what a
//!   command would come to.
//! - A commit takes what queued while the one before was syncing: no timer, no waiting for company.
//! - What is visible is on disk; what is acknowledged is visible.
//! - A failed write drops the staged graph: readers never see it. After a failed sync nothing more is
//!   written, and reads go on.
//! - Replies are callbacks, so that this room knows no async runtime.

mod batch;
mod core;
mod keeper;
mod offline;
mod open;
mod published;
mod rebuild;
mod rehearsal;
mod snapshots;
mod start;
mod thread;

use crossbeam::channel::{Sender, TrySendError};

pub use keeper::Clock;
pub use offline::{Making, Offline, OfflineCutError, OfflineError, establish, migrate};
pub use open::Recovery;
pub use published::{Health, Reader, StorageFigures};
pub use rebuild::{RebuildError, Rebuilt, Replace, rebuild_manifest};
pub use rehearsal::Rehearsal;
pub use snapshots::{SnapshotBytes, SnapshotError, SnapshotReply, Snapshots};
pub use start::{Settings, Started, Stopper, start};

pub use crate::apply::Refusal;
#[cfg(doc)]
use crate::limits;
pub use crate::snapshot::Entry as SnapshotEntry;
use crate::snapshot::ManifestError;
use crate::storage::LockError;
use crate::types::{Command, Outcome};
use crate::wal::OpenError;

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
    /// A write failed, and the log goes on behind it. Not applied, and can be tried again.
    #[error("the log could not be written")]
    WriteFailed,
    /// The log is closed for good. Not applied.
    #[error("the log cannot be written any more")]
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
    Log(OpenError),
    /// The log cannot be used, and some snapshots that could have stood in for a part of it do not hold.
    #[error("{bad}; {source}")]
    Snapshots {
        /// What is wrong with each.
        bad: String,
        /// What is wrong with the log.
        source: Box<OpenError>,
    },
    /// The list of what counts cannot be used.
    #[error("{source}. Nothing was changed.{}", advice(.source, .location))]
    Manifest {
        /// The directory.
        location: String,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// There are snapshots and the end of a log, and nothing says which of them count.
    #[error(
        "manifest: the file is missing, and the log begins in the midst. Nothing was changed. Run: watershed wal \
         recover --data-dir {location} --rebuild-manifest"
    )]
    NoManifest {
        /// The directory.
        location: String,
    },
    /// The disk refused.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the disk said.
        source: std::io::Error,
    },
    /// The operating system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// What to do about a manifest; nothing here helps against one of a newer program or a disk that fails.
fn advice(fault: &ManifestError, location: &str) -> String {
    match fault {
        ManifestError::Io(_) | ManifestError::Format { .. } => String::new(),
        ManifestError::Length { .. }
        | ManifestError::Magic
        | ManifestError::Crc { .. }
        | ManifestError::Field(_) => {
            format!(" Run: watershed wal recover --data-dir {location} --rebuild-manifest")
        }
    }
}

impl StartError {
    /// Whether the directory does not hold what it should, rather than the disk not answering.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Log(source) => source.is_damage(),
            Self::Snapshots { source, .. } => source.is_damage(),
            Self::NoManifest { .. } => true,
            Self::Manifest { source, .. } => !matches!(source, ManifestError::Io(_)),
            Self::Lock { .. } | Self::Io { .. } | Self::Thread(_) => false,
        }
    }
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
mod testing;
#[cfg(test)]
mod tests;
