//! Power cuts, full disks and failing disks at every call, held against a ledger of what was
//! acknowledged: nothing of it may be missing, and nothing else may be there.

use super::*;
use crate::storage::{Poisoned, SimLock};

/// What clients know of their commands, each by its own number.
#[derive(Clone, Debug, Default)]
struct Ledger {
    acknowledged: Vec<u64>,
    /// A batch whose outcome is unknown until the next start.
    unknown: Vec<u64>,
    tried: u64,
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

    /// Commits a batch; false when the log is closed.
    fn commit<S: Storage>(&mut self, wal: &mut Wal<S>, count: u64) -> bool {
        let (numbers, batch) = self.fresh(count);
        match wal.commit(batch) {
            Ok(_) => self.acknowledged.extend(numbers),
            Err(CommitError::Full(_)) => {}
            Err(CommitError::Unknown(_)) => {
                self.unknown = numbers;
                return false;
            }
            Err(CommitError::Failed(_) | CommitError::Closed) => return false,
            Err(refused @ CommitError::TooLarge { .. }) => panic!("{refused}"),
        }
        true
    }

    /// Opens the log and holds it against the ledger. `Ok(None)` when the disk did not let it.
    fn open<S: Storage>(&mut self, storage: &S) -> Result<Option<Wal<S>>, String> {
        let mut found = Vec::new();
        let opened = Wal::open(storage, &birth(), |_, read| {
            found.push(read.id.as_u128() as u64);
        });
        match opened {
            Ok((wal, _)) => self.check(found).map(|()| Some(wal)),
            Err(OpenError::Io { .. } | OpenError::Lock { source: LockError::Io(_), .. }) => Ok(None),
            Err(refused) => Err(format!("a sound log was refused: {refused}")),
        }
    }

