//! What an operator does about a log: look at it, print it, give up what cannot be read.
//!
//! - Nothing happens by itself and nothing without the lsn that is given up: a start refuses, a look
//!   changes nothing, and a cut asks for the very lsn that the look named.
//! - What is cut goes to `quarantine/` first. The caller holds the directory's lock.
//! - Where a snapshot holds commands behind the break, only those behind the snapshot are given up, and the
//!   log begins anew there.

use std::io;
use std::ops::RangeInclusive;

use super::chain::{Basis, Chain, open_error, read_header};
use super::reader::Reader;
use super::recovery::{self, TornTail, quarantine, rewrite};
use super::segment::{self, SegmentHeader};
use super::survey::{Damage, Expected, Refusal, Survey, survey};
use super::{Birth, OpenError, Options};
use crate::storage::{FileName, Storage, StorageFile};
use crate::types::{Command, Timestamp};

/// Where a log ends that holds to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// The version of its last command.
    pub last_version: u64,
    /// Bytes of a write that was never acknowledged, which a start cuts.
    pub torn_bytes: u64,
}

/// What a look at a log found.
#[derive(Debug)]
pub enum Verdict {
    /// A start takes it.
    Sound(LogEnd),
    /// A start refuses it.
    Damaged(Finding),
}

/// Where a log breaks, and what could be kept.
#[derive(Debug)]
pub struct Finding {
    /// What a start says.
    pub error: OpenError,
    /// The first lsn that would be given up.
    pub first_lost: u64,
    /// The highest lsn that the log is known to have held.
    pub last_known: u64,
    /// Bytes that would be put aside.
    pub bytes: u64,
    place: Option<Break>,
}

/// The place up to which the log can be read.
#[derive(Clone, Copy, Debug)]
struct Break {
    segment: u64,
    offset: u64,
    lsn: u64,
}

/// What was given up.
#[derive(Debug, PartialEq, Eq)]
pub struct Cut {
    /// What was put aside, by file and name in `quarantine/`.
    pub kept: Vec<(FileName, FileName)>,
    /// The segments that the log has now.
    pub segments: RangeInclusive<u64>,
}

/// Why a log was not cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The log cannot be looked at.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// There is nothing to give up.
    #[error("the log is sound up to lsn {last_version}; there is nothing to cut")]
    Sound {
        /// The version of its last command.
        last_version: u64,
    },
    /// The cut would be elsewhere than the damage.
    #[error("the first lsn that cannot be read is {damaged}, not {asked}")]
    OtherLsn {
        /// The one that a look names.
        damaged: u64,
        /// The one that was given.
        asked: u64,
    },
}

/// Looks at what a start would read of a log, and changes nothing.
pub fn inspect<S: Storage>(storage: &S, basis: &Basis) -> Result<Verdict, OpenError> {
    let error = match read(storage, basis, |_, _| {}) {
        Ok(survey) => return Ok(Verdict::Sound(end_of(survey.as_ref()))),
        Err(error) => error,
    };
    if matches!(error, OpenError::Io { .. } | OpenError::Format { .. } | OpenError::UnknownKind { .. }) {
        return Err(error);
    }
    find(storage, basis, error).map(Verdict::Damaged)
}

/// Gives every command of a log to `each`, with its lsn, up to where it ends; an error where it breaks before.
pub fn dump<S: Storage>(
    storage: &S,
    basis: &Basis,
    each: impl FnMut(u64, Command),
) -> Result<LogEnd, OpenError> {
    let Some(chain) = Chain::read(storage, basis)? else { return Ok(end_of(None)) };
    let whole = Basis {
        version: chain.first().last_lsn_before(),
        durable_version: basis.version.max(basis.durable_version),
        ..basis.clone()
    };
    chain.replay(storage, &whole, each).map(|(survey, _)| end_of(Some(&survey)))
}

/// Gives the commands behind `basis` to `each`, as a start does, and changes nothing. What comes back is when
/// the directory was made; `None` where there is no log.
pub fn replay<S: Storage>(
    storage: &S,
    basis: &Basis,
    each: impl FnMut(u64, Command),
) -> Result<Option<Timestamp>, OpenError> {
    let Some(chain) = Chain::read(storage, basis)? else { return Ok(None) };
    chain.replay(storage, basis, each)?;
    Ok(Some(chain.first().created_at))
}

