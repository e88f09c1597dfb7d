//! The log as it is written: frames at the end of the active segment, and from one segment to the next.
//!
//! - Room is allocated ahead: the active segment has it, and a spare file has it for the next one. A full disk
//!   shows when the spare is prepared, before anything is at risk.
//! - The log goes on in the next segment like this: all of the old one is synced; the spare gets the header,
//!   is synced, gets its name, the directory is synced; then the old one is told that it is continued.
//! - After a failed write the place behind the last good frame is not used again: the log goes on in the next
//!   segment, whose header says where the old one ended. After a failed sync the log is closed for good.

use std::io;

use super::batch::Batch;
use super::chain::{Basis, Chain};
use super::frame::{self, HEADER_BYTES, Kind, Place};
use super::recovery;
use super::segment::{self, SegmentHeader};
use super::survey::Tail;
use super::{Birth, CommitError, Committed, OpenError, Options, Recovered};
use crate::limits;
use crate::seeded::{self, Bug};
use crate::storage::{Storage, StorageFile, begin, finish, is_full, remove_temporaries, temporary};
use crate::types::Command;

/// Room that a segment keeps for the frames that close it.
const CLOSING_BYTES: u64 = 2 * HEADER_BYTES as u64;

/// A log that is open for appending. Dropped without [`Wal::seal`] it counts as stopped uncleanly.
#[derive(Debug)]
pub struct Wal<S: Storage> {
    storage: S,
    options: Options,
    /// `None` once an error closed the log.
    active: Option<Active<S::File>>,
    /// The next segment, but for its header.
    spare: Option<Active<S::File>>,
    header: SegmentHeader,
    /// From which the salts of new segments are made.
    secret: u64,
    tail: Tail,
    /// The highest lsn that is synced.
    synced_lsn: u64,
    is_sealed: bool,
}

#[derive(Debug)]
struct Active<F> {
    file: F,
    capacity: u64,
}

impl<S: Storage> Wal<S> {
    /// Opens the directory's log, or makes one, and gives each command behind `basis` to `each`, in order,
    /// with its version. What was given is durable, and counts, when this returns `Ok`. The caller holds the
    /// directory's lock.
    pub fn open(
        storage: &S,
        birth: &Birth,
        basis: &Basis,
        options: Options,
        each: impl FnMut(u64, Command),
    ) -> Result<(Self, Recovered), OpenError> {
        let chain = Chain::read(storage, basis)?;
        let opened = match &chain {
            None => recovery::begin(storage, birth, basis, options)?,
            Some(chain) => recovery::resume(storage, chain, basis, options, each)?,
        };
        remove_temporaries(storage, "wal-").map_err(OpenError::io("remove temporary files"))?;
        let recovered = Recovered {
            directory_id: opened.header.directory_id,
            created_at: opened.header.created_at,
            last_version: opened.tail.next_lsn - 1,
            first_segment: chain.as_ref().map_or(opened.header.number, |chain| chain.first().number),
            frames: opened.frames,
            torn: opened.torn,
        };
        let wal = Self {
            storage: storage.clone(),
            options,
            active: Some(Active { file: opened.file, capacity: opened.capacity }),
            spare: None,
            header: opened.header,
            secret: birth.salt,
            tail: opened.tail,
            synced_lsn: opened.tail.next_lsn - 1,
            is_sealed: opened.is_sealed,
        };
        Ok((wal, recovered))
    }

    /// The version that the next command gives the graph.
    pub fn next_version(&self) -> u64 {
        self.tail.next_lsn
    }

    /// The version up to which all is synced.
    pub fn synced_version(&self) -> u64 {
        self.synced_lsn
    }

    /// Whether it can be written: no error closed it.
    pub fn is_open(&self) -> bool {
        self.active.is_some()
    }

    /// The number of the segment that is written.
    pub fn active_segment(&self) -> u64 {
        self.header.number
    }

    /// Bytes of the active segment that are in use.
    pub fn active_bytes(&self) -> u64 {
        self.tail.offset
    }

    /// Writes a batch as one frame and syncs it.
    ///
    /// # Panics
    ///
    /// When the batch is empty or does not start at [`Self::next_version`].
    pub fn commit(&mut self, batch: Batch) -> Result<Committed, CommitError> {
        let committed = self.append(batch)?;
        self.sync()?;
        Ok(committed)
    }

    /// Writes a batch as one frame, which [`Self::sync`] makes durable.
    ///
    /// # Panics
    ///
    /// When the batch is empty or does not start at [`Self::next_version`].
    pub fn append(&mut self, batch: Batch) -> Result<Committed, CommitError> {
        assert!(batch.records() > 0, "a commit has a command");
        if self.active.is_none() {
            return Err(CommitError::Closed);
        }
        assert_eq!(batch.first_version(), self.tail.next_lsn, "versions are dense");
        let frame_bytes = batch.frame_bytes();
        if frame_bytes > limits::FRAME_BYTES_MAX {
            return Err(CommitError::TooLarge { frame_bytes });
        }
        self.make_room(frame_bytes as u64)?;
        self.write(Kind::Data, batch.records(), batch.into_frame())?;
        Ok(Committed { last_version: self.tail.next_lsn - 1, frame_bytes: frame_bytes as u64 })
    }

