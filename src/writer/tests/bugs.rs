//! Bugs of the writer and of the snapshots, each found by the campaign that stands beside it.

use super::power::{
    any_call_fails, garbled_snapshots, interrupted_snapshots, interrupted_snapshots_and_damage, power_cuts,
};
use super::store::Ledger;
use super::*;
use crate::seeded::{self, Bug};
use crate::storage::{FileName, Storage, StorageFile};

type Campaign = (&'static str, fn() -> Result<u64, String>);

const POWER: Campaign = ("power cuts", || power_cuts(0..3_000));
const ANY_CALL: Campaign = ("any call fails", any_call_fails);
const SNAPSHOTS: Campaign = ("interrupted snapshots", interrupted_snapshots);
const GARBLED: Campaign = ("garbled snapshots", garbled_snapshots);
const CUT_AND_DAMAGE: Campaign = ("interrupted snapshots and damage", interrupted_snapshots_and_damage);
const FALL_BACK: Campaign = ("falling back", falling_back);
const LOST_END: Campaign = ("lost end", lost_end);

/// Which campaign finds which bug.
const FOUND: [(Bug, Campaign); 15] = [
    (Bug::DropDataSync, POWER),
    (Bug::DropDirectorySync, SNAPSHOTS),
    (Bug::AcknowledgeBeforeSync, ANY_CALL),
    (Bug::PublishBeforeSync, ANY_CALL),
    (Bug::PublishFailedCommit, ANY_CALL),
    (Bug::AcknowledgeFailedCommit, ANY_CALL),
    (Bug::RemoveSegmentsBeforeManifest, SNAPSHOTS),
    (Bug::RemoveSnapshotsBeforeManifest, CUT_AND_DAMAGE),
    (Bug::RemoveSegmentsTooMany, FALL_BACK),
    (Bug::SnapshotUnsynced, POWER),
    (Bug::SkipSnapshotVerification, GARBLED),
    (Bug::NoFallBack, FALL_BACK),
    (Bug::ReplayTwice, SNAPSHOTS),
    (Bug::IgnoreSnapshotsWhenJudging, LOST_END),
    (Bug::IgnoreShortWrite, ANY_CALL),
];

/// The newest snapshot is damaged, after histories of many lengths.
fn falling_back() -> Result<u64, String> {
    let mut cases = 0;
    for commits in 1..40 {
        let sim = Sim::new(commits);
        let at = |error: String| format!("{commits} commits: {error}");
        let mut ledger = Ledger::new(Durability::Sync);
        ledger.snapshots_are_damaged = true;
        let mut store = ledger.open(&sim).map_err(at)?.ok_or("a new store")?;
        for _ in 0..3 {
            for _ in 0..commits {
                ledger.write(&mut store, 1);
            }
            store.keeper.create().map_err(|error| error.to_string())?;
        }
        drop(store);
        let directory = sim.directory(&FileName::parse("snapshots").expect("letters")).unwrap();
        let newest = directory.list().unwrap().pop().unwrap();
        directory.open(&newest).unwrap().write_all_at(600, b"damage").unwrap();
        ledger.open(&sim).map_err(at)?.ok_or("the disk works")?;
        cases += 1;
    }
    Ok(cases)
}

/// The end of a log is zeroed that a snapshot proves to have been there: the start is refused.
fn lost_end() -> Result<u64, String> {
    let mut cases = 0;
    for commits in 1..20 {
        let sim = Sim::new(commits);
        let mut ledger = Ledger::new(Durability::Sync);
        let mut store = ledger.open(&sim)?.ok_or("a new store")?;
        for _ in 0..commits {
            ledger.write(&mut store, 1);
        }
        store.keeper.create().map_err(|error| error.to_string())?;
        let last = store.published.gauges.active_segment.load(std::sync::atomic::Ordering::Relaxed);
        drop(store);
        let name = FileName::parse(format!("wal-{last:016x}")).expect("letters and digits");
        let file = sim.open(&name).unwrap();
        file.write_all_at(4096, &vec![0; (file.size().unwrap() - 4096) as usize]).unwrap();
        match ledger.open(&sim) {
            Err(refused) if refused.contains("the log ends here") => {}
            Err(refused) => return Err(format!("{commits} commits: refused for something else: {refused}")),
            Ok(_) => return Err(format!("{commits} commits: what the snapshot proves is not missed")),
        }
        cases += 1;
    }
    Ok(cases)
}

#[test]
fn a_damaged_newest_snapshot_loses_nothing_whatever_the_history() {
    crate::campaign::report("store: falling back", falling_back(), 39);
}

#[test]
fn an_end_of_the_log_that_a_snapshot_proves_is_missed() {
    crate::campaign::report("store: lost end", lost_end(), 19);
}

#[test]
fn every_bug_is_found() {
    for (bug, (name, campaign)) in FOUND {
        seeded::assert_found(bug, name, campaign);
    }
}
