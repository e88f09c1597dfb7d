//! What callers are told, and what readers see, when the disk is full or fails.

use super::store::{Store, command, next_fails};
use super::*;
use crate::storage::Fault;

fn opened(sim: &Sim) -> Store {
    Store::open(sim, Durability::Sync).unwrap()
}

fn write(store: &mut Store, number: u64) -> Answer {
    store.write(&[command(number)]).remove(0)
}

fn state(store: &Store) -> (Health, u64) {
    (store.published.health(), store.published.load().version())
}

#[test]
fn a_full_disk_refuses_and_heals() {
    let sim = Sim::new(1);
    let mut store = opened(&sim);
    next_fails(&sim, 0, Fault::NoSpace);
    assert_eq!(write(&mut store, 1), Err(WriteError::StorageFull));
    assert_eq!(state(&store), (Health::Full, 0));
    let is_still_full = |sim: &Sim| (0..6).for_each(|call| next_fails(sim, call, Fault::NoSpace));
    is_still_full(&sim);
    store.core.probe();
    assert_eq!(state(&store).0, Health::Full);
    (0..6).for_each(|_| store.core.probe());
    assert_eq!(state(&store), (Health::Healthy, 0), "noticed without a write");
    assert_eq!(write(&mut store, 2).map(|committed| committed.version), Ok(1));
    sim.crash();
    let store = opened(&sim);
    assert_eq!(state(&store).1, 1, "what was refused is not there");
}

#[test]
fn a_write_heals_too() {
    let sim = Sim::new(1);
    let mut store = opened(&sim);
    next_fails(&sim, 0, Fault::NoSpace);
    assert_eq!(write(&mut store, 1), Err(WriteError::StorageFull));
    assert!(write(&mut store, 2).is_ok());
    assert_eq!(state(&store), (Health::Healthy, 1));
}

#[test]
fn no_room_for_the_next_segment_is_no_failure_yet() {
    let sim = Sim::new(1);
    let mut store = opened(&sim);
    next_fails(&sim, 2, Fault::NoSpace);
    store.core.look_ahead();
    assert_eq!(state(&store).0, Health::Healthy);
    let calls = sim.operations();
    store.core.look_ahead();
    assert_eq!(sim.operations(), calls, "once a segment is enough while it is written");
    assert!(write(&mut store, 1).is_ok());
}

#[test]
fn a_failed_write_is_not_applied_and_the_next_one_is() {
    let sim = Sim::new(1);
    let mut store = opened(&sim);
    next_fails(&sim, 0, Fault::Io);
    assert_eq!(write(&mut store, 1), Err(WriteError::WriteFailed));
    assert_eq!(state(&store), (Health::Healthy, 0));
    assert!(write(&mut store, 2).is_ok());
    sim.crash();
    let store = opened(&sim);
    let graph = store.published.load();
    assert!(graph.find("n-1").is_none() && graph.find("n-2").is_some());
}

#[test]
fn after_a_failed_sync_the_outcome_is_unknown_and_nothing_is_tried_again() {
    let sim = Sim::new(1);
    let mut store = opened(&sim);
    next_fails(&sim, 1, Fault::Sync);
    assert_eq!(write(&mut store, 1), Err(WriteError::OutcomeUnknown));
    let operations = sim.operations();
    assert_eq!(write(&mut store, 2), Err(WriteError::StorageFailed), "known not to be applied");
    store.core.pause();
    store.core.probe();
    assert_eq!(sim.operations(), operations, "the disk was left alone");
    assert_eq!(state(&store), (Health::Failed, 0));
}

#[test]
fn an_asynchronous_write_says_that_it_is_not_durable_until_it_is_synced() {
    let sim = Sim::new(1);
    let mut store = Store::open(&sim, Durability::Async).unwrap();
    let committed = write(&mut store, 1).unwrap();
    assert_eq!((committed.version, committed.durable), (1, false));
    assert_eq!((state(&store).1, store.core.has_unsynced()), (1, true), "visible");
    assert_eq!(store.keeper.create().unwrap_err(), SnapshotError::NotDurable);
    store.core.sync().unwrap();
    assert!(!store.core.has_unsynced());
    assert_eq!(store.keeper.create().unwrap().version, 1);
    sim.crash();
    assert_eq!(state(&opened(&sim)).1, 1);
}

#[test]
fn an_asynchronous_write_whose_sync_fails_is_noticed() {
    let sim = Sim::new(1);
    let mut store = Store::open(&sim, Durability::Async).unwrap();
    assert!(write(&mut store, 1).is_ok());
    next_fails(&sim, 0, Fault::Sync);
    store.core.sync().unwrap_err();
    assert_eq!(state(&store).0, Health::Failed);
    assert_eq!(write(&mut store, 2), Err(WriteError::StorageFailed));
    assert_eq!(store.keeper.create().unwrap_err(), SnapshotError::NotDurable);
}

#[test]
fn a_full_disk_gives_up_its_reserve_for_a_snapshot() {
    let sim = Sim::new(1);
    let mut store = opened(&sim);
    let has_reserve = |sim: &Sim| {
        use crate::storage::Storage;
        sim.list().unwrap().iter().any(|file| file.as_str() == "reserve")
    };
    assert!(has_reserve(&sim));
    write(&mut store, 1).unwrap();
    next_fails(&sim, 0, Fault::NoSpace);
    assert_eq!(write(&mut store, 2), Err(WriteError::StorageFull));
    next_fails(&sim, 1, Fault::NoSpace);
    assert_eq!(store.keeper.create().map(|entry| entry.version), Ok(1));
    assert!(!has_reserve(&sim), "it is given up");
    store.core.probe();
    store.keeper.create().unwrap();
    assert!(has_reserve(&sim), "and held again when the disk takes writes");
}