    fn check(&mut self, found: Vec<u64>) -> Result<(), String> {
        let with_unknown = [self.acknowledged.as_slice(), &self.unknown].concat();
        if found != self.acknowledged && found != with_unknown {
            return Err(format!("found {found:?}, expected {self:?}"));
        }
        self.acknowledged = found;
        self.unknown.clear();
        Ok(())
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Commits and marks, until the log closes or the script ends.
fn traffic<S: Storage>(wal: &mut Wal<S>, ledger: &mut Ledger) {
    for count in [1, 3, 2] {
        if !ledger.commit(wal, count) {
            return;
        }
        if count == 3 && !matches!(wal.mark(), Ok(()) | Err(CommitError::Full(_))) {
            return;
        }
    }
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

#[test]
fn any_call_fails_in_any_way() {
    let calm = Sim::new(0);
    script(&calm, &mut Ledger::default()).unwrap();
    let calls = calm.operations();
    assert!(calls > 60, "{calls}");
    let faults = [Fault::Io, Fault::NoSpace, Fault::ShortWrite, Fault::Sync, Fault::PowerCut];
    for call in 0..calls {
        for fault in faults {
            for power_goes_too in [false, true] {
                let sim = Sim::new(call);
                let mut ledger = Ledger::default();
                sim.fail_at(call, fault);
                let outcome = script(&sim, &mut ledger).and_then(|()| {
                    if power_goes_too || fault == Fault::PowerCut {
                        sim.crash();
                    }
                    let mut wal = ledger.open(&sim)?.ok_or("the disk works again")?;
                    traffic(&mut wal, &mut ledger);
                    drop(wal);
                    sim.crash();
                    ledger.open(&sim).map(|_| ())
                });
                assert_eq!(outcome, Ok(()), "call {call} {fault:?} power_goes_too {power_goes_too}");
            }
        }
    }
}

/// Lives of random length that end in every way, with starts that are cut short as well.
fn lives<S: Storage>(sim: &Sim, storage: &S, seed: u64) -> Result<(), String> {
    let mut random = Random(seed);
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
        let fault =
            [Fault::PowerCut, Fault::PowerCut, Fault::Sync, Fault::Io, Fault::NoSpace, Fault::ShortWrite]
                [random.below(6) as usize];
        next_fails(sim, random.below(12), fault);
        for _ in 0..random.below(6) {
            if !ledger.commit(&mut wal, 1 + random.below(3)) {
                break;
            }
            if random.below(3) == 0 {
                let _ = wal.mark();
            }
        }
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

#[test]
fn thousands_of_power_cuts_lose_nothing() {
    for seed in 0..2_000 {
        let sim = Sim::new(seed);
        assert_eq!(lives(&sim, &sim, seed), Ok(()), "seed {seed}");
    }
}

#[test]
fn a_start_that_is_cut_short_is_harmless_three_deep() {
    let calls_of_a_start = 40;
    for first in 0..calls_of_a_start {
        for second in (0..calls_of_a_start).step_by(3) {
            let sim = Sim::new(first * 100 + second);
            let mut ledger = Ledger::default();
            let mut wal = ledger.open(&sim).unwrap().unwrap();
            traffic(&mut wal, &mut ledger);
            next_fails(&sim, SYNC, Fault::PowerCut);
            ledger.commit(&mut wal, 3);
            sim.crash();
            for cut in [first, second, (first * 7 + second) % calls_of_a_start] {
                next_fails(&sim, cut, Fault::PowerCut);
                let opened =
                    ledger.open(&sim).unwrap_or_else(|error| panic!("cuts {first}, {second}: {error}"));
                drop(opened);
                sim.crash();
            }
            let opened = ledger.open(&sim).unwrap_or_else(|error| panic!("cuts {first}, {second}: {error}"));
            assert!(opened.is_some(), "cuts {first}, {second}");
        }
    }
}

/// A disk that says it has synced.
#[derive(Clone)]
struct Lying(Sim);

struct LyingFile(SimFile);

impl Storage for Lying {
    type File = LyingFile;
    type Lock = SimLock;

    fn location(&self) -> String {
        self.0.location()
    }

    fn directory(&self, name: &FileName) -> io::Result<Self> {
        self.0.directory(name).map(Self)
    }

    fn create(&self, name: &FileName) -> io::Result<LyingFile> {
        self.0.create(name).map(LyingFile)
    }

    fn open(&self, name: &FileName) -> io::Result<LyingFile> {
        self.0.open(name).map(LyingFile)
    }

    fn rename(&self, from: &FileName, to: &FileName) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &FileName) -> io::Result<()> {
        self.0.remove(name)
    }

    fn list(&self) -> io::Result<Vec<FileName>> {
        self.0.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.0.sync_dir()
    }

    fn try_lock(&self) -> Result<SimLock, LockError> {
        self.0.try_lock()
    }
}

impl StorageFile for LyingFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.0.allocate(len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(self) -> Result<Self, Poisoned> {
        Ok(self)
    }
}

#[test]
fn the_simulator_convicts_a_disk_that_lies() {
    let convicted = (0..200).filter(|seed| {
        let sim = Sim::new(*seed);
        lives(&sim, &Lying(sim.clone()), *seed).is_err()
    });
    let convicted = convicted.count();
    assert!(convicted > 150, "{convicted} of 200 seeds");
}

/// Opens, commits one, cuts the power, and holds what is there against the ledger.
fn goes_on_through_a_crash(sim: &Sim, ledger: &mut Ledger) -> Result<(), String> {
    let mut wal = ledger.open(sim)?.ok_or("the disk works again")?;
    ledger.commit(&mut wal, 1);
    sim.crash();
    ledger.open(sim).map(|_| ())
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
            ledger.commit(&mut wal, 1);
        }
        next_fails(&sim, SYNC, Fault::Sync);
        assert!(matches!(wal.seal(), Err(CommitError::Unknown(_))));
        assert_eq!(goes_on_through_a_crash(&sim, &mut ledger), Ok(()), "{commits} commits");
    }
}

/// A start that cuts a torn tail behind a seal leaves a sealed log, whose name need not be durable.
#[test]
fn a_start_that_failed_behind_a_seal_leaves_nothing_to_chance() {
    // A start makes 22 calls, the last of which are the sync of the new name and the listing.
    for call in 0..22 {
        for seed in 0..8 {
            let sim = Sim::new(seed);
            let mut ledger = Ledger::default();
            let mut wal = ledger.open(&sim).unwrap().unwrap();
            ledger.commit(&mut wal, 1);
            wal.seal().unwrap();
            let file = sim.open(&segment::name(1)).unwrap();
            file.write_all_at(file.size().unwrap(), b"torn").unwrap();
            next_fails(&sim, call, Fault::Io);
            assert!(ledger.open(&sim).unwrap().is_none(), "call {call} is one of the start's");
            assert_eq!(goes_on_through_a_crash(&sim, &mut ledger), Ok(()), "call {call}, seed {seed}");
        }
    }
}