/// Copies a file to `quarantine/`, under a name that is free there.
pub fn put_aside<S: Storage>(storage: &S, name: &FileName, file: &S::File) -> io::Result<FileName> {
    quarantine(storage, name, file, 0..file.size()?)
}

fn read<S: Storage>(
    storage: &S,
    basis: &Basis,
    each: impl FnMut(u64, Command),
) -> Result<Option<Survey>, OpenError> {
    let Some(chain) = Chain::read(storage, basis)? else { return Ok(None) };
    chain.replay(storage, basis, each).map(|(survey, _)| Some(survey))
}

fn end_of(survey: Option<&Survey>) -> LogEnd {
    let torn = |survey: &Survey| survey.content_end - survey.tail.offset;
    LogEnd {
        last_version: survey.map_or(0, |survey| survey.tail.next_lsn - 1),
        torn_bytes: survey.map_or(0, torn),
    }
}

/// Gives up the commands of a damaged log from `lsn` on, which is the first that a look names.
pub fn cut<S: Storage>(
    storage: &S,
    birth: &Birth,
    basis: &Basis,
    options: Options,
    lsn: u64,
) -> Result<Cut, CutError> {
    let finding = match inspect(storage, basis)? {
        Verdict::Sound(LogEnd { last_version, .. }) => return Err(CutError::Sound { last_version }),
        Verdict::Damaged(finding) if finding.first_lost != lsn => {
            return Err(CutError::OtherLsn { damaged: finding.first_lost, asked: lsn });
        }
        Verdict::Damaged(finding) => finding,
    };
    match finding.place {
        Some(place) if place.lsn > basis.version => Ok(cut_at(storage, options, place)?),
        Some(_) | None => Ok(begin_anew(storage, birth, basis, options)?),
    }
}

/// Keeps the log up to a place.
fn cut_at<S: Storage>(storage: &S, options: Options, place: Break) -> Result<Cut, OpenError> {
    let mut kept = Vec::new();
    let (first, later) = split(storage, place.segment)?;
    for number in later.into_iter().rev() {
        kept.push(take_away(storage, number)?);
    }
    let name = segment::name(place.segment);
    let file = storage.open(&name).map_err(OpenError::io("open the log"))?;
    let header = read_header(storage, place.segment)?;
    let end = content_end(&file, place.offset)?;
    let (_, torn) = rewrite(storage, &file, &header, place.offset..end, options)?;
    kept.extend(torn.map(|TornTail { kept_as, .. }| (name, kept_as)));
    Ok(Cut { kept, segments: first..=place.segment })
}

/// Begins a log behind the snapshot, with nothing of the old one.
fn begin_anew<S: Storage>(
    storage: &S,
    birth: &Birth,
    basis: &Basis,
    options: Options,
) -> Result<Cut, OpenError> {
    let (_, all) = split(storage, 0)?;
    let mut kept = Vec::new();
    for number in all.into_iter().rev() {
        kept.push(take_away(storage, number)?);
    }
    recovery::begin(storage, birth, basis, options)?;
    Ok(Cut { kept, segments: segment::FIRST_SEGMENT..=segment::FIRST_SEGMENT })
}

/// The first segment of a directory, and those behind `last`, in order.
fn split<S: Storage>(storage: &S, last: u64) -> Result<(u64, Vec<u64>), OpenError> {
    let files = storage.list().map_err(OpenError::io("list the data directory"))?;
    let numbers: Vec<u64> = files.iter().filter_map(segment::number_of).collect();
    let first = numbers.first().copied().unwrap_or(last);
    Ok((first, numbers.into_iter().filter(|number| *number > last).collect()))
}

/// Moves a whole segment to the quarantine.
fn take_away<S: Storage>(storage: &S, number: u64) -> Result<(FileName, FileName), OpenError> {
    let name = segment::name(number);
    let file = storage.open(&name).map_err(OpenError::io("open the log"))?;
    let end = content_end(&file, 0)?;
    let kept_as = quarantine(storage, &name, &file, 0..end).map_err(OpenError::io("put a segment aside"))?;
    storage.remove(&name).map_err(OpenError::io("remove a segment of the log"))?;
    storage.sync_dir().map_err(OpenError::io("remove a segment of the log"))?;
    Ok((name, kept_as))
}

fn content_end<F: StorageFile>(file: &F, offset: u64) -> Result<u64, OpenError> {
    let mut reader = Reader::new(file).map_err(OpenError::io("read the log"))?;
    reader.content_end(offset).map_err(OpenError::io("read the log"))
}

