//! The file `manifest` of a data directory: which snapshots and which segments of the log count.
//!
//! All numbers little endian, UUIDs in the order of their text:
//!
//! ```text
//! offset  bytes  field
//!      0      8  magic 57 53 4d 41 4e 1a 0a a9 ("WSMAN", ^Z, line feed, a byte above 0x7f)
//!      8      2  format version, 3
//!     10      2  zero
//!     12      4  number of snapshots, at most 1,000
//!     16     16  id of the data directory
//!     32      8  number of the first segment that counts
//!     40      8  number of the newest segment
//!     48     88  for each snapshot, the newest first
//!      …      4  crc32c of all before it
//!
//!      0     16  id of the snapshot
//!     16      8  version of its graph
//!     24      8  length of the file, in bytes
//!     32      4  services
//!     36      4  how long writing it took, in milliseconds
//!     40      8  dependencies
//!     48      8  when it was made, microseconds since 1970 (i64)
//!     56     32  BLAKE3 of its content, as its header has it
//! ```
//!
//! - Replaced as a whole, durably: it is there as it was, or as it is.
//! - Format version 2 is the same.
//! - What it does not name does not count, whatever lies in the directory.

use std::io;

use uuid::Uuid;

use super::bytes::field;
use super::header::{FORMAT, FORMAT_OLDEST, Header};
use crate::limits;
use crate::storage::{FileName, Storage, StorageFile, install};
use crate::types::Timestamp;

const MAGIC: [u8; 8] = *b"WSMAN\x1a\x0a\xa9";
const HEAD_BYTES: usize = 48;
const ENTRY_BYTES: usize = 88;
const CRC_BYTES: usize = 4;

/// Which files of a data directory count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Of which data directory.
    pub directory_id: Uuid,
    /// The first segment of the log that counts, from 1.
    pub first_segment: u64,
    /// The newest segment of the log when this was written; later ones may be there.
    pub newest_segment: u64,
    /// The snapshots, the newest first, at most [`limits::SNAPSHOTS_MAX`].
    pub snapshots: Vec<Entry>,
}

