//! What a full and a failing disk do to a running log.

use super::*;

#[test]
fn a_full_disk_refuses_and_the_log_goes_on() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    next_fails(&sim, WRITE, Fault::ShortWrite);
    next_fails(&sim, WRITE + 1, Fault::NoSpace);
    assert!(matches!(wal.commit(batch(2, 2)), Err(CommitError::Full(_))));
    assert_eq!((wal.next_version(), wal.is_open()), (2, true));
    wal.commit(batch(2, 1)).unwrap();
    sim.crash();
    assert_eq!(open(&sim).unwrap().2, commands_to(2));
}

/// Every call that making room takes meets a full disk once, and is tried again.
#[test]
fn a_disk_that_is_full_for_the_next_segment_refuses_what_does_not_fit_and_heals() {
    for call in 0..12 {
        let sim = Sim::new(call);
        let (mut wal, ..) = open(&sim).unwrap();
        let mut last = 0;
        let fits = |wal: &Wal<Sim>| wal.active_bytes() + 400 < SMALL.segment_bytes;
        while fits(&wal) {
            last += 1;
            wal.commit(batch(last, 1)).unwrap();
        }
        next_fails(&sim, call, Fault::NoSpace);
        let mut refused = 0;
        while refused < 3 {
            match wal.commit(batch(last + 1, 2)) {
                Ok(_) => break,
                Err(CommitError::Full(_)) => refused += 1,
                Err(other) => panic!("call {call}: {other}"),
            }
        }
        assert!(refused <= 1, "call {call}: it is full once");
        wal.probe().unwrap();
        wal.commit(batch(last + 3, 1)).unwrap();
        assert_eq!(wal.active_segment(), 2);
        sim.crash();
        assert_eq!(open(&sim).unwrap().2, commands_to(last + 3), "call {call}");
    }
}

#[test]
fn after_a_failed_write_the_log_goes_on_elsewhere() {
    for call in 0..2 {
        let sim = Sim::new(1);
        let (mut wal, ..) = open(&sim).unwrap();
        wal.commit(batch(1, 1)).unwrap();
        if call == 1 {
            wal.prepare().unwrap();
        }
        next_fails(&sim, WRITE, Fault::Io);
        assert!(matches!(wal.commit(batch(2, 2)), Err(CommitError::Failed(_))));
        assert_eq!((wal.is_open(), wal.active_segment(), wal.next_version()), (true, 2, 2));
        wal.commit(batch(2, 1)).unwrap();
        sim.crash();
        assert_eq!(open(&sim).unwrap().2, commands_to(2), "what failed is not there");
    }
}

#[test]
fn a_failed_sync_closes_the_log() {
    for fault in [Fault::Io, Fault::Sync] {
        let sim = Sim::new(1);
        let (mut wal, ..) = open(&sim).unwrap();
        wal.commit(batch(1, 1)).unwrap();
        next_fails(&sim, SYNC, fault);
        assert!(matches!(wal.commit(batch(2, 1)), Err(CommitError::Unknown(_))));
        let calls = sim.operations();
        assert!(!wal.is_open());
        assert!(matches!(wal.commit(batch(2, 1)), Err(CommitError::Closed)));
        assert!(matches!(wal.sync(), Err(CommitError::Closed)));
        assert!(matches!(wal.mark(), Err(CommitError::Closed)));
        assert!(matches!(wal.prepare(), Err(CommitError::Closed)));
        assert!(matches!(wal.probe(), Err(CommitError::Closed)));
        assert!(matches!(wal.seal(), Err(CommitError::Closed)));
        assert_eq!(sim.operations(), calls, "a closed log does not touch the disk");
        let (.., commands) = open(&sim).unwrap();
        sim.crash();
        assert_eq!(open(&sim).unwrap().2, commands, "what a start gave is durable");
    }
}

#[test]
fn an_unsynced_commit_is_durable_after_the_sync_and_a_suffix_may_go_before_it() {
    let mut kept = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let sim = Sim::new(seed);
        let (mut wal, ..) = open(&sim).unwrap();
        wal.append(batch(1, 1)).unwrap();
        assert_eq!((wal.synced_version(), wal.next_version()), (0, 2));
        wal.sync().unwrap();
        assert_eq!(wal.synced_version(), 1);
        for number in 2..=8 {
            wal.append(batch(number, 1)).unwrap();
        }
        assert!(wal.synced_version() > 1, "a segment is synced before the log leaves it");
        sim.crash();
        let (.., commands) = open(&sim).unwrap();
        assert_eq!(commands, commands_to(commands.len() as u64), "seed {seed}");
        kept.insert(commands.len());
    }
    assert!(kept.len() > 2, "{kept:?}");
}

#[test]
fn without_room_for_a_segment_nothing_is_applied_and_the_log_can_be_used_on() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    let mut last = 0;
    while wal.active_bytes() + 400 < SMALL.segment_bytes {
        last += 1;
        wal.commit(batch(last, 1)).unwrap();
    }
    // The first call looks for a spare that was left behind, the second one removes an unfinished one.
    next_fails(&sim, 1, Fault::Io);
    assert!(matches!(wal.commit(batch(last + 1, 2)), Err(CommitError::NoRoom(_))));
    assert!(wal.is_open());
    wal.commit(batch(last + 1, 2)).unwrap();
    assert_eq!(wal.active_segment(), 2);
}

/// After a crash on a full disk the log still opens: for its readers, and for the writes that will fit.
#[test]
fn a_log_opens_on_a_full_disk() {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    wal.prepare().unwrap();
    drop(wal);
    let calls = sim.operations();
    drop(open(&sim).unwrap());
    let made = calls..sim.operations();
    let mut refused = 0;
    for call in 0..made.end - made.start {
        let sim = Sim::new(1);
        let (mut wal, ..) = open(&sim).unwrap();
        wal.commit(batch(1, 1)).unwrap();
        wal.prepare().unwrap();
        drop(wal);
        next_fails(&sim, call, Fault::NoSpace);
        match open(&sim) {
            Ok((.., commands)) => assert_eq!(commands, commands_to(1), "call {call}"),
            Err(OpenError::Io { .. }) => refused += 1,
            Err(other) => panic!("call {call}: {other}"),
        }
    }
    assert_eq!(refused, 0, "room that the log had given itself is used for what it holds");
}
