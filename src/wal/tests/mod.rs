//! The log as its callers see it, on the simulated disk and on the real one.

mod damage;
mod power;

use super::testing::{batch, birth, command};
use super::*;
use crate::storage::{Fault, Fs, Sim, SimFile};
use crate::types::Change;

pub(super) fn name(text: &str) -> FileName {
    FileName::parse(text).unwrap()
}

/// Opens the log and gives what it holds, in order.
pub(super) fn open<S: Storage>(storage: &S) -> Result<(Wal<S>, Recovered, Vec<Command>), OpenError> {
    let mut commands = Vec::new();
    let (wal, recovered) = Wal::open(storage, &birth(), |version, command| {
        commands.push(command);
        assert_eq!(version, commands.len() as u64, "versions are dense");
    })?;
    assert_eq!(recovered.last_version, commands.len() as u64);
    Ok((wal, recovered, commands))
}

/// `command(1)` to `command(last)`.
pub(super) fn commands_to(last: u64) -> Vec<Command> {
    (1..=last).map(command).collect()
}

pub(super) fn content(sim: &Sim, file: &str) -> Vec<u8> {
    let file: SimFile = sim.open(&name(file)).unwrap();
    let mut bytes = vec![0; file.size().unwrap() as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// A disk that holds a log of these bytes.
pub(super) fn disk_with(segment: &[u8]) -> Sim {
    let sim = Sim::new(1);
    let file = sim.create(&segment::name(1)).unwrap();
    file.write_all_at(0, segment).unwrap();
    file.sync().unwrap();
    sim.sync_dir().unwrap();
    sim
}

fn next_fails(sim: &Sim, calls_later: u64, fault: Fault) {
    sim.fail_at(sim.operations() + calls_later, fault);
}

const WRITE: u64 = 0;
const SYNC: u64 = 1;

#[test]
fn a_new_log_is_made_from_its_birth_and_an_old_one_keeps_its_own() {
    let sim = Sim::new(1);
    let (wal, recovered, _) = open(&sim).unwrap();
    let born = birth();
    assert_eq!((recovered.directory_id, recovered.created_at), (born.directory_id, born.at));
    assert_eq!((recovered.last_version, recovered.frames, recovered.log_bytes), (0, 0, 4096));
    drop(wal);
    let other = Birth { directory_id: Uuid::nil(), salt: 1, at: born.at.plus_microseconds(1) };
    let (wal, again) = Wal::open(&sim, &other, |_, _| {}).unwrap();
    assert_eq!(again, recovered);
    assert_eq!(wal.next_version(), 1);
}

#[test]
fn what_is_committed_comes_back_sealed_or_not() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    let committed = wal.commit(batch(1, 2)).unwrap();
    assert_eq!((committed.last_version, committed.log_bytes), (2, 4096 + committed.frame_bytes));
    wal.mark().unwrap();
    wal.commit(batch(3, 1)).unwrap();
    wal.seal().unwrap();
    let (mut wal, recovered, commands) = open(&sim).unwrap();
    assert_eq!((recovered.frames, recovered.torn), (4, None));
    assert_eq!(commands, commands_to(3));
    wal.commit(batch(4, 1)).unwrap();
    drop(wal);
    let (wal, _, commands) = open(&sim).unwrap();
    assert_eq!(commands, commands_to(4));
    assert_eq!(wal.next_version(), 5);
}

#[test]
fn a_sealed_log_is_not_written_again() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    wal.seal().unwrap();
    let old = sim.open(&segment::name(1)).unwrap();
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(2, 1)).unwrap();
    let len = old.size().unwrap();
    assert_eq!(len, content(&sim, "wal-0000000000000001").len() as u64, "the same file has grown");
    drop(wal);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(3, 1)).unwrap();
    assert_eq!(old.size().unwrap(), len, "after an unclean stop there is a new file");
}

#[test]
fn a_mark_is_written_only_when_something_is_unmarked() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    let calls = sim.operations();
    wal.mark().unwrap();
    assert_eq!(sim.operations(), calls);
    wal.commit(batch(1, 1)).unwrap();
    wal.mark().unwrap();
    let calls = sim.operations();
    wal.mark().unwrap();
    assert_eq!(sim.operations(), calls);
}

#[test]
fn a_full_disk_refuses_and_the_log_goes_on() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    next_fails(&sim, WRITE, Fault::ShortWrite);
    next_fails(&sim, WRITE + 1, Fault::NoSpace);
    assert!(matches!(wal.commit(batch(2, 3)), Err(CommitError::Full(_))));
    assert_eq!(wal.next_version(), 2);
    next_fails(&sim, WRITE, Fault::NoSpace);
    next_fails(&sim, WRITE + 1, Fault::Io);
    assert!(matches!(wal.commit(batch(2, 3)), Err(CommitError::Full(_))), "the cut failed too");
    wal.commit(batch(2, 1)).unwrap();
    sim.crash();
    let (.., commands) = open(&sim).unwrap();
    assert_eq!(commands, commands_to(2));
}

