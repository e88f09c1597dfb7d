//! A data directory as a stopped server leaves it, whole or damaged, and commands typed at it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam::channel::bounded;
use tempfile::TempDir;

use crate::cli::console::Sink;
use crate::cli::testing::capture;
use crate::clock;
use crate::snapshot::Entry;
use crate::storage::Fs;
use crate::types::{Attributes, Change, Command, DiscoverySource, EdgeReport, ServiceId, Upsert};
use crate::wal::{Birth, Options};
use crate::writer::{Durability, Settings, Started, start};

/// What happens to the directory after the server has stopped.
#[derive(Clone, Copy)]
pub(in crate::cli) enum Damage {
    /// Nothing.
    None,
    /// A bit of this command is flipped in the log.
    Flipped(u64),
    /// Bytes follow the log that are no frame.
    Torn,
}

/// A directory of five commands, each one dependency of `source-N` on `target`.
pub(in crate::cli) struct DataDir {
    directory: TempDir,
    /// The snapshots, the newest first.
    pub(in crate::cli) snapshots: Vec<Entry>,
}

impl DataDir {
    /// One without snapshots.
    pub(in crate::cli) fn new(damage: Damage) -> Self {
        Self::with_snapshots(&[], damage)
    }

    /// One with snapshots of these versions.
    pub(in crate::cli) fn with_snapshots(versions: &[u64], damage: Damage) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let snapshots = serve(&directory.path().join("data"), versions);
        let made = Self { directory, snapshots };
        made.inflict(damage);
        made
    }

    pub(in crate::cli) fn path(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A path outside the data where a test may put things.
    pub(in crate::cli) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The file of a snapshot.
    pub(in crate::cli) fn snapshot(&self, place: usize) -> PathBuf {
        let Entry { version, id, .. } = &self.snapshots[place];
        self.path().join("snapshots").join(crate::snapshot::file_name(*version, *id).as_str())
    }

    /// Types `watershed …` with `--data-dir` of this directory behind it: exit code, output, errors.
    pub(in crate::cli) fn typed(&self, line: &str) -> (u8, String, String) {
        let mut words: Vec<_> = line.split(' ').map(Into::into).collect();
        words.extend(["--data-dir".into(), self.path().into()]);
        typed(words)
    }

    fn inflict(&self, damage: Damage) {
        let path = self.path().join("wal-0000000000000001");
        let mut bytes = fs::read(&path).unwrap();
        match damage {
            Damage::None => return,
            Damage::Flipped(lsn) => {
                let name = format!("source-{lsn}");
                let place = bytes.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
                bytes[place] ^= 4;
            }
            Damage::Torn => {
                let end = bytes.iter().rposition(|byte| *byte != 0).unwrap().next_multiple_of(8);
                bytes[end..end + 9].fill(0xab);
            }
        }
        fs::write(path, bytes).unwrap();
    }
}

/// Flips a bit in the midst of a file.
pub(in crate::cli) fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Types `watershed` and these words.
pub(in crate::cli) fn typed(words: Vec<std::ffi::OsString>) -> (u8, String, String) {
    let (mut console, captured) = capture(Sink::Pipe);
    let code = crate::cli::run(std::iter::once("watershed".into()).chain(words), &mut console);
    (code, captured.out(), captured.err())
}

fn serve(path: &Path, versions: &[u64]) -> Vec<Entry> {
    let settings = Settings {
        log: Options { segment_bytes: 65_536 },
        durability: Durability::Sync,
        snapshot_interval: Duration::ZERO,
        snapshots_retained: 5,
        clock: clock::for_writer(),
    };
    let birth = Birth { directory_id: clock::new_id(), salt: clock::random_u64(), at: clock::now() };
    let Started { handle, snapshots, stopper, .. } = start(&Fs::at(path).unwrap(), &birth, settings).unwrap();
    let mut taken = Vec::new();
    for version in 1..=5 {
        let (sender, answer) = bounded(1);
        handle.submit(command(version), Box::new(move |result| sender.send(result).unwrap())).unwrap();
        assert_eq!(answer.recv().unwrap().unwrap().version, version);
        if versions.contains(&version) {
            let (sender, answer) = bounded(1);
            snapshots.create(Box::new(move |result| sender.send(result).unwrap())).unwrap();
            taken.insert(0, answer.recv().unwrap().unwrap());
        }
    }
    assert!(stopper.stop());
    taken
}

fn command(number: u64) -> Command {
    let id = |text: &str| ServiceId::parse(text).unwrap();
    let (source, target) = (id(&format!("source-{number}")), id("target"));
    let edges = vec![EdgeReport { source, target, attributes: Attributes::hard_sync() }];
    let (nodes, at) = (Vec::new(), clock::now());
    let upsert = Upsert { source: DiscoverySource::Manual, observed_at: at, nodes, edges };
    Command { id: clock::new_id(), at, change: Change::Upsert(upsert) }
}
