//! The log as its callers see it, on the simulated disk and on the real one.

mod bugs;
mod damage;
mod failing;
mod mending;
mod oracle;
mod power;

use super::testing::{SMALL, batch, birth, command};
use super::*;
use crate::storage::{Fault, Fs, Sim, SimFile, StorageFile};
use crate::types::{Change, Command};

pub(super) fn name(text: &str) -> FileName {
    FileName::parse(text).unwrap()
}

/// Opens the log and gives what it holds, in order.
pub(super) fn open<S: Storage>(storage: &S) -> Result<(Wal<S>, Recovered, Vec<Command>), OpenError> {
    let mut commands = Vec::new();
    let (wal, recovered) = Wal::open(storage, &birth(), &Basis::default(), SMALL, |version, command| {
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

pub(super) fn content<S: Storage>(storage: &S, file: &FileName) -> Vec<u8> {
    let file = storage.open(file).unwrap();
    let mut bytes = vec![0; file.size().unwrap() as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// The segments of a log, in order.
pub(super) fn segments<S: Storage>(storage: &S) -> Vec<FileName> {
    storage.list().unwrap().into_iter().filter(|file| segment::number_of(file).is_some()).collect()
}

/// A disk that holds these segments; an absent one is missing.
pub(super) fn disk_with(segments: &[Option<Vec<u8>>]) -> Sim {
    let sim = Sim::new(1);
    for (place, bytes) in segments.iter().enumerate() {
        let Some(bytes) = bytes else { continue };
        let file = sim.create(&segment::name(place as u64 + 1)).unwrap();
        file.write_all_at(0, bytes).unwrap();
        file.sync().unwrap();
    }
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
    assert_eq!((recovered.last_version, recovered.frames, recovered.first_segment), (0, 0, 1));
    drop(wal);
    let other = Birth { directory_id: Uuid::nil(), salt: 1, at: born.at.plus_microseconds(1) };
    let (wal, again) = Wal::open(&sim, &other, &Basis::default(), SMALL, |_, _| {}).unwrap();
    assert_eq!(again, recovered);
    assert_eq!((wal.next_version(), wal.active_bytes()), (1, 4096));
}

#[test]
fn what_is_committed_comes_back_sealed_or_not() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    assert_eq!(wal.commit(batch(1, 2)).unwrap().last_version, 2);
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
fn a_log_goes_on_from_segment_to_segment() {
    let sim = Sim::new(1);
    for life in 0..3 {
        let (mut wal, recovered, commands) = open(&sim).unwrap();
        assert_eq!((recovered.torn, commands), (None, commands_to(life * 20)));
        for number in 1..=20 {
            wal.commit(batch(life * 20 + number, 1)).unwrap();
        }
        assert!(wal.active_segment() > life + 3, "{}", wal.active_segment());
        assert!(wal.active_bytes() <= SMALL.segment_bytes);
        if life == 1 {
            wal.seal().unwrap();
        }
    }
    let names = segments(&sim);
    assert_eq!(names.len() as u64, open(&sim).unwrap().0.active_segment());
    for file in &names {
        assert_eq!(sim.open(file).unwrap().size().unwrap(), SMALL.segment_bytes, "{file}: allocated ahead");
    }
}

#[test]
fn a_frame_longer_than_a_segment_gets_one_of_its_own() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    wal.commit(batch(2, 40)).unwrap();
    wal.commit(batch(42, 1)).unwrap();
    assert_eq!(wal.active_segment(), 3);
    drop(wal);
    assert_eq!(open(&sim).unwrap().2, commands_to(42));
}

#[test]
fn a_start_reads_only_what_is_behind_its_basis() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    for number in 1..=30 {
        wal.commit(batch(number, 1)).unwrap();
    }
    wal.seal().unwrap();
    for version in 0..=30 {
        let basis = Basis { version, ..Basis::default() };
        let mut lsns = Vec::new();
        let (_, recovered) = Wal::open(&sim, &birth(), &basis, SMALL, |lsn, read| {
            assert_eq!(read, command(lsn));
            lsns.push(lsn);
        })
        .unwrap();
        assert_eq!((lsns, recovered.last_version), ((version + 1..=30).collect(), 30));
        assert!(version < 25 || recovered.frames < 10, "{recovered:?}: only the last segment is read");
    }
    let basis = Basis { version: 31, ..Basis::default() };
    let refused = Wal::open(&sim, &birth(), &basis, SMALL, |_, _| {}).unwrap_err().to_string();
    assert!(refused.contains("lsn 31: the log ends here; no later valid frame, durable_lsn 31"), "{refused}");
}

#[test]
fn segments_that_nobody_needs_go_and_the_log_goes_on() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    for number in 1..=30 {
        wal.commit(batch(number, 1)).unwrap();
    }
    let all = segments(&sim).len() as u64;
    assert_eq!(needed_segments(&sim, 0).unwrap(), 1..=all);
    remove_segments(&sim, 1).unwrap();
    assert_eq!(segments(&sim).len() as u64, all);
    let needed = needed_segments(&sim, 17).unwrap();
    assert!(*needed.start() > 2 && *needed.end() == all);
    remove_segments(&sim, *needed.start()).unwrap();
    assert_eq!(segments(&sim)[0], segment::name(*needed.start()));
    wal.commit(batch(31, 1)).unwrap();
    drop(wal);
    let refused = open(&sim).unwrap_err();
    assert!(matches!(refused, OpenError::Missing { .. }), "{refused}");
    let basis = Basis { segments: Some(needed.clone()), ..Basis::default() };
    let refused = Wal::open(&sim, &birth(), &basis, SMALL, |_, _| {}).unwrap_err();
    assert!(matches!(refused, OpenError::Gap { version: 0, .. }), "{refused}");
    let basis = Basis { version: 17, segments: Some(needed), ..Basis::default() };
    let mut lsns = Vec::new();
    Wal::open(&sim, &birth(), &basis, SMALL, |lsn, _| lsns.push(lsn)).unwrap();
    assert_eq!(lsns, (18..=31).collect::<Vec<_>>());
    remove_segments(&sim, u64::MAX).unwrap();
    assert_eq!(segments(&sim).len(), 1, "the last one stays");
}

#[test]
fn a_sealed_log_is_not_written_again() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    wal.seal().unwrap();
    let old = sim.open(&segment::name(1)).unwrap();
    let read = |file: &SimFile| {
        let mut bytes = vec![0; SMALL.segment_bytes as usize];
        file.read_exact_at(0, &mut bytes).unwrap();
        bytes
    };
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(2, 1)).unwrap();
    let written = read(&old);
    assert_eq!(written, content(&sim, &segment::name(1)), "the same file goes on");
    drop(wal);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(3, 1)).unwrap();
    assert_eq!(read(&old), written, "after an unclean stop there is a new file");
}

