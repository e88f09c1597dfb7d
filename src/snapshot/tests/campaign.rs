//! Every bit flipped, every cut, with the checksums as they were and with all of them made to fit.
//!
//! A campaign is a function that says how many cases it ran or which one went wrong, so that a reader
//! that is made worse on purpose can be shown to be caught.

use std::ops::Range;
use std::thread;

use super::fixture::{Bytes, bytes_of, graph};
use super::read;
use crate::graph::{Digest, Graph};
use crate::snapshot::block::BLOCK_HEADER_BYTES;
use crate::snapshot::error::LoadError;
use crate::snapshot::header::HEADER_BYTES;

/// A reader as the campaigns see it.
type Reader = fn(&[u8]) -> Result<Graph, LoadError>;

fn reader(bytes: &[u8]) -> Result<Graph, LoadError> {
    read::load(&Bytes(bytes), 0, |_, _| {}).map(|(_, graph)| graph)
}

/// Whether all cases are to be run and not a sample.
#[expect(clippy::disallowed_methods, reason = "how long a campaign takes is set where tests are started")]
pub(super) fn is_long() -> bool {
    std::env::var("WATERSHED_CAMPAIGN").is_ok_and(|length| length == "long")
}

/// Splits cases among two threads.
fn split(
    cases: Range<usize>,
    run: impl Fn(Range<usize>) -> Result<u64, String> + Sync,
) -> Result<u64, String> {
    let middle = usize::midpoint(cases.start, cases.end);
    let run = &run;
    thread::scope(|scope| {
        let first = scope.spawn(move || run(cases.start..middle));
        let second = run(middle..cases.end)?;
        Ok(second + first.join().expect("a campaign reports what goes wrong")?)
    })
}

fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// Flips each bit: nothing is accepted.
fn flips(bytes: &[u8], reader: Reader) -> Result<u64, String> {
    split(0..8 * bytes.len(), |bits| {
        let mut bytes = bytes.to_vec();
        let mut cases = 0;
        for bit in bits {
            flip(&mut bytes, bit);
            if reader(&bytes).is_ok() {
                return Err(format!("accepted with bit {} of byte {} flipped", bit % 8, bit / 8));
            }
            flip(&mut bytes, bit);
            cases += 1;
        }
        Ok(cases)
    })
}

/// Cuts at each byte, and lengthens by a few: nothing is accepted.
fn cuts(bytes: &[u8], reader: Reader) -> Result<u64, String> {
    let longer = [bytes, &[0; 64]].concat();
    let lengths = (0..=longer.len()).filter(|len| *len != bytes.len());
    let mut cases = 0;
    for len in lengths {
        if reader(&longer[..len]).is_ok() {
            return Err(format!("accepted with {len} bytes of {}", bytes.len()));
        }
        cases += 1;
    }
    Ok(cases)
}

/// Flips bits and makes every checksum fit: whatever is accepted is the same graph.
fn forgeries(bytes: &[u8], step: usize, reader: Reader) -> Result<u64, String> {
    let expected: Digest =
        reader(bytes).map_err(|error| format!("refused as it was written: {error}"))?.digest();
    let blocks = block_offsets(bytes);
    split(0..8 * bytes.len(), |bits| {
        let mut cases = 0;
        for bit in bits.step_by(step) {
            let mut forged = bytes.to_vec();
            flip(&mut forged, bit);
            reseal(&mut forged, &blocks);
            if let Ok(graph) = reader(&forged) {
                let fault = if graph.digest() == expected {
                    graph.check().err().map(|violation| violation.to_string())
                } else {
                    Some("another graph".to_owned())
                };
                if let Some(fault) = fault {
                    return Err(format!("{fault} with bit {} of byte {} flipped", bit % 8, bit / 8));
                }
            }
            cases += 1;
        }
        Ok(cases)
    })
}

/// Where the blocks of a sound file begin.
fn block_offsets(bytes: &[u8]) -> Vec<usize> {
    let mut offsets = Vec::new();
    let mut offset = HEADER_BYTES;
    while offset < bytes.len() {
        offsets.push(offset);
        offset += BLOCK_HEADER_BYTES + number(bytes, offset).next_multiple_of(16);
    }
    offsets
}

fn number(bytes: &[u8], offset: usize) -> usize {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap()) as usize
}

/// Computes every checksum again, over whatever the lengths say where that is possible.
fn reseal(bytes: &mut [u8], blocks: &[usize]) {
    for &offset in blocks {
        let archive = offset + BLOCK_HEADER_BYTES;
        let end = archive.saturating_add(number(bytes, offset)).min(bytes.len());
        let crc = crc32c::crc32c(&bytes[archive..end]).to_le_bytes();
        bytes[offset + 4..offset + 8].copy_from_slice(&crc);
        let crc = crc32c::crc32c(&bytes[offset..offset + 28]).to_le_bytes();
        bytes[offset + 28..archive].copy_from_slice(&crc);
    }
    let hash = blake3::hash(&bytes[HEADER_BYTES..]);
    bytes[128..160].copy_from_slice(hash.as_bytes());
    let crc = crc32c::crc32c(&bytes[..HEADER_BYTES - 4]).to_le_bytes();
    bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&crc);
}

fn small() -> Vec<u8> {
    let bytes = bytes_of(&graph(10, 3));
    assert!((2_500..4_500).contains(&bytes.len()), "{} bytes", bytes.len());
    bytes
}

fn large() -> Vec<u8> {
    let bytes = bytes_of(&graph(157, 5));
    assert!((62_500..72_000).contains(&bytes.len()), "{} bytes", bytes.len());
    bytes
}

#[test]
fn no_flipped_bit_is_accepted() {
    let cases = flips(&small(), reader).unwrap() + flips(&large(), reader).unwrap();
    println!("{cases} flipped bits, all refused");
    assert!(cases >= 500_000, "{cases}");
}

#[test]
fn no_cut_is_accepted() {
    let cases = cuts(&small(), reader).unwrap() + cuts(&large(), reader).unwrap();
    println!("{cases} lengths, all refused");
}

#[test]
fn with_fitting_checksums_only_the_same_graph_is_accepted() {
    let step = if is_long() { 1 } else { 251 };
    let cases = forgeries(&small(), 1, reader).unwrap() + forgeries(&large(), step, reader).unwrap();
    println!("{cases} forgeries, none another graph");
    assert!(cases >= 26_000, "{cases} forgeries are too few");
}

/// A reader that trusts: it takes any checksum.
fn without_checksums(bytes: &[u8]) -> Result<Graph, LoadError> {
    let mut bytes = bytes.to_vec();
    if bytes.len() > HEADER_BYTES {
        reseal(&mut bytes, &block_offsets(&small()));
    }
    reader(&bytes)
}

/// A reader that trusts: it takes any digest.
fn without_digest(bytes: &[u8]) -> Result<Graph, LoadError> {
    match reader(bytes) {
        Err(LoadError::Digest { computed, .. }) => {
            let mut bytes = bytes.to_vec();
            bytes[96..128].copy_from_slice(&computed.to_bytes());
            reseal(&mut bytes, &[]);
            reader(&bytes)
        }
        judged => judged,
    }
}

/// A reader that trusts: it takes a file that goes on behind its end.
fn without_length(bytes: &[u8]) -> Result<Graph, LoadError> {
    reader(&bytes[..bytes.len().min(small().len())])
}

#[test]
fn a_reader_that_trusts_is_caught() {
    let bytes = small();
    assert!(flips(&bytes, without_checksums).is_err());
    assert!(forgeries(&bytes, 1, without_digest).is_err());
    assert!(cuts(&bytes, without_length).is_err());
}
