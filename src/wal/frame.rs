//! One frame of the log: the records of one group commit, or a note about what is durable.
//!
//! All numbers little endian; every frame begins at a multiple of 8.
//!
//! ```text
//! offset  bytes  field
//!      0      4  crc32c of everything after it: header, payload, padding
//!      4      4  len: bytes of the payload, without its padding
//!      8      8  salt of the segment
//!     16      8  lsn of the first record; of the next one when there is none
//!     24      4  number of records, 0 but for data
//!     28      1  kind: 1 data, 2 mark, 3 seal, 4 continue
//!     29      3  zero
//!     32      8  durable_lsn: the highest lsn known to be synced when the frame was made
//!     40      4  prev_chain: the crc32c of the frame before, or of the segment's header
//!     44      4  crc32c of bytes 4 to 43, so that a bad length is told from a bad payload
//!     48    len  payload: each record as a length (u32) and its bytes
//!      …   0..7  zeros to the next multiple of 8
//! ```
//!
//! - An lsn is a graph version: the first record has 1, each next one 1 more.
//! - A mark says nothing but its `durable_lsn`; a seal is a mark at the end of a clean stop. Both are
//!   synced before anything is written after them.
//! - A continue is the last frame of a segment and says that the next one is there: it is written once
//!   that one is durable, and not at all after a failed write.
//! - Kinds from 0x80 on may be skipped by who does not know them; the others may not.
//! - The checksum finds accidents. It is no signature: who can write the directory is out of scope.

use crate::limits;
use crate::seeded::{self, Bug};

/// Bytes of a frame's header.
pub(super) const HEADER_BYTES: usize = 48;
const ALIGNMENT: usize = 8;
/// Unknown kinds from here on carry nothing that a reader needs.
const KIND_SKIPPABLE: u8 = 0x80;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Mark,
    Seal,
    Continue,
    /// One this program does not know and may skip.
    Skipped,
}

impl Kind {
    fn to_byte(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::Mark => 2,
            Self::Seal => 3,
            Self::Continue => 4,
            Self::Skipped => KIND_SKIPPABLE,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Data),
            2 => Some(Self::Mark),
            3 => Some(Self::Seal),
            4 => Some(Self::Continue),
            KIND_SKIPPABLE.. => Some(Self::Skipped),
            _ => None,
        }
    }
}

/// What is wrong with the bytes where a frame should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// Nothing is there but zeros, or the end of the file.
    #[error("the log ends here")]
    Missing,
    /// The file ends first.
    #[error("the file ends inside the frame")]
    Cut,
    /// The segment says that it ends here, and the next one begins somewhere else.
    #[error("the next segment does not begin where this one ends")]
    Successor,
    /// The header does not have its checksum.
    #[error("header crc mismatch (stored {stored:08x}, computed {computed:08x})")]
    Header {
        /// As it stands in the header.
        stored: u32,
        /// As it should be.
        computed: u32,
    },
    /// A sound header of another segment.
    #[error("the frame is of another segment (salt {salt:016x})")]
    Foreign {
        /// As it stands in the header.
        salt: u64,
    },
    /// A sound header with a length beyond [`limits::FRAME_BYTES_MAX`].
    #[error("the frame is too long ({len} bytes)")]
    TooLong {
        /// As it stands in the header.
        len: u32,
    },
    /// The frame does not have its checksum.
    #[error("crc mismatch (stored {stored:08x}, computed {computed:08x})")]
    Crc {
        /// As it stands in the header.
        stored: u32,
        /// As it should be.
        computed: u32,
    },
    /// A sound frame that belongs elsewhere.
    #[error(
        "the frame belongs elsewhere (its lsn {lsn}, chain stored {stored:08x}, computed {computed:08x})"
    )]
    Misplaced {
        /// The frame's own.
        lsn: u64,
        /// The chain as it stands in the header.
        stored: u32,
        /// The chain that the frame before calls for.
        computed: u32,
    },
    /// A sound frame whose content is not.
    #[error("sound frame, but {0}")]
    Content(#[source] super::ContentError),
}

impl FrameFault {
    /// Whether the power going in the midst of a write can leave this behind.
    pub(super) fn could_be_torn(&self) -> bool {
        match self {
            Self::Misplaced { .. } | Self::Content(_) | Self::Successor => false,
            Self::Missing
            | Self::Cut
            | Self::Header { .. }
            | Self::Foreign { .. }
            | Self::TooLong { .. }
            | Self::Crc { .. } => true,
        }
    }
}

/// A header that has its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub crc: u32,
    pub len: u32,
    pub salt: u64,
    pub lsn: u64,
    pub records: u32,
    pub kind: u8,
    pub durable_lsn: u64,
    pub prev_chain: u32,
}

/// Where a frame stands in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub salt: u64,
    pub lsn: u64,
    pub durable_lsn: u64,
    pub prev_chain: u32,
}

/// Bytes of a whole frame around a payload.
pub(super) fn frame_bytes(payload_bytes: usize) -> usize {
    HEADER_BYTES + payload_bytes.next_multiple_of(ALIGNMENT)
}

