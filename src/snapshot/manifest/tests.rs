//! A manifest is what was written, or it is refused.

use super::*;
use crate::storage::{Fault, Sim};

fn entry(number: u64) -> Entry {
    Entry {
        id: Uuid::from_u128(u128::from(number) + 1),
        version: number,
        bytes: 4096 + number,
        services: 5,
        dependencies: 7,
        created_at: Timestamp::from_microseconds(1_800_000_000_000_000).unwrap(),
        duration_ms: 12,
        content_hash: [9; 32],
    }
}

fn manifest(snapshots: u64) -> Manifest {
    let snapshots = (0..snapshots).rev().map(entry).collect();
    Manifest { directory_id: Uuid::from_u128(7), first_segment: 3, newest_segment: 5, snapshots }
}

/// A disk whose manifest has these bytes.
fn disk_with(bytes: &[u8]) -> Sim {
    let sim = Sim::new(1);
    sim.create(&name()).unwrap().write_all_at(0, bytes).unwrap();
    sim
}

fn judge(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    Manifest::read(&disk_with(bytes)).map(|manifest| manifest.expect("there is a file"))
}

#[test]
fn what_is_read_is_what_was_written_last() {
    let sim = Sim::new(1);
    assert_eq!(Manifest::read(&sim).unwrap(), None);
    for snapshots in [0, 1, 3, limits::SNAPSHOTS_MAX as u64] {
        let manifest = manifest(snapshots);
        manifest.write(&sim).unwrap();
        assert_eq!(Manifest::read(&sim).unwrap(), Some(manifest));
    }
    let more = manifest(limits::SNAPSHOTS_MAX as u64 + 1);
    assert_eq!(more.write(&sim).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    sim.fail_at(sim.operations(), Fault::Io);
    assert!(matches!(Manifest::read(&sim), Err(ManifestError::Io(_))));
}

#[test]
fn no_flipped_bit_and_no_cut_is_accepted() {
    let bytes = manifest(5).encode();
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(judge(&flipped).is_err(), "bit {bit}");
    }
    for len in 0..bytes.len() {
        assert!(judge(&bytes[..len]).is_err(), "{len} bytes");
    }
    assert!(judge(&[bytes.as_slice(), &[0; ENTRY_BYTES]].concat()).is_err());
    println!("{} flipped bits and {} lengths, all refused", 8 * bytes.len(), bytes.len() + 1);
}

#[test]
fn with_a_fitting_checksum_only_what_makes_sense_is_accepted() {
    type Change = fn(&mut Manifest);
    let cases: [(&str, Change); 5] = [
        ("range of segments", |manifest| manifest.first_segment = 0),
        ("range of segments", |manifest| manifest.newest_segment = 2),
        ("order of snapshots", |manifest| manifest.snapshots.reverse()),
        ("id of a snapshot", |manifest| manifest.snapshots[0].id = manifest.snapshots[2].id),
        ("bytes are not the length", |manifest| {
            manifest.snapshots = (0..=limits::SNAPSHOTS_MAX as u64).rev().map(entry).collect();
        }),
    ];
    for (expected, change) in cases {
        let mut manifest = manifest(3);
        change(&mut manifest);
        let reason = judge(&manifest.encode()).unwrap_err().to_string();
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
    let patched = |offset: usize, patch: &[u8]| {
        let mut bytes = manifest(3).encode();
        bytes[offset..offset + patch.len()].copy_from_slice(patch);
        let end = bytes.len() - CRC_BYTES;
        let crc = crc32c::crc32c(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&crc);
        judge(&bytes).unwrap_err().to_string()
    };
    assert_eq!(patched(0, b"X"), "manifest: not a watershed manifest");
    assert_eq!(patched(8, &[4]), "manifest: format version 4, this program reads versions 2 to 3");
    assert_eq!(patched(10, &[1]), "manifest: the reserved space is not valid");
    assert_eq!(patched(12, &[2]), "manifest: 316 bytes are not the length of one");
    assert_eq!(patched(12, &[0xff; 4]), "manifest: 316 bytes are not the length of one");
    assert_eq!(
        patched(HEAD_BYTES + 48, &i64::MAX.to_le_bytes()),
        "manifest: the time of a snapshot is not valid"
    );
}

#[test]
fn whatever_fails_it_is_the_old_one_or_the_new_one() {
    let (old, new) = (manifest(2), manifest(40));
    let mut cases = 0;
    for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite, Fault::Sync, Fault::PowerCut] {
        for (operation, seed) in (0..).flat_map(|operation| (0..8).map(move |seed| (operation, seed))) {
            let sim = Sim::new(seed);
            old.write(&sim).unwrap();
            let begin = sim.operations();
            sim.fail_at(begin + operation, fault);
            let written = new.write(&sim);
            if sim.operations() <= begin + operation {
                break;
            }
            sim.crash();
            let found = Manifest::read(&sim).unwrap().expect("there always is one");
            let fits = if written.is_ok() { found == new } else { found == old || found == new };
            assert!(fits, "{fault:?} at call {operation}, seed {seed}");
            cases += 1;
        }
    }
    println!("{cases} failures of a write");
}
