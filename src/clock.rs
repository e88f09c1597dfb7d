//! The only reader of time and randomness.
//!
//! Not a mock and not a trait: the core never asks for either. What it needs of them, ids and
//! timestamps, is made here at the edge and travels in the command.
//!
//! - Every function answers at once and cannot fail.
//! - No other file calls the clocks and generators that `.clippy.toml` bans.

#![expect(clippy::disallowed_methods, reason = "this is the one place that the ban points to")]

use std::time::Instant;

use uuid::Uuid;

use crate::types::Timestamp;
use crate::writer::Clock;

/// The wall clock, to the microsecond. May jump either way when the system's clock is set.
///
/// # Panics
///
/// On a machine whose clock stands outside the years 0 to 9999.
pub fn now() -> Timestamp {
    Timestamp::from_microseconds(jiff::Timestamp::now().as_microsecond())
        .expect("the system's clock stands between the years 0 and 9999")
}

/// A clock that never goes back, for measuring how long something took.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// A fresh id of an entity: a version 7 UUID, so that ids sort by when they were made.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// A fresh id of a request: a version 4 UUID, which tells nothing about when it was made.
pub fn correlation_id() -> Uuid {
    Uuid::new_v4()
}

/// 64 uniformly random bits from a cryptographic generator.
///
/// A version 4 UUID has six fixed bits, four in its upper half and two in its lower one, at different
/// places: in the exclusive or of the halves each bit keeps at least one random part.
pub fn random_u64() -> u64 {
    let (upper, lower) = Uuid::new_v4().as_u64_pair();
    upper ^ lower
}

/// Fills a buffer with bytes from the system's cryptographic generator, for secrets.
///
/// # Panics
///
/// On a system that has no such generator.
pub fn entropy(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the system has a generator of random bytes");
}

/// What the writer is given of all this.
pub fn for_writer() -> Clock {
    Clock { now, monotonic, new_id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_go_on() {
        let (wall, steady) = (now(), monotonic());
        assert!(now() >= wall && monotonic() >= steady);
        assert!(wall.as_microseconds() > 1_700_000_000_000_000, "{wall}");
    }

    #[test]
    fn ids_differ_and_name_their_version() {
        let (first, second) = (new_id(), new_id());
        assert!(first < second, "version 7 sorts by time");
        assert_eq!((first.get_version_num(), correlation_id().get_version_num()), (7, 4));
        assert_ne!(correlation_id(), correlation_id());
    }

    #[test]
    fn every_bit_of_a_random_number_varies() {
        let (mut ones, mut zeros) = (0, 0);
        for _ in 0..256 {
            let number = random_u64();
            ones |= number;
            zeros |= !number;
        }
        assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
    }
}