/// Makes a frame of `bytes`, which are room for the header and then the payload; the crc32c comes back.
pub(super) fn finish(bytes: &mut Vec<u8>, kind: Kind, records: u32, place: Place) -> u32 {
    let payload_bytes = bytes.len() - HEADER_BYTES;
    bytes.resize(frame_bytes(payload_bytes), 0);
    let mut set = |offset: usize, field: &[u8]| bytes[offset..offset + field.len()].copy_from_slice(field);
    set(4, &(payload_bytes as u32).to_le_bytes());
    set(8, &place.salt.to_le_bytes());
    set(16, &place.lsn.to_le_bytes());
    set(24, &records.to_le_bytes());
    set(28, &[kind.to_byte(), 0, 0, 0]);
    set(32, &place.durable_lsn.to_le_bytes());
    set(40, &place.prev_chain.to_le_bytes());
    let header_crc = crc32c::crc32c(&bytes[4..44]);
    bytes[44..48].copy_from_slice(&header_crc.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    crc
}

impl Header {
    /// Reads a header and checks what can be checked without the payload.
    pub(super) fn parse(bytes: &[u8; HEADER_BYTES], salt: u64) -> Result<Self, FrameFault> {
        let stored = u32_at(bytes, 44);
        let computed = crc32c::crc32c(&bytes[4..44]);
        if stored != computed {
            return Err(FrameFault::Header { stored, computed });
        }
        let header = Self {
            crc: u32_at(bytes, 0),
            len: u32_at(bytes, 4),
            salt: u64_at(bytes, 8),
            lsn: u64_at(bytes, 16),
            records: u32_at(bytes, 24),
            kind: bytes[28],
            durable_lsn: u64_at(bytes, 32),
            prev_chain: u32_at(bytes, 40),
        };
        if header.salt != salt && !seeded::has(Bug::AcceptForeignSalt) {
            return Err(FrameFault::Foreign { salt: header.salt });
        }
        if header.frame_bytes() > limits::FRAME_BYTES_MAX {
            return Err(FrameFault::TooLong { len: header.len });
        }
        Ok(header)
    }

    pub(super) fn frame_bytes(&self) -> usize {
        frame_bytes(self.len as usize)
    }

    /// Checks the whole frame of this header.
    pub(super) fn check(&self, frame: &[u8]) -> Result<(), FrameFault> {
        let computed = crc32c::crc32c(&frame[4..]);
        if computed == self.crc || seeded::has(Bug::SkipFrameChecksum) {
            Ok(())
        } else {
            Err(FrameFault::Crc { stored: self.crc, computed })
        }
    }

    /// Checks that a sound frame is the one that is due here.
    pub(super) fn check_place(&self, lsn: u64, chain: u32) -> Result<(), FrameFault> {
        let is_next = self.lsn == lsn || seeded::has(Bug::SkipSequenceCheck);
        if is_next && (self.prev_chain == chain || seeded::has(Bug::SkipChainCheck)) {
            return Ok(());
        }
        Err(FrameFault::Misplaced { lsn: self.lsn, stored: self.prev_chain, computed: chain })
    }

    /// What the frame is for; `None` when this program must know it and does not.
    pub(super) fn kind(&self) -> Option<Kind> {
        Kind::from_byte(self.kind)
    }
}

fn u32_at(bytes: &[u8; HEADER_BYTES], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8; HEADER_BYTES], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { salt: 0x0102_0304_0506_0708, lsn: 5, durable_lsn: 4, prev_chain: 9 };

    fn header(frame: &[u8]) -> [u8; HEADER_BYTES] {
        frame[..HEADER_BYTES].try_into().unwrap()
    }

    #[test]
    fn the_bytes_are_these() {
        let mut frame = vec![0; HEADER_BYTES];
        frame.extend(b"abc");
        let crc = finish(&mut frame, Kind::Data, 1, PLACE);
        assert_eq!(frame.len(), 56);
        let fields: [u8; 40] = [
            3, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 5, 0, 0, 0, 0, 0, 0, 0, // len, salt, lsn
            1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, // records, kind, durable, chain
        ];
        assert_eq!(frame[4..44], fields);
        assert_eq!(&frame[48..], b"abc\0\0\0\0\0");
        assert_eq!(frame[..4], crc.to_le_bytes());
        let read = Header::parse(&header(&frame), PLACE.salt).unwrap();
        assert_eq!((read.frame_bytes(), read.kind()), (56, Some(Kind::Data)));
        assert_eq!((read.check(&frame), read.check_place(5, 9)), (Ok(()), Ok(())));
        assert!(matches!(read.check_place(5, 8), Err(FrameFault::Misplaced { .. })));
        assert!(matches!(read.check_place(6, 9), Err(FrameFault::Misplaced { .. })));
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let mut frame = vec![0; HEADER_BYTES + 21];
        finish(&mut frame, Kind::Data, 1, PLACE);
        for bit in 0..frame.len() * 8 {
            frame[bit / 8] ^= 1 << (bit % 8);
            let read = Header::parse(&header(&frame), PLACE.salt);
            assert!(read.and_then(|header| header.check(&frame)).is_err(), "bit {bit}");
            frame[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_length_beyond_the_cap_is_refused_before_it_is_believed() {
        let mut bytes = [0; HEADER_BYTES];
        bytes[4..8].copy_from_slice(&(limits::FRAME_BYTES_MAX as u32).to_le_bytes());
        let crc = crc32c::crc32c(&bytes[4..44]);
        bytes[44..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(
            Header::parse(&bytes, 0),
            Err(FrameFault::TooLong { len: limits::FRAME_BYTES_MAX as u32 })
        );
        assert_eq!(Header::parse(&bytes, 1), Err(FrameFault::Foreign { salt: 0 }));
        assert!(
            matches!(Header::parse(&[0; HEADER_BYTES], 0), Err(FrameFault::Header { .. })),
            "zeros are no frame"
        );
    }

    #[test]
    fn unknown_kinds_are_skipped_from_0x80_on() {
        let kinds = [0, 5, 0x7f, 0x80, 0xff].map(Kind::from_byte);
        assert_eq!(kinds, [None, None, None, Some(Kind::Skipped), Some(Kind::Skipped)]);
    }
}
