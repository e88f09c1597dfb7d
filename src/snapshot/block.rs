//! The blocks behind the header: each a small header of its own and an archive.
//!
//! ```text
//! offset  bytes  field
//!      0      4  length of the archive, at most 1 MiB
//!      4      4  crc32c of the archive
//!      8      4  ordinal: 0 for the first block
//!     12      1  kind: 1 services, 2 observations, 3 cycles, 4 state; they come in this order
//!     13     15  zero
//!     28      4  crc32c of all before it
//!     32      –  archive, then zeros up to a multiple of 16
//! ```

use super::bytes::field;
use super::error::BlockFault;
use crate::limits;

/// Bytes of a block's header.
pub(super) const BLOCK_HEADER_BYTES: usize = 32;
/// Archives begin at multiples of this.
const ALIGNMENT: usize = 16;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Services = 1,
    Observations = 2,
    Cycles = 3,
    State = 4,
}

/// What a block's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHeader {
    pub(super) len: u32,
    pub(super) crc: u32,
    pub(super) ordinal: u32,
    pub(super) kind: Kind,
}

impl BlockHeader {
    /// The header of an archive.
    pub(super) fn of(archive: &[u8], ordinal: u32, kind: Kind) -> Self {
        debug_assert!(archive.len() <= limits::SNAPSHOT_BLOCK_BYTES_MAX);
        Self { len: archive.len() as u32, crc: crc32c::crc32c(archive), ordinal, kind }
    }

    /// The archive with the zeros behind it.
    pub(super) fn padded_len(self) -> usize {
        (self.len as usize).next_multiple_of(ALIGNMENT)
    }

    /// The archive without the zeros behind it.
    pub(super) fn archive(self, padded: &[u8]) -> &[u8] {
        &padded[..self.len as usize]
    }

    pub(super) fn encode(self) -> [u8; BLOCK_HEADER_BYTES] {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        bytes[..4].copy_from_slice(&self.len.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.crc.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[12] = self.kind as u8;
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header of the block that must have this ordinal.
    pub(super) fn decode(bytes: &[u8; BLOCK_HEADER_BYTES], ordinal: u32) -> Result<Self, BlockFault> {
        let number = |offset: usize| u32::from_le_bytes(field(bytes, offset));
        if number(28) != crc32c::crc32c(&bytes[..28]) {
            return Err(BlockFault::HeaderCrc);
        }
        let kind = match bytes[12] {
            1 => Kind::Services,
            2 => Kind::Observations,
            3 => Kind::Cycles,
            4 => Kind::State,
            _ => return Err(BlockFault::Field("kind")),
        };
        let header = Self { len: number(0), crc: number(4), ordinal: number(8), kind };
        if header.ordinal != ordinal {
            return Err(BlockFault::Field("ordinal"));
        }
        if header.len as usize > limits::SNAPSHOT_BLOCK_BYTES_MAX {
            return Err(BlockFault::Field("length"));
        }
        if bytes[13..28].iter().any(|byte| *byte != 0) {
            return Err(BlockFault::Field("reserved space"));
        }
        Ok(header)
    }

    /// Checks an archive with the zeros behind it.
    pub(super) fn check(self, padded: &[u8]) -> Result<(), BlockFault> {
        let (archive, zeros) = padded.split_at(self.len as usize);
        let computed = crc32c::crc32c(archive);
        if computed != self.crc {
            return Err(BlockFault::Crc { stored: self.crc, computed });
        }
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(BlockFault::Padding);
        }
        Ok(())
    }
}
