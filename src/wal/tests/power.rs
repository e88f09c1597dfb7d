//! Power cuts, full disks and failing disks at every call, held against a ledger of what was
//! acknowledged: nothing of it may be missing, and nothing else may be there.

use super::*;
use crate::campaign::{Random, report, seeds};

/// What clients know of their commands, each by its own number.
#[derive(Clone, Debug, Default)]
struct Ledger {
    /// Those that were acknowledged, in order.
    acknowledged: Vec<u64>,
    /// How many of them are known to be durable; the others may be lost from the end.
    durable: usize,
    /// A batch whose outcome is unknown until the next start.
    unknown: Vec<u64>,
    tried: u64,
    /// Whether the disk may have lied: then what it called durable may be gone, or be missed.
    was_lied_to: bool,
}

impl Ledger {
    /// A batch of commands that were never tried before.
    fn fresh(&mut self, count: u64) -> (Vec<u64>, Batch) {
        let numbers: Vec<u64> = (self.tried + 1..=self.tried + count).collect();
        self.tried += count;
        let mut batch = Batch::starting_at(self.acknowledged.len() as u64 + 1);
        for number in &numbers {
            batch.push(&command(*number)).unwrap();
        }
        (numbers, batch)
    }

    /// Commits a batch, durably or not; false when the log is closed.
    fn commit<S: Storage>(&mut self, wal: &mut Wal<S>, count: u64, durably: bool) -> bool {
        let (numbers, batch) = self.fresh(count);
        let written = if durably { wal.commit(batch) } else { wal.append(batch) };
        match written {
            Ok(_) => self.acknowledged.extend(numbers),
            Err(CommitError::Unknown(_)) => self.unknown = numbers,
            Err(
                CommitError::Full(_) | CommitError::NoRoom(_) | CommitError::Failed(_) | CommitError::Closed,
            ) => {}
            Err(refused @ CommitError::TooLarge { .. }) => panic!("{refused}"),
        }
        self.note(wal)
    }

    fn sync<S: Storage>(&mut self, wal: &mut Wal<S>) -> bool {
        let _ = wal.sync();
        self.note(wal)
    }

    fn note<S: Storage>(&mut self, wal: &Wal<S>) -> bool {
        self.durable = self.durable.max((wal.synced_version() as usize).min(self.acknowledged.len()));
        wal.is_open()
    }

    /// Opens the log and holds it against the ledger. `Ok(None)` when the disk did not let it.
    fn open<S: Storage>(&mut self, storage: &S) -> Result<Option<Wal<S>>, String> {
        let mut found = Vec::new();
        let opened = Wal::open(storage, &birth(), &Basis::default(), SMALL, |_, read| {
            found.push(read.id.as_u128() as u64);
        });
        match opened {
            Ok((wal, _)) => self.check(found).map(|()| Some(wal)),
            Err(OpenError::Io { .. }) => Ok(None),
            Err(_) if self.was_lied_to => Ok(None),
            Err(refused) => Err(format!("a sound log was refused: {refused}")),
        }
    }

    fn check(&mut self, found: Vec<u64>) -> Result<(), String> {
        let with_unknown = [self.acknowledged.as_slice(), &self.unknown].concat();
        let is_beginning = with_unknown.starts_with(&found);
        let is_whole = found.len() <= self.acknowledged.len() || found == with_unknown;
        if !is_beginning || !is_whole || (found.len() < self.durable && !self.was_lied_to) {
            return Err(format!("found {found:?}, expected {self:?}"));
        }
        self.durable = found.len();
        self.acknowledged = found;
        self.unknown.clear();
        Ok(())
    }
}

/// Commits, syncs, marks and prepares, until the log closes or the script ends.
fn traffic<S: Storage>(wal: &mut Wal<S>, ledger: &mut Ledger) {
    for (step, count) in [1, 3, 2, 1, 2].into_iter().enumerate() {
        if !ledger.commit(wal, count, step != 3) {
            return;
        }
        if step == 1 {
            let _ = wal.mark();
            let _ = wal.prepare();
        }
        if !ledger.note(wal) {
            return;
        }
    }
    ledger.sync(wal);
}

