//! What the disk alone costs: an append and an `fdatasync`, as a commit of the log does them.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use watershed::clock;
use watershed::storage::{FileName, Fs, Storage, StorageFile};

use super::drive::Sample;

/// Where the bytes go.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Room {
    /// To the end of a file that grows.
    Growing,
    /// Into a file that has room for them, as the log's segments do.
    Allocated,
}

/// As many bytes as a segment of the log has.
const ROOM_BYTES: u64 = 64 * 1024 * 1024;

/// Appends and syncs for `time` in a file of its own.
pub(crate) fn append_and_sync(directory: &Path, bytes: usize, time: Duration, room: Room) -> Result<Sample> {
    let storage = Fs::at(directory)?;
    let name = FileName::parse("probe")?;
    let mut probe = storage.create(&name)?;
    if room == Room::Allocated {
        probe.allocate(ROOM_BYTES)?;
        probe = probe.sync()?;
    }
    let (content, mut offset) = (vec![0xa5; bytes], 0);
    let begun = clock::monotonic();
    let mut latencies = Vec::new();
    while begun.elapsed() < time && offset + (bytes as u64) < ROOM_BYTES {
        let before = clock::monotonic();
        probe.write_all_at(offset, &content)?;
        probe = probe.sync()?;
        latencies.push(before.elapsed());
        offset += bytes as u64;
    }
    let sample = Sample::of(latencies, begun.elapsed());
    storage.remove(&name)?;
    sample
}
