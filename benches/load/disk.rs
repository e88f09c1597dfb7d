//! What the disk alone costs: an append and an `fdatasync`, as a commit of the log does them.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use watershed::clock;

use super::drive::Sample;

/// Appends and syncs for `time` in a file of its own.
pub(crate) fn append_and_sync(file: &Path, bytes: usize, time: Duration) -> Result<Sample> {
    let probe = File::create(file)?;
    let (content, mut offset) = (vec![0xa5; bytes], 0);
    let begun = clock::monotonic();
    let mut latencies = Vec::new();
    while begun.elapsed() < time {
        let before = clock::monotonic();
        probe.write_all_at(&content, offset)?;
        probe.sync_data()?;
        latencies.push(before.elapsed());
        offset += bytes as u64;
    }
    let sample = Sample::of(latencies, begun.elapsed());
    fs::remove_file(file)?;
    sample
}

/// Bytes of all files of a directory.
pub(crate) fn bytes_in(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
