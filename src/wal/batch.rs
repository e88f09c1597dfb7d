//! The records of one frame: put together by who writes, taken apart by who reads.
//!
//! ```text
//! each record:  bytes of it (u32, little endian), then as many bytes as that
//! behind them:  0 to 7 zeros, and the byte a5, so that the payload's length is a multiple of 8
//! ```
//!
//! - The last byte is not zero: where room was allocated ahead, a frame of which only a beginning was written
//!   could otherwise be whole, its rest being zeros. In the first format nothing was behind the records.

use super::frame::{self, HEADER_BYTES};
use super::record::{self, RecordError};
use crate::limits;
use crate::seeded::{self, Bug};
use crate::types::Command;

const LENGTH_BYTES: usize = 4;
const GUARD: u8 = 0xa5;
const GUARD_ALIGNMENT: usize = 8;

/// Commands that are to be committed together, encoded.
#[derive(Debug)]
pub struct Batch {
    first_version: u64,
    records: u32,
    frame: Vec<u8>,
}

/// Why the payload of a sound frame cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The records do not fill the payload.
    #[error("its records and its length do not agree")]
    Length,
    /// A record is no command.
    #[error("at lsn {lsn} {source}")]
    Record {
        /// The record's.
        lsn: u64,
        /// What is wrong with it.
        source: RecordError,
    },
}

/// A command whose record would be longer than [`limits::RECORD_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the command makes a record of {record_bytes} bytes, more than {}", limits::RECORD_BYTES_MAX)]
pub struct RecordTooLarge {
    /// What it would be.
    pub record_bytes: usize,
}

impl Batch {
    /// An empty batch whose first command will give the graph this version.
    pub fn starting_at(first_version: u64) -> Self {
        Self { first_version, records: 0, frame: vec![0; HEADER_BYTES] }
    }

    /// Adds the command of the next version. Gives the bytes of the payload so far, to be held against
    /// [`limits::COMMIT_BYTES_TARGET`]. A command that is too large leaves the batch as it was.
    pub fn push(&mut self, command: &Command) -> Result<usize, RecordTooLarge> {
        let start = self.frame.len();
        let mut bytes = std::mem::take(&mut self.frame);
        bytes.extend([0; LENGTH_BYTES]);
        bytes = record::encode(command, bytes);
        let record_bytes = bytes.len() - start - LENGTH_BYTES;
        if record_bytes > limits::RECORD_BYTES_MAX {
            bytes.truncate(start);
            self.frame = bytes;
            return Err(RecordTooLarge { record_bytes });
        }
        bytes[start..start + LENGTH_BYTES].copy_from_slice(&(record_bytes as u32).to_le_bytes());
        self.frame = bytes;
        self.records += 1;
        Ok(self.payload_bytes())
    }

    /// The version that the first command gives the graph.
    pub fn first_version(&self) -> u64 {
        self.first_version
    }

    /// Commands in it.
    pub fn records(&self) -> u32 {
        self.records
    }

    /// Bytes of the records so far.
    pub fn payload_bytes(&self) -> usize {
        self.frame.len() - HEADER_BYTES
    }

    pub(super) fn frame_bytes(&self) -> usize {
        frame::frame_bytes(guarded(self.payload_bytes()))
    }

    /// Room for a frame's header, and the payload.
    pub(super) fn into_frame(self) -> Vec<u8> {
        let mut frame = self.frame;
        frame.resize(HEADER_BYTES + guarded(frame.len() - HEADER_BYTES), 0);
        if let Some(last) = frame.last_mut()
            && !seeded::has(Bug::EndFramesInZeros)
        {
            *last = GUARD;
        }
        frame
    }
}

/// Bytes of a payload with what is behind its records.
fn guarded(records_bytes: usize) -> usize {
    (records_bytes + 1).next_multiple_of(GUARD_ALIGNMENT)
}

/// Whether this is what stands behind the records.
fn is_guard(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        _ if seeded::has(Bug::EndFramesInZeros) => rest.iter().all(|byte| *byte == 0),
        [zeros @ .., GUARD] => zeros.len() < GUARD_ALIGNMENT && zeros.iter().all(|byte| *byte == 0),
        [..] => false,
    }
}

/// Gives each of a payload's commands to `each`, with its lsn; those up to `after` are passed over.
pub(super) fn read(
    payload: &[u8],
    records: u32,
    first_lsn: u64,
    after: u64,
    each: &mut impl FnMut(u64, Command),
) -> Result<(), ContentError> {
    let mut rest = payload;
    for lsn in first_lsn..first_lsn + u64::from(records) {
        let (length, behind) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or(ContentError::Length)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (bytes, behind) = behind.split_at_checked(length).ok_or(ContentError::Length)?;
        if lsn > after {
            each(lsn, record::decode(bytes).map_err(|source| ContentError::Record { lsn, source })?);
        }
        rest = behind;
    }
    if records == 0 || is_guard(rest) { Ok(()) } else { Err(ContentError::Length) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wal::testing::{batch, command};

    fn commands(payload: &[u8], records: u32) -> Result<Vec<(u64, Command)>, ContentError> {
        let mut commands = Vec::new();
        read(payload, records, 5, 0, &mut |lsn, command| commands.push((lsn, command)))?;
        Ok(commands)
    }

    #[test]
    fn what_is_pushed_is_read() {
        let batch = batch(5, 2);
        assert_eq!((batch.first_version(), batch.records()), (5, 2));
        let bytes = batch.payload_bytes();
        let frame = batch.into_frame();
        let whole = &frame[HEADER_BYTES..];
        assert!(whole.len().is_multiple_of(8) && whole.ends_with(&[GUARD]));
        assert_eq!(commands(whole, 2).map(|commands| commands.len()), Ok(2));
        assert_eq!(commands(&whole[..whole.len() - 1], 2).is_ok(), whole.len() == bytes + 1);
        let payload = &whole[..bytes];
        assert_eq!(commands(payload, 2), Ok(vec![(5, command(5)), (6, command(6))]));
        let mut later = Vec::new();
        read(payload, 2, 5, 5, &mut |lsn, _| later.push(lsn)).unwrap();
        assert_eq!(later, [6]);
        assert_eq!(commands(payload, 1), Err(ContentError::Length));
        assert_eq!(commands(payload, 3), Err(ContentError::Length));
        assert_eq!(commands(&payload[..bytes - 1], 2), Err(ContentError::Length));
        let mut damaged = payload.to_vec();
        damaged[LENGTH_BYTES] = 7;
        let error = commands(&damaged, 2).unwrap_err();
        assert_eq!(error.to_string(), "at lsn 5 record version 7, this program reads 1 and 2");
    }
}
