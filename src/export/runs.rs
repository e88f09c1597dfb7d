//! What is known of runs, in memory: the one that is under way, those that ended, and how far the copy is behind.

use std::collections::VecDeque;

use uuid::Uuid;

use crate::limits;
use crate::types::Timestamp;

/// How much a run looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything.
    Full,
    /// What had changed since the version that the database held.
    Incremental,
}

impl Mode {
    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Under way.
    Running,
    /// The database holds the version.
    Succeeded,
    /// It holds what it held.
    Failed,
}

impl RunState {
    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// One run of the export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Given once.
    pub id: Uuid,
    /// How far it is.
    pub state: RunState,
    /// How much it looks at; `None` until that is known.
    pub mode: Option<Mode>,
    /// The version of the graph.
    pub version: u64,
    /// While it is under way the rows that are staged, then those of the database that are others now.
    pub rows: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Run {
    pub(super) fn begun(id: Uuid, version: u64, started_at: Timestamp) -> Self {
        Self {
            id,
            state: RunState::Running,
            mode: None,
            version,
            rows: 0,
            started_at,
            finished_at: None,
            error: None,
        }
    }
}

/// How the export stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The newest first; at most [`limits::EXPORT_RUNS_KEPT`].
    pub runs: VecDeque<Run>,
    /// The newest version that the database is known to hold.
    pub exported: Option<u64>,
}

impl Standing {
    /// The run that is under way.
    pub fn running(&self) -> Option<&Run> {
        self.runs.front().filter(|run| run.state == RunState::Running)
    }

    /// Why the last run that ended failed.
    pub fn failure(&self) -> Option<&str> {
        self.runs.iter().find(|run| run.state != RunState::Running)?.error.as_deref()
    }

    /// Begins a run, unless one is under way.
    pub(super) fn begin(&mut self, run: impl FnOnce() -> Run) -> bool {
        let is_free = self.running().is_none();
        if is_free {
            self.runs.push_front(run());
            self.runs.truncate(limits::EXPORT_RUNS_KEPT);
        }
        is_free
    }

    /// Changes the run that is under way.
    pub(super) fn update(&mut self, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs.front_mut() {
            change(run);
        }
    }
}
