//! When each source is asked, and what is known of its runs.
//!
//! ```text
//! schedule, request, change ─▶ Client::read ─▶ Report ─▶ Upsert ─▶ the writer
//! ```
//!
//! - One task per source; they share nothing but the graph.
//! - A source that is down, partial or empty removes nothing, and [`Discovery::hold_back`] keeps sweeps from its
//!   observations.
//! - The server lives on whatever a source does.

mod schedule;
mod status;
mod submit;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

pub use schedule::Circuit;
pub use status::{Run, RunOutcome, Status, Trigger};
use task::{Request, Task};

use super::Naming;
use super::clients::Client;
use crate::graph::Graph;
use crate::limits;
use crate::types::{DiscoverySource, Sweep, Timestamp};
use crate::writer::{Clock, Handle, Reader};

/// When and how a source is asked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// As whom it reports.
    pub source: DiscoverySource,
    /// How its names become ids.
    pub naming: Naming,
    /// Between two runs.
    pub interval: Duration,
    /// For all that one run asks.
    pub timeout: Duration,
}

/// Why there was no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunRefused {
    /// The settings do not name it.
    #[error("the source is not set up")]
    NotSetUp,
    /// It failed too often.
    #[error("the source failed too often; it is left alone for {seconds} s")]
    CircuitOpen {
        /// Until when.
        seconds: u32,
    },
    /// Too many wait for a run of it.
    #[error("too many runs of this source are waited for")]
    Busy,
    /// The server ends.
    #[error("the server is shutting down")]
    Stopping,
}

/// What every source's task works with: the two ends of the graph, and time.
#[derive(Clone)]
pub struct Surroundings {
    /// The published graph.
    pub reader: Reader,
    /// The way to the writer.
    pub writer: Handle,
    /// Time and ids.
    pub clock: Clock,
    /// A random number.
    pub random: fn() -> u64,
}

/// The sources that the settings name, each with its task.
#[derive(Clone, Default)]
pub struct Discovery(Vec<Entry>);

#[derive(Clone)]
struct Entry {
    requests: mpsc::Sender<Request>,
    status: watch::Receiver<Status>,
}

impl Discovery {
    /// Begins to ask a source, on the runtime of the caller. Its task ends with the last clone of this.
    pub fn begin(&mut self, plan: Plan, client: impl Client, around: Surroundings) {
        let (requests, requested) = mpsc::channel(limits::DISCOVERY_REQUESTS_MAX);
        let (tell, status) = watch::channel(Status::new(plan.source, plan.interval));
        tokio::spawn(Task::new(plan, client, around, tell, requested).run());
        self.0.push(Entry { requests, status });
    }

    /// How every source stands, in the order in which they began.
    pub fn statuses(&self) -> Vec<Status> {
        self.0.iter().map(|entry| entry.status.borrow().clone()).collect()
    }

    /// Runs a source now, or right after the run that is under way, and waits for its end.
    pub async fn run_now(&self, source: DiscoverySource) -> Result<Arc<Run>, RunRefused> {
        let entry = self.0.iter().find(|entry| entry.status.borrow().source == source);
        let entry = entry.ok_or(RunRefused::NotSetUp)?;
        let (reply, answer) = oneshot::channel();
        entry.requests.try_send(reply).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => RunRefused::Busy,
            mpsc::error::TrySendError::Closed(_) => RunRefused::Stopping,
        })?;
        answer.await.unwrap_or(Err(RunRefused::Stopping))
    }

    /// A sweep at `at` that leaves alone what a source did not get to report.
    ///
    /// - Of one whose last run did not get everything nothing grows stale, and as long as it has observations in the
    ///   graph, nothing is purged.
    /// - An outage does not count towards the age of its observations. One that the server itself slept through is
    ///   found in the graph: by when the source was last heard of before it was asked.
    #[must_use]
    pub fn hold_back(&self, mut sweep: Sweep, at: Timestamp, graph: &Graph) -> Sweep {
        for status in self.statuses() {
            let threshold = &mut sweep.stale_after[status.source as usize];
            if status.is_complete() {
                *threshold = threshold.map(|age| age.saturating_add(status.outage(age, at)));
            } else {
                *threshold = None;
                if last_heard(graph, status.source).is_some() {
                    sweep.purge_after = None;
                }
            }
        }
        sweep
    }
}

/// When a source last observed a dependency. O(dependencies).
fn last_heard(graph: &Graph, source: DiscoverySource) -> Option<Timestamp> {
    let all = (0..graph.node_count()).flat_map(|index| graph.dependencies(index));
    all.filter_map(|dependency| dependency.by(source)).map(|observation| observation.last_observed_at).max()
}
