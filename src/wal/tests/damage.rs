//! What bit rot, cuts and misplaced frames do to a log, held against an oracle that knows where its
//! frames are and nothing of how they are read.

use super::*;
use crate::wal::frame::{self, Header};

/// A frame as it was written: where it stands, and what it says.
#[derive(Clone, Copy, Debug)]
struct Written {
    start: usize,
    end: usize,
    first: u64,
    durable: u64,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    /// This many commands are there, and this many bytes are cut.
    Opens(u64, u64),
    Refused,
}

/// A log of a few commits; `closing` is what is done last.
fn written(closing: fn(Wal<Sim>)) -> (Vec<u8>, Vec<Written>) {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    let mut frames = Vec::new();
    let mut note = |wal: &Wal<Sim>, start: u64, records: u64| {
        let (end, next) = (wal.tail.offset as usize, wal.tail.next_lsn);
        let first = next - records;
        frames.push(Written { start: start as usize, end, first, durable: first - 1 });
    };
    for (first, records) in [(1, 1), (2, 2), (4, 1)] {
        let start = wal.tail.offset;
        wal.commit(batch(first, records)).unwrap();
        note(&wal, start, records);
        if first == 2 {
            let start = wal.tail.offset;
            wal.mark().unwrap();
            note(&wal, start, 0);
        }
    }
    let start = wal.tail.offset as usize;
    closing(wal);
    let bytes = content(&sim, "wal-0000000000000001");
    if bytes.len() > start {
        frames.push(Written { start, end: bytes.len(), first: 5, durable: 4 });
    }
    (bytes, frames)
}

fn mark(mut wal: Wal<Sim>) {
    wal.mark().unwrap();
}

fn seal(wal: Wal<Sim>) {
    wal.seal().unwrap();
}

/// The oracle for damage inside frame `broken`, with the others whole up to `len`.
fn expected(frames: &[Written], broken: usize, len: usize) -> Verdict {
    let at = frames[broken];
    let later = frames.iter().enumerate().filter(|(place, frame)| *place > broken && frame.end <= len);
    for (_, frame) in later {
        if frame.durable >= at.first || frame.first <= at.first {
            return Verdict::Refused;
        }
    }
    Verdict::Opens(at.first - 1, (len - at.start) as u64)
}

fn verdict(bytes: &[u8]) -> Verdict {
    let sim = disk_with(bytes);
    match open(&sim) {
        Ok((_wal, recovered, commands)) => {
            assert_eq!(commands, commands_to(recovered.last_version));
            Verdict::Opens(recovered.last_version, recovered.torn.map_or(0, |torn| torn.bytes))
        }
        Err(refused) => {
            let refused = refused.to_string();
            assert!(refused.contains("Nothing was changed."), "{refused}");
            assert_eq!(content(&sim, "wal-0000000000000001"), bytes, "nothing was changed");
            assert_eq!(sim.list().unwrap(), [segment::name(1)]);
            Verdict::Refused
        }
    }
}

#[test]
fn after_a_cut_the_log_goes_on() {
    let (bytes, frames) = written(seal);
    for frame in frames {
        let sim = disk_with(&bytes[..frame.end - 1]);
        let (mut wal, cut, _) = open(&sim).unwrap();
        assert!(cut.torn.is_some());
        wal.commit(batch(frame.first, 2)).unwrap();
        drop(wal);
        let (_wal, again, commands) = open(&sim).unwrap();
        assert_eq!((again.torn, commands), (None, commands_to(frame.first + 1)));
    }
}

#[test]
fn a_cut_at_any_byte() {
    let (bytes, frames) = written(seal);
    for len in 0..bytes.len() {
        let expected = match frames.iter().position(|frame| len < frame.end) {
            _ if len < 4096 => Verdict::Refused,
            Some(broken) => expected(&frames, broken, len),
            None => unreachable!("the last frame ends with the file"),
        };
        if len % 64 != 1 && len < 4090 {
            continue;
        }
        assert_eq!(verdict(&bytes[..len]), expected, "cut at {len}");
    }
}

