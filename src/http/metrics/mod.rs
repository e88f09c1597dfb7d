//! The figures of `GET /api/v1/metrics`, in the text format of Prometheus.
//!
//! ```text
//! exchange, handlers ─▶ requests, work ┐
//! runner's statuses ────▶ discovery ───┤
//! writer's atomics ─────▶ storage ─────┼─▶ registry ─▶ text
//! export's pool, runs ──▶ export ──────┤
//! process, jemalloc ────▶ process ─────┘
//! ```
//!
//! - Every family is there from the start, with every label value that is known, at 0; but the age of a snapshot that
//!   there is not is `NaN`, which is neither old nor new.
//! - What others count is looked up when it is asked for, so that nothing is paid for between.
//! - Label values come from closed sets: templates of routes, methods, sources. No service id, key or path is one.

mod discovery;
mod export;
mod families;
mod process;
mod requests;
mod storage;
mod work;

use prometheus::{Registry, TextEncoder};

use crate::export::Exports;
use crate::sources::runner::Status;
use crate::types::Timestamp;
use crate::writer::Reader;
use discovery::Discovery;
use export::Export;
use process::Process;
pub(super) use requests::Request;
use requests::Requests;
use storage::Storage;
use work::Work;

/// The content type of what [`Metrics::text`] writes.
pub(super) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// All families of the process.
pub(super) struct Metrics {
    registry: Registry,
    storage: Storage,
    discovery: Discovery,
    export: Export,
    process: Process,
    pub(super) requests: Requests,
    pub(super) work: Work,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let registry = Registry::new_custom(Some("watershed".to_owned()), None)
            .expect("a namespace without labels is valid");
        let work = Work::new(&registry);
        Self {
            storage: Storage::new(&registry),
            discovery: Discovery::new(&registry, &work.reports),
            export: Export::new(&registry),
            process: Process::new(&registry),
            requests: Requests::new(&registry),
            work,
            registry,
        }
    }

    /// All families as they stand. `reader` is there once the log is replayed, and so are the sources and
    /// the export.
    pub(super) fn text(
        &self,
        reader: Option<&Reader>,
        sources: &[Status],
        exports: Option<&Exports>,
        now: Timestamp,
    ) -> String {
        self.process.look();
        self.discovery.look(sources);
        let durations = self.storage.look(reader, now);
        let export = self.export.look(exports);
        let mut families = self.registry.gather();
        families.extend(durations);
        families.push(export);
        families.sort_by(|one, other| one.name().cmp(other.name()));
        TextEncoder::new().encode_to_string(&families).expect("names and numbers can be written")
    }
}

#[cfg(test)]
mod tests;
