//! A graph written to a file that has its name only once it was read back and found whole.

use super::block::{BlockHeader, Kind};
use super::encode;
use super::error::{LoadError, WriteError};
use super::header::{HEADER_BYTES, Header};
use super::read;
use super::{Stamp, file_name};
use crate::graph::Graph;
use crate::limits;
use crate::seeded::{self, Bug};
use crate::storage::{Storage, StorageFile, begin, finish, temporary};

/// Writes a snapshot of a graph into the directory of snapshots.
///
/// After an error the directory is as before; an unfinished file may be left where the disk would not
/// take it away. After an error of the directory's own sync the snapshot may be there: it is whole.
pub fn write<S: Storage>(directory: &S, graph: &Graph, stamp: &Stamp) -> Result<Header, WriteError> {
    let name = file_name(graph.version(), stamp.id);
    let written = write_and_verify(directory, graph, stamp).and_then(|header| {
        finish(directory, &name)?;
        Ok(header)
    });
    if written.is_err() {
        // The disk may have failed: a start takes away what this leaves behind.
        drop(directory.remove(&temporary(&name)));
    }
    written
}

fn write_and_verify<S: Storage>(directory: &S, graph: &Graph, stamp: &Stamp) -> Result<Header, WriteError> {
    let name = file_name(graph.version(), stamp.id);
    let mut output = Output::new(begin(directory, &name)?);
    for (kind, archive) in encode::blocks(graph) {
        output = output.push(kind, &archive)?;
    }
    let header = output.finish(graph, stamp)?;
    if seeded::has(Bug::SkipSnapshotVerification) {
        return Ok(header);
    }
    let file = directory.open(&temporary(&name))?;
    let found = read::verify(&file, |_, _| {}).map_err(WriteError::Verification)?;
    // The digest of what was read is the header's; the header's has to be that of the graph in memory.
    if found != header || found.digest != graph.digest() {
        let (stored, computed) = (found.digest, graph.digest());
        return Err(WriteError::Verification(LoadError::Digest { stored, computed }));
    }
    Ok(header)
}

/// The file while it grows.
struct Output<F> {
    file: F,
    offset: u64,
    unsynced: u64,
    blocks: u32,
    hasher: blake3::Hasher,
}

impl<F: StorageFile> Output<F> {
    fn new(file: F) -> Self {
        let hasher = blake3::Hasher::new();
        Self { file, offset: HEADER_BYTES as u64, unsynced: 0, blocks: 0, hasher }
    }

    /// Appends a block and makes it durable with those before it where they are many: what a disk has
    /// to write at once is what the log's own sync has to wait for.
    fn push(mut self, kind: Kind, archive: &[u8]) -> Result<Self, WriteError> {
        let header = BlockHeader::of(archive, self.blocks, kind);
        let mut bytes = Vec::with_capacity(header.padded_len() + 64);
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(archive);
        bytes.resize(bytes.len() - archive.len() + header.padded_len(), 0);
        self.file.write_all_at(self.offset, &bytes)?;
        self.hasher.update(&bytes);
        self.offset += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        self.blocks += 1;
        if self.unsynced >= limits::SNAPSHOT_SYNC_BYTES {
            self.file = self.file.sync().map_err(|poisoned| poisoned.0)?;
            self.unsynced = 0;
        }
        Ok(self)
    }

    /// Writes the header, and makes all of it durable.
    fn finish(self, graph: &Graph, stamp: &Stamp) -> Result<Header, WriteError> {
        let counts = graph.counts();
        let header = Header {
            id: stamp.id,
            directory_id: stamp.directory_id,
            directory_created_at: stamp.directory_created_at,
            created_at: stamp.created_at,
            version: graph.version(),
            services: counts.services,
            dependencies: counts.dependencies,
            blocks: self.blocks,
            file_bytes: self.offset,
            digest: graph.digest(),
            content_hash: *self.hasher.finalize().as_bytes(),
            swept_at: graph.ledger().swept_at(),
        };
        self.file.write_all_at(0, &header.encode())?;
        self.file.sync().map_err(|poisoned| poisoned.0)?;
        Ok(header)
    }
}
