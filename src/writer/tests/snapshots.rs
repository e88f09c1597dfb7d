//! Which snapshots are kept, what they let go, and what is fallen back to.

use super::store::{Ledger, Store};
use super::*;
use crate::storage::{FileName, Storage, StorageFile};

fn names(sim: &Sim, prefix: &str) -> Vec<FileName> {
    sim.list().unwrap().into_iter().filter(|file| file.as_str().starts_with(prefix)).collect()
}

fn snapshots_of(sim: &Sim) -> Sim {
    sim.directory(&FileName::parse("snapshots").unwrap()).unwrap()
}

fn flip(directory: &Sim, name: &FileName) {
    let file = directory.open(name).unwrap();
    let mut byte = [0];
    file.read_exact_at(700, &mut byte).unwrap();
    file.write_all_at(700, &[byte[0] ^ 1]).unwrap();
}

/// A store with four snapshots behind it, of which it keeps two.
fn with_snapshots(sim: &Sim, ledger: &mut Ledger) -> Store {
    let mut store = ledger.open(sim).unwrap().unwrap();
    for _ in 0..4 {
        for _ in 0..6 {
            assert!(ledger.write(&mut store, 2));
        }
        store.keeper.create().unwrap();
    }
    ledger.write(&mut store, 1);
    store
}

#[test]
fn the_newest_are_kept_and_the_log_reaches_back_to_the_oldest() {
    let sim = Sim::new(1);
    let mut ledger = Ledger::new(Durability::Sync);
    let mut store = with_snapshots(&sim, &mut ledger);
    let versions: Vec<u64> = store.keeper.list().iter().map(|entry| entry.version).collect();
    assert_eq!(versions, [48, 36]);
    assert_eq!(names(&snapshots_of(&sim), "snap-").len(), 2);
    assert!(
        names(&sim, "wal-")[0] > FileName::parse("wal-0000000000000003").unwrap(),
        "old segments are gone"
    );
    assert!(!names(&sim, "manifest").is_empty());
    let newest = store.keeper.list()[0].id;
    assert_eq!(store.keeper.delete(newest), Err(SnapshotError::Newest));
    assert_eq!(store.keeper.delete(Uuid::nil()), Err(SnapshotError::Unknown));
    let oldest = store.keeper.list()[1].id;
    assert_eq!(store.keeper.delete(oldest), Err(SnapshotError::LastResort), "the log is not whole");
    sim.crash();
    let store = ledger.open(&sim).unwrap().unwrap();
    assert_eq!(store.recovery.snapshot.as_ref().map(|entry| entry.version), Some(48));
}

#[test]
fn a_snapshot_that_does_not_hold_is_passed_over_and_nothing_is_lost() {
    let sim = Sim::new(1);
    let mut ledger = Ledger::new(Durability::Sync);
    let store = with_snapshots(&sim, &mut ledger);
    let newest = store.keeper.list()[0].clone();
    let file = crate::snapshot::file_name(newest.version, newest.id);
    flip(&snapshots_of(&sim), &file);
    let (_, fault) = store.keeper.verify(newest.id).unwrap();
    assert!(fault.is_some());
    drop(store);
    ledger.snapshots_are_damaged = true;
    let store = ledger.open(&sim).unwrap().unwrap();
    assert_eq!(store.recovery.snapshot.as_ref().map(|entry| entry.version), Some(36));
    assert!(store.recovery.bad_snapshots[0].starts_with(file.as_str()), "{:?}", store.recovery.bad_snapshots);
    drop(store);
    snapshots_of(&sim).remove(&file).unwrap();
    let store = ledger.open(&sim).unwrap().unwrap();
    assert_eq!(store.recovery.bad_snapshots.len(), 1, "a missing one is missed");
    drop(store);
    let older = names(&snapshots_of(&sim), "snap-").remove(0);
    flip(&snapshots_of(&sim), &older);
    let refused = ledger.open(&sim).map(|_| ()).unwrap_err();
    assert!(refused.contains(file.as_str()) && refused.contains(older.as_str()), "{refused}");
    assert!(refused.contains("the log begins here"), "{refused}");
}

/// What a start has found not to hold counts no more: not as one that is kept, and not as the newest.
#[test]
fn the_next_snapshot_after_a_fall_back_takes_the_place_of_the_bad_one() {
    let sim = Sim::new(1);
    let mut ledger = Ledger::new(Durability::Sync);
    let store = with_snapshots(&sim, &mut ledger);
    let [newest, older] = [store.keeper.list()[0].clone(), store.keeper.list()[1].clone()];
    drop(store);
    let bad = crate::snapshot::file_name(newest.version, newest.id);
    flip(&snapshots_of(&sim), &bad);
    ledger.snapshots_are_damaged = true;
    let mut store = ledger.open(&sim).unwrap().unwrap();
    assert_eq!(store.keeper.list(), std::slice::from_ref(&older));
    assert!(snapshots_of(&sim).open(&bad).is_ok(), "kept until another one stands in its place");
    assert!(store.keeper.has_news());
    assert_eq!(store.keeper.delete(older.id), Err(SnapshotError::Newest));
    let next = store.keeper.create().unwrap();
    let ids: Vec<Uuid> = store.keeper.list().iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [next.id, older.id], "the good one is still there to fall back to");
    snapshots_of(&sim).open(&bad).unwrap_err();
    drop(store);
    flip(&snapshots_of(&sim), &crate::snapshot::file_name(next.version, next.id));
    let store = ledger.open(&sim).unwrap().unwrap();
    assert_eq!(store.recovery.snapshot.as_ref().map(|entry| entry.id), Some(older.id));
}

