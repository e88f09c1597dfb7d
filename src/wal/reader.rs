//! Reads a segment's frames through a window, without holding the segment in memory.
//!
//! - A result within a result: the outer error is the disk's, the inner one is what the bytes are not.

use std::io;
use std::ops::Range;

use super::frame::{FrameFault, HEADER_BYTES, Header};
use super::segment::{SEGMENT_HEADER_BYTES, SegmentFault, SegmentHeader};
use crate::seeded::{self, Bug};
use crate::storage::StorageFile;

/// Bytes read at once, unless a frame is longer.
const WINDOW_BYTES: u64 = 256 * 1024;
/// Frames begin at multiples of this.
const FRAME_ALIGNMENT: u64 = 8;
/// Where a frame's header holds the salt.
const SALT_OFFSET: u64 = 8;
/// Zeros, to be compared with at one go.
const ZEROS: [u8; 4096] = [0; 4096];

pub(super) struct Reader<'a, F> {
    file: &'a F,
    len: u64,
    window_start: u64,
    window: Vec<u8>,
}

/// What stands behind a break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beyond {
    /// Sound frames.
    pub frames: u64,
    /// The lowest lsn that a sound frame begins with.
    pub first_lsn: Option<u64>,
    /// The highest lsn that a sound frame reaches.
    pub last_lsn: u64,
    /// The highest `durable_lsn` of any sound header.
    pub durable_lsn: u64,
}

impl<'a, F: StorageFile> Reader<'a, F> {
    pub(super) fn new(file: &'a F) -> io::Result<Self> {
        Ok(Self { file, len: file.size()?, window_start: 0, window: Vec::new() })
    }

    /// The segment's header.
    pub(super) fn segment_header(&mut self, number: u64) -> io::Result<Result<SegmentHeader, SegmentFault>> {
        let Some(range) = self.load(0, SEGMENT_HEADER_BYTES)? else { return Ok(Err(SegmentFault::Cut)) };
        let bytes = self.window[range].try_into().expect("as many bytes as were asked for");
        Ok(SegmentHeader::parse(bytes, number))
    }

    /// The sound frame at `offset`, as its header and its payload, wherever in the log it belongs.
    pub(super) fn frame(
        &mut self,
        offset: u64,
        salt: u64,
    ) -> io::Result<Result<(Header, &[u8]), FrameFault>> {
        let header = match self.header(offset, salt)? {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        let Some(range) = self.load(offset, header.frame_bytes())? else { return Ok(Err(FrameFault::Cut)) };
        let frame = &self.window[range];
        let payload = &frame[HEADER_BYTES..HEADER_BYTES + header.len as usize];
        Ok(header.check(frame).map(|()| (header, payload)))
    }

    fn header(&mut self, offset: u64, salt: u64) -> io::Result<Result<Header, FrameFault>> {
        let Some(range) = self.load(offset, HEADER_BYTES)? else { return Ok(Err(FrameFault::Cut)) };
        let bytes = self.window[range].try_into().expect("as many bytes as were asked for");
        Ok(Header::parse(bytes, salt))
    }

    /// Where the last byte behind `offset` ends that is not zero; `offset` when there is none.
    pub(super) fn content_end(&mut self, offset: u64) -> io::Result<u64> {
        let mut end = offset;
        let mut at = offset;
        while at < self.len {
            let count = (ZEROS.len() as u64).min(self.len - at) as usize;
            let Some(range) = self.load(at, count)? else { break };
            let piece = &self.window[range];
            if piece != &ZEROS[..count] {
                let last = piece.iter().rposition(|byte| *byte != 0).expect("the piece is not all zeros");
                end = at + last as u64 + 1;
            }
            at += count as u64;
        }
        Ok(end)
    }

    /// Looks for sound frames of this salt after the one at `offset` and before `end`, at every place where
    /// one can begin.
    pub(super) fn scan_beyond(&mut self, offset: u64, end: u64, salt: u64) -> io::Result<Beyond> {
        let mut beyond = Beyond::default();
        let mut offset = offset + FRAME_ALIGNMENT;
        while offset < end {
            let mut step = FRAME_ALIGNMENT;
            if self.has_salt(offset, salt)?
                && let Ok(header) = self.header(offset, salt)?
            {
                beyond.durable_lsn = beyond.durable_lsn.max(header.durable_lsn);
                if self.frame(offset, salt)?.is_ok() {
                    beyond.add(&header);
                    step = header.frame_bytes() as u64;
                }
            }
            offset += step;
        }
        Ok(beyond)
    }

    /// A first look that spares most places the checksum.
    fn has_salt(&mut self, offset: u64, salt: u64) -> io::Result<bool> {
        let stored = self.load(offset + SALT_OFFSET, size_of::<u64>())?;
        Ok(stored.is_some_and(|range| self.window[range] == salt.to_le_bytes())
            || seeded::has(Bug::AcceptForeignSalt))
    }

    /// Has `count` bytes from `offset` on in the window; `None` when the file ends first.
    fn load(&mut self, offset: u64, count: usize) -> io::Result<Option<Range<usize>>> {
        let end = offset.saturating_add(count as u64);
        if end > self.len {
            return Ok(None);
        }
        if offset < self.window_start || end > self.window_start + self.window.len() as u64 {
            let wanted = WINDOW_BYTES.max(count as u64).min(self.len - offset);
            self.window.resize(wanted as usize, 0);
            self.window_start = offset;
            if let Err(error) = self.file.read_exact_at(offset, &mut self.window) {
                self.window.clear();
                return Err(error);
            }
        }
        let start = (offset - self.window_start) as usize;
        Ok(Some(start..start + count))
    }
}

impl Beyond {
    fn add(&mut self, header: &Header) {
        let last_lsn = header.lsn.saturating_add(u64::from(header.records)).saturating_sub(1);
        self.frames += 1;
        self.first_lsn = Some(self.first_lsn.map_or(header.lsn, |lsn| lsn.min(header.lsn)));
        self.last_lsn = self.last_lsn.max(last_lsn);
    }
}
