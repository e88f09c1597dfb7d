//! A file of the log: its name, its header, and how it comes into being.
//!
//! What it is not: a sequence of segments. There is one, number 1, and it grows.
//!
//! A segment is named `wal-` and its number in 16 hexadecimal digits. It begins with 4,096 bytes, all
//! numbers little endian, and frames follow:
//!
//! ```text
//! offset  bytes  field
//!      0      8  magic 57 53 57 41 4c 1a 0a a9 ("WSWAL", ^Z, line feed, a byte above 0x7f)
//!      8      2  format version, 1
//!     10      6  zero
//!     16     16  directory id, a UUID in the order of its text
//!     32      8  number of the segment
//!     40      8  lsn of the segment's first record
//!     48      8  salt, drawn for this segment
//!     56      8  last lsn of the segment before, 0 when there is none
//!     64      4  chain at the end of the segment before, 0 when there is none
//!     68      4  zero
//!     72      8  when it was made, microseconds since 1970 (i64)
//!     80   4012  zero
//!   4092      4  crc32c of all before it, in every format version
//! ```
//!
//! - A segment has its name only once its header is durable, so a header that does not hold is damage
//!   and never a torn write.

use uuid::Uuid;

use crate::storage::FileName;
use crate::types::Timestamp;

/// Bytes of a segment's header.
pub(super) const SEGMENT_HEADER_BYTES: usize = 4096;
/// The number of the only segment.
pub(super) const FIRST_SEGMENT: u64 = 1;
/// The lsn of the first record of all: the version of a graph after its first change.
pub(super) const FIRST_LSN: u64 = 1;

const MAGIC: [u8; 8] = *b"WSWAL\x1a\x0a\xa9";
const FORMAT: u16 = 1;
const CRC_OFFSET: usize = SEGMENT_HEADER_BYTES - 4;

/// What the first bytes of a segment say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub directory_id: Uuid,
    pub number: u64,
    pub first_lsn: u64,
    pub salt: u64,
    pub created_at: Timestamp,
    /// The header's own crc32c, where the chain of frames begins.
    pub chain: u32,
}

/// What is wrong with the first bytes of a segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentFault {
    /// The file is shorter than a header.
    #[error("the file ends inside the segment header")]
    Cut,
    /// The file is something else.
    #[error("not a segment of a watershed log")]
    Magic,
    /// A sound header of another format.
    #[error("format version {found}, this program reads version {FORMAT}")]
    Format {
        /// The file's.
        found: u16,
    },
    /// The header does not have its checksum.
    #[error("segment header crc mismatch (stored {stored:08x}, computed {computed:08x})")]
    Crc {
        /// As it stands in the header.
        stored: u32,
        /// As it should be.
        computed: u32,
    },
    /// A sound header with a value that none can have, or of another file.
    #[error("the segment header's {0} is not valid")]
    Value(&'static str),
}

impl SegmentHeader {
    /// The header of a log's first segment.
    pub(super) fn first(directory_id: Uuid, salt: u64, created_at: Timestamp) -> (Self, Vec<u8>) {
        let mut bytes = vec![0; SEGMENT_HEADER_BYTES];
        let mut set =
            |offset: usize, field: &[u8]| bytes[offset..offset + field.len()].copy_from_slice(field);
        set(0, &MAGIC);
        set(8, &FORMAT.to_le_bytes());
        set(16, directory_id.as_bytes());
        set(32, &FIRST_SEGMENT.to_le_bytes());
        set(40, &FIRST_LSN.to_le_bytes());
        set(48, &salt.to_le_bytes());
        set(72, &created_at.as_microseconds().to_le_bytes());
        let chain = crc32c::crc32c(&bytes[..CRC_OFFSET]);
        bytes[CRC_OFFSET..].copy_from_slice(&chain.to_le_bytes());
        let header =
            Self { directory_id, number: FIRST_SEGMENT, first_lsn: FIRST_LSN, salt, created_at, chain };
        (header, bytes)
    }

