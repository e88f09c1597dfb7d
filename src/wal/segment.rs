//! A file of the log: its name and its header.
//!
//! A segment is named `wal-` and its number in 16 hexadecimal digits. It begins with 4,096 bytes, all
//! numbers little endian; frames follow, then zeros to the end of the file, where there is room for more:
//!
//! ```text
//! offset  bytes  field
//!      0      8  magic 57 53 57 41 4c 1a 0a a9 ("WSWAL", ^Z, line feed, a byte above 0x7f)
//!      8      2  format version, 3
//!     10      6  zero
//!     16     16  directory id, a UUID in the order of its text
//!     32      8  number of the segment, from 1
//!     40      8  lsn of the segment's first record
//!     48      8  salt, drawn for this segment
//!     56      8  last lsn of the segment before: 1 less than that of the first record
//!     64      4  chain at the end of the segment before, 0 when there is none
//!     68      4  zero
//!     72      8  when the directory was made, microseconds since 1970 (i64)
//!     80   4012  zero
//!   4092      4  crc32c of all before it, in every format version
//! ```
//!
//! - A segment has its name only once its header is durable, so a header that does not hold is damage
//!   and never a torn write.
//! - Where the next segment says that this one ends, it ends: what stands behind that is the beginning of
//!   a write that failed, or a continue frame.
//! - Format version 1 is the same for a log that is one growing segment, number 1 from lsn 1. It is read,
//!   and goes on in a segment of the present version. So does one of version 2, which has records of version 1.

use uuid::Uuid;

use crate::limits;
use crate::storage::FileName;
use crate::types::Timestamp;

/// Bytes of a segment's header.
pub(super) const SEGMENT_HEADER_BYTES: usize = 4096;
/// The number of the first segment of a directory.
pub(super) const FIRST_SEGMENT: u64 = 1;
/// The lsn of the first record of all: the version of a graph after its first change.
pub(super) const FIRST_LSN: u64 = 1;

const MAGIC: [u8; 8] = *b"WSWAL\x1a\x0a\xa9";
const FORMAT: u16 = limits::DATA_FORMAT;
const FORMAT_OF_ONE_SEGMENT: u16 = 1;
const CRC_OFFSET: usize = SEGMENT_HEADER_BYTES - 4;

/// What the first bytes of a segment say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub format: u16,
    pub directory_id: Uuid,
    pub number: u64,
    pub first_lsn: u64,
    pub salt: u64,
    /// The chain at the end of the segment before.
    pub prev_chain: u32,
    /// When the directory was made.
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
    #[error("format version {found}, this program reads versions {FORMAT_OF_ONE_SEGMENT} to {FORMAT}")]
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
    /// The bytes of this header; its own chain is worked out from the rest of it.
    pub(super) fn encode(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; SEGMENT_HEADER_BYTES];
        let mut set =
            |offset: usize, field: &[u8]| bytes[offset..offset + field.len()].copy_from_slice(field);
        set(0, &MAGIC);
        set(8, &FORMAT.to_le_bytes());
        set(16, self.directory_id.as_bytes());
        set(32, &self.number.to_le_bytes());
        set(40, &self.first_lsn.to_le_bytes());
        set(48, &self.salt.to_le_bytes());
        set(56, &(self.first_lsn - 1).to_le_bytes());
        set(64, &self.prev_chain.to_le_bytes());
        set(72, &self.created_at.as_microseconds().to_le_bytes());
        self.chain = crc32c::crc32c(&bytes[..CRC_OFFSET]);
        bytes[CRC_OFFSET..].copy_from_slice(&self.chain.to_le_bytes());
        bytes
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
        if !(FORMAT_OF_ONE_SEGMENT..=FORMAT).contains(&format) {
            return Err(SegmentFault::Format { found: format });
        }
        let header = Self {
            format,
            directory_id: Uuid::from_bytes(field(bytes, 16)),
            number: u64::from_le_bytes(field(bytes, 32)),
            first_lsn: u64::from_le_bytes(field(bytes, 40)),
            salt: u64::from_le_bytes(field(bytes, 48)),
            prev_chain: u32::from_le_bytes(field(bytes, 64)),
            created_at: Timestamp::from_microseconds(i64::from_le_bytes(field(bytes, 72)))
                .ok_or(SegmentFault::Value("creation time"))?,
            chain: stored,
        };
        let is_only_one = header.number == FIRST_SEGMENT && header.first_lsn == FIRST_LSN;
        if header.number != number {
            return Err(SegmentFault::Value("number"));
        }
        if header.first_lsn < FIRST_LSN || (format == FORMAT_OF_ONE_SEGMENT && !is_only_one) {
            return Err(SegmentFault::Value("first lsn"));
        }
        if u64::from_le_bytes(field(bytes, 56)) != header.first_lsn - 1 {
            return Err(SegmentFault::Value("last lsn of the segment before"));
        }
        Ok(header)
    }

    /// Whether frames are appended to the segment, or the log goes on in another one.
    pub(super) fn is_current(&self) -> bool {
        self.format == FORMAT
    }

    /// The last lsn before this segment: all up to it was durable when the segment was made.
    pub(super) fn last_lsn_before(&self) -> u64 {
        self.first_lsn - 1
    }
}

