//! What bit rot, cuts, misplaced sectors and lost segments do to a log, held against an oracle that knows
//! which bytes were written as which frame, and nothing of how they are read.

use super::oracle::{Log, Verdict, written};
use super::*;
use crate::campaign::{is_long, report};

const SECTOR: usize = 512;

/// What a start makes of these segments.
fn verdict(log: &[Option<Vec<u8>>]) -> Result<Verdict, String> {
    let sim = disk_with(log);
    match open(&sim) {
        Ok((_wal, recovered, commands)) if commands == commands_to(recovered.last_version) => {
            Ok(Verdict::Opens(recovered.last_version, recovered.torn.map_or(0, |torn| torn.bytes)))
        }
        Ok(_) => Err("other commands than were written".to_owned()),
        Err(refused) => {
            let refused = refused.to_string();
            let untouched = log.iter().enumerate().all(|(place, bytes)| {
                let name = segment::name(place as u64 + 1);
                bytes.as_ref().is_none_or(|bytes| *bytes == content(&sim, &name))
            });
            let names = log.iter().filter(|bytes| bytes.is_some()).count();
            if !untouched || sim.list().unwrap().len() != names || !refused.contains("Nothing was changed.") {
                return Err(format!("something was changed: {refused}"));
            }
            Ok(Verdict::Refused)
        }
    }
}

/// Holds one case against the oracle.
fn case(log: &Log, changed: &[Option<Vec<u8>>], what: impl Fn() -> String) -> Result<(), String> {
    let (found, expected) = (verdict(changed), log.expected(changed));
    if found.as_ref() != Ok(&expected) {
        return Err(format!("{}: {found:?}, the oracle says {expected:?}", what()));
    }
    let Verdict::Opens(last, torn) = expected else { return Ok(()) };
    if torn == 0 { Ok(()) } else { grows(changed, last).map_err(|error| format!("{}: {error}", what())) }
}

/// After the repair the log takes commits, and has them at the next start.
fn grows(changed: &[Option<Vec<u8>>], last: u64) -> Result<(), String> {
    let sim = disk_with(changed);
    let (mut wal, ..) = open(&sim).map_err(|error| error.to_string())?;
    for number in last + 1..=last + 3 {
        wal.commit(batch(number, 1)).map_err(|error| error.to_string())?;
    }
    drop(wal);
    let (_, again, commands) = open(&sim).map_err(|error| error.to_string())?;
    let fine = again.torn.is_none() && commands == commands_to(last + 3);
    if fine { Ok(()) } else { Err(format!("after the repair: {again:?}")) }
}

fn whole(log: &Log) -> Vec<Option<Vec<u8>>> {
    log.segments.iter().cloned().map(Some).collect()
}

/// Flips every bit of every segment.
fn flips(log: &Log) -> Result<u64, String> {
    let mut changed = whole(log);
    let mut cases = 0;
    for place in 0..changed.len() {
        for bit in 0..log.segments[place].len() * 8 {
            // The zeros that fill up the header are all alike.
            if (1024..4092 * 8).contains(&bit) && bit % 37 != 0 && !is_long() {
                continue;
            }
            let flip = |changed: &mut Vec<Option<Vec<u8>>>| {
                changed[place].as_mut().unwrap()[bit / 8] ^= 1 << (bit % 8);
            };
            flip(&mut changed);
            case(log, &changed, || format!("segment {} bit {bit}", place + 1))?;
            flip(&mut changed);
            cases += 1;
        }
    }
    Ok(cases)
}

/// Cuts every segment at every byte.
fn cuts(log: &Log) -> Result<u64, String> {
    let mut changed = whole(log);
    let mut cases = 0;
    for place in 0..changed.len() {
        for len in 0..log.segments[place].len() {
            changed[place] = Some(log.segments[place][..len].to_vec());
            case(log, &changed, || format!("segment {} cut at {len}", place + 1))?;
            cases += 1;
        }
        changed[place] = Some(log.segments[place].clone());
    }
    Ok(cases)
}

