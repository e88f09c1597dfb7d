//! Why a snapshot is not written, and why one is not read: each in one line, with the place.

use std::io;

use super::header::HeaderFault;
use crate::graph::Digest;

/// Why a snapshot was not written. The directory is as before, but perhaps for an unfinished file.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk or the quota is full; nothing else is wrong.
    #[error("the disk is full: {0}")]
    DiskFull(#[source] io::Error),
    /// The disk failed.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// What was read back is not what was written.
    #[error("verification failed: {0}")]
    Verification(#[source] LoadError),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(error),
            _ => Self::Io(error),
        }
    }
}

/// Why a snapshot is refused, in the order of the checks.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The header does not hold.
    #[error("{0}")]
    Header(#[from] HeaderFault),
    /// The file is not as long as its header says.
    #[error("the file has {found} bytes, its header says {expected}")]
    Length {
        /// The file's.
        found: u64,
        /// The header's.
        expected: u64,
    },
    /// A block does not hold.
    #[error("block {ordinal} at offset {offset}: {fault}")]
    Block {
        /// Which, from 0.
        ordinal: u32,
        /// Where its header begins.
        offset: u64,
        /// What is wrong.
        fault: BlockFault,
    },
    /// Every block holds, but together they are not what was written.
    #[error("content hash mismatch")]
    ContentHash,
    /// A block with its checksum holds no archive.
    #[error("block {ordinal} at offset {offset}: malformed archive: {reason}")]
    Archive {
        /// Which, from 0.
        ordinal: u32,
        /// Where its header begins.
        offset: u64,
        /// What checked access says.
        reason: String,
    },
    /// An archive says what no graph can hold.
    #[error("block {ordinal} at offset {offset}: item {item}: {what}")]
    Item {
        /// Which, from 0.
        ordinal: u32,
        /// Where its header begins.
        offset: u64,
        /// Which item of the block, from 0.
        item: u32,
        /// What is wrong.
        what: String,
    },
    /// The blocks do not make a graph.
    #[error("{0}")]
    Content(String),
    /// A graph, but not the one that was written.
    #[error("digest mismatch (stored {stored}, computed {computed})")]
    Digest {
        /// As it stands in the header.
        stored: Digest,
        /// Of what was read.
        computed: Digest,
    },
}

/// What is wrong with a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    /// The file ends inside it.
    #[error("the file ends inside it")]
    Cut,
    /// The block's header does not have its checksum.
    #[error("block header crc mismatch")]
    HeaderCrc,
    /// A sound block header with a value that it cannot have here.
    #[error("the block header's {0} is not valid")]
    Field(&'static str),
    /// The archive does not have its checksum.
    #[error("crc mismatch (stored {stored:08x}, computed {computed:08x})")]
    Crc {
        /// As it stands in the block's header.
        stored: u32,
        /// As it should be.
        computed: u32,
    },
    /// The bytes behind the archive are not zero.
    #[error("the padding is not zero")]
    Padding,
}