#[test]
fn without_a_manifest_snapshots_are_left_alone_and_the_way_out_is_named() {
    let sim = Sim::new(1);
    let mut ledger = Ledger::new(Durability::Sync);
    drop(with_snapshots(&sim, &mut ledger));
    sim.remove(&FileName::parse("manifest").unwrap()).unwrap();
    let refused = ledger.open(&sim).map(|_| ()).unwrap_err();
    assert!(
        refused.contains("manifest: the file is missing") && refused.contains("--rebuild-manifest"),
        "{refused}"
    );
    assert!(
        matches!(Offline::open(&sim).map(|_| ()), Err(StartError::NoManifest { .. })),
        "nor can it be cut"
    );
    assert_eq!(names(&snapshots_of(&sim), "snap-").len(), 2);
    rebuild_manifest(&sim, Replace::Yes).unwrap();
    assert!(ledger.open(&sim).unwrap().is_some());
}

#[test]
fn a_manifest_that_does_not_hold_is_refused_and_made_anew_on_request() {
    let sim = Sim::new(1);
    let mut ledger = Ledger::new(Durability::Sync);
    let store = with_snapshots(&sim, &mut ledger);
    let kept = store.keeper.list().to_vec();
    drop(store);
    let look = || rebuild_manifest(&sim, Replace::No).unwrap();
    assert_eq!(look().fault, None, "one that holds is left alone");
    let manifest = FileName::parse("manifest").unwrap();
    sim.open(&manifest).unwrap().write_all_at(20, b"damage").unwrap();
    let refused = ledger.open(&sim).map(|_| ()).unwrap_err();
    assert!(
        refused.contains("manifest: crc mismatch") && refused.contains("--rebuild-manifest"),
        "{refused}"
    );
    let names = |rebuilt: &Rebuilt| rebuilt.snapshots.iter().map(|entry| entry.id).collect::<Vec<_>>();
    let expected: Vec<Uuid> = kept.iter().map(|entry| entry.id).collect();
    assert_eq!(names(&look()), expected);
    ledger.open(&sim).map(|_| ()).unwrap_err();
    let rebuilt = rebuild_manifest(&sim, Replace::Yes).unwrap();
    assert_eq!((names(&rebuilt), rebuilt.kept_as.is_some()), (expected, true));
    assert!(ledger.open(&sim).unwrap().is_some());
    sim.remove(&manifest).unwrap();
    assert!(look().fault.is_some_and(|fault| fault.contains("missing")));
}

#[test]
fn a_single_snapshot_leaves_the_log_whole() {
    let sim = Sim::new(1);
    let mut ledger = Ledger::new(Durability::Sync);
    let mut store = ledger.open(&sim).unwrap().unwrap();
    for _ in 0..8 {
        ledger.write(&mut store, 3);
    }
    store.keeper.create().unwrap();
    drop(store);
    let file = names(&snapshots_of(&sim), "snap-").remove(0);
    flip(&snapshots_of(&sim), &file);
    ledger.snapshots_are_damaged = true;
    let store = ledger.open(&sim).unwrap().unwrap();
    assert_eq!((store.recovery.snapshot.as_ref(), store.recovery.log.last_version), (None, 24));
}

#[test]
fn what_the_manifest_does_not_name_goes_after_a_start() {
    let sim = Sim::new(1);
    let mut ledger = Ledger::new(Durability::Sync);
    drop(with_snapshots(&sim, &mut ledger));
    let directory = snapshots_of(&sim);
    let stray = crate::snapshot::file_name(99, Uuid::from_u128(5));
    directory.create(&stray).unwrap();
    directory.create(&FileName::parse("snap-1.tmp").unwrap()).unwrap();
    directory.create(&FileName::parse("notes").unwrap()).unwrap();
    drop(ledger.open(&sim).unwrap().unwrap());
    let left = directory.list().unwrap();
    assert_eq!(left.len(), 3, "two snapshots, and a file that is somebody else's: {left:?}");
}

#[test]
fn nothing_is_taken_when_nothing_changed() {
    let sim = Sim::new(1);
    let mut ledger = Ledger::new(Durability::Sync);
    let mut store = ledger.open(&sim).unwrap().unwrap();
    assert!(!store.keeper.has_news(), "an empty graph is none");
    ledger.write(&mut store, 1);
    assert!(store.keeper.has_news());
    store.keeper.create().unwrap();
    assert!(!store.keeper.has_news());
    store.stop();
    let store = ledger.open(&sim).unwrap().unwrap();
    assert_eq!(store.keeper.list().len(), 1);
}

#[test]
fn a_snapshot_of_another_directory_is_not_taken_for_ours() {
    let (ours, theirs) = (Sim::new(1), Sim::new(2));
    let mut ledger = Ledger::new(Durability::Sync);
    let store = with_snapshots(&ours, &mut ledger);
    let mut other = Ledger::new(Durability::Sync);
    drop(with_snapshots(&theirs, &mut other));
    let entry = store.keeper.list()[0].clone();
    drop(store);
    let name = crate::snapshot::file_name(entry.version, entry.id);
    let foreign = names(&snapshots_of(&theirs), "snap-").pop().unwrap();
    let from = snapshots_of(&theirs).open(&foreign).unwrap();
    let to = snapshots_of(&ours).open(&name).unwrap();
    to.set_len(0).unwrap();
    crate::storage::copy(&from, 0..from.size().unwrap(), &to, 0).unwrap();
    ledger.snapshots_are_damaged = true;
    let store = ledger.open(&ours).unwrap().unwrap();
    assert_eq!(store.recovery.bad_snapshots.len(), 1);
}
