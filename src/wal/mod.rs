//! The write-ahead log: what is acknowledged is in it and synced.
//!
//! ```text
//! Command ─▶ record ─▶ batch ─▶ frame ─▶ segment ─▶ segment …   commit: write, fdatasync, then answer
//! Command ◀─ record ◀─ batch ◀─ survey ◀─ reader ◀─ chain       open:   read, judge, make durable, then serve
//! ```
//!
//! - `record` and `batch`: commands ⇄ bytes. `frame` and `segment`: the formats on disk.
//! - `append`: the log as it is written. `chain`: the segments in their order.
//! - `reader` and `survey`: what a segment holds, and whether what does not hold is a torn write or
//!   damage. `recovery`: what follows from that. `mend`: what an operator can do about damage.
//!
//! What it is not: the data directory. Snapshots let old segments go and the graph begin in the midst of
//! the log; what they say of it comes in as a [`Basis`]. Neither does it know what a command means.
//!
//! - The sequence of a record (its lsn) is the version that its command gives the graph: from 1, dense.
//! - A commit is one frame and is whole or not at all.
//! - After a failed sync the log is closed for good. After a failed write it goes on elsewhere; when the disk
//!   is full nothing was written that counts, and the next commit may succeed.
//! - No clock and no randomness: a new log's id, salt and time come in with [`Birth`].

mod append;
mod batch;
mod chain;
mod frame;
mod mend;
mod reader;
mod record;
mod recovery;
mod segment;
mod survey;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::io;

use uuid::Uuid;

use crate::limits;
use crate::storage::{FileName, Storage};
use crate::types::Timestamp;

pub use append::Wal;
pub use batch::{Batch, ContentError, RecordTooLarge};
pub use chain::{Basis, directory_id, is_whole, needed_segments, remove_segments};
pub use frame::FrameFault;
pub use mend::{Cut, CutError, Finding, LogEnd, Verdict, cut, dump, inspect, put_aside, replay};
pub use record::RecordError;
pub use recovery::TornTail;
pub use segment::SegmentFault;
pub use survey::Damage;

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The room of a new segment, in bytes.
    pub segment_bytes: u64,
}

impl Options {
    /// The smallest segments: for directories that are made or mended while their size is not known. The next
    /// start goes on in segments of the size that it is told.
    pub const SMALLEST: Self = Self { segment_bytes: limits::SEGMENT_BYTES_MIN };
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: limits::SEGMENT_BYTES_DEFAULT }
    }
}

/// What a new log is made from; without effect where there is one.
#[derive(Clone, Debug)]
pub struct Birth {
    /// Tells this directory from every other.
    pub directory_id: Uuid,
    /// A random number that nobody outside can know: it is in every frame, so that no bytes that a
    /// client sends can pass for one.
    pub salt: u64,
    /// When.
    pub at: Timestamp,
}

/// What was found at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The directory's, since its birth.
    pub directory_id: Uuid,
    /// When the log was made.
    pub created_at: Timestamp,
    /// The version of the last command; 0 when there is none.
    pub last_version: u64,
    /// The number of the oldest segment.
    pub first_segment: u64,
    /// Frames that were read, those without commands among them.
    pub frames: u64,
    /// What was cut from its end.
    pub torn: Option<TornTail>,
}

/// Why a log cannot be used. Nothing was changed, save after [`OpenError::Io`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Records that were acknowledged cannot be read.
    #[error("{damage}. Nothing was changed. Run: watershed wal recover --data-dir {location} --dry-run")]
    Damaged {
        /// Where, and what.
        damage: Damage,
        /// The directory.
        location: String,
    },
    /// The first bytes of a segment do not hold.
    #[error(
        "{segment} offset 0: {fault}. Nothing was changed. Run: watershed wal recover --data-dir {location} --dry-run"
    )]
    Header {
        /// The file.
        segment: FileName,
        /// What is wrong there.
        fault: SegmentFault,
        /// The directory.
        location: String,
    },
    /// A segment of a format that this program does not read.
    #[error("{segment} offset 0: {fault}. Nothing was changed.")]
    Format {
        /// The file.
        segment: FileName,
        /// The two versions.
        fault: SegmentFault,
    },
    /// A sound frame of a kind that this program would have to know.
    #[error("{segment} offset {offset}: frame kind {kind} is unknown to this program. Nothing was changed.")]
    UnknownKind {
        /// The file.
        segment: FileName,
        /// Where the frame begins.
        offset: u64,
        /// The frame's.
        kind: u8,
    },
    /// A segment that should be there is not.
    #[error(
        "{segment}: the file is missing. Nothing was changed. Run: watershed wal recover --data-dir {location} --dry-run"
    )]
    Missing {
        /// The file.
        segment: FileName,
        /// The directory.
        location: String,
    },
    /// The log begins behind the newest snapshot that can be used.
    #[error(
        "{segment} offset 0 lsn {first_lsn}: the log begins here, and no snapshot that can be used reaches beyond \
         lsn {version}. Nothing was changed. Run: watershed wal recover --data-dir {location} --dry-run"
    )]
    Gap {
        /// The oldest segment.
        segment: FileName,
        /// The first lsn in it.
        first_lsn: u64,
        /// The newest snapshot's; 0 when there is none.
        version: u64,
        /// The directory.
        location: String,
    },
    /// The disk refused.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
}

impl OpenError {
    fn header<S: Storage>(storage: &S, number: u64, fault: SegmentFault) -> Self {
        let segment = segment::name(number);
        match fault {
            SegmentFault::Format { .. } => Self::Format { segment, fault },
            SegmentFault::Cut | SegmentFault::Magic | SegmentFault::Crc { .. } | SegmentFault::Value(_) => {
                Self::Header { segment, fault, location: storage.location() }
            }
        }
    }

    fn missing<S: Storage>(storage: &S, number: u64) -> Self {
        Self::Missing { segment: segment::name(number), location: storage.location() }
    }

    /// Whether the directory does not hold what it should, rather than the disk not answering.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. }
            | Self::Header { .. }
            | Self::Format { .. }
            | Self::UnknownKind { .. }
            | Self::Missing { .. }
            | Self::Gap { .. } => true,
            Self::Io { .. } => false,
        }
    }

    fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

/// Why a commit is not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// No space. Not applied; the log can be used on.
    #[error("the disk is full: {0}")]
    Full(#[source] io::Error),
    /// The frame would be longer than [`limits::FRAME_BYTES_MAX`]. Not applied; the log can be used on.
    #[error("the batch makes a frame of {frame_bytes} bytes, more than {}", limits::FRAME_BYTES_MAX)]
    TooLarge {
        /// What it would be.
        frame_bytes: usize,
    },
    /// The write failed. Not applied; [`Wal::is_open`] tells whether the log can be used on.
    #[error("cannot write the log: {0}")]
    Failed(#[source] io::Error),
    /// There is no room for the next segment, for another reason than a full disk. Not applied; the log can be
    /// used on.
    #[error("cannot prepare the next segment of the log: {0}")]
    NoRoom(#[source] io::Error),
    /// The sync failed. The commands may or may not be there after a restart; the log is closed.
    #[error("cannot sync the log: {0}")]
    Unknown(#[source] io::Error),
    /// An earlier error closed the log. Not applied.
    #[error("an earlier error closed the log")]
    Closed,
}

/// A commit that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The version of its last command.
    pub last_version: u64,
    /// Bytes that it added to the log.
    pub frame_bytes: u64,
}