    /// Makes durable all that was appended.
    pub fn sync(&mut self) -> Result<(), CommitError> {
        let Active { file, capacity } = self.active.take().ok_or(CommitError::Closed)?;
        let file = if seeded::has(Bug::DropDataSync) { Ok(file) } else { file.sync() };
        match file {
            Ok(file) => {
                self.active = Some(Active { file, capacity });
                self.synced_lsn = self.tail.next_lsn - 1;
                Ok(())
            }
            Err(poisoned) => {
                if seeded::has(Bug::RetryFailedSync)
                    && let Ok(file) = self.storage.open(&segment::name(self.header.number))
                {
                    self.active = Some(Active { file, capacity });
                    return self.sync();
                }
                Err(CommitError::Unknown(poisoned.0))
            }
        }
    }

    /// Notes in the log that its last commit is durable, if that is not in it yet. Until then a flipped
    /// bit in that commit cannot be told from a torn write. For a pause in the traffic.
    pub fn mark(&mut self) -> Result<(), CommitError> {
        if self.active.is_some() && self.tail.durable_lsn == self.tail.next_lsn - 1 {
            return Ok(());
        }
        self.close_frames(Kind::Mark)
    }

    /// Has room for the next segment ready. To be called when nobody waits.
    pub fn prepare(&mut self) -> Result<(), CommitError> {
        if self.active.is_none() {
            return Err(CommitError::Closed);
        }
        self.prepare_spare(0)
    }

    /// Whether a disk that was full takes writes again: prepares room, and writes a mark whether it says
    /// anything new or not.
    pub fn probe(&mut self) -> Result<(), CommitError> {
        self.prepare()?;
        self.close_frames(Kind::Mark)
    }

    /// Closes the log on purpose, so that the next start need not make it durable again.
    pub fn seal(mut self) -> Result<(), CommitError> {
        if self.is_sealed {
            return Ok(());
        }
        self.sync_if_needed()?;
        self.write(Kind::Seal, 0, vec![0; HEADER_BYTES])?;
        self.sync()
    }

    /// Writes a frame without records behind all that it is about, and syncs it.
    fn close_frames(&mut self, kind: Kind) -> Result<(), CommitError> {
        if self.active.is_none() {
            return Err(CommitError::Closed);
        }
        self.sync_if_needed()?;
        self.make_room(HEADER_BYTES as u64)?;
        self.write(kind, 0, vec![0; HEADER_BYTES])?;
        if seeded::has(Bug::DropMarkSync) { Ok(()) } else { self.sync() }
    }

    fn sync_if_needed(&mut self) -> Result<(), CommitError> {
        if self.synced_lsn == self.tail.next_lsn - 1 { Ok(()) } else { self.sync() }
    }

    fn write(&mut self, kind: Kind, records: u32, mut frame: Vec<u8>) -> Result<(), CommitError> {
        let Some(active) = &self.active else { return Err(CommitError::Closed) };
        let after = self.tail.next_lsn + u64::from(records) - 1;
        let durable_lsn = if seeded::has(Bug::ClaimDurableTooEarly) { after } else { self.synced_lsn };
        let place = Place {
            salt: self.header.salt,
            lsn: self.tail.next_lsn,
            durable_lsn,
            prev_chain: self.tail.chain,
        };
        let crc = frame::finish(&mut frame, kind, records, place);
        if let Err(error) = active.file.write_all_at(self.tail.offset, &frame) {
            return Err(self.not_written(error));
        }
        self.tail = Tail { durable_lsn, ..self.tail.after(frame.len(), records, crc) };
        self.is_sealed = kind == Kind::Seal;
        Ok(())
    }

    /// A frame of which only a beginning was written does not hold. Where the disk is full the next one takes
    /// its place; otherwise the place is left alone.
    fn not_written(&mut self, error: io::Error) -> CommitError {
        if is_full(&error) {
            return CommitError::Full(error);
        }
        if self.next_segment(0).is_err() {
            self.active = None;
        }
        CommitError::Failed(error)
    }

    /// Has room for a frame and for those that close the segment.
    fn make_room(&mut self, frame_bytes: u64) -> Result<(), CommitError> {
        let Some(active) = &self.active else { return Err(CommitError::Closed) };
        let fits = self.tail.offset + frame_bytes + CLOSING_BYTES <= active.capacity;
        if fits && self.header.is_current() {
            return Ok(());
        }
        let old = self.next_segment(frame_bytes)?;
        note_continuation(old);
        Ok(())
    }

