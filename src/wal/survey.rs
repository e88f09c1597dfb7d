//! Reads a segment to its end or to the first frame that does not hold, and judges what follows.
//!
//! Frames are delivered in order up to the first that is not the sound one due there, at lsn `b`.
//!
//! A segment that another one follows ends exactly where the header of that one says; what stands behind is
//! not the log's. Whatever does not hold before that is damage: a segment is made only when all before it is
//! durable.
//!
//! In the last segment, what follows is the end of the log, the torn end of a write that nobody was told of,
//! or damage. It is damage when
//!
//! - a header behind the break names a `durable_lsn` of `b` or more, or a snapshot holds `b`: that record was
//!   acknowledged;
//! - a sound frame behind the break begins at `b` or before: no record is missing in between, so what is
//!   broken is a mark or a seal, and those are synced before anything is written after them;
//! - the frame at the break is sound, but not the one due or not to be understood: no power cut makes it.
//!
//! Nothing is changed here.

use std::io;
use std::ops::Range;

use super::batch;
use super::frame::{FrameFault, Header, Kind};
use super::reader::Reader;
use super::segment::{self, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::seeded::{self, Bug};
use crate::storage::{FileName, StorageFile};
use crate::types::Command;

/// The end of a log: all that the next frame depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub offset: u64,
    pub next_lsn: u64,
    pub chain: u32,
    /// The highest `durable_lsn` in the log.
    pub durable_lsn: u64,
}

/// What a segment holds up to its end or its torn tail.
#[derive(Debug)]
pub(super) struct Survey {
    pub tail: Tail,
    pub frames: u64,
    /// Where the seal stands, when the last sound frame is one.
    pub seal: Option<Range<u64>>,
    /// Where the content of the file ends: behind the tail there is what was torn, then zeros.
    pub content_end: u64,
}

/// What is known of a segment before it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub header: &'a SegmentHeader,
    /// The header of the next segment, if there is one.
    pub successor: Option<&'a SegmentHeader>,
    /// Commands up to this lsn are not asked for.
    pub after: u64,
    /// Up to this lsn all was durable, as others know.
    pub durable_lsn: u64,
}

/// Why a segment is not to be used.
#[derive(Debug)]
pub(super) enum Refusal {
    Io(io::Error),
    Damage(Damage),
    UnknownKind {
        segment: u64,
        offset: u64,
        kind: u8,
    },
    /// The segment says at `offset` that the next one is there, and it is not.
    Missing {
        segment: u64,
        offset: u64,
        lsn: u64,
    },
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A place in the log that no power cut explains.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{segment} offset {offset} lsn {lsn}: {fault}; {}, durable_lsn {durable_lsn}", later(*.later_frames, *.later_lsn))]
pub struct Damage {
    /// The file.
    pub segment: FileName,
    /// Where the frame begins that does not hold.
    pub offset: u64,
    /// The first lsn that cannot be read.
    pub lsn: u64,
    /// What is wrong there.
    pub fault: FrameFault,
    /// Sound frames behind it.
    pub later_frames: u64,
    /// The highest lsn in those; 0 when there are none.
    pub later_lsn: u64,
    /// The highest lsn that the log says was synced.
    pub durable_lsn: u64,
}

fn later(frames: u64, lsn: u64) -> String {
    match frames {
        0 => "no later valid frame".to_owned(),
        1 => format!("1 later valid frame reaches lsn {lsn}"),
        _ => format!("{frames} later valid frames reach lsn {lsn}"),
    }
}

impl Tail {
    /// The end of a log without frames.
    pub(super) fn after_header(header: &SegmentHeader) -> Self {
        let offset = SEGMENT_HEADER_BYTES as u64;
        Self { offset, next_lsn: header.first_lsn, chain: header.chain, durable_lsn: header.first_lsn - 1 }
    }

    /// Whether the segment of this header begins where this ends.
    fn is_followed_by(&self, next: &SegmentHeader) -> bool {
        self.next_lsn == next.first_lsn && self.chain == next.prev_chain
    }

