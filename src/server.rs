//! The server: from checked settings to a process that answers until it is told to stop.
//!
//! - Runs until a signal ends it; what it returns decides the exit code.

use crate::config::Config;
use crate::samples::Sample;

/// Why the server did not run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data directory is damaged: which file, where, and the command that mends it.
    #[error("{0}")]
    Damaged(String),
    /// Another process holds the data directory.
    #[error("{0}")]
    Locked(String),
    /// Anything else.
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

/// Serves until the process is told to stop.
pub fn run(_config: Config, _sample: Option<&'static Sample>) -> Result<(), ServeError> {
    Err(ServeError::Failed(anyhow::anyhow!("not wired yet")))
}
