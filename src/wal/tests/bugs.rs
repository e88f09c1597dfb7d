//! Bugs of the log, each found by the campaign that stands beside it. Without a bug the campaigns pass, which
//! other tests show.

use super::damage::any_damage;
use super::power::{any_call_fails, power_cuts};
use super::*;
use crate::seeded::{self, Bug};

type Campaign = (&'static str, fn() -> Result<u64, String>);

const ANY_CALL: Campaign = ("any call fails", any_call_fails);
const POWER: Campaign = ("power cuts", || power_cuts(0..5_000));
const DAMAGE: Campaign = ("damage", any_damage);
const HALF: Campaign = ("half-written frames", half_written_frames);
const PLANTED: Campaign = ("planted frames", planted_frames);

/// Which campaign finds which bug.
const FOUND: [(Bug, Campaign); 19] = [
    (Bug::DropDataSync, POWER),
    (Bug::DropDirectorySync, POWER),
    (Bug::DropTemporarySync, POWER),
    (Bug::IgnoreShortWrite, ANY_CALL),
    (Bug::EndFramesInZeros, HALF),
    (Bug::SkipChainCheck, DAMAGE),
    (Bug::SkipSequenceCheck, DAMAGE),
    (Bug::SkipFrameChecksum, DAMAGE),
    (Bug::AcceptForeignSalt, PLANTED),
    (Bug::StopAtFirstBadFrame, DAMAGE),
    (Bug::RefuseAnyLaterFrame, POWER),
    (Bug::ClaimDurableTooEarly, POWER),
    (Bug::RetryFailedSync, ANY_CALL),
    (Bug::TrustPageCache, ANY_CALL),
    (Bug::DropMarkSync, POWER),
    (Bug::RotateUnsynced, POWER),
    (Bug::DropSegmentHeaderSync, POWER),
    (Bug::ContinueTooEarly, POWER),
    (Bug::IgnoreMissingSegment, DAMAGE),
];

/// A disk that is full takes a beginning of a frame; what was refused is not there after a restart.
fn half_written_frames() -> Result<u64, String> {
    const SEEDS: u64 = 2_000;
    for seed in 0..SEEDS {
        let sim = Sim::new(seed);
        let (mut wal, ..) = open(&sim).map_err(|error| error.to_string())?;
        wal.commit(batch(1, 1)).map_err(|error| error.to_string())?;
        next_fails(&sim, WRITE, Fault::NoSpace);
        let refused = wal.commit(batch(2, 1 + seed % 3));
        drop(wal);
        let (.., commands) = open(&sim).map_err(|error| error.to_string())?;
        if !matches!(refused, Err(CommitError::Full(_))) || commands != commands_to(1) {
            return Err(format!("seed {seed}: {refused:?}, and {} commands", commands.len()));
        }
    }
    Ok(SEEDS)
}

/// A client sends the bytes of a frame, with another salt, in a commit that is then torn.
fn planted_frames() -> Result<u64, String> {
    let mut cases = 0;
    for cut in 1..40 {
        let sim = Sim::new(cut);
        let (mut wal, ..) = open(&sim).map_err(|error| error.to_string())?;
        wal.commit(batch(1, 1)).map_err(|error| error.to_string())?;
        let end = wal.active_bytes() as usize;
        drop(wal);
        let mut bytes = content(&sim, &segment::name(1));
        let mut planted = vec![0; frame::HEADER_BYTES];
        let place = frame::Place { salt: 77, lsn: 1, durable_lsn: 9, prev_chain: 0 };
        frame::finish(&mut planted, frame::Kind::Data, 0, place);
        let at = end + 8 * cut as usize;
        bytes[end..end + 4].copy_from_slice(b"torn");
        bytes[at..at + planted.len()].copy_from_slice(&planted);
        let opened = open(&disk_with(&[Some(bytes)])).map_err(|error| error.to_string())?;
        if opened.2 != commands_to(1) {
            return Err(format!("cut {cut}: other commands"));
        }
        cases += 1;
    }
    Ok(cases)
}

#[test]
fn frames_that_a_client_plants_are_no_frames() {
    crate::campaign::report("log: planted frames", planted_frames(), 39);
}

#[test]
fn what_a_full_disk_refused_is_not_there_after_a_restart() {
    crate::campaign::report("log: half-written frames", half_written_frames(), 2_000);
}

#[test]
fn every_bug_is_found() {
    for (bug, (name, campaign)) in FOUND {
        seeded::assert_found(bug, name, campaign);
    }
}