/// Four lives, only the first one sealed at its end.
fn script(sim: &Sim, ledger: &mut Ledger) -> Result<(), String> {
    for life in 0..4 {
        let Some(mut wal) = ledger.open(sim)? else { return Ok(()) };
        traffic(&mut wal, ledger);
        if life == 0 {
            let _ = wal.seal();
        }
    }
    Ok(())
}

/// Every call of the script fails in every way, and after that the power goes or not.
pub(super) fn any_call_fails() -> Result<u64, String> {
    let calm = Sim::new(0);
    script(&calm, &mut Ledger::default())?;
    let mut cases = 0;
    for call in 0..calm.operations() {
        for (fault, later) in Fault::OF_ANY_CALL {
            for power_goes_too in [false, true] {
                let sim = Sim::new(call * 2 + later);
                sim.fail_at(call + later, fault);
                goes_on(&sim, power_goes_too || fault == Fault::PowerCut)
                    .map_err(|error| format!("call {call} {fault:?} +{later} {power_goes_too}: {error}"))?;
                cases += 1;
            }
        }
    }
    Ok(cases)
}

fn goes_on(sim: &Sim, power_goes: bool) -> Result<(), String> {
    let mut ledger = Ledger::default();
    script(sim, &mut ledger)?;
    if power_goes {
        sim.crash();
    }
    let mut wal = ledger.open(sim)?.ok_or("the disk works again")?;
    traffic(&mut wal, &mut ledger);
    drop(wal);
    sim.crash();
    ledger.open(sim)?.map(|_| ()).ok_or_else(|| "the disk works again".to_owned())
}

/// Lives of random length that end in every way, with starts that are cut short as well.
fn lives<S: Storage>(sim: &Sim, storage: &S, seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut ledger = Ledger::default();
    for _ in 0..=random.below(5) {
        // At most the fourth start in a row goes undisturbed.
        let mut cuts = random.below(4);
        let mut wal = loop {
            if cuts > 0 {
                next_fails(sim, random.below(40), Fault::PowerCut);
            }
            if let Some(wal) = ledger.open(storage)? {
                break wal;
            }
            sim.crash();
            cuts = cuts.saturating_sub(1);
        };
        let faults =
            [Fault::PowerCut, Fault::PowerCut, Fault::Sync, Fault::Io, Fault::NoSpace, Fault::ShortWrite];
        next_fails(sim, random.below(30), faults[random.below(6) as usize]);
        life(&mut wal, &mut ledger, &mut random);
        match random.below(4) {
            0 => drop(wal.seal()),
            1 => drop(wal),
            _ => sim.crash(),
        }
        if random.below(2) == 0 {
            sim.crash();
        }
    }
    sim.crash();
    ledger.open(storage)?.map(|_| ()).ok_or_else(|| "the disk works again".to_owned())
}

/// Commits of one life, durable or mixed, until it ends or the log closes.
fn life<S: Storage>(wal: &mut Wal<S>, ledger: &mut Ledger, random: &mut Random) {
    let durably = random.below(2) == 0;
    for _ in 0..random.below(8) {
        if !ledger.commit(wal, 1 + random.below(3), durably || random.below(3) == 0) {
            return;
        }
        match random.below(6) {
            0 | 1 => drop(wal.mark()),
            2 => drop(wal.prepare()),
            3 => drop(wal.probe()),
            4 => drop(ledger.sync(wal)),
            _ => {}
        }
        if !ledger.note(wal) {
            return;
        }
    }
}

/// One seed after the other; stops at the first that shows a fault.
pub(super) fn power_cuts(seeds: std::ops::Range<u64>) -> Result<u64, String> {
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let sim = Sim::new(seed);
        lives(&sim, &sim, seed).map_err(|error| format!("seed {seed}: {error}"))?;
    }
    Ok(count)
}

/// A disk that lies once may lose what it promised, but never the beginning without the end, and nothing
/// appears that nobody wrote.
fn lying_syncs(seeds: std::ops::Range<u64>) -> Result<u64, String> {
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let at = |error: String| format!("seed {seed}: {error}");
        let sim = Sim::new(seed);
        let mut random = Random::new(seed);
        let mut ledger = Ledger { was_lied_to: true, ..Ledger::default() };
        for _ in 0..3 {
            next_fails(&sim, random.below(40), Fault::Lie);
            let Some(mut wal) = ledger.open(&sim).map_err(at)? else { break };
            life(&mut wal, &mut ledger, &mut random);
            drop(wal);
            sim.crash();
        }
        ledger.open(&sim).map_err(at)?;
    }
    Ok(count)
}

