//! When a source is asked next, and whether it may be asked at all: backoff and a circuit breaker. Pure.
//!
//! - After a success the next run is one interval away; after failures sooner, later with each, never later than that.
//! - After [`limits::DISCOVERY_FAILURES_MAX`] failures in a row the circuit opens: for
//!   [`limits::DISCOVERY_OPEN`] nobody asks. Then one run may try (half-open); it closes the circuit, or opens it again.
//! - Every wait is spread: servers that began together do not ask together.

use std::time::{Duration, Instant};

use crate::limits;

/// Whether a source may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// It may.
    Closed,
    /// It may not, until then.
    Open(Instant),
    /// One run may try.
    HalfOpen,
}

/// The state between the runs of one source.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    interval: Duration,
    failures: u32,
    opened_until: Option<Instant>,
}

impl Schedule {
    /// Of a source that was never asked.
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, failures: 0, opened_until: None }
    }

    /// Before the first run: at once, but not with all others.
    pub(super) fn first_wait(&self, spread: u64) -> Duration {
        part(self.interval.min(limits::DISCOVERY_FIRST_RUN_WITHIN), spread)
    }

    /// Whether the source may be asked.
    pub(super) fn circuit(&self, now: Instant) -> Circuit {
        match self.opened_until {
            None => Circuit::Closed,
            Some(until) if now < until => Circuit::Open(until),
            Some(_) => Circuit::HalfOpen,
        }
    }

    /// Takes a run's end in; how long to wait for the next. `spread` is a random number.
    pub(super) fn after(&mut self, has_succeeded: bool, now: Instant, spread: u64) -> Duration {
        if has_succeeded {
            (self.failures, self.opened_until) = (0, None);
            // A tenth sooner at the most: a window that reaches an interval back then misses nothing.
            return self.interval.saturating_sub(part(self.interval / 10, spread));
        }
        self.failures = self.failures.saturating_add(1);
        let open = self.failures >= limits::DISCOVERY_FAILURES_MAX;
        self.opened_until = open.then(|| now + limits::DISCOVERY_OPEN);
        let doubled = limits::DISCOVERY_BACKOFF_FIRST * 2u32.saturating_pow(self.failures.min(16) - 1);
        let longest = self.interval.min(limits::DISCOVERY_BACKOFF_MAX);
        let backoff = doubled.min(longest);
        let wait = backoff / 2 + part(backoff / 2, spread);
        if open { wait.max(limits::DISCOVERY_OPEN) } else { wait }
    }
}

/// A part of a time, from nothing to all of it.
fn part(of: Duration, spread: u64) -> Duration {
    of.mul_f64(f64::from((spread >> 32) as u32) / f64::from(u32::MAX))
}
