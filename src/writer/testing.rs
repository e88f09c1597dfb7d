//! What the tests of this room share: settings, and a clock that goes on at each look.

use std::cell::Cell;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Clock, Durability, Settings};
use crate::types::Timestamp;
use crate::wal::Options;

thread_local! {
    static LOOKS: Cell<u64> = const { Cell::new(0) };
}

fn look() -> u64 {
    LOOKS.set(LOOKS.get() + 1);
    LOOKS.get()
}

/// An instant, a second later at each look.
fn now() -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000 + look().cast_signed() * 1_000_000).unwrap()
}

fn new_id() -> Uuid {
    Uuid::from_u128(0xc10c << 64 | u128::from(look()))
}

fn monotonic() -> Instant {
    crossbeam::channel::after(Duration::ZERO).recv().unwrap()
}

/// A clock without the time.
pub(super) fn clock() -> Clock {
    Clock { now, monotonic, new_id }
}

/// Small segments, no periodic snapshots.
pub(super) fn settings() -> Settings {
    Settings {
        log: Options { segment_bytes: 8192 },
        durability: Durability::Sync,
        snapshot_interval: Duration::ZERO,
        snapshots_retained: 2,
        clock: clock(),
    }
}
