//! Waits and the circuit, as tables.

use std::time::Duration;

use crate::clock;
use crate::limits;
use crate::sources::runner::schedule::{Circuit, Schedule};

const INTERVAL: Duration = Duration::from_mins(15);

#[test]
fn a_success_waits_an_interval_less_the_spread() {
    let (mut schedule, now) = (Schedule::new(INTERVAL), clock::monotonic());
    assert_eq!(schedule.after(true, now, 0), INTERVAL);
    assert_eq!(schedule.after(true, now, u64::MAX), INTERVAL / 10 * 9);
    assert_eq!(schedule.first_wait(0), Duration::ZERO);
    assert_eq!(schedule.first_wait(u64::MAX), limits::DISCOVERY_FIRST_RUN_WITHIN);
}

#[test]
fn failures_wait_longer_each_time_and_never_longer_than_an_interval() {
    for interval in [INTERVAL, Duration::from_mins(1)] {
        let (mut schedule, now) = (Schedule::new(interval), clock::monotonic());
        let mut last = Duration::ZERO;
        for failure in 1..100 {
            let mut other = schedule.clone();
            let (shortest, longest) = (other.after(false, now, 0), schedule.after(false, now, u64::MAX));
            assert!(shortest <= longest && last <= longest, "{failure}: {shortest:?} {longest:?}");
            assert!(longest <= interval.min(limits::DISCOVERY_BACKOFF_MAX), "{failure}: {longest:?}");
            last = longest;
        }
        assert_eq!(last, interval.min(limits::DISCOVERY_BACKOFF_MAX));
        assert_eq!(schedule.after(true, now, 0), interval, "a success forgets them");
        assert_eq!(schedule.after(false, now, u64::MAX), limits::DISCOVERY_BACKOFF_FIRST);
    }
}

#[test]
fn ten_failures_open_the_circuit_for_thirty_seconds_then_one_may_try() {
    let (mut schedule, now) = (Schedule::new(INTERVAL), clock::monotonic());
    for _ in 1..limits::DISCOVERY_FAILURES_MAX {
        schedule.after(false, now, 0);
        assert_eq!(schedule.circuit(now), Circuit::Closed);
    }
    let wait = schedule.after(false, now, 0);
    let until = now + Duration::from_secs(30);
    assert_eq!(schedule.circuit(now), Circuit::Open(until));
    assert!(wait >= Duration::from_secs(30), "the next run finds it half-open");
    assert_eq!(schedule.circuit(until), Circuit::HalfOpen);
    schedule.after(false, until, 0);
    assert_eq!(schedule.circuit(until), Circuit::Open(until + Duration::from_secs(30)), "the trial failed");
    schedule.after(true, until, 0);
    assert_eq!(schedule.circuit(until), Circuit::Closed);
}
