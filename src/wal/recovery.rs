//! From a directory as it was left to a log that can be written.
//!
//! What it is not: the judgement of what is torn and what is damaged; that is `survey`.
//!
//! - Nothing is changed before the verdict.
//! - After an unclean stop what survives is written into a new file that takes the old one's name: the
//!   old one's end may be in the page cache and not on the disk, and after a failed sync it cannot get
//!   there any more. A stop or a failure in the midst leaves the old file or the new one, and the next
//!   start does the same again.
//! - A torn tail is copied to `quarantine/` before it is cut, and nothing there is ever overwritten.
//! - A log that ends in a seal is kept as it is. The seal alone is written and synced again, since its own
//!   sync may be what failed; all before it was synced before it was written.

use std::io;
use std::ops::Range;

use super::reader::Reader;
use super::segment::{self, FIRST_SEGMENT, SegmentFault, SegmentHeader};
use super::survey::{Refusal, Survey, Tail, survey};
use super::{Birth, OpenError};
use crate::storage::{FileName, Storage, StorageFile, copy, install};
use crate::types::Command;

const QUARANTINE: &str = "quarantine";

/// A log that can be written.
pub(super) struct Opened<F> {
    pub file: F,
    pub header: SegmentHeader,
    pub tail: Tail,
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

/// Makes the first segment.
pub(super) fn begin<S: Storage>(storage: &S, birth: &Birth) -> Result<Opened<S::File>, OpenError> {
    let (header, bytes) = SegmentHeader::first(birth.directory_id, birth.salt, birth.at);
    let file = install(storage, &segment::name(FIRST_SEGMENT), |file| file.write_all_at(0, &bytes))
        .map_err(OpenError::io("make the log"))?;
    let tail = Tail::after_header(&header);
    Ok(Opened { file, header, tail, frames: 0, torn: None })
}

/// Reads the segment, gives each of its commands to `each`, and makes durable what it gave.
pub(super) fn resume<S: Storage>(
    storage: &S,
    each: impl FnMut(u64, Command),
) -> Result<Opened<S::File>, OpenError> {
    let name = segment::name(FIRST_SEGMENT);
    let file = storage.open(&name).map_err(OpenError::io("open the log"))?;
    let mut reader = Reader::new(&file).map_err(OpenError::io("read the log"))?;
    let header = read_header(storage, &mut reader)?;
    let survey = survey(&mut reader, &header, each).map_err(|refusal| open_error(storage, refusal))?;
    let len = reader.len();
    let (file, torn) = if survey.is_sealed(len) {
        (seal_again(storage, file, &survey)?, None)
    } else {
        rewrite(storage, &file, survey.tail.offset, len)?
    };
    Ok(Opened { file, header, tail: survey.tail, frames: survey.frames, torn })
}

pub(super) fn read_header<S: Storage>(
    storage: &S,
    reader: &mut Reader<'_, S::File>,
) -> Result<SegmentHeader, OpenError> {
    let segment = segment::name(FIRST_SEGMENT);
    let location = storage.location();
    match reader.segment_header(FIRST_SEGMENT).map_err(OpenError::io("read the log"))? {
        Ok(header) => Ok(header),
        Err(fault @ SegmentFault::Format { .. }) => Err(OpenError::Format { segment, fault }),
        Err(
            fault @ (SegmentFault::Cut
            | SegmentFault::Magic
            | SegmentFault::Crc { .. }
            | SegmentFault::Value(_)),
        ) => Err(OpenError::Header { segment, fault, location }),
    }
}

pub(super) fn open_error<S: Storage>(storage: &S, refusal: Refusal) -> OpenError {
    match refusal {
        Refusal::Io(source) => OpenError::Io { doing: "read the log", source },
        Refusal::Damage(damage) => OpenError::Damaged { damage, location: storage.location() },
        Refusal::UnknownKind { offset, kind } => {
            OpenError::UnknownKind { segment: segment::name(FIRST_SEGMENT), offset, kind }
        }
    }
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

/// Writes the bytes of a segment up to `end` into a new file, and keeps the rest aside.
pub(super) fn rewrite<S: Storage>(
    storage: &S,
    file: &S::File,
    end: u64,
    len: u64,
) -> Result<(S::File, Option<TornTail>), OpenError> {
    let torn = if end < len {
        let kept_as =
            quarantine(storage, file, end..len).map_err(OpenError::io("put the torn tail aside"))?;
        Some(TornTail { bytes: len - end, kept_as })
    } else {
        None
    };
    let new = install(storage, &segment::name(FIRST_SEGMENT), |new| copy(file, 0..end, new, 0))
        .map_err(OpenError::io("make the recovered log durable"))?;
    Ok((new, torn))
}

/// Copies a part of the segment under a name that is free in the quarantine.
fn quarantine<S: Storage>(storage: &S, file: &S::File, part: Range<u64>) -> io::Result<FileName> {
    let directory = storage.directory(&FileName::parse(QUARANTINE).expect("letters"))?;
    let taken = directory.list()?;
    let stem = format!("{}-offset-{}", segment::name(FIRST_SEGMENT), part.start);
    let names =
        (1u64..).map(|number| FileName::parse(format!("{stem}-{number}")).expect("letters and digits"));
    let name =
        names.into_iter().find(|name| !taken.contains(name)).expect("fewer names are taken than there are");
    install(&directory, &name, |copied| copy(file, part, copied, 0))?;
    Ok(name)
}
