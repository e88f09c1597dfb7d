//! What an operator is told of a damaged log, and what giving up a part of it leaves.

use super::*;

fn damaged(finding: Result<Verdict, OpenError>) -> Finding {
    match finding {
        Ok(Verdict::Damaged(finding)) => finding,
        other => panic!("{other:?}"),
    }
}

/// A log of several segments with a commit each way of closing.
fn log() -> (Sim, u64) {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    for number in 1..=14 {
        wal.commit(batch(number, 1)).unwrap();
        if number % 4 == 0 {
            wal.mark().unwrap();
        }
    }
    wal.seal().unwrap();
    (sim, 14)
}

fn basis(version: u64) -> Basis {
    Basis { version, durable_version: version, ..Basis::default() }
}

/// Damages the first frame of a segment.
fn damage(sim: &Sim, segment: u64) {
    let file = sim.open(&segment::name(segment)).unwrap();
    file.write_all_at(4096 + 60, b"damage").unwrap();
}

fn mend(sim: &Sim, basis: &Basis, lsn: u64) -> Result<Cut, CutError> {
    let birth = Birth { salt: 99, ..birth() };
    cut(sim, &birth, basis, SMALL, lsn)
}

/// What a start reads behind a basis.
fn lsns(sim: &Sim, basis: &Basis) -> Vec<u64> {
    let mut lsns = Vec::new();
    Wal::open(sim, &birth(), basis, SMALL, |lsn, _| lsns.push(lsn)).unwrap();
    lsns
}

#[test]
fn a_sound_log_is_left_alone() {
    let (sim, last) = log();
    let verdict = inspect(&sim, &basis(0)).unwrap();
    assert!(matches!(verdict, Verdict::Sound(end) if end == LogEnd { last_version: last, torn_bytes: 0 }));
    assert!(
        matches!(mend(&sim, &basis(0), 3), Err(CutError::Sound { last_version }) if last_version == last)
    );
    let empty = Sim::new(1);
    assert!(matches!(inspect(&empty, &basis(0)), Ok(Verdict::Sound(LogEnd { last_version: 0, .. }))));
    assert!(replay(&empty, &basis(0), |_, _| {}).unwrap().is_none());
}

#[test]
fn all_commands_are_dumped_whatever_a_start_would_need() {
    let (sim, last) = log();
    for version in [0, 9, last] {
        let mut dumped = Vec::new();
        let end = dump(&sim, &basis(version), |lsn, read| dumped.push((lsn, read))).unwrap();
        assert_eq!(end, LogEnd { last_version: last, torn_bytes: 0 });
        let expected: Vec<_> = (1..=last).map(|lsn| (lsn, command(lsn))).collect();
        assert_eq!(dumped, expected);
    }
    damage(&sim, 2);
    let mut dumped = 0;
    let refused = dump(&sim, &basis(last), |_, _| dumped += 1).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }) && dumped > 0 && dumped < last, "{refused}");
    assert!(inspect(&sim, &basis(last)).is_ok(), "a start does not read it");
    let made = replay(&sim, &basis(last), |_, _| panic!("there is none")).unwrap();
    assert_eq!(made, Some(birth().at));
}

#[test]
fn a_log_is_cut_where_it_breaks_and_what_is_cut_is_kept() {
    let segments_before = segments(&log().0).len() as u64;
    assert!(segments_before >= 3);
    for segment in 1..=segments_before {
        let (sim, last) = log();
        damage(&sim, segment);
        let finding = damaged(inspect(&sim, &basis(0)));
        assert!(finding.error.is_damage() && finding.bytes > 0, "{finding:?}");
        assert_eq!(finding.last_known, last, "{finding:?}");
        let lsn = finding.first_lost;
        for wrong in [lsn - 1, lsn + 1] {
            let refused = mend(&sim, &basis(0), wrong).unwrap_err();
            assert!(
                matches!(refused, CutError::OtherLsn { damaged, asked } if (damaged, asked) == (lsn, wrong))
            );
        }
        let cut = mend(&sim, &basis(0), lsn).unwrap();
        assert_eq!(cut.segments, 1..=segment);
        assert_eq!(cut.kept.len() as u64, segments_before - segment + 1, "{cut:?}");
        assert_eq!(sim.directory(&name("quarantine")).unwrap().list().unwrap().len(), cut.kept.len());
        let (mut wal, _, commands) = open(&sim).unwrap();
        assert_eq!(commands, commands_to(lsn - 1));
        wal.commit(batch(lsn, 1)).unwrap();
    }
}

