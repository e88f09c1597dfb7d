//! When staleness is judged without anybody asking.
//!
//! - A sweep is due one interval after the last one that is logged, whatever restarts lie between; of a directory
//!   without one, an interval after the directory was made.
//! - Only the first wait looks at the wall clock; from then on steady time counts, and a sweep never says that it
//!   is later than that. So a clock that is set ahead neither brings a sweep forward nor marks anything early, and
//!   one that is set back only marks less. Time for which the machine slept does not count.
//! - What a source did not get to report does not grow stale.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::clock;
use crate::sources::runner::Discovery;
use crate::types::{Change, Command, Outcome, Sweep, Timestamp};
use crate::writer::{Committed, Handle, Reader, WriteError};

/// Who asks for such a sweep, as the audit log names it.
const ACTOR: &str = "watershed";
/// After a sweep that could not be written.
const RETRY: Duration = Duration::from_mins(1);

/// Sweeps for ever.
pub(super) async fn run(
    reader: Reader,
    writer: Handle,
    discovery: Discovery,
    sweep: Sweep,
    interval: Duration,
    directory_created_at: Timestamp,
) {
    let begun = (clock::now(), clock::monotonic());
    let last = reader.load().ledger().swept_at().unwrap_or(directory_created_at);
    let mut wait = first_wait(last, begun.0, interval);
    loop {
        tokio::time::sleep(wait).await;
        let at = no_later_than(clock::now(), begun, clock::monotonic());
        wait = match judge(&writer, discovery.hold_back(sweep, at, &reader.load()), at).await {
            Ok(Committed { version, outcome: Outcome::Swept(swept), .. }) => {
                tracing::info!(version, ?swept, "staleness judged");
                interval
            }
            Ok(_) => interval,
            Err(error) => {
                tracing::warn!(%error, "staleness could not be judged; it is tried again");
                RETRY
            }
        };
    }
}

/// From now to when the first sweep is due. A last sweep that lies ahead was made by a clock that was wrong: it
/// counts as made now.
fn first_wait(last: Timestamp, now: Timestamp, interval: Duration) -> Duration {
    let since = now.as_microseconds().saturating_sub(last.as_microseconds());
    interval.saturating_sub(Duration::from_micros(since.max(0).unsigned_abs()))
}

/// The wall clock's time, but no later than steady time makes it.
fn no_later_than(wall: Timestamp, begun: (Timestamp, Instant), steady: Instant) -> Timestamp {
    let elapsed = steady.saturating_duration_since(begun.1);
    wall.min(begun.0.plus_microseconds(elapsed.as_micros() as i64))
}

async fn judge(writer: &Handle, sweep: Sweep, at: Timestamp) -> Result<Committed, WriteError> {
    let command = Command::new(clock::new_id(), at, Change::Sweep(sweep)).by(ACTOR);
    let (reply, answer) = oneshot::channel();
    // The receiver below outlives the reply.
    writer.submit(command, Box::new(move |result| drop(reply.send(result))))?;
    answer.await.unwrap_or(Err(WriteError::OutcomeUnknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_microseconds((1_000_000 + hour) * 3_600_000_000).unwrap()
    }

    #[test]
    fn the_first_sweep_is_an_interval_after_the_last() {
        let day = Duration::from_hours(24);
        let cases = [(0, 0, 24), (0, 23, 1), (0, 24, 0), (0, 1_000, 0), (5, 4, 24), (9_000, 4, 24)];
        for (last, now, wait) in cases {
            assert_eq!(first_wait(hour(last), hour(now), day), Duration::from_hours(wait), "{last} {now}");
        }
    }

    #[test]
    fn a_clock_that_is_set_marks_nothing_early() {
        let begun = (hour(0), clock::monotonic());
        let steady = begun.1 + Duration::from_hours(24);
        let cases = [(24, 24), (8_760, 24), (23, 23), (-5, -5), (25, 24)];
        for (wall, expected) in cases {
            assert_eq!(no_later_than(hour(wall), begun, steady), hour(expected), "{wall}");
        }
    }
}
