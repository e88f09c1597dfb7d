//! The segments of a directory in their order: which are there, and whether one leads to the next.
//!
//! - Segments are numbered without a gap; each header names the directory and where the one before ended.
//! - What lies before the first segment that is asked for was to be removed and is not looked at.

use std::ops::RangeInclusive;

use uuid::Uuid;

use super::OpenError;
use super::reader::Reader;
use super::segment::{self, FIRST_LSN, FIRST_SEGMENT, SegmentFault, SegmentHeader};
use super::survey::{Expected, Refusal, Survey, survey};
use crate::seeded::{self, Bug};
use crate::storage::Storage;
use crate::types::Command;

/// What is known of a log from elsewhere: the snapshot that the graph comes from, and the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The graph holds the commands up to this version; the log is asked for those after it.
    pub version: u64,
    /// Up to this version all was durable, as any snapshot proves.
    pub durable_version: u64,
    /// Segments that must be there; later ones may.
    pub segments: Option<RangeInclusive<u64>>,
    /// Whose log it must be.
    pub directory_id: Option<Uuid>,
}

/// The headers of a log's segments, in order; at least one.
pub(super) struct Chain {
    headers: Vec<SegmentHeader>,
}

impl Chain {
    /// The directory's segments; `None` where there is no log and none is asked for.
    pub(super) fn read<S: Storage>(storage: &S, basis: &Basis) -> Result<Option<Self>, OpenError> {
        let files = storage.list().map_err(OpenError::io("list the data directory"))?;
        let first = basis.segments.as_ref().map_or(0, |segments| *segments.start());
        let numbers: Vec<u64> =
            files.iter().filter_map(segment::number_of).filter(|number| *number >= first).collect();
        if let Some(missing) = missing(&numbers, basis)
            && !seeded::has(Bug::IgnoreMissingSegment)
        {
            return Err(OpenError::missing(storage, missing));
        }
        let mut headers: Vec<SegmentHeader> = Vec::with_capacity(numbers.len());
        for number in numbers {
            let header = read_header(storage, number)?;
            let directory_id = headers.first().map(|first| first.directory_id).or(basis.directory_id);
            if directory_id.is_some_and(|directory_id| directory_id != header.directory_id) {
                return Err(OpenError::header(storage, number, SegmentFault::Value("directory id")));
            }
            headers.push(header);
        }
        let Some(first) = headers.first() else { return Ok(None) };
        if first.last_lsn_before() > basis.version {
            let (segment, first_lsn) = (segment::name(first.number), first.first_lsn);
            let location = storage.location();
            return Err(OpenError::Gap { segment, first_lsn, version: basis.version, location });
        }
        Ok(Some(Self { headers }))
    }

    pub(super) fn first(&self) -> &SegmentHeader {
        &self.headers[0]
    }

    pub(super) fn last(&self) -> &SegmentHeader {
        &self.headers[self.headers.len() - 1]
    }

    /// Reads the log from the segment on in which the first command behind the basis stands, or all of it
    /// when there is none before, and gives those commands to `each`. What comes back is the last segment's.
    pub(super) fn replay<S: Storage>(
        &self,
        storage: &S,
        basis: &Basis,
        mut each: impl FnMut(u64, Command),
    ) -> Result<(Survey, u64), OpenError> {
        let start = self.headers.iter().rposition(|header| header.last_lsn_before() <= basis.version);
        let mut frames = 0;
        for place in start.unwrap_or(0)..self.headers.len() {
            let survey = self.survey(storage, place, basis, &mut each)?;
            frames += survey.frames;
            if place + 1 == self.headers.len() {
                return Ok((survey, frames));
            }
        }
        unreachable!("a chain has a last segment")
    }

    /// Reads one segment.
    pub(super) fn survey<S: Storage>(
        &self,
        storage: &S,
        place: usize,
        basis: &Basis,
        each: impl FnMut(u64, Command),
    ) -> Result<Survey, OpenError> {
        let header = &self.headers[place];
        let file = storage.open(&segment::name(header.number)).map_err(OpenError::io("open the log"))?;
        let mut reader = Reader::new(&file).map_err(OpenError::io("read the log"))?;
        let expected = Expected {
            header,
            successor: self.headers.get(place + 1),
            after: basis.version,
            durable_lsn: basis.version.max(basis.durable_version),
        };
        survey(&mut reader, expected, each).map_err(|refusal| open_error(storage, refusal))
    }
}