    /// Goes on in the next segment; what comes back is the end of the old one.
    fn next_segment(&mut self, frame_bytes: u64) -> Result<Ended<S::File>, CommitError> {
        self.prepare_spare(frame_bytes)?;
        if !seeded::has(Bug::RotateUnsynced) {
            self.sync_if_needed().map_err(not_applied)?;
        }
        let number = self.header.number + 1;
        let mut header = SegmentHeader {
            format: limits::DATA_FORMAT,
            number,
            first_lsn: self.tail.next_lsn,
            salt: self.salt_of(number),
            prev_chain: self.tail.chain,
            ..self.header.clone()
        };
        let bytes = header.encode();
        if seeded::has(Bug::ContinueTooEarly) {
            let file = self.storage.open(&segment::name(self.header.number)).map_err(CommitError::Failed)?;
            note_continuation(self.ended(file));
        }
        let next = self.install_spare(number, &bytes)?;
        let active = self.active.replace(next).ok_or(CommitError::Closed)?;
        let old = self.ended(active.file);
        let durable_lsn = header.last_lsn_before();
        self.tail = Tail { durable_lsn, ..Tail::after_header(&header) };
        self.header = header;
        self.synced_lsn = durable_lsn;
        Ok(old)
    }

    fn ended(&self, file: S::File) -> Ended<S::File> {
        Ended { file, salt: self.header.salt, tail: self.tail }
    }

    /// Writes the header of a segment into the spare file and gives it its name. When the disk is full the
    /// log stays as it was; after any other error nothing is known of the next segment, and it is closed.
    fn install_spare(&mut self, number: u64, header: &[u8]) -> Result<Active<S::File>, CommitError> {
        let Active { file, capacity } = self.spare.take().expect("it was just prepared");
        let install = || -> io::Result<S::File> {
            file.write_all_at(0, header)?;
            let file = if seeded::has(Bug::DropSegmentHeaderSync) {
                file
            } else {
                file.sync().map_err(|poisoned| poisoned.0)?
            };
            self.storage.rename(&segment::spare(), &segment::name(number))?;
            Ok(file)
        };
        let file = install().map_err(|error| self.not_installed(error))?;
        match self.storage.sync_dir() {
            Ok(()) => Ok(Active { file, capacity }),
            Err(error) => {
                self.active = None;
                Err(CommitError::Failed(error))
            }
        }
    }

    fn not_installed(&mut self, error: io::Error) -> CommitError {
        if is_full(&error) {
            return CommitError::Full(error);
        }
        self.active = None;
        CommitError::Failed(error)
    }

    /// Has a spare file with room for a segment, and for a frame of this length in it.
    fn prepare_spare(&mut self, frame_bytes: u64) -> Result<(), CommitError> {
        let needed = segment::SEGMENT_HEADER_BYTES as u64 + frame_bytes + CLOSING_BYTES;
        let capacity = self.options.segment_bytes.max(needed);
        if self.spare.as_ref().is_some_and(|spare| spare.capacity >= capacity) {
            return Ok(());
        }
        self.spare = self.spare_left_behind(capacity);
        if self.spare.is_some() {
            return Ok(());
        }
        let prepare = || -> io::Result<S::File> {
            let file = begin(&self.storage, &segment::spare())?;
            file.allocate(capacity)?;
            let file = file.sync().map_err(|poisoned| poisoned.0)?;
            finish(&self.storage, &segment::spare())?;
            Ok(file)
        };
        let file = prepare().map_err(|error| {
            // What was allocated of it is given back; the next attempt begins anew.
            let _ = self.storage.remove(&temporary(&segment::spare()));
            if is_full(&error) { CommitError::Full(error) } else { CommitError::NoRoom(error) }
        })?;
        self.spare = Some(Active { file, capacity });
        Ok(())
    }

    /// The spare file of an earlier life. Behind the room for its header it is zeros like a new one.
    fn spare_left_behind(&self, capacity: u64) -> Option<Active<S::File>> {
        let file = self.storage.open(&segment::spare()).ok()?;
        let size = file.size().ok()?;
        (size >= capacity).then_some(Active { file, capacity: size })
    }

    /// Nobody outside can know it: the secret is drawn at random at each start.
    fn salt_of(&self, number: u64) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.secret.to_le_bytes());
        hasher.update(self.header.directory_id.as_bytes());
        hasher.update(&number.to_le_bytes());
        let hash = hasher.finalize();
        u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight bytes of thirty-two"))
    }
}

/// A segment that the log has left.
struct Ended<F> {
    file: F,
    salt: u64,
    tail: Tail,
}

/// Tells a segment that it is continued. A log that misses this is whole all the same: the note only
/// tells a lost last segment from one that never was.
fn note_continuation<F: StorageFile>(old: Ended<F>) {
    let mut frame = vec![0; HEADER_BYTES];
    let (lsn, durable_lsn) = (old.tail.next_lsn, old.tail.next_lsn - 1);
    let place = Place { salt: old.salt, lsn, durable_lsn, prev_chain: old.tail.chain };
    frame::finish(&mut frame, Kind::Continue, 0, place);
    if old.file.write_all_at(old.tail.offset, &frame).is_ok() {
        let _ = old.file.sync();
    }
}

/// The batch that made room was not written, whatever failed before it.
fn not_applied(error: CommitError) -> CommitError {
    match error {
        CommitError::Unknown(error) => CommitError::Failed(error),
        other => other,
    }
}