#[test]
fn a_missing_segment_ends_the_log_before_it() {
    let count = segments(&log().0).len() as u64;
    for missing in 2..=count {
        let (sim, last) = log();
        sim.remove(&segment::name(missing)).unwrap();
        let finding = damaged(inspect(&sim, &basis(0)));
        assert!(
            matches!(&finding.error, OpenError::Missing { segment, .. } if *segment == segment::name(missing))
        );
        assert_eq!(finding.last_known, if missing == count { finding.first_lost } else { last });
        let cut = mend(&sim, &basis(0), finding.first_lost).unwrap();
        assert_eq!(cut.segments, 1..=missing - 1);
        assert_eq!(open(&sim).unwrap().2, commands_to(finding.first_lost - 1));
    }
}

#[test]
fn behind_a_snapshot_the_log_begins_anew() {
    let (sim, last) = log();
    let count = segments(&sim).len() as u64;
    let file = sim.open(&segment::name(count)).unwrap();
    file.write_all_at(8, &[0xff]).unwrap();
    let finding = damaged(inspect(&sim, &basis(last - 1)));
    assert_eq!(finding.first_lost, last, "what the snapshot holds is not lost");
    let cut = mend(&sim, &basis(last - 1), last).unwrap();
    assert_eq!((cut.segments, cut.kept.len() as u64), (1..=1, count));
    assert!(lsns(&sim, &basis(last - 1)).is_empty());
    let (mut wal, _) = Wal::open(&sim, &birth(), &basis(last - 1), SMALL, |_, _| {}).unwrap();
    assert_eq!(wal.next_version(), last);
    wal.commit(batch(last, 1)).unwrap();
    drop(wal);
    assert_eq!(lsns(&sim, &basis(last - 1)), [last]);
}

#[test]
fn damage_before_the_snapshot_in_the_segment_that_is_needed() {
    let (sim, last) = log();
    let count = segments(&sim).len() as u64;
    damage(&sim, count);
    let refused = inspect(&sim, &basis(last)).unwrap();
    let Verdict::Damaged(finding) = refused else { panic!("{refused:?}") };
    assert_eq!(finding.first_lost, last + 1, "only what is behind the snapshot");
    mend(&sim, &basis(last), last + 1).unwrap();
    assert!(lsns(&sim, &basis(last)).is_empty());
}

#[test]
fn a_log_that_begins_too_late_is_of_no_use() {
    let (sim, last) = log();
    remove_segments(&sim, 3).unwrap();
    let finding = damaged(inspect(&sim, &basis(0)));
    assert!(matches!(&finding.error, OpenError::Missing { segment, .. } if *segment == segment::name(2)));
    let kept = Basis { segments: Some(3..=3), ..basis(0) };
    let finding = damaged(inspect(&sim, &kept));
    assert!(matches!(finding.error, OpenError::Gap { version: 0, .. }), "{finding:?}");
    assert_eq!(finding.first_lost, 1);
    mend(&sim, &kept, 1).unwrap();
    assert!(lsns(&sim, &basis(0)).is_empty());
    assert!(last > 0);
}

#[test]
fn a_foreign_segment_is_told_apart() {
    let (sim, last) = log();
    let stranger = Basis { directory_id: Some(Uuid::from_u128(8)), ..basis(last) };
    let refused = Wal::open(&sim, &birth(), &stranger, SMALL, |_, _| {}).unwrap_err().to_string();
    assert!(refused.contains("the segment header's directory id is not valid"), "{refused}");
}