/// Zeroes, garbles, duplicates and swaps every sector.
fn sectors(log: &Log) -> Result<u64, String> {
    let mut changed = whole(log);
    let mut cases = 0;
    for place in 0..changed.len() {
        let original = &log.segments[place];
        let count = original.len().div_ceil(SECTOR);
        let range = |sector: usize| sector * SECTOR..original.len().min((sector + 1) * SECTOR);
        for sector in 0..count {
            let mut variants = vec![vec![0; range(sector).len()]];
            variants.push(original[range(sector)].iter().map(|byte| byte ^ 0x5a).collect());
            for variant in variants {
                changed[place].as_mut().unwrap()[range(sector)].copy_from_slice(&variant);
                case(log, &changed, || format!("segment {} sector {sector}", place + 1))?;
                changed[place] = Some(original.clone());
                cases += 1;
            }
            for other in (0..count).filter(|other| range(*other).len() == range(sector).len()) {
                let bytes = changed[place].as_mut().unwrap();
                bytes[range(sector)].copy_from_slice(&original[range(other)]);
                case(log, &changed, || format!("segment {} sector {other} over {sector}", place + 1))?;
                let bytes = changed[place].as_mut().unwrap();
                bytes[range(other)].copy_from_slice(&original[range(sector)]);
                case(log, &changed, || format!("segment {} sectors {other}, {sector}", place + 1))?;
                changed[place] = Some(original.clone());
                cases += 2;
            }
        }
    }
    Ok(cases)
}

/// Drops, swaps and copies segments.
fn lost_segments(log: &Log) -> Result<u64, String> {
    let mut cases = 0;
    for place in 0..log.segments.len() {
        let mut changed = whole(log);
        changed[place] = None;
        case(log, &changed, || format!("segment {} is missing", place + 1))?;
        for other in 0..log.segments.len() {
            let mut changed = whole(log);
            changed.swap(place, other);
            case(log, &changed, || format!("segments {} and {} swapped", place + 1, other + 1))?;
            changed[other] = changed[place].clone();
            case(log, &changed, || format!("segment {} twice", place + 1))?;
        }
        cases += 1 + 2 * log.segments.len() as u64;
    }
    Ok(cases)
}

/// Frames missing, twice, or in another order.
fn frames(log: &Log) -> Result<u64, String> {
    let mut cases = 0;
    for place in 0..log.segments.len() {
        let (header, parts) = log.parts(place);
        let mut orders = Vec::new();
        for frame in 0..parts.len() {
            let mut missing = parts.clone();
            missing.remove(frame);
            orders.push(missing);
            for at in 0..=parts.len() {
                let mut twice = parts.clone();
                twice.insert(at, parts[frame].clone());
                orders.push(twice);
            }
            for other in 0..frame {
                let mut swapped = parts.clone();
                swapped.swap(frame, other);
                orders.push(swapped);
            }
        }
        for order in orders {
            let mut changed = whole(log);
            changed[place] = Some([header.clone(), order.concat()].concat());
            case(log, &changed, || format!("frames of segment {} in another order", place + 1))?;
            cases += 1;
        }
    }
    Ok(cases)
}

pub(super) fn any_damage() -> Result<u64, String> {
    let mut cases = 0;
    for closing in [drop as fn(Wal<Sim>), mark, seal] {
        let log = written(closing);
        for campaign in [flips, cuts, sectors, lost_segments, frames] {
            cases += campaign(&log)?;
        }
    }
    Ok(cases)
}

fn mark(mut wal: Wal<Sim>) {
    wal.mark().unwrap();
}

fn seal(wal: Wal<Sim>) {
    wal.seal().unwrap();
}

#[test]
fn any_damage_is_judged_as_the_oracle_says() {
    report("log: damage", any_damage(), 170_000);
}

#[test]
fn only_a_last_commit_without_a_mark_can_be_taken_for_torn() {
    for (closing, is_marked) in [(drop as fn(Wal<Sim>), false), (mark, true), (seal, true)] {
        let log = written(closing);
        let last = log.segments.len() - 1;
        let (header, parts) = log.parts(last);
        let mut losses = 0;
        for byte in header.len()..header.len() + parts.concat().len() {
            let mut changed = whole(&log);
            changed[last].as_mut().unwrap()[byte] ^= 0x10;
            losses +=
                u64::from(matches!(verdict(&changed), Ok(Verdict::Opens(version, _)) if version < log.last));
        }
        let last_frame = parts[parts.len() - 1].len() as u64;
        assert_eq!(losses, if is_marked { 0 } else { last_frame });
    }
}
