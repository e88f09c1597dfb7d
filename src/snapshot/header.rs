//! The first 512 bytes of a snapshot: what it is of, how long it is, and what its content must hash to.
//!
//! All numbers little endian, instants microseconds since 1970, UUIDs in the order of their text:
//!
//! ```text
//! offset  bytes  field
//!      0      8  magic 57 53 53 4e 50 1a 0a a9 ("WSSNP", ^Z, line feed, a byte above 0x7f)
//!      8      2  format version, 3
//!     10      6  zero
//!     16     16  id of the snapshot
//!     32     16  id of the data directory
//!     48      8  when the directory was made (i64)
//!     56      8  when the snapshot was made (i64)
//!     64      8  version of the graph
//!     72      4  services
//!     76      4  blocks
//!     80      8  dependencies
//!     88      8  length of the file, in bytes
//!     96     32  digest of the graph
//!    128     32  BLAKE3 of all that follows the header
//!    160      8  when staleness was last judged (i64), 0 for never
//!    168    340  zero
//!    508      4  crc32c of all before it, in every format version
//! ```
//!
//! - Format version 2 is the same without the last judgement of staleness, and without blocks of state.

use uuid::Uuid;

use super::bytes::field;
use crate::graph::Digest;
use crate::limits;
use crate::types::Timestamp;

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 512;
/// The format version that this program writes.
pub(super) const FORMAT: u16 = limits::DATA_FORMAT;
/// The oldest that it reads: version 1 of the data directory had no snapshots.
pub(super) const FORMAT_OLDEST: u16 = 2;

const MAGIC: [u8; 8] = *b"WSSNP\x1a\x0a\xa9";
const CRC_OFFSET: usize = HEADER_BYTES - 4;

/// What the header of a snapshot says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The snapshot's own id.
    pub id: Uuid,
    /// Of which data directory.
    pub directory_id: Uuid,
    /// When that directory was made.
    pub directory_created_at: Timestamp,
    /// When the snapshot was made.
    pub created_at: Timestamp,
    /// The version of the graph.
    pub version: u64,
    /// Services of the graph.
    pub services: u32,
    /// Dependencies of the graph.
    pub dependencies: u64,
    /// Blocks of the file.
    pub blocks: u32,
    /// Length of the file, in bytes.
    pub file_bytes: u64,
    /// The digest of the graph.
    pub digest: Digest,
    /// BLAKE3 of all that follows the header.
    pub content_hash: [u8; 32],
    /// When staleness was last judged.
    pub swept_at: Option<Timestamp>,
}

/// What is wrong with the first bytes of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// The file is shorter than a header.
    #[error("the file ends inside the header")]
    Cut,
    /// The file is something else.
    #[error("not a watershed snapshot")]
    Magic,
    /// The header does not have its checksum.
    #[error("header crc mismatch (stored {stored:08x}, computed {computed:08x})")]
    Crc {
        /// As it stands in the header.
        stored: u32,
        /// As it should be.
        computed: u32,
    },
    /// A sound header of another format.
    #[error("format version {found}, this program reads versions {FORMAT_OLDEST} to {FORMAT}")]
    Format {
        /// The file's.
        found: u16,
    },
    /// A sound header with a value that none can have, or that is not the file's.
    #[error("the header's {0} is not valid")]
    Field(&'static str),
}

impl Header {
    /// The header as it stands in the file.
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |offset: usize, field: &[u8]| {
            bytes[offset..offset + field.len()].copy_from_slice(field);
        };
        put(0, &MAGIC);
        put(8, &FORMAT.to_le_bytes());
        put(16, self.id.as_bytes());
        put(32, self.directory_id.as_bytes());
        put(48, &self.directory_created_at.as_microseconds().to_le_bytes());
        put(56, &self.created_at.as_microseconds().to_le_bytes());
        put(64, &self.version.to_le_bytes());
        put(72, &self.services.to_le_bytes());
        put(76, &self.blocks.to_le_bytes());
        put(80, &self.dependencies.to_le_bytes());
        put(88, &self.file_bytes.to_le_bytes());
        put(96, &self.digest.to_bytes());
        put(128, &self.content_hash);
        put(160, &self.swept_at.map_or(0, Timestamp::as_microseconds).to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_OFFSET]);
        bytes[CRC_OFFSET..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header; the order of the checks is that of [`HeaderFault`].
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderFault> {
        if bytes[..8] != MAGIC {
            return Err(HeaderFault::Magic);
        }
        let (stored, computed) =
            (u32::from_le_bytes(field(bytes, CRC_OFFSET)), crc32c::crc32c(&bytes[..CRC_OFFSET]));
        if stored != computed {
            return Err(HeaderFault::Crc { stored, computed });
        }
        let found = u16::from_le_bytes(field(bytes, 8));
        if !(FORMAT_OLDEST..=FORMAT).contains(&found) {
            return Err(HeaderFault::Format { found });
        }
        let instant = |offset, name| {
            Timestamp::from_microseconds(i64::from_le_bytes(field(bytes, offset)))
                .ok_or(HeaderFault::Field(name))
        };
        let header = Self {
            id: Uuid::from_bytes(field(bytes, 16)),
            directory_id: Uuid::from_bytes(field(bytes, 32)),
            directory_created_at: instant(48, "time of the directory")?,
            created_at: instant(56, "time")?,
            version: u64::from_le_bytes(field(bytes, 64)),
            services: u32::from_le_bytes(field(bytes, 72)),
            blocks: u32::from_le_bytes(field(bytes, 76)),
            dependencies: u64::from_le_bytes(field(bytes, 80)),
            file_bytes: u64::from_le_bytes(field(bytes, 88)),
            digest: Digest::from_bytes(field(bytes, 96)),
            content_hash: field(bytes, 128),
            swept_at: Some(instant(160, "time of the last sweep")?).filter(|at| at.as_microseconds() != 0),
        };
        header.check_bounds()?;
        let is_zero = |range: std::ops::Range<usize>| bytes[range].iter().all(|byte| *byte == 0);
        if !is_zero(10..16) || !is_zero(168..CRC_OFFSET) {
            return Err(HeaderFault::Field("reserved space"));
        }
        Ok(header)
    }

    fn check_bounds(&self) -> Result<(), HeaderFault> {
        if self.services > limits::GRAPH_SERVICES_MAX {
            return Err(HeaderFault::Field("number of services"));
        }
        if self.dependencies > limits::GRAPH_DEPENDENCIES_MAX {
            return Err(HeaderFault::Field("number of dependencies"));
        }
        Ok(())
    }
}