#[test]
fn a_failed_write_or_sync_closes_the_log() {
    for (call, fault) in [(WRITE, Fault::Io), (SYNC, Fault::Io), (SYNC, Fault::Sync)] {
        let sim = Sim::new(1);
        let (mut wal, ..) = open(&sim).unwrap();
        wal.commit(batch(1, 1)).unwrap();
        next_fails(&sim, call, fault);
        let refused = wal.commit(batch(2, 1)).unwrap_err();
        assert_eq!(matches!(refused, CommitError::Unknown(_)), call == SYNC, "{refused}");
        assert_eq!(matches!(refused, CommitError::Failed(_)), call == WRITE, "{refused}");
        let calls = sim.operations();
        assert!(matches!(wal.commit(batch(2, 1)), Err(CommitError::Closed)));
        assert!(matches!(wal.mark(), Err(CommitError::Closed)));
        assert!(matches!(wal.seal(), Err(CommitError::Closed)));
        assert_eq!(sim.operations(), calls, "a closed log does not touch the disk");
        let (.., commands) = open(&sim).unwrap();
        sim.crash();
        assert_eq!(open(&sim).unwrap().2, commands, "what a start gave is durable");
    }
}

#[test]
fn a_batch_beyond_the_frame_limit_is_refused_unwritten() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    let mut large = Batch::starting_at(1);
    let padding = format!(r#"{{"x":"{}"}}"#, "y".repeat(16_000));
    let Change::Upsert(mut upsert) = command(1).change;
    upsert.nodes[0].metadata = Some(crate::types::Metadata::from_json(&padding).unwrap());
    upsert.nodes = vec![upsert.nodes[0].clone(); 100];
    let command = Command { change: Change::Upsert(upsert), ..command(1) };
    while large.push(&command).unwrap() <= limits::FRAME_BYTES_MAX {}
    assert!(matches!(wal.commit(large), Err(CommitError::TooLarge { .. })));
    wal.commit(batch(1, 1)).unwrap();
}

#[test]
fn a_second_process_is_refused() {
    let sim = Sim::new(1);
    let (_wal, ..) = open(&sim).unwrap();
    let refused = open(&sim).unwrap_err();
    assert!(matches!(refused, OpenError::Lock { source: LockError::Held { .. }, .. }), "{refused}");
    assert_eq!(refused.to_string(), "sim/: locked by another handle");
}

#[test]
fn a_torn_tail_is_put_aside_and_never_over_another() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    drop(wal);
    let quarantine = sim.directory(&name("quarantine")).unwrap();
    for round in 1..=2u8 {
        let tail = [round; 21];
        let file = sim.open(&segment::name(1)).unwrap();
        let end = file.size().unwrap();
        file.write_all_at(end, &tail).unwrap();
        let (_wal, recovered, commands) = open(&sim).unwrap();
        let kept_as = name(&format!("wal-0000000000000001-offset-{end}-{round}"));
        assert_eq!(recovered.torn, Some(TornTail { bytes: 21, kept_as: kept_as.clone() }));
        assert_eq!((commands, recovered.log_bytes), (commands_to(1), end));
        let mut kept = [0; 21];
        quarantine.open(&kept_as).unwrap().read_exact_at(0, &mut kept).unwrap();
        assert_eq!(kept, tail);
    }
}

#[test]
fn leftovers_go_and_strange_segments_stop_the_start() {
    let sim = Sim::new(1);
    sim.create(&name("wal-0000000000000001.tmp")).unwrap();
    sim.create(&name("wal-0000000000000002.tmp")).unwrap();
    sim.create(&name("snap-1.tmp")).unwrap();
    drop(open(&sim).unwrap());
    assert_eq!(sim.list().unwrap(), [name("snap-1.tmp"), segment::name(1)]);
    sim.create(&segment::name(2)).unwrap();
    let refused = open(&sim).unwrap_err().to_string();
    assert_eq!(
        refused,
        "wal-0000000000000002: this program reads a log of one segment. Nothing was changed."
    );
}

#[test]
fn the_real_file_system_serves_too() {
    let directory = tempfile::tempdir().unwrap();
    let fs = Fs::at(directory.path().join("data")).unwrap();
    let (mut wal, ..) = open(&fs).unwrap();
    assert!(matches!(open(&fs), Err(OpenError::Lock { .. })));
    wal.commit(batch(1, 3)).unwrap();
    wal.mark().unwrap();
    drop(wal);
    let (wal, _, commands) = open(&fs).unwrap();
    assert_eq!(commands, commands_to(3));
    wal.seal().unwrap();
    let file = fs.open(&segment::name(1)).unwrap();
    file.write_all_at(file.size().unwrap(), b"torn").unwrap();
    let (_wal, recovered, commands) = open(&fs).unwrap();
    assert_eq!(commands, commands_to(3));
    assert_eq!(recovered.torn.map(|torn| torn.bytes), Some(4));
}