#[test]
fn a_flip_of_any_bit() {
    for closing in [drop as fn(Wal<Sim>), mark, seal] {
        let (mut bytes, frames) = written(closing);
        let mut losses = 0;
        for bit in 4096 * 8..bytes.len() * 8 {
            let broken = frames.iter().position(|frame| bit / 8 < frame.end).unwrap();
            let expected = expected(&frames, broken, bytes.len());
            losses += u64::from(matches!(expected, Verdict::Opens(last, _) if last < 4));
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verdict(&bytes), expected, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        let last_data = frames[3];
        let unmarked = if frames.len() == 4 { (last_data.end - last_data.start) * 8 } else { 0 };
        assert_eq!(losses, unmarked as u64, "only a last commit without a mark can be taken for torn");
    }
}

#[test]
fn a_flip_in_the_segment_header() {
    let (mut bytes, _) = written(seal);
    for byte in (0..100).chain((100..4092).step_by(97)).chain(4092..4096) {
        bytes[byte] ^= 1 << (byte % 8);
        assert_eq!(verdict(&bytes), Verdict::Refused, "byte {byte}");
        bytes[byte] ^= 1 << (byte % 8);
    }
}

#[test]
fn frames_missing_twice_or_in_another_order() {
    let (bytes, frames) = written(seal);
    let part = |frame: &Written| bytes[frame.start..frame.end].to_vec();
    let parts: Vec<_> = frames.iter().map(part).collect();
    let log = |parts: &[Vec<u8>]| [bytes[..4096].to_vec(), parts.concat()].concat();
    for place in 0..parts.len() {
        let mut missing = parts.clone();
        missing.remove(place);
        let is_last = place + 1 == parts.len();
        assert_eq!(verdict(&log(&missing)), if is_last { Verdict::Opens(4, 0) } else { Verdict::Refused });
        for at in 0..=parts.len() {
            let mut twice = parts.clone();
            twice.insert(at, parts[place].clone());
            assert_eq!(verdict(&log(&twice)), Verdict::Refused, "frame {place} again at {at}");
        }
        for other in 0..place {
            let mut swapped = parts.clone();
            swapped.swap(place, other);
            assert_eq!(verdict(&log(&swapped)), Verdict::Refused, "frames {place} and {other}");
        }
    }
}

#[test]
fn zeros_behind_the_end_are_cut() {
    let (bytes, _) = written(seal);
    let longer = [bytes, vec![0; 4099]].concat();
    assert_eq!(verdict(&longer), Verdict::Opens(4, 4099));
}

#[test]
fn a_refusal_says_where_and_what_mends_it() {
    let (mut bytes, frames) = written(mark);
    let at = frames[1];
    bytes[at.start + 50] ^= 1;
    let stored = u32::from_le_bytes(bytes[at.start..at.start + 4].try_into().unwrap());
    let computed = crc32c::crc32c(&bytes[at.start + 4..at.end]);
    let refused = open(&disk_with(&bytes)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "wal-0000000000000001 offset {} lsn 2: crc mismatch (stored {stored:08x}, computed {computed:08x}); \
             3 later valid frames reach lsn 4, durable_lsn 4. Nothing was changed. \
             Run: watershed wal recover --data-dir sim/ --dry-run",
            at.start
        )
    );
    let refused = open(&disk_with(&bytes[..100])).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "wal-0000000000000001 offset 0: the file ends inside the segment header. Nothing was changed. \
         Run: watershed wal recover --data-dir sim/ --dry-run"
    );
}

/// The log with one more frame, of this kind byte and payload, with all checksums right.
fn with_frame(kind: u8, records: u32, payload: &[u8]) -> Vec<u8> {
    let (mut bytes, _) = written(drop);
    let (wal, ..) = open(&disk_with(&bytes)).unwrap();
    let place = Place { salt: wal.salt, lsn: 5, durable_lsn: 4, prev_chain: wal.tail.chain };
    let mut frame = [&[0; HEADER_BYTES], payload].concat();
    frame::finish(&mut frame, Kind::Data, records, place);
    frame[28] = kind;
    let header_crc = crc32c::crc32c(&frame[4..44]);
    frame[44..48].copy_from_slice(&header_crc.to_le_bytes());
    let crc = crc32c::crc32c(&frame[4..]);
    frame[..4].copy_from_slice(&crc.to_le_bytes());
    assert!(
        Header::parse(&frame[..HEADER_BYTES].try_into().unwrap(), wal.salt).unwrap().check(&frame).is_ok()
    );
    bytes.extend(frame);
    bytes
}

#[test]
fn frames_of_a_newer_program() {
    assert_eq!(verdict(&with_frame(0x80, 3, b"whatever")), Verdict::Opens(4, 0));
    let refused = open(&disk_with(&with_frame(4, 0, b""))).unwrap_err().to_string();
    assert!(refused.ends_with("frame kind 4 is unknown to this program. Nothing was changed."), "{refused}");
    assert_eq!(verdict(&with_frame(4, 0, b"")), Verdict::Refused);
}

#[test]
fn a_sound_frame_without_sense_is_damage_even_at_the_end() {
    for (payload, reason) in [
        (&[2, 0, 0, 0, 9, 9][..], "sound frame, but at lsn 5 record version 9, this program reads 1"),
        (&[200, 0, 0, 0, 9], "sound frame, but its records and its length do not agree"),
    ] {
        let refused = open(&disk_with(&with_frame(1, 1, payload))).unwrap_err().to_string();
        let tail = "no later valid frame, durable_lsn 4. Nothing was changed.";
        assert!(refused.contains(&format!(" lsn 5: {reason}; {tail}")), "{refused}");
    }
}

#[test]
fn another_format_names_both_versions() {
    let (mut bytes, _) = written(drop);
    bytes[8] = 2;
    let crc = crc32c::crc32c(&bytes[..4092]);
    bytes[4092..4096].copy_from_slice(&crc.to_le_bytes());
    let refused = open(&disk_with(&bytes)).unwrap_err().to_string();
    let expected =
        "wal-0000000000000001 offset 0: format version 2, this program reads version 1. Nothing was changed.";
    assert_eq!(refused, expected);
}
