//! The sources that are asked over the network.
//!
//! Not the meaning of what they say, which the parsers know, and not when they are asked, which the runner decides.
//!
//! - Addresses come from the operator's settings only.
//! - Every wait and every answer is bounded.
//! - No error shows a credential.

pub mod kubernetes;
pub mod prometheus;
mod wire;

use std::time::Duration;

pub use wire::{Authorization, Wire, WireError};

use super::found::{Found, shortened};

/// What a source said.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What was found in it.
    pub found: Found,
    /// Whether the source said that something is missing.
    pub is_partial: bool,
}

/// Why a source said nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ClientError(String);

impl ClientError {
    /// What is told of it, cut: it may be a text of the source's own.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(shortened(text.as_ref()))
    }
}

/// A source that can be asked.
pub trait Client: Send + Sync + 'static {
    /// Everything that it says of the time from `window` ago until now.
    fn read(&mut self, window: Duration) -> impl Future<Output = Result<Reading, ClientError>> + Send;

    /// Waits until the source says that it has changed; for ever where it does not say so.
    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}
