//! A directory made of a snapshot or of an older directory: whole, or not to be started on.

use super::store::{Ledger, SMALL, Store, command, next_fails};
use super::*;
use crate::campaign::report;
use crate::storage::{Fault, Storage};
use crate::writer::testing::clock;

fn making() -> Making {
    Making { salt: 5, options: SMALL, clock: clock() }
}

/// A store with some history, and its digest.
fn source() -> (Sim, crate::graph::Digest, u64) {
    let sim = Sim::new(1);
    let mut ledger = Ledger::new(Durability::Sync);
    let mut store = ledger.open(&sim).unwrap().unwrap();
    for _ in 0..6 {
        ledger.write(&mut store, 2);
    }
    store.keeper.create().unwrap();
    ledger.write(&mut store, 1);
    let graph = store.published.load();
    (sim, graph.digest(), graph.version())
}

fn migrated(target: &Sim) -> Result<(), OfflineError> {
    let (sim, ..) = source();
    migrate(Offline::open(&sim)?, target, making()).map(|_| ())
}

#[test]
fn a_migrated_directory_holds_the_same_and_is_another_one() {
    let (sim, digest, version) = source();
    let before = sim.list().unwrap();
    let target = Sim::new(2);
    let entry = migrate(Offline::open(&sim).unwrap(), &target, making()).unwrap();
    assert_eq!((entry.version, sim.list().unwrap()), (version, before), "the source is left as it was");
    let mut store = Store::open(&target, Durability::Sync).unwrap();
    let graph = store.published.load();
    assert_eq!((graph.version(), graph.digest()), (version, digest));
    let original = Store::open(&sim, Durability::Sync).unwrap();
    assert_ne!(store.recovery.log.directory_id, original.recovery.log.directory_id);
    assert_eq!(store.recovery.log.created_at, original.recovery.log.created_at);
    assert!(store.write(&[command(99)])[0].is_ok());
    drop(store);
    let refused = migrated(&target).unwrap_err();
    assert!(matches!(refused, OfflineError::NotEmpty { .. }), "{refused}");
}

/// The power goes at every call: what is there afterwards is whole, or refused, or nothing at all.
fn interrupted_making() -> Result<u64, String> {
    let (_, digest, _) = source();
    let mut cases = 0;
    for call in 0.. {
        let mut reached = false;
        for seed in 0..40 {
            let target = Sim::new(call * 100 + seed);
            next_fails(&target, call, Fault::PowerCut);
            reached |= migrated(&target).is_err();
            target.crash();
            let is_segment = |file: &crate::storage::FileName| file.as_str() == "wal-0000000000000001";
            let is_empty = !target.list().unwrap().iter().any(is_segment);
            match Store::open(&target, Durability::Sync) {
                Ok(store) if store.published.load().digest() == digest => {}
                Ok(_) if is_empty => {}
                Err(refused) if refused.is_damage() => {}
                Ok(store) => {
                    let version = store.published.load().version();
                    return Err(format!("call {call} seed {seed}: starts at version {version}"));
                }
                Err(refused) => return Err(format!("call {call} seed {seed}: {refused}")),
            }
            cases += 1;
        }
        if !reached {
            break;
        }
    }
    Ok(cases)
}

#[test]
fn a_power_cut_while_a_directory_is_made_leaves_no_half_of_it() {
    report("store: interrupted making of a directory", interrupted_making(), 500);
}
