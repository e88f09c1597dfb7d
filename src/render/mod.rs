//! Answers as bytes: what `query` and `apply` found, written straight to JSON text.
//!
//! - No tree of values between; what every answer shows of a service is text in the graph already.
//! - [`DependenciesAnswer`] writes a piece at a time, so that an answer of any size needs the memory
//!   of a piece.

mod critical;
mod dependencies;
mod divergence;
mod edge;
mod ingestion;
mod paths;
mod service;
mod stats;

pub use critical::critical;
pub use dependencies::{DependenciesAnswer, Format, View};
pub use divergence::divergence_page;
pub use ingestion::{Ingestion, ingestion};
pub use paths::paths;
pub use service::{service, service_page};
pub use stats::stats;
