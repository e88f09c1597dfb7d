//! Reads a segment to its end or to the first frame that does not hold, and judges what follows.
//!
//! Frames are delivered in order up to the first that is not the sound one due there, at lsn `b`. What
//! follows is either the torn end of a write that nobody was told of, or damage. It is damage when
//!
//! - a header behind the break names a `durable_lsn` of `b` or more: that record was acknowledged;
//! - a sound frame behind the break begins at `b` or before: no record is missing in between, so what is
//!   broken is a mark or a seal, and those are synced before anything is written after them;
//! - the frame at the break is sound, but not the one due or not to be understood: no power cut makes it.
//!
//! Nothing is changed here.

use std::io;
use std::ops::Range;

use super::batch;
use super::frame::{FrameFault, Header, Kind};
use super::reader::{Beyond, Reader};
use super::segment::{self, SEGMENT_HEADER_BYTES, SegmentHeader};
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
}

/// Why a segment is not to be used.
#[derive(Debug)]
pub(super) enum Refusal {
    Io(io::Error),
    Damage(Damage),
    UnknownKind { offset: u64, kind: u8 },
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
    segment: &SegmentHeader,
    mut each: impl FnMut(u64, Command),
) -> Result<Survey, Refusal> {
    let mut survey = Survey { tail: Tail::after_header(segment), frames: 0, seal: None };
    while survey.tail.offset < reader.len() {
        let taken = match reader.frame(survey.tail.offset, segment.salt)? {
            Ok((header, payload)) => survey.take(&header, payload, &mut each)?,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = taken {
            let beyond = reader.scan_beyond(survey.tail.offset, segment.salt)?;
            return survey.judge(segment.number, fault, &beyond);
        }
    }
    Ok(survey)
}

impl Survey {
    /// Whether the log was closed on purpose and is whole. `len` is the segment's.
    pub(super) fn is_sealed(&self, len: u64) -> bool {
        let seal_is_last = self.seal.as_ref().is_some_and(|seal| seal.end == len);
        seal_is_last && self.tail.durable_lsn == self.tail.next_lsn - 1
    }

    /// Takes a sound frame, if it is the one that is due.
    fn take(
        &mut self,
        header: &Header,
        payload: &[u8],
        each: &mut impl FnMut(u64, Command),
    ) -> Result<Result<(), FrameFault>, Refusal> {
        if let Err(fault) = header.check_place(self.tail.next_lsn, self.tail.chain) {
            return Ok(Err(fault));
        }
        let start = self.tail.offset;
        let Some(kind) = header.kind() else {
            return Err(Refusal::UnknownKind { offset: start, kind: header.kind });
        };
        let records = match kind {
            Kind::Data => header.records,
            Kind::Mark | Kind::Seal | Kind::Skipped => 0,
        };
        self.tail.durable_lsn = self.tail.durable_lsn.max(header.durable_lsn);
        if let Err(error) = batch::read(payload, records, header.lsn, each) {
            return Ok(Err(FrameFault::Content(error)));
        }
        self.tail = self.tail.after(header.frame_bytes(), records, header.crc);
        self.frames += 1;
        self.seal = (kind == Kind::Seal).then_some(start..self.tail.offset);
        Ok(Ok(()))
    }

    fn judge(self, segment: u64, fault: FrameFault, beyond: &Beyond) -> Result<Self, Refusal> {
        let lsn = self.tail.next_lsn;
        let durable_lsn = self.tail.durable_lsn.max(beyond.durable_lsn);
        let could_be_torn = match fault {
            FrameFault::Misplaced { .. } | FrameFault::Content(_) => false,
            FrameFault::Cut
            | FrameFault::Header { .. }
            | FrameFault::Foreign { .. }
            | FrameFault::TooLong { .. }
            | FrameFault::Crc { .. } => true,
        };
        if could_be_torn && lsn > durable_lsn && beyond.first_lsn.is_none_or(|first| first > lsn) {
            return Ok(self);
        }
        Err(Refusal::Damage(Damage {
            segment: segment::name(segment),
            offset: self.tail.offset,
            lsn,
            fault,
            later_frames: beyond.frames,
            later_lsn: beyond.last_lsn,
            durable_lsn,
        }))
    }
}
