//! How long things took, counted in buckets: what a thread that must not wait can leave for a scrape.
//!
//! What it is not: the exposition, which `http::metrics` does, nor the clock.
//!
//! - Observing is three additions to atomics, in the order in which nobody can tell them apart: a reader may see one
//!   observation in its bucket and not yet in the sum.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::limits;

const BOUNDS: usize = limits::DURATION_BUCKETS_MICROSECONDS.len();

/// Durations, by the first bound that is not below them.
#[derive(Debug, Default)]
pub struct Durations {
    /// One for each bound, and one for what is above all.
    counts: [AtomicU64; BOUNDS + 1],
    sum_nanoseconds: AtomicU64,
}

/// What was counted at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counted {
    /// Observations up to each bound of [`limits::DURATION_BUCKETS_MICROSECONDS`], cumulatively.
    pub cumulative: [u64; BOUNDS],
    /// All observations.
    pub count: u64,
    /// Their sum.
    pub sum: Duration,
}

impl Durations {
    /// Counts a duration.
    pub fn observe(&self, duration: Duration) {
        let nanoseconds = duration.as_nanos() as u64;
        let fits = |bound: &u64| nanoseconds <= bound * 1_000;
        let bucket = limits::DURATION_BUCKETS_MICROSECONDS.iter().position(fits).unwrap_or(BOUNDS);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn counted(&self) -> Counted {
        let mut cumulative = [0; BOUNDS];
        let mut count = 0;
        for (bucket, held) in self.counts.iter().enumerate() {
            count += held.load(Ordering::Relaxed);
            if bucket < BOUNDS {
                cumulative[bucket] = count;
            }
        }
        let sum = Duration::from_nanos(self.sum_nanoseconds.load(Ordering::Relaxed));
        Counted { cumulative, count, sum }
    }
}

impl Default for Counted {
    fn default() -> Self {
        Self { cumulative: [0; BOUNDS], count: 0, sum: Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_from_its_bucket_on() {
        let durations = Durations::default();
        assert_eq!(durations.counted(), Counted::default());
        let first = limits::DURATION_BUCKETS_MICROSECONDS[0];
        let last = limits::DURATION_BUCKETS_MICROSECONDS[BOUNDS - 1];
        let observed = [
            Duration::ZERO,
            Duration::from_micros(first),
            Duration::from_micros(first) + Duration::from_nanos(1),
            Duration::from_micros(last),
            Duration::from_micros(last) + Duration::from_nanos(1),
        ];
        for duration in observed {
            durations.observe(duration);
        }
        let counted = durations.counted();
        assert_eq!((counted.cumulative[0], counted.cumulative[1]), (2, 3));
        assert_eq!((counted.cumulative[BOUNDS - 1], counted.count), (4, 5));
        assert_eq!(counted.sum, observed.iter().sum::<Duration>());
    }

    #[test]
    fn bounds_grow_from_50_microseconds() {
        assert_eq!(limits::DURATION_BUCKETS_MICROSECONDS[0], 50);
        assert!(limits::DURATION_BUCKETS_MICROSECONDS.is_sorted_by(|a, b| a < b));
    }
}
