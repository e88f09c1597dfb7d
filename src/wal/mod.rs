//! The write-ahead log: what is acknowledged is in it and synced.
//!
//! ```text
//! Command ─▶ record ─▶ batch ─▶ frame ─▶ segment file     commit: write, fdatasync, then answer
//! Command ◀─ record ◀─ batch ◀─ survey ◀─ reader          open:   read, judge, make durable, then serve
//! ```
//!
//! - `record` and `batch`: commands ⇄ bytes. `frame` and `segment`: the formats on disk.
//! - `reader` and `survey`: what a segment holds, and whether what does not hold is a torn write or
//!   damage. `recovery`: what follows from that.
//!
//! What it is not: a sequence of segments with snapshots between them; there is one segment and it
//! grows. Neither does it know what a command means.
//!
//! - The sequence of a record (its lsn) is the version that its command gives the graph: from 1, dense.
//! - A commit is one frame and is whole or not at all.
//! - After a failed write or sync the log is closed for good, except when the disk is full: then nothing
//!   was written that counts, and the next commit may succeed.
//! - No clock and no randomness: a new log's id, salt and time come in with [`Birth`].

mod batch;
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
use crate::storage::{FileName, LockError, Storage, StorageFile, remove_temporaries};
use crate::types::{Command, Timestamp};

pub use batch::{Batch, ContentError, RecordTooLarge};
pub use frame::FrameFault;
use frame::{HEADER_BYTES, Kind, Place};
pub use mend::{CutError, Verdict, cut, inspect};
pub use record::RecordError;
pub use recovery::TornTail;
pub use segment::SegmentFault;
pub use survey::Damage;
use survey::Tail;

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
    /// Frames, those without commands among them.
    pub frames: u64,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// What was cut from its end.
    pub torn: Option<TornTail>,
}