#[test]
fn sealing_twice_is_sealing_once() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    wal.seal().unwrap();
    let bytes = content(&sim, &segment::name(1));
    for _ in 0..30 {
        open(&sim).unwrap().0.seal().unwrap();
    }
    assert_eq!(content(&sim, &segment::name(1)), bytes);
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
fn a_batch_beyond_the_frame_limit_is_refused_unwritten() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    let mut large = Batch::starting_at(1);
    let padding = format!(r#"{{"x":"{}"}}"#, "y".repeat(16_000));
    let Change::Upsert(mut upsert) = command(1).change else { panic!("a report") };
    upsert.nodes[0].metadata = Some(crate::types::Metadata::from_json(&padding).unwrap());
    upsert.nodes = vec![upsert.nodes[0].clone(); 100];
    let command = Command { change: Change::Upsert(upsert), ..command(1) };
    while large.push(&command).unwrap() <= limits::FRAME_BYTES_MAX {}
    assert!(matches!(wal.commit(large), Err(CommitError::TooLarge { .. })));
    wal.commit(batch(1, 1)).unwrap();
}

#[test]
fn a_torn_tail_is_put_aside_and_never_over_another() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    let end = wal.active_bytes();
    drop(wal);
    let quarantine = sim.directory(&name("quarantine")).unwrap();
    for round in 1..=2u8 {
        let tail = [round; 21];
        let file = sim.open(&segment::name(1)).unwrap();
        file.write_all_at(end, &tail).unwrap();
        let (wal, recovered, commands) = open(&sim).unwrap();
        let kept_as = name(&format!("wal-0000000000000001-offset-{end}-{round}"));
        assert_eq!(recovered.torn, Some(TornTail { bytes: 21, kept_as: kept_as.clone() }));
        assert_eq!((commands, wal.active_bytes()), (commands_to(1), end));
        assert_eq!(content(&quarantine, &kept_as), tail);
    }
}

#[test]
fn leftovers_go_and_a_spare_is_used_again() {
    let sim = Sim::new(1);
    sim.create(&name("wal-0000000000000001.tmp")).unwrap();
    sim.create(&name("wal-spare.tmp")).unwrap();
    sim.create(&name("snap-1.tmp")).unwrap();
    let (mut wal, ..) = open(&sim).unwrap();
    assert_eq!(sim.list().unwrap(), [name("snap-1.tmp"), segment::name(1)]);
    wal.prepare().unwrap();
    drop(wal);
    let (mut wal, ..) = open(&sim).unwrap();
    let calls = sim.operations();
    wal.prepare().unwrap();
    assert_eq!(sim.operations() - calls, 2, "opened and measured, not made again");
}

#[test]
fn the_real_file_system_serves_too() {
    let directory = tempfile::tempdir().unwrap();
    let fs = Fs::at(directory.path().join("data")).unwrap();
    let (mut wal, ..) = open(&fs).unwrap();
    for number in 1..=20 {
        wal.commit(batch(number, 1)).unwrap();
    }
    wal.mark().unwrap();
    drop(wal);
    let (mut wal, _, commands) = open(&fs).unwrap();
    assert_eq!(commands, commands_to(20));
    wal.commit(batch(21, 1)).unwrap();
    let (end, last) = (wal.active_bytes(), segment::name(wal.active_segment()));
    wal.seal().unwrap();
    fs.open(&last).unwrap().write_all_at(end + 48, b"torn").unwrap();
    let (_wal, recovered, commands) = open(&fs).unwrap();
    assert_eq!(commands, commands_to(21));
    assert_eq!(recovered.torn.map(|torn| torn.bytes), Some(4));
}
