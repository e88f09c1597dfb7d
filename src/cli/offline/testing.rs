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
use crate::types::{
    Attributes, Change, Command, DiscoverySource, EdgeReport, Metadata, Mode, NodeReport, ServiceId, Upsert,
};
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
        Self::made(versions, 0, damage)
    }

    /// The same with a log of several segments, for each command is too long to share one.
    pub(in crate::cli) fn of_segments(versions: &[u64], damage: Damage) -> Self {
        Self::made(versions, 3_000, damage)
    }

    fn made(versions: &[u64], note_bytes: usize, damage: Damage) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let snapshots = serve(&directory.path().join("data"), versions, note_bytes);
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
        match damage {
            Damage::None => {}
            Damage::Flipped(lsn) => {
                let name = format!("source-{lsn}");
                let found = |bytes: &[u8]| bytes.windows(name.len()).position(|part| part == name.as_bytes());
                let is_segment = |path: &PathBuf| path.to_str().unwrap().contains("/wal-");
                let files = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
                let hit = files.filter(is_segment).find_map(|path| {
                    let place = found(&fs::read(&path).unwrap())?;
                    Some((path, place))
                });
                let (path, place) = hit.unwrap();
                flip(&path, place);
            }
            Damage::Torn => {
                let path = self.path().join("wal-0000000000000001");
                let mut bytes = fs::read(&path).unwrap();
                let end = bytes.iter().rposition(|byte| *byte != 0).unwrap().next_multiple_of(8);
                bytes[end..end + 9].fill(0xab);
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

/// Flips a bit of a file.
pub(in crate::cli) fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 4;
    fs::write(path, bytes).unwrap();
}

/// Types `watershed` and these words.
pub(in crate::cli) fn typed(words: Vec<std::ffi::OsString>) -> (u8, String, String) {
    let (mut console, captured) = capture(Sink::Pipe);
    let code = crate::cli::run(std::iter::once("watershed".into()).chain(words), &mut console);
    (code, captured.out(), captured.err())
}

fn serve(path: &Path, versions: &[u64], note_bytes: usize) -> Vec<Entry> {
    let settings = Settings {
        log: Options { segment_bytes: 8_192 },
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
        handle
            .submit(command(version, note_bytes), Box::new(move |result| sender.send(result).unwrap()))
            .unwrap();
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

fn command(number: u64, note_bytes: usize) -> Command {
    let id = |text: &str| ServiceId::parse(text).unwrap();
    let (source, target) = (id(&format!("source-{number}")), id("target"));
    let edges = vec![EdgeReport { source, target, attributes: Attributes::hard_sync() }];
    let at = clock::now();
    let mut nodes = Vec::new();
    if note_bytes > 0 {
        let metadata = Metadata::from_json(&format!(r#"{{"note":"{}"}}"#, "x".repeat(note_bytes))).unwrap();
        nodes.push(NodeReport { service_id: id("noted"), metadata: Some(metadata) });
    }
    let upsert =
        Upsert { source: DiscoverySource::Manual, observed_at: at, mode: Mode::Upsert, nodes, edges };
    Command::new(clock::new_id(), at, Change::Upsert(upsert))
}