fn field<const N: usize>(bytes: &[u8; SEGMENT_HEADER_BYTES], offset: usize) -> [u8; N] {
    bytes[offset..offset + N].try_into().expect("a field lies inside the header")
}

/// The name of the segment of this number.
pub(super) fn name(number: u64) -> FileName {
    FileName::parse(format!("wal-{number:016x}")).expect("letters, digits and a dash")
}

/// The number of the segment that a file is.
pub(super) fn number_of(file: &FileName) -> Option<u64> {
    let digits = file.as_str().strip_prefix("wal-").filter(|digits| digits.len() == 16)?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    (name(number) == *file).then_some(number)
}

/// The file that is to be the next segment: its room is allocated, its header is not written.
pub(super) fn spare() -> FileName {
    FileName::parse("wal-spare").expect("letters and a dash")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wal::testing::birth;

    fn header() -> (SegmentHeader, [u8; SEGMENT_HEADER_BYTES]) {
        let birth = birth();
        let mut header = SegmentHeader {
            format: FORMAT,
            directory_id: birth.directory_id,
            number: 3,
            first_lsn: 17,
            salt: birth.salt,
            prev_chain: 5,
            created_at: birth.at,
            chain: 0,
        };
        let bytes = header.encode();
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
        assert_eq!(&bytes[..10], b"WSWAL\x1a\x0a\xa9\x03\x00");
        assert_eq!(SegmentHeader::parse(&bytes, 3), Ok(header));
        assert_eq!(SegmentHeader::parse(&bytes, 2), Err(SegmentFault::Value("number")));
    }

    #[test]
    fn another_format_is_told_from_damage() {
        let (_, mut bytes) = header();
        bytes[8] = 4;
        assert!(matches!(SegmentHeader::parse(&bytes, 3), Err(SegmentFault::Crc { .. })));
        let fault = SegmentHeader::parse(&with_crc(bytes), 3).unwrap_err();
        assert_eq!(fault.to_string(), "format version 4, this program reads versions 1 to 3");
        bytes[8] = 1;
        let fault = SegmentHeader::parse(&with_crc(bytes), 3).unwrap_err();
        assert_eq!(fault, SegmentFault::Value("first lsn"), "version 1 has one segment");
    }

    #[test]
    fn values_are_checked_behind_the_checksum() {
        let (_, bytes) = header();
        for (offset, value, name) in
            [(40, 0, "first lsn"), (56, 17, "last lsn of the segment before"), (79, 0x7f, "creation time")]
        {
            let mut changed = bytes;
            changed[offset] = value;
            assert_eq!(SegmentHeader::parse(&with_crc(changed), 3), Err(SegmentFault::Value(name)));
        }
    }

    #[test]
    fn only_segments_are_segments() {
        assert_eq!(name(255).as_str(), "wal-00000000000000ff");
        assert_eq!(number_of(&name(u64::MAX)), Some(u64::MAX));
        for text in ["wal-1", "wal-00000000000000zz", "wal-0000000000000001.tmp", "snap-0000000000000001"] {
            assert_eq!(number_of(&FileName::parse(text).unwrap()), None, "{text}");
        }
        assert_eq!(number_of(&spare()), None);
    }
}