/// Why a log cannot be used. Nothing was changed, save after [`OpenError::Io`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory is another process's, or cannot be taken.
    #[error("{location}: {source}")]
    Lock {
        /// The directory.
        location: String,
        /// Why.
        source: LockError,
    },
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
    /// A segment besides the first, which this program does not make.
    #[error("{segment}: this program reads a log of one segment. Nothing was changed.")]
    UnexpectedSegment {
        /// The file.
        segment: FileName,
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
    /// The write failed. Not applied; the log is closed.
    #[error("cannot write the log: {0}")]
    Failed(#[source] io::Error),
    /// The sync failed. The commands may or may not be there after a restart; the log is closed.
    #[error("cannot sync the log: {0}")]
    Unknown(#[source] io::Error),
    /// An earlier error closed the log. Not applied.
    #[error("an earlier error closed the log")]
    Closed,
}

/// A commit that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The version of its last command.
    pub last_version: u64,
    /// Bytes that it added to the log.
    pub frame_bytes: u64,
    /// Bytes of the log with it.
    pub log_bytes: u64,
}

/// A log that is open for appending. Dropped without [`Wal::seal`] it counts as stopped uncleanly.
#[derive(Debug)]
pub struct Wal<S: Storage> {
    /// `None` once an error closed the log.
    file: Option<S::File>,
    salt: u64,
    tail: Tail,
    _lock: S::Lock,
}

impl<S: Storage> Wal<S> {
    /// Opens the directory's log, or makes one, and gives each command in it to `each`, in order, with
    /// its version. What was given is durable, and counts, when this returns `Ok`.
    pub fn open(
        storage: &S,
        birth: &Birth,
        each: impl FnMut(u64, Command),
    ) -> Result<(Self, Recovered), OpenError> {
        let lock =
            storage.try_lock().map_err(|source| OpenError::Lock { location: storage.location(), source })?;
        let files = storage.list().map_err(OpenError::io("list the data directory"))?;
        let segments: Vec<_> = files.into_iter().filter(segment::is_segment).collect();
        let first = segment::name(segment::FIRST_SEGMENT);
        if let Some(segment) = segments.iter().find(|name| **name != first) {
            return Err(OpenError::UnexpectedSegment { segment: segment.clone() });
        }
        let opened = if segments.is_empty() {
            recovery::begin(storage, birth)?
        } else {
            recovery::resume(storage, each)?
        };
        remove_temporaries(storage, "wal-").map_err(OpenError::io("remove temporary files"))?;
        let recovered = Recovered {
            directory_id: opened.header.directory_id,
            created_at: opened.header.created_at,
            last_version: opened.tail.next_lsn - 1,
            frames: opened.frames,
            log_bytes: opened.tail.offset,
            torn: opened.torn,
        };
        let wal = Self { file: Some(opened.file), salt: opened.header.salt, tail: opened.tail, _lock: lock };
        Ok((wal, recovered))
    }

    /// The version that the next command gives the graph.
    pub fn next_version(&self) -> u64 {
        self.tail.next_lsn
    }

    /// Writes a batch as one frame and syncs it.
    ///
    /// # Panics
    ///
    /// When the batch is empty or does not start at [`Self::next_version`].
    pub fn commit(&mut self, batch: Batch) -> Result<Committed, CommitError> {
        assert!(batch.records() > 0, "a commit has a command");
        if self.file.is_none() {
            return Err(CommitError::Closed);
        }
        assert_eq!(batch.first_version(), self.tail.next_lsn, "versions are dense");
        let frame_bytes = batch.frame_bytes();
        if frame_bytes > limits::FRAME_BYTES_MAX {
            return Err(CommitError::TooLarge { frame_bytes });
        }
        self.append(Kind::Data, batch.records(), batch.into_frame())?;
        Ok(Committed {
            last_version: self.tail.next_lsn - 1,
            frame_bytes: frame_bytes as u64,
            log_bytes: self.tail.offset,
        })
    }

    /// Notes in the log that its last commit is durable, if that is not in it yet. Until then a flipped
    /// bit in that commit cannot be told from a torn write. For a pause in the traffic.
    pub fn mark(&mut self) -> Result<(), CommitError> {
        if self.file.is_some() && self.tail.durable_lsn == self.tail.next_lsn - 1 {
            return Ok(());
        }
        self.probe()
    }

    /// Writes a mark whether it says anything new or not: whether a disk that was full takes writes
    /// again.
    pub fn probe(&mut self) -> Result<(), CommitError> {
        self.append(Kind::Mark, 0, vec![0; HEADER_BYTES])
    }

    /// Closes the log on purpose, so that the next start need not make it durable again.
    pub fn seal(mut self) -> Result<(), CommitError> {
        self.append(Kind::Seal, 0, vec![0; HEADER_BYTES])
    }

    fn append(&mut self, kind: Kind, records: u32, mut frame: Vec<u8>) -> Result<(), CommitError> {
        let file = self.file.take().ok_or(CommitError::Closed)?;
        let durable_lsn = self.tail.next_lsn - 1;
        let place =
            Place { salt: self.salt, lsn: self.tail.next_lsn, durable_lsn, prev_chain: self.tail.chain };
        let crc = frame::finish(&mut frame, kind, records, place);
        if let Err(error) = file.write_all_at(self.tail.offset, &frame) {
            return Err(self.not_written(file, error));
        }
        self.file = Some(file.sync().map_err(|poisoned| CommitError::Unknown(poisoned.0))?);
        self.tail = Tail { durable_lsn, ..self.tail.after(frame.len(), records, crc) };
        Ok(())
    }

    /// A frame of which only a beginning was written does not hold, and the next one takes its place.
    fn not_written(&mut self, file: S::File, error: io::Error) -> CommitError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                // Only to give the space back: nothing depends on whether it succeeds.
                let _ = file.set_len(self.tail.offset);
                self.file = Some(file);
                CommitError::Full(error)
            }
            _ => CommitError::Failed(error),
        }
    }
}