#[test]
fn frames_and_formats_of_newer_programs_are_refused_and_not_mended() {
    let (sim, _) = log();
    let file = sim.open(&segment::name(1)).unwrap();
    let mut header = vec![0; 4096];
    file.read_exact_at(0, &mut header).unwrap();
    header[8] = 9;
    let crc = crc32c::crc32c(&header[..4092]);
    header[4092..].copy_from_slice(&crc.to_le_bytes());
    file.write_all_at(0, &header).unwrap();
    let refused = inspect(&sim, &basis(0)).unwrap_err().to_string();
    let expected = "wal-0000000000000001 offset 0: format version 9, this program reads versions 1 to 3. Nothing was changed.";
    assert_eq!(refused, expected);
    assert!(matches!(mend(&sim, &basis(0), 1), Err(CutError::Log(OpenError::Format { .. }))));
}

/// The log with one more frame, of this kind byte and payload, with all checksums right.
fn with_frame(kind: u8, records: u32, payload: &[u8]) -> Sim {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    wal.commit(batch(1, 1)).unwrap();
    let end = wal.active_bytes();
    let first = content(&sim, &segment::name(1));
    drop(wal);
    let place = frame::Place {
        salt: birth().salt,
        lsn: 2,
        durable_lsn: 1,
        prev_chain: u32::from_le_bytes(first[4096..4100].try_into().unwrap()),
    };
    let mut frame = [&[0; frame::HEADER_BYTES], payload].concat();
    frame::finish(&mut frame, frame::Kind::Data, records, place);
    frame[28] = kind;
    let header_crc = crc32c::crc32c(&frame[4..44]);
    frame[44..48].copy_from_slice(&header_crc.to_le_bytes());
    let crc = crc32c::crc32c(&frame[4..]);
    frame[..4].copy_from_slice(&crc.to_le_bytes());
    sim.open(&segment::name(1)).unwrap().write_all_at(end, &frame).unwrap();
    sim
}

#[test]
fn frames_of_a_newer_program() {
    assert_eq!(open(&with_frame(0x80, 3, b"whatever")).unwrap().2, commands_to(1));
    let refused = open(&with_frame(5, 0, b"")).unwrap_err().to_string();
    assert!(refused.ends_with("frame kind 5 is unknown to this program. Nothing was changed."), "{refused}");
}

#[test]
fn a_sound_frame_without_sense_is_damage_even_at_the_end() {
    for (payload, reason) in [
        (&[2, 0, 0, 0, 9, 9][..], "sound frame, but at lsn 2 record version 9, this program reads 1 and 2"),
        (&[200, 0, 0, 0, 9], "sound frame, but its records and its length do not agree"),
    ] {
        let sim = with_frame(1, 1, payload);
        let refused = open(&sim).unwrap_err().to_string();
        let tail = "no later valid frame, durable_lsn 1. Nothing was changed.";
        assert!(refused.contains(&format!(" lsn 2: {reason}; {tail}")), "{refused}");
        assert_eq!(damaged(inspect(&sim, &basis(0))).first_lost, 2);
        mend(&sim, &basis(0), 2).unwrap();
        assert_eq!(open(&sim).unwrap().2, commands_to(1));
    }
}

#[test]
fn a_refusal_says_where_and_what_mends_it() {
    let (sim, _) = log();
    damage(&sim, 1);
    let refused = open(&sim).unwrap_err().to_string();
    assert!(refused.starts_with("wal-0000000000000001 offset 4096 lsn 1: "), "{refused}");
    assert!(refused.contains(" later valid frames reach lsn "), "{refused}");
    let tail = ". Nothing was changed. Run: watershed wal recover --data-dir sim/ --dry-run";
    assert!(refused.ends_with(tail), "{refused}");
}
