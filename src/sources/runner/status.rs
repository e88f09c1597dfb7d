//! What is known of a source's runs, for those who ask.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::schedule::Circuit;
use crate::types::{DiscoverySource, Timestamp};

/// What began a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// It was time.
    Schedule,
    /// Somebody asked for it.
    Request,
    /// The source said that it had changed.
    Change,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// The source said all that it knows.
    Complete,
    /// It left something out, such as a store that did not answer.
    Partial,
    /// It knows of no dependency, which is more often a fault than the truth.
    Empty,
    /// It did not answer, or its answer could not be read or written.
    Failed,
}

impl RunOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Complete, Self::Partial, Self::Empty, Self::Failed];

    /// As answers and metrics name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Empty => "empty",
            Self::Failed => "failed",
        }
    }
}

impl Trigger {
    /// As answers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Request => "request",
            Self::Change => "change",
        }
    }
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What began it.
    pub trigger: Trigger,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
    /// How it ended.
    pub outcome: RunOutcome,
    /// What the source reported.
    pub services: u64,
    /// What the source reported.
    pub dependencies: u64,
    /// Services that were created or changed.
    pub nodes_upserted: u64,
    /// Dependencies that were created or changed.
    pub edges_upserted: u64,
    /// How much of the answer is not for the graph, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// What was not understood, the first of it.
    pub notes: Vec<String>,
    /// Circular dependencies that it made or changed.
    pub cycles: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// The version of the graph after it, where it changed the graph.
    pub version: Option<u64>,
}

/// How a source stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// Which source.
    pub source: DiscoverySource,
    /// Between two runs.
    pub interval: Duration,
    /// Whether a run is under way.
    pub is_running: bool,
    /// Whether it may be asked.
    pub circuit: Circuit,
    /// When it is asked next.
    pub next_run_at: Option<Timestamp>,
    /// The run that ended last.
    pub last_run: Option<Arc<Run>>,
    /// When the last run began that got everything.
    pub last_complete_at: Option<Timestamp>,
    /// For how long nothing complete was heard, longer than usual, and when that ended.
    pub outages: Vec<(Timestamp, Duration)>,
    /// What all runs reported to the graph.
    pub nodes_upserted: u64,
    /// The same.
    pub edges_upserted: u64,
    /// Circular dependencies that all runs made or changed.
    pub cycles: u64,
    /// How many runs ended how, in the order of [`RunOutcome::ALL`].
    pub runs: [u64; 4],
}

impl Status {
    /// Of a source that was never asked.
    pub(super) fn new(source: DiscoverySource, interval: Duration) -> Self {
        Self {
            source,
            interval,
            is_running: false,
            circuit: Circuit::Closed,
            next_run_at: None,
            last_run: None,
            last_complete_at: None,
            outages: Vec::new(),
            nodes_upserted: 0,
            edges_upserted: 0,
            cycles: 0,
            runs: [0; 4],
        }
    }

    /// Whether what it does not mention may count as gone: only if the last run got everything.
    pub fn is_complete(&self) -> bool {
        self.last_run.as_ref().is_some_and(|run| run.outcome == RunOutcome::Complete)
    }

    /// The time within so long before `at`, in microseconds, in which it could not have reported.
    pub(super) fn outage(&self, threshold: i64, at: Timestamp) -> i64 {
        let since = at.as_microseconds().saturating_sub(threshold);
        let counts = self.outages.iter().filter(|(ended, _)| ended.as_microseconds() > since);
        counts.map(|(_, outage)| outage.as_micros() as i64).sum()
    }
}