/// Starts that are cut short, and the starts after them too, three deep.
pub(super) fn interrupted_starts() -> Result<u64, String> {
    const CALLS: u64 = 40;
    let mut cases = 0;
    for first in 0..CALLS {
        for second in (0..CALLS).step_by(2) {
            for durably in [true, false] {
                let sim = Sim::new(first * 100 + second);
                let at = |error: String| format!("cuts {first}, {second}: {error}");
                let mut ledger = Ledger::default();
                let mut wal = ledger.open(&sim).map_err(at)?.ok_or("a new log")?;
                traffic(&mut wal, &mut ledger);
                next_fails(&sim, SYNC, Fault::PowerCut);
                ledger.commit(&mut wal, 3, durably);
                sim.crash();
                for cut in [first, second, (first * 7 + second) % CALLS] {
                    next_fails(&sim, cut, Fault::PowerCut);
                    drop(ledger.open(&sim).map_err(at)?);
                    sim.crash();
                }
                ledger.open(&sim).map_err(at)?.ok_or("the disk works again")?;
                cases += 1;
            }
        }
    }
    Ok(cases)
}

#[test]
fn any_call_fails_in_any_way() {
    report("log: any call fails", any_call_fails(), 2_500);
}

#[test]
fn power_cuts_lose_nothing() {
    report("log: power cuts", power_cuts(seeds(60_000)), 60_000);
}

#[test]
fn a_disk_that_lies_loses_an_end_and_never_a_hole() {
    report("log: lying syncs", lying_syncs(seeds(20_000)), 20_000);
}

#[test]
fn a_start_that_is_cut_short_is_harmless_three_deep() {
    report("log: interrupted starts", interrupted_starts(), 1_600);
}

/// A seal that can be read need not be on the disk, and what follows it must not hang on it. Logs of
/// many lengths, so that some seals lie across two sectors.
#[test]
fn a_seal_whose_sync_failed_is_made_durable_by_the_next_start() {
    for commits in 1..60 {
        let sim = Sim::new(commits);
        let mut ledger = Ledger::default();
        let mut wal = ledger.open(&sim).unwrap().unwrap();
        for _ in 0..commits {
            ledger.commit(&mut wal, 1, true);
        }
        next_fails(&sim, SYNC, Fault::Sync);
        assert!(matches!(wal.seal(), Err(CommitError::Unknown(_))));
        assert_eq!(goes_on_through_a_crash(&sim, &mut ledger), Ok(()), "{commits} commits");
    }
}

/// A start that cuts a torn tail behind a seal leaves a sealed log, whose name need not be durable.
#[test]
fn a_start_that_failed_behind_a_seal_leaves_nothing_to_chance() {
    let behind_a_seal = |seed| {
        let sim = Sim::new(seed);
        let mut ledger = Ledger::default();
        let mut wal = ledger.open(&sim).unwrap().unwrap();
        ledger.commit(&mut wal, 1, true);
        let end = wal.active_bytes() + 48;
        wal.seal().unwrap();
        sim.open(&segment::name(1)).unwrap().write_all_at(end, b"torn").unwrap();
        (sim, ledger)
    };
    let (sim, mut ledger) = behind_a_seal(0);
    let before = sim.operations();
    drop(ledger.open(&sim).unwrap());
    for call in 0..sim.operations() - before {
        for seed in 0..8 {
            let (sim, mut ledger) = behind_a_seal(seed);
            next_fails(&sim, call, Fault::Io);
            drop(ledger.open(&sim).unwrap());
            assert_eq!(goes_on_through_a_crash(&sim, &mut ledger), Ok(()), "call {call}, seed {seed}");
        }
    }
}

/// Opens, commits one, cuts the power, and holds what is there against the ledger.
fn goes_on_through_a_crash(sim: &Sim, ledger: &mut Ledger) -> Result<(), String> {
    let mut wal = ledger.open(sim)?.ok_or("the disk works again")?;
    ledger.commit(&mut wal, 1, true);
    sim.crash();
    ledger.open(sim)?.map(|_| ()).ok_or_else(|| "the disk works again".to_owned())
}