/// How far a log that a start refuses can be read, segment by segment.
fn find<S: Storage>(storage: &S, basis: &Basis, error: OpenError) -> Result<Finding, OpenError> {
    let first = basis.segments.as_ref().map_or(0, |segments| *segments.start());
    let (_, numbers) = split(storage, first.saturating_sub(1))?;
    let all = readable(storage, &numbers)?;
    let follow = |place: &usize| all[*place].number == numbers[0] + *place as u64;
    let headers: Vec<SegmentHeader> =
        (0..all.len()).take_while(follow).map(|place| all[place].clone()).collect();
    let start = headers.iter().rposition(|header| header.last_lsn_before() <= basis.version);
    let mut reached: Option<Break> = None;
    let mut last_known = basis.version.max(basis.durable_version);
    for place in start.into_iter().flat_map(|start| start..headers.len()) {
        let begins = (headers[place].first_lsn, headers[place].number);
        if reached.is_some_and(|end| (end.lsn, end.segment + 1) != begins) {
            break;
        }
        last_known = last_known.max(headers[place].last_lsn_before());
        let (end, whole) = extent(storage, &headers, place, basis.version, &mut last_known)?;
        reached = Some(end);
        if !whole {
            break;
        }
    }
    // What stands behind the break, as far as each segment tells by itself.
    let behind = |header: &&SegmentHeader| reached.is_none_or(|end| header.number > end.segment);
    for header in all.iter().filter(behind) {
        let (end, _) = extent(storage, std::slice::from_ref(header), 0, u64::MAX, &mut last_known)?;
        last_known = last_known.max(end.lsn - 1);
    }
    let reached_lsn = reached.map_or(0, |place| place.lsn);
    let first_lost = reached_lsn.max(basis.version + 1);
    let bytes = bytes_behind(storage, &numbers, reached.filter(|place| place.lsn > basis.version))?;
    Ok(Finding { error, first_lost, last_known: last_known.max(first_lost), bytes, place: reached })
}

/// The headers that hold, in order; a disk that does not answer is an error.
fn readable<S: Storage>(storage: &S, numbers: &[u64]) -> Result<Vec<SegmentHeader>, OpenError> {
    let mut headers = Vec::with_capacity(numbers.len());
    for number in numbers {
        match read_header(storage, *number) {
            Ok(header) => headers.push(header),
            Err(error @ OpenError::Io { .. }) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(headers)
}

/// Where a segment stops being readable, and whether that is where the next one begins.
fn extent<S: Storage>(
    storage: &S,
    headers: &[SegmentHeader],
    place: usize,
    after: u64,
    last_known: &mut u64,
) -> Result<(Break, bool), OpenError> {
    let header = &headers[place];
    let file = storage.open(&segment::name(header.number)).map_err(OpenError::io("open the log"))?;
    let mut reader = Reader::new(&file).map_err(OpenError::io("read the log"))?;
    let successor = headers.get(place + 1);
    let expected = Expected { header, successor, after, durable_lsn: 0 };
    let at = |offset, lsn| Break { segment: header.number, offset, lsn };
    match survey(&mut reader, expected, |_, _| {}) {
        Ok(survey) => Ok((at(survey.tail.offset, survey.tail.next_lsn), true)),
        Err(Refusal::Damage(Damage { offset, lsn, later_lsn, durable_lsn, .. })) => {
            *last_known = (*last_known).max(later_lsn).max(durable_lsn);
            Ok((at(offset, lsn), false))
        }
        Err(Refusal::Missing { offset, lsn, .. }) => Ok((at(offset, lsn), false)),
        Err(refusal @ (Refusal::Io(_) | Refusal::UnknownKind { .. })) => Err(open_error(storage, refusal)),
    }
}

/// How much content stands behind a place, or in all segments.
fn bytes_behind<S: Storage>(storage: &S, numbers: &[u64], place: Option<Break>) -> Result<u64, OpenError> {
    let mut bytes = 0;
    for number in numbers {
        let from = match place {
            Some(place) if *number < place.segment => continue,
            Some(place) if *number == place.segment => place.offset,
            Some(_) | None => 0,
        };
        let file = storage.open(&segment::name(*number)).map_err(OpenError::io("open the log"))?;
        bytes += content_end(&file, from)? - from;
    }
    Ok(bytes)
}