    /// Reads the header of the segment of this number.
    pub(super) fn parse(bytes: &[u8; SEGMENT_HEADER_BYTES], number: u64) -> Result<Self, SegmentFault> {
        if bytes[..8] != MAGIC {
            return Err(SegmentFault::Magic);
        }
        let stored = u32::from_le_bytes(field(bytes, CRC_OFFSET));
        let computed = crc32c::crc32c(&bytes[..CRC_OFFSET]);
        if stored != computed {
            return Err(SegmentFault::Crc { stored, computed });
        }
        let format = u16::from_le_bytes(field(bytes, 8));
        if format != FORMAT {
            return Err(SegmentFault::Format { found: format });
        }
        let header = Self {
            directory_id: Uuid::from_bytes(field(bytes, 16)),
            number: u64::from_le_bytes(field(bytes, 32)),
            first_lsn: u64::from_le_bytes(field(bytes, 40)),
            salt: u64::from_le_bytes(field(bytes, 48)),
            created_at: Timestamp::from_microseconds(i64::from_le_bytes(field(bytes, 72)))
                .ok_or(SegmentFault::Value("creation time"))?,
            chain: stored,
        };
        if header.number != number {
            return Err(SegmentFault::Value("number"));
        }
        if header.first_lsn != FIRST_LSN {
            return Err(SegmentFault::Value("first lsn"));
        }
        Ok(header)
    }
}

fn field<const N: usize>(bytes: &[u8; SEGMENT_HEADER_BYTES], offset: usize) -> [u8; N] {
    bytes[offset..offset + N].try_into().expect("a field lies inside the header")
}

/// The name of the segment of this number.
pub(super) fn name(number: u64) -> FileName {
    FileName::parse(format!("wal-{number:016x}")).expect("letters, digits and a dash")
}

/// Whether a file is a segment, whatever its number.
pub(super) fn is_segment(file: &FileName) -> bool {
    let digits = file.as_str().strip_prefix("wal-").filter(|digits| digits.len() == 16);
    digits.is_some_and(|digits| u64::from_str_radix(digits, 16).is_ok_and(|number| name(number) == *file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wal::testing::birth;

    fn header() -> (SegmentHeader, [u8; SEGMENT_HEADER_BYTES]) {
        let birth = birth();
        let (header, bytes) = SegmentHeader::first(birth.directory_id, birth.salt, birth.at);
        (header, bytes.try_into().unwrap())
    }

    fn with_crc(mut bytes: [u8; SEGMENT_HEADER_BYTES]) -> [u8; SEGMENT_HEADER_BYTES] {
        let crc = crc32c::crc32c(&bytes[..CRC_OFFSET]);
        bytes[CRC_OFFSET..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    #[test]
    fn the_header_round_trips() {
        let (header, bytes) = header();
        assert_eq!(&bytes[..10], b"WSWAL\x1a\x0a\xa9\x01\x00");
        assert_eq!(SegmentHeader::parse(&bytes, 1), Ok(header));
        assert_eq!(SegmentHeader::parse(&bytes, 2), Err(SegmentFault::Value("number")));
    }

    #[test]
    fn another_format_is_told_from_damage() {
        let (_, mut bytes) = header();
        bytes[8] = 3;
        assert!(matches!(SegmentHeader::parse(&bytes, 1), Err(SegmentFault::Crc { .. })));
        let fault = SegmentHeader::parse(&with_crc(bytes), 1).unwrap_err();
        assert_eq!(fault.to_string(), "format version 3, this program reads version 1");
    }

    #[test]
    fn values_are_checked_behind_the_checksum() {
        let (_, bytes) = header();
        for (offset, value) in [(40, "first lsn"), (79, "creation time")] {
            let mut changed = bytes;
            changed[offset] = 0x7f;
            assert_eq!(SegmentHeader::parse(&with_crc(changed), 1), Err(SegmentFault::Value(value)));
        }
    }

    #[test]
    fn only_segments_are_segments() {
        assert_eq!(name(255).as_str(), "wal-00000000000000ff");
        assert!(is_segment(&name(u64::MAX)));
        for text in ["wal-1", "wal-00000000000000zz", "wal-0000000000000001.tmp", "snap-0000000000000001"] {
            assert!(!is_segment(&FileName::parse(text).unwrap()), "{text}");
        }
    }
}
