//! A graph as a file: written beside a running server, checked in full before it counts.
//!
//! ```text
//! Graph ─▶ encode ─▶ archives ─▶ blocks ─▶ file ─▶ read again, verified ─▶ its name    write
//! Graph ◀─ assembly ◀─ decode ◀─ archives ◀─ blocks ◀─ file                            load
//! ```
//!
//! - `header` and `block`: the bytes of the file. `format`: the archives in the blocks, and the only
//!   code that knows rkyv. `encode` and `decode`: the graph ⇄ archives; `decode` trusts nothing.
//! - `read`: the order of the checks. `write`: the order of the syncs. `manifest`: which snapshots count.
//!
//! A snapshot is named `snap-`, the version of its graph in 16 hexadecimal digits, `-` and its id in 32.
//! The file is a header of 512 bytes and then blocks of four kinds, in this order:
//!
//! ```text
//! services      id, instants, service id, reports: in order of index
//! observations  40 bytes each, sorted by source, target and discovery source
//! cycles        alert and members, in order of appearance, by which alerts are passed on
//! state         SLO targets, alerts, what has been done: see `state`
//! ```
//!
//! What it is not: a log, or a decision about when to write and what to keep. No clock and no
//! randomness: ids and times come in with [`Stamp`].
//!
//! - Neither writing nor loading holds a second copy of the graph: there is a block at a time per thread.
//! - A file has its name only once it is durable and was read back; what is refused is refused with the
//!   check that it failed, in one line.
//! - What is loaded equals what was written in every answer, and stays so under the same commands: the
//!   order of services and of components is kept. Node indexes are not: holes are compacted away.

mod block;
mod bytes;
mod decode;
mod encode;
mod error;
mod format;
mod header;
mod manifest;
mod parallel;
mod read;
mod state;
#[cfg(test)]
mod tests;
mod write;

use uuid::Uuid;

pub use error::{BlockFault, LoadError, WriteError};
pub use header::{Header, HeaderFault};
pub use manifest::{Entry, Manifest, ManifestError};
pub use write::write;

use crate::graph::Graph;
use crate::storage::{FileName, Storage, StorageFile};
use crate::types::Timestamp;

/// What a snapshot is given from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The snapshot's own id.
    pub id: Uuid,
    /// Of which data directory.
    pub directory_id: Uuid,
    /// When that directory was made.
    pub directory_created_at: Timestamp,
    /// When the snapshot is made.
    pub created_at: Timestamp,
}

/// The name of a snapshot.
pub fn file_name(version: u64, id: Uuid) -> FileName {
    FileName::parse(format!("snap-{version:016x}-{}", id.simple())).expect("lower case, digits and hyphens")
}

/// The version and the id in the name of a snapshot; `None` for any other name.
pub fn parse_name(name: &FileName) -> Option<(u64, Uuid)> {
    let (version, id) = name.as_str().strip_prefix("snap-")?.split_once('-')?;
    let parsed = (u64::from_str_radix(version, 16).ok()?, Uuid::try_parse(id).ok()?);
    // Only one text names a snapshot.
    (file_name(parsed.0, parsed.1) == *name).then_some(parsed)
}

/// Reads a snapshot into a graph, with every check.
pub fn load<S: Storage>(directory: &S, name: &FileName) -> Result<(Header, Graph), LoadError> {
    let (header, graph) = load_file(&directory.open(name)?, |_, _| {})?;
    check_name(&header, name)?;
    Ok((header, graph))
}

/// Reads a snapshot whose file may have any name into a graph, with every check. `progress` is as in
/// [`verify`].
pub fn load_file<F: StorageFile>(
    file: &F,
    progress: impl FnMut(u64, u64),
) -> Result<(Header, Graph), LoadError> {
    read::load(file, parallel::threads(), progress)
}

/// Makes every check of [`load`] without the graph. `progress` gets the bytes done and their sum; each
/// byte of the file is read twice.
pub fn verify<S: Storage>(
    directory: &S,
    name: &FileName,
    progress: impl FnMut(u64, u64),
) -> Result<Header, LoadError> {
    let header = verify_file(&directory.open(name)?, progress)?;
    check_name(&header, name)?;
    Ok(header)
}

/// Makes the checks of [`verify`] on a file that may have any name.
pub fn verify_file<F: StorageFile>(file: &F, progress: impl FnMut(u64, u64)) -> Result<Header, LoadError> {
    read::verify(file, progress)
}

/// Reads the header of a snapshot and checks it and the length of the file, nothing else.
pub fn read_header<S: Storage>(directory: &S, name: &FileName) -> Result<Header, LoadError> {
    let header = read::header(&directory.open(name)?)?;
    check_name(&header, name)?;
    Ok(header)
}

/// A snapshot under the name of another one would be taken for that.
fn check_name(header: &Header, name: &FileName) -> Result<(), LoadError> {
    if file_name(header.version, header.id) == *name {
        Ok(())
    } else {
        Err(HeaderFault::Field("version or id").into())
    }
}
