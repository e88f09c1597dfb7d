//! Power cuts, full disks and failing disks over the whole store: log, snapshots, manifest, what is removed.

use std::ops::Range;

use super::store::{Ledger, Store, next_fails};
use super::*;
use crate::campaign::{Random, report, seeds};
use crate::snapshot::{Manifest, file_name};
use crate::storage::{Fault, FileName, Storage, StorageFile};

/// One step of a life; false when no more can be written.
fn step(store: &mut Store, ledger: &mut Ledger, random: &mut Random) -> bool {
    match random.below(12) {
        0 => store.core.pause(),
        1 => store.core.probe(),
        2 => store.core.look_ahead(),
        3 | 4 => {
            let _ = store.keeper.create();
        }
        5 => {
            let _ = store.core.sync();
            let _ = store.keeper.create();
        }
        6 => {
            let oldest = store.keeper.list().last().map(|entry| entry.id);
            let _ = oldest.map(|id| store.keeper.delete(id));
        }
        _ => return ledger.write(store, 1 + random.below(3)),
    }
    true
}

/// Lives of random length that end in every way, with starts that are cut short as well.
fn lives(sim: &Sim, seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let durability = if random.below(3) == 0 { Durability::Async } else { Durability::Sync };
    let mut ledger = Ledger::new(durability);
    for _ in 0..=random.below(4) {
        // At most the fourth start in a row goes undisturbed.
        let mut cuts = random.below(4);
        let mut store = loop {
            if cuts > 0 {
                next_fails(sim, random.below(60), Fault::PowerCut);
            }
            if let Some(store) = ledger.open(sim)? {
                break store;
            }
            sim.crash();
            cuts = cuts.saturating_sub(1);
        };
        let faults =
            [Fault::PowerCut, Fault::PowerCut, Fault::Sync, Fault::Io, Fault::NoSpace, Fault::ShortWrite];
        next_fails(sim, random.below(60), faults[random.below(6) as usize]);
        for _ in 0..random.below(16) {
            if !step(&mut store, &mut ledger, &mut random) {
                break;
            }
        }
        match random.below(4) {
            0 => store.stop(),
            1 => drop(store),
            _ => sim.crash(),
        }
        if random.below(2) == 0 {
            sim.crash();
        }
    }
    sim.crash();
    ledger.open(sim)?.map(|_| ()).ok_or_else(|| "the disk works again".to_owned())
}

/// One seed after the other; stops at the first that shows a fault.
pub(super) fn power_cuts(seeds: Range<u64>) -> Result<u64, String> {
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let sim = Sim::new(seed);
        lives(&sim, seed).map_err(|error| format!("seed {seed}: {error}"))?;
    }
    Ok(count)
}

/// A store with some history, snapshots and segments.
fn with_history(sim: &Sim, ledger: &mut Ledger) -> Result<Store, String> {
    let mut store = ledger.open(sim)?.ok_or("a new store")?;
    for round in 0..3 {
        for _ in 0..4 {
            ledger.write(&mut store, 2);
        }
        if round < 2 {
            store.core.pause();
            store.keeper.create().map_err(|error| error.to_string())?;
        }
    }
    Ok(store)
}

/// The power goes at every call of a rotation and of a snapshot, then at calls of the starts after it, three
/// deep.
pub(super) fn interrupted_snapshots() -> Result<u64, String> {
    let mut cases = 0;
    let mut call = 0;
    loop {
        let mut reached = false;
        for variant in 0..60 {
            let sim = Sim::new(call * 1_000 + variant);
            let at = |error: String| format!("call {call} variant {variant}: {error}");
            let mut ledger = Ledger::new(Durability::Sync);
            let mut store = with_history(&sim, &mut ledger).map_err(at)?;
            let begin = sim.operations();
            next_fails(&sim, call, Fault::PowerCut);
            if variant % 2 == 0 {
                ledger.write(&mut store, 9);
            }
            store.core.pause();
            let _ = store.keeper.create();
            reached |= sim.operations() - begin > call;
            drop(store);
            sim.crash();
            for depth in 1..=3 {
                next_fails(&sim, (variant * 7 * depth + call) % 60, Fault::PowerCut);
                drop(ledger.open(&sim).map_err(at)?);
                sim.crash();
            }
            ledger.open(&sim).map_err(at)?.ok_or("the disk works again")?;
            cases += 1;
        }
        if !reached {
            return Ok(cases);
        }
        call += 1;
    }
}