    /// The end after one more frame.
    pub(super) fn after(self, frame_bytes: usize, records: u32, chain: u32) -> Self {
        Self {
            offset: self.offset + frame_bytes as u64,
            next_lsn: self.next_lsn + u64::from(records),
            chain,
            durable_lsn: self.durable_lsn,
        }
    }
}

/// Gives each command of the segment to `each`, in order, with its lsn. What was given counts only if
/// no refusal comes back.
pub(super) fn survey<F: StorageFile>(
    reader: &mut Reader<'_, F>,
    expected: Expected<'_>,
    mut each: impl FnMut(u64, Command),
) -> Result<Survey, Refusal> {
    let mut survey = Survey::new(expected.header);
    loop {
        if let Some(next) = expected.successor
            && survey.tail.is_followed_by(next)
        {
            return Ok(survey);
        }
        let taken = match reader.frame(survey.tail.offset, expected.header.salt)? {
            Ok((header, payload)) => survey.take(&header, payload, expected, &mut each)?,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = taken {
            return survey.judge(reader, expected, fault);
        }
    }
}

impl Survey {
    fn new(header: &SegmentHeader) -> Self {
        let tail = Tail::after_header(header);
        Self { tail, frames: 0, seal: None, content_end: tail.offset }
    }

    /// Whether the log was closed on purpose and is whole.
    pub(super) fn is_sealed(&self) -> bool {
        let seal_is_last = self.seal.as_ref().is_some_and(|seal| seal.end == self.tail.offset);
        seal_is_last && !self.is_torn() && self.tail.durable_lsn == self.tail.next_lsn - 1
    }

    /// Whether anything but zeros stands behind the last sound frame.
    pub(super) fn is_torn(&self) -> bool {
        self.content_end > self.tail.offset
    }

    /// Takes a sound frame, if it is the one that is due.
    fn take(
        &mut self,
        header: &Header,
        payload: &[u8],
        expected: Expected<'_>,
        each: &mut impl FnMut(u64, Command),
    ) -> Result<Result<(), FrameFault>, Refusal> {
        if let Err(fault) = header.check_place(self.tail.next_lsn, self.tail.chain) {
            return Ok(Err(fault));
        }
        let start = self.tail.offset;
        let segment = expected.header.number;
        let records = match header.kind() {
            Some(Kind::Data) => header.records,
            Some(Kind::Continue) if expected.successor.is_some() => return Ok(Err(FrameFault::Successor)),
            Some(Kind::Continue) if !seeded::has(Bug::IgnoreMissingSegment) => {
                return Err(Refusal::Missing { segment, offset: start, lsn: self.tail.next_lsn });
            }
            Some(Kind::Mark | Kind::Seal | Kind::Skipped | Kind::Continue) => 0,
            None => return Err(Refusal::UnknownKind { segment, offset: start, kind: header.kind }),
        };
        self.tail.durable_lsn = self.tail.durable_lsn.max(header.durable_lsn);
        let last_lsn = header.lsn.saturating_add(u64::from(records)).saturating_sub(1);
        if last_lsn > expected.after
            && let Err(error) = batch::read(payload, records, header.lsn, expected.after, each)
        {
            return Ok(Err(FrameFault::Content(error)));
        }
        self.tail = self.tail.after(header.frame_bytes(), records, header.crc);
        self.content_end = self.tail.offset;
        self.frames += 1;
        self.seal = (header.kind() == Some(Kind::Seal)).then_some(start..self.tail.offset);
        Ok(Ok(()))
    }

    /// What follows from a frame that does not hold where the tail is.
    fn judge<F: StorageFile>(
        mut self,
        reader: &mut Reader<'_, F>,
        expected: Expected<'_>,
        fault: FrameFault,
    ) -> Result<Self, Refusal> {
        let (offset, lsn) = (self.tail.offset, self.tail.next_lsn);
        self.content_end = reader.content_end(offset)?;
        let fault = if self.is_torn() { fault } else { FrameFault::Missing };
        let beyond = reader.scan_beyond(offset, self.content_end, expected.header.salt)?;
        let elsewhere = if seeded::has(Bug::IgnoreSnapshotsWhenJudging) { 0 } else { expected.durable_lsn };
        let known = [self.tail.durable_lsn, beyond.durable_lsn, elsewhere];
        let successor = expected.successor.map_or(0, SegmentHeader::last_lsn_before);
        let durable_lsn = known.into_iter().fold(successor, u64::max);
        let nothing_missing = beyond.first_lsn.is_some_and(|first| first <= lsn)
            || (seeded::has(Bug::RefuseAnyLaterFrame) && beyond.frames > 0);
        let is_torn = fault.could_be_torn() && lsn > durable_lsn && !nothing_missing;
        let is_last = expected.successor.is_none();
        if is_last && (is_torn || seeded::has(Bug::StopAtFirstBadFrame)) {
            return Ok(self);
        }
        Err(Refusal::Damage(Damage {
            segment: segment::name(expected.header.number),
            offset,
            lsn,
            fault,
            later_frames: beyond.frames,
            later_lsn: beyond.last_lsn,
            durable_lsn,
        }))
    }
}
