//! Answers as bytes: what `query` and `apply` found, written straight to JSON text.
//!
//! - No tree of values between; what every answer shows of a service is text in the graph already.
//! - [`DependenciesAnswer`] writes a piece at a time, so that an answer of any size needs the memory
//!   of a piece.

mod alerts;
mod api_keys;
mod audit;
mod changes;
mod critical;
mod dependencies;
mod divergence;
mod dry_run;
mod edge;
mod impact;
mod ingestion;
mod paths;
mod service;
mod slo;
mod stats;

pub use alerts::{alert, alert_page};
pub use api_keys::{api_keys, new_api_key};
pub use audit::audit_page;
pub use changes::{availability_target, swept};
pub use critical::critical;
pub use dependencies::{DependenciesAnswer, Format, View};
pub use divergence::divergence_page;
pub use dry_run::{DryRun, DryRunAnswer};
pub use impact::{ImpactAnswer, ImpactForm, impact_summary};
pub use ingestion::{Ingestion, ingestion};
pub use paths::paths;
pub use service::{service, service_page};
pub use slo::{SloAnalysis, SloAnswer, SloProposal, Touched};
pub use stats::stats;