/// A snapshot that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// The version of its graph.
    pub version: u64,
    /// Length of the file, in bytes.
    pub bytes: u64,
    /// Services of its graph.
    pub services: u32,
    /// Dependencies of its graph.
    pub dependencies: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// How long writing it took.
    pub duration_ms: u32,
    /// BLAKE3 of its content, as its header has it.
    pub content_hash: [u8; 32],
}

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file could not be read.
    #[error("manifest: {0}")]
    Io(#[from] io::Error),
    /// No manifest has that many bytes.
    #[error("manifest: {found} bytes are not the length of one")]
    Length {
        /// The file's.
        found: u64,
    },
    /// The file is something else.
    #[error("manifest: not a watershed manifest")]
    Magic,
    /// It does not have its checksum.
    #[error("manifest: crc mismatch (stored {stored:08x}, computed {computed:08x})")]
    Crc {
        /// As it stands in the file.
        stored: u32,
        /// As it should be.
        computed: u32,
    },
    /// A sound manifest of another format.
    #[error("manifest: format version {found}, this program reads versions {FORMAT_OLDEST} to {FORMAT}")]
    Format {
        /// The file's.
        found: u16,
    },
    /// A sound manifest with a value that none can have.
    #[error("manifest: the {0} is not valid")]
    Field(&'static str),
}

impl Manifest {
    /// The manifest of a data directory; `None` when there is none.
    pub fn read<S: Storage>(storage: &S) -> Result<Option<Self>, ManifestError> {
        let file = match storage.open(&name()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let found = file.size()?;
        if found > length(limits::SNAPSHOTS_MAX) as u64 || found < length(0) as u64 {
            return Err(ManifestError::Length { found });
        }
        let mut bytes = vec![0; found as usize];
        file.read_exact_at(0, &mut bytes)?;
        Self::decode(&bytes).map(Some)
    }

    /// Replaces the manifest of a data directory, durably.
    pub fn write<S: Storage>(&self, storage: &S) -> io::Result<()> {
        if self.snapshots.len() > limits::SNAPSHOTS_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many snapshots for a manifest"));
        }
        install(storage, &name(), |file| file.write_all_at(0, &self.encode())).map(drop)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length(self.snapshots.len()));
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend((self.snapshots.len() as u32).to_le_bytes());
        bytes.extend(self.directory_id.as_bytes());
        bytes.extend(self.first_segment.to_le_bytes());
        bytes.extend(self.newest_segment.to_le_bytes());
        for entry in &self.snapshots {
            bytes.extend(entry.id.as_bytes());
            bytes.extend(entry.version.to_le_bytes());
            bytes.extend(entry.bytes.to_le_bytes());
            bytes.extend(entry.services.to_le_bytes());
            bytes.extend(entry.duration_ms.to_le_bytes());
            bytes.extend(entry.dependencies.to_le_bytes());
            bytes.extend(entry.created_at.as_microseconds().to_le_bytes());
            bytes.extend(entry.content_hash);
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend(crc.to_le_bytes());
        bytes
    }

    /// `bytes` are at least those of a manifest without snapshots.
    fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let (content, crc) = bytes.split_at(bytes.len() - CRC_BYTES);
        if content[..8] != MAGIC {
            return Err(ManifestError::Magic);
        }
        let (stored, computed) = (u32::from_le_bytes(field(crc, 0)), crc32c::crc32c(content));
        if stored != computed {
            return Err(ManifestError::Crc { stored, computed });
        }
        let found = u16::from_le_bytes(field(content, 8));
        if !(FORMAT_OLDEST..=FORMAT).contains(&found) {
            return Err(ManifestError::Format { found });
        }
        let snapshots = u32::from_le_bytes(field(content, 12)) as usize;
        if snapshots > limits::SNAPSHOTS_MAX || bytes.len() != length(snapshots) {
            return Err(ManifestError::Length { found: bytes.len() as u64 });
        }
        let entries = content[HEAD_BYTES..].chunks_exact(ENTRY_BYTES).map(Entry::decode);
        let manifest = Self {
            directory_id: Uuid::from_bytes(field(content, 16)),
            first_segment: u64::from_le_bytes(field(content, 32)),
            newest_segment: u64::from_le_bytes(field(content, 40)),
            snapshots: entries.collect::<Result<_, _>>()?,
        };
        if content[10..12] != [0; 2] {
            return Err(ManifestError::Field("reserved space"));
        }
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.first_segment == 0 || self.first_segment > self.newest_segment {
            return Err(ManifestError::Field("range of segments"));
        }
        if !self.snapshots.is_sorted_by(|newer, older| newer.version >= older.version) {
            return Err(ManifestError::Field("order of snapshots"));
        }
        let mut ids: Vec<Uuid> = self.snapshots.iter().map(|entry| entry.id).collect();
        ids.sort_unstable();
        if !ids.is_sorted_by(|a, b| a < b) {
            return Err(ManifestError::Field("id of a snapshot"));
        }
        Ok(())
    }
}

impl Entry {
    /// The entry of a snapshot with this header; how long it took is not known yet.
    pub fn of(header: &Header) -> Self {
        Self {
            id: header.id,
            version: header.version,
            bytes: header.file_bytes,
            services: header.services,
            dependencies: header.dependencies,
            created_at: header.created_at,
            duration_ms: 0,
            content_hash: header.content_hash,
        }
    }

    /// The name of its file.
    pub fn file_name(&self) -> FileName {
        super::file_name(self.version, self.id)
    }

    /// Whether both stand for the same file.
    pub fn is_same_file(&self, other: &Self) -> bool {
        Self { duration_ms: 0, ..self.clone() } == Self { duration_ms: 0, ..other.clone() }
    }

    fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let created_at = Timestamp::from_microseconds(i64::from_le_bytes(field(bytes, 48)));
        Ok(Self {
            id: Uuid::from_bytes(field(bytes, 0)),
            version: u64::from_le_bytes(field(bytes, 16)),
            bytes: u64::from_le_bytes(field(bytes, 24)),
            services: u32::from_le_bytes(field(bytes, 32)),
            duration_ms: u32::from_le_bytes(field(bytes, 36)),
            dependencies: u64::from_le_bytes(field(bytes, 40)),
            created_at: created_at.ok_or(ManifestError::Field("time of a snapshot"))?,
            content_hash: field(bytes, 56),
        })
    }
}

fn name() -> FileName {
    FileName::parse("manifest").expect("lower case")
}

/// Bytes of a manifest with so many snapshots.
const fn length(snapshots: usize) -> usize {
    HEAD_BYTES + ENTRY_BYTES * snapshots + CRC_BYTES
}

#[cfg(test)]
mod tests;
