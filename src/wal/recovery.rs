//! From a directory as it was left to a log that can be written.
//!
//! What it is not: the judgement of what is torn and what is damaged; that is `survey`.
//!
//! - Nothing is changed before the verdict.
//! - After an unclean stop what survives of the last segment is written into a new file that takes the old
//!   one's name: the old one's end may be in the page cache and not on the disk, and after a failed sync it
//!   cannot get there any more. A stop or a failure in the midst leaves the old file or the new one, and the
//!   next start does the same again. The segments before it were durable before it was made.
//! - A torn tail is copied to `quarantine/` before it is cut, and nothing there is ever overwritten.
//! - A log that ends in a seal is kept as it is. The seal alone is written and synced again, since its own
//!   sync may be what failed; all before it was synced before it was written.

use std::io;
use std::ops::Range;

use super::chain::{Basis, Chain};
use super::segment::{self, FIRST_SEGMENT, SegmentHeader};
use super::survey::{Survey, Tail};
use super::{Birth, OpenError, Options};
use crate::limits;
use crate::seeded::{self, Bug};
use crate::storage::{FileName, Storage, StorageFile, copy, install, is_full, remove_temporaries};
use crate::types::Command;

const QUARANTINE: &str = "quarantine";

/// A segment that can be written, and the log before it.
pub(super) struct Opened<F> {
    pub file: F,
    pub header: SegmentHeader,
    pub tail: Tail,
    /// Whether the log ends in a seal.
    pub is_sealed: bool,
    /// Bytes that the segment has room for.
    pub capacity: u64,
    pub frames: u64,
    pub torn: Option<TornTail>,
}

/// The end of a write that nobody was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Its length.
    pub bytes: u64,
    /// The file in `quarantine/` that keeps it.
    pub kept_as: FileName,
}

/// Makes the first segment of a log that begins behind `basis`.
pub(super) fn begin<S: Storage>(
    storage: &S,
    birth: &Birth,
    basis: &Basis,
    options: Options,
) -> Result<Opened<S::File>, OpenError> {
    let mut header = SegmentHeader {
        format: limits::DATA_FORMAT,
        directory_id: birth.directory_id,
        number: FIRST_SEGMENT,
        first_lsn: basis.version + 1,
        salt: birth.salt,
        prev_chain: 0,
        created_at: birth.at,
        chain: 0,
    };
    let bytes = header.encode();
    let write = |file: &S::File| {
        file.allocate(options.segment_bytes)?;
        file.write_all_at(0, &bytes)
    };
    let file =
        install(storage, &segment::name(FIRST_SEGMENT), write).map_err(OpenError::io("make the log"))?;
    let tail = Tail::after_header(&header);
    let capacity = options.segment_bytes;
    Ok(Opened { file, header, tail, is_sealed: false, capacity, frames: 0, torn: None })
}

/// Reads the log, gives each command behind `basis` to `each`, and makes durable what it gave.
pub(super) fn resume<S: Storage>(
    storage: &S,
    chain: &Chain,
    basis: &Basis,
    options: Options,
    each: impl FnMut(u64, Command),
) -> Result<Opened<S::File>, OpenError> {
    let (survey, frames) = chain.replay(storage, basis, each)?;
    let header = chain.last().clone();
    let file = storage.open(&segment::name(header.number)).map_err(OpenError::io("open the log"))?;
    let is_sealed = survey.is_sealed();
    let (file, torn) = if is_sealed || seeded::has(Bug::TrustPageCache) {
        (seal_again(storage, file, &survey)?, None)
    } else {
        rewrite(storage, &file, &header, survey.tail.offset..survey.content_end, options)?
    };
    let capacity = file.size().map_err(OpenError::io("read the log"))?;
    Ok(Opened { file, header, tail: survey.tail, is_sealed, capacity, frames, torn })
}

/// Makes sure of a seal that can be read, and of the file's name.
fn seal_again<S: Storage>(storage: &S, file: S::File, survey: &Survey) -> Result<S::File, OpenError> {
    let doing = OpenError::io("sync the seal");
    let Some(seal) = survey.seal.clone() else { return Ok(file) };
    let again = || {
        copy(&file, seal.clone(), &file, seal.start)?;
        let file = file.sync().map_err(|poisoned| poisoned.0)?;
        storage.sync_dir()?;
        Ok(file)
    };
    again().map_err(doing)
}

/// Writes the bytes of a segment up to where `rest` begins into a new file, and keeps the rest aside.
pub(super) fn rewrite<S: Storage>(
    storage: &S,
    file: &S::File,
    header: &SegmentHeader,
    rest: Range<u64>,
    options: Options,
) -> Result<(S::File, Option<TornTail>), OpenError> {
    let name = segment::name(header.number);
    let end = rest.start;
    let torn = if rest.is_empty() {
        None
    } else {
        let bytes = rest.end - rest.start;
        let kept_as =
            quarantine(storage, &name, file, rest).map_err(OpenError::io("put the torn tail aside"))?;
        Some(TornTail { bytes, kept_as })
    };
    let len = file.size().map_err(OpenError::io("read the log"))?;
    // A segment of an older format is not written any more and needs no room.
    let room = if header.is_current() { options.segment_bytes.max(len) } else { end };
    let write = |room: u64| {
        install(storage, &name, |new: &S::File| {
            new.allocate(room)?;
            copy(file, 0..end, new, 0)
        })
    };
    let new = write(room).or_else(|error| {
        if !is_full(&error) {
            return Err(error);
        }
        // A directory that was sound must start on a full disk, for its readers. What the log had prepared for
        // its next segment makes room for what it has.
        give_back(storage)?;
        write(end)
    });
    let new = new.map_err(OpenError::io("make the recovered log durable"))?;
    Ok((new, torn))
}

/// Removes what the log has prepared and not used.
fn give_back<S: Storage>(storage: &S) -> io::Result<()> {
    remove_temporaries(storage, "wal-")?;
    match storage.remove(&segment::spare()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Copies a part of a file under a name that is free in the quarantine.
pub(super) fn quarantine<S: Storage>(
    storage: &S,
    name: &FileName,
    file: &S::File,
    part: Range<u64>,
) -> io::Result<FileName> {
    let directory = storage.directory(&FileName::parse(QUARANTINE).expect("letters"))?;
    let taken = directory.list()?;
    let stem = format!("{name}-offset-{}", part.start);
    let names =
        (1u64..).map(|number| FileName::parse(format!("{stem}-{number}")).expect("letters and digits"));
    let name =
        names.into_iter().find(|name| !taken.contains(name)).expect("fewer names are taken than there are");
    install(&directory, &name, |copied| copy(file, part, copied, 0))?;
    Ok(name)
}