/// The first number that is not there and should be.
fn missing(numbers: &[u64], basis: &Basis) -> Option<u64> {
    let gap = numbers.windows(2).find(|pair| pair[0] + 1 != pair[1]).map(|pair| pair[0] + 1);
    let Some(asked) = &basis.segments else {
        // Nothing lets a segment go but a snapshot that the manifest names.
        let before = numbers.first().filter(|first| **first > FIRST_SEGMENT).map(|first| first - 1);
        return before.or(gap);
    };
    match (numbers.first(), numbers.last()) {
        (Some(first), _) if first > asked.start() => Some(*asked.start()),
        (_, Some(last)) if last < asked.end() => gap.or(Some(last + 1)),
        (Some(_), Some(_)) => gap,
        (None, _) | (_, None) => Some(*asked.start()),
    }
}

/// The header of the segment of this number.
pub(super) fn read_header<S: Storage>(storage: &S, number: u64) -> Result<SegmentHeader, OpenError> {
    let file = storage.open(&segment::name(number)).map_err(OpenError::io("open the log"))?;
    let mut reader = Reader::new(&file).map_err(OpenError::io("read the log"))?;
    let header = reader.segment_header(number).map_err(OpenError::io("read the log"))?;
    header.map_err(|fault| OpenError::header(storage, number, fault))
}

pub(super) fn open_error<S: Storage>(storage: &S, refusal: Refusal) -> OpenError {
    match refusal {
        Refusal::Io(source) => OpenError::Io { doing: "read the log", source },
        Refusal::Damage(damage) => OpenError::Damaged { damage, location: storage.location() },
        Refusal::Missing { segment, .. } => OpenError::missing(storage, segment + 1),
        Refusal::UnknownKind { segment, offset, kind } => {
            OpenError::UnknownKind { segment: segment::name(segment), offset, kind }
        }
    }
}

/// Removes the segments before the one of this number, but never the last one.
pub fn remove_segments<S: Storage>(storage: &S, first: u64) -> Result<(), OpenError> {
    let files = storage.list().map_err(OpenError::io("list the data directory"))?;
    let numbers: Vec<u64> = files.iter().filter_map(segment::number_of).collect();
    let last = numbers.last().copied().unwrap_or(first);
    for number in numbers.into_iter().filter(|number| *number < first.min(last)) {
        storage.remove(&segment::name(number)).map_err(OpenError::io("remove a segment of the log"))?;
    }
    Ok(())
}

/// Whose log it is, as its last segment says; `None` where there is no log.
pub fn directory_id<S: Storage>(storage: &S) -> Result<Option<Uuid>, OpenError> {
    let files = storage.list().map_err(OpenError::io("list the data directory"))?;
    let last = files.iter().filter_map(segment::number_of).max();
    last.map(|number| read_header(storage, number).map(|header| header.directory_id)).transpose()
}

/// Whether the log is there from the first command of all.
pub fn is_whole<S: Storage>(storage: &S) -> Result<bool, OpenError> {
    let files = storage.list().map_err(OpenError::io("list the data directory"))?;
    let Some(first) = files.iter().filter_map(segment::number_of).min() else { return Ok(false) };
    // A header that does not hold tells nothing; reading the log will say what is wrong.
    let header = read_header(storage, first);
    Ok(first == FIRST_SEGMENT && header.map_or(true, |header| header.first_lsn == FIRST_LSN))
}

/// The numbers of the first segment that a graph of `version` needs, and of the last one.
pub fn needed_segments<S: Storage>(storage: &S, version: u64) -> Result<RangeInclusive<u64>, OpenError> {
    let first = first_needed(storage, version)?;
    let files = storage.list().map_err(OpenError::io("list the data directory"))?;
    Ok(first..=files.iter().filter_map(segment::number_of).max().unwrap_or(first))
}

fn first_needed<S: Storage>(storage: &S, version: u64) -> Result<u64, OpenError> {
    let files = storage.list().map_err(OpenError::io("list the data directory"))?;
    let mut needed = None;
    for number in files.iter().filter_map(segment::number_of) {
        if needed.is_some() && read_header(storage, number)?.last_lsn_before() > version {
            break;
        }
        needed = Some(number);
    }
    Ok(needed.unwrap_or(FIRST_SEGMENT))
}