/// The power goes at every call of a snapshot, and the newest one that counts then does not hold either.
pub(super) fn interrupted_snapshots_and_damage() -> Result<u64, String> {
    let mut cases = 0;
    for call in 0..60 {
        for variant in 0..20 {
            let sim = Sim::new(call * 1_000 + variant);
            let at = |error: String| format!("call {call} variant {variant}: {error}");
            let mut ledger = Ledger::new(Durability::Sync);
            let mut store = with_history(&sim, &mut ledger).map_err(at)?;
            next_fails(&sim, call, Fault::PowerCut);
            let _ = store.keeper.create();
            drop(store);
            sim.crash();
            let manifest = Manifest::read(&sim).map_err(|error| at(error.to_string()))?;
            let newest = &manifest.ok_or("there are snapshots")?.snapshots[0];
            let directory = sim.directory(&FileName::parse("snapshots").expect("letters")).unwrap();
            let file = directory.open(&file_name(newest.version, newest.id)).unwrap();
            file.write_all_at(600, b"damage").unwrap();
            ledger.snapshots_are_damaged = true;
            ledger.open(&sim).map_err(at)?.ok_or("the disk works again")?;
            cases += 1;
        }
    }
    Ok(cases)
}

/// Every call of a script fails in every way.
pub(super) fn any_call_fails() -> Result<u64, String> {
    let calm = Sim::new(0);
    script(&calm, &mut Ledger::new(Durability::Sync))?;
    let mut cases = 0;
    for call in 0..calm.operations() {
        for (fault, later) in Fault::OF_ANY_CALL {
            let sim = Sim::new(call * 2 + later);
            let at = |error: String| format!("call {call} {fault:?} +{later}: {error}");
            let mut ledger = Ledger::new(Durability::Sync);
            sim.fail_at(call + later, fault);
            script(&sim, &mut ledger).map_err(at)?;
            if call % 2 == 0 || fault == Fault::PowerCut {
                sim.crash();
            }
            let mut store = ledger.open(&sim).map_err(at)?.ok_or("the disk works again")?;
            ledger.write(&mut store, 2);
            drop(store);
            sim.crash();
            ledger.open(&sim).map_err(at)?.ok_or("the disk works again")?;
            cases += 1;
        }
    }
    Ok(cases)
}

/// Two lives with commits, snapshots, a deletion and rotations; the first one stops cleanly.
fn script(sim: &Sim, ledger: &mut Ledger) -> Result<(), String> {
    for life in 0..2 {
        let Some(mut store) = ledger.open(sim)? else { return Ok(()) };
        for round in 0..3 {
            ledger.write(&mut store, 3);
            ledger.write(&mut store, 1);
            store.core.pause();
            let _ = store.keeper.create();
            if round == 1 {
                let oldest = store.keeper.list().last().map(|entry| entry.id);
                let _ = oldest.map(|id| store.keeper.delete(id));
            }
        }
        if life == 0 {
            store.stop();
        }
    }
    Ok(())
}

/// A write of a snapshot flips a bit on its way: the snapshot does not come to count.
pub(super) fn garbled_snapshots() -> Result<u64, String> {
    let mut cases = 0;
    for call in 0..40 {
        for seed in 0..10 {
            let sim = Sim::new(seed);
            let mut ledger = Ledger::new(Durability::Sync);
            let mut store = with_history(&sim, &mut ledger)?;
            next_fails(&sim, call, Fault::Garble);
            let taken = store.keeper.create();
            for entry in store.keeper.list().to_vec() {
                let (_, fault) = store.keeper.verify(entry.id).map_err(|error| error.to_string())?;
                if let Some(fault) = fault {
                    return Err(format!("call {call} seed {seed}: {taken:?}, but {fault}"));
                }
            }
            cases += 1;
        }
    }
    Ok(cases)
}

#[test]
fn power_cuts_lose_nothing() {
    report("store: power cuts", power_cuts(seeds(20_000)), 20_000);
}

#[test]
fn a_power_cut_in_a_snapshot_or_a_rotation_is_harmless_three_deep() {
    report("store: interrupted snapshots and rotations", interrupted_snapshots(), 3_000);
}

#[test]
fn after_a_power_cut_in_a_snapshot_there_is_one_to_fall_back_to() {
    report("store: interrupted snapshots and damage", interrupted_snapshots_and_damage(), 1_200);
}

#[test]
fn any_call_fails_in_any_way() {
    report("store: any call fails", any_call_fails(), 2_000);
}

#[test]
fn a_snapshot_that_was_garbled_does_not_count() {
    report("store: garbled snapshots", garbled_snapshots(), 400);
}
