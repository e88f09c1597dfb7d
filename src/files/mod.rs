//! A graph as files for people and their tools: three tables and a manifest, in CSV or NDJSON, and back.
//!
//! ```text
//! Graph ─▶ rows ─▶ cells ─▶ services, dependencies, cycles     write
//! Graph ◀─ assembly ◀─ rows, checked ◀─ cells ◀─ the same     read
//! ```
//!
//! | table | one row for | columns |
//! | --- | --- | --- |
//! | `services` | each service, in order of creation | `service_id`, `id`; `team`, `criticality`, `service_type`, `discovered`: derived; `availability_target` in percent; `created_at`, `updated_at`; for each source what it says, a JSON object: `metadata_manual`, `metadata_service_mesh`, `metadata_otel_service_graph`, `metadata_kubernetes` |
//! | `dependencies` | each observation, in order of caller, called and source | `source`, `target`, `discovery_source`, `communication_mode`, `criticality`, `protocol`, `timeout_ms`; `has_retry_config`, `max_retries`, `backoff_strategy`; `last_observed_at`, `times_observed`, `stale_since` |
//! | `cycles` | each circular dependency alert, those whose cycle is there first | `alert_id`, `status`, `active`, `detected_at`, `acknowledged_by`, `resolution_notes`; `members`, `path`: JSON lists of service ids |
//!
//! `manifest.json` says the format and its version, the version of the graph, its digest and how many rows there
//! are. Instants are RFC 3339 in UTC, to the microsecond. In CSV nothing is the empty cell; in NDJSON it is `null`.
//!
//! - A spreadsheet must not take a cell for a formula: in CSV a text that begins with `=`, `+`, `-`, `@`, one of
//!   their full-width forms, a tab or a line end has `'` before it, and so has one that is empty or begins with `'`. Reading
//!   takes that one off again.
//! - All that is in the digest is in the tables. What is not: the audit trail and what is not to be done twice; a
//!   snapshot holds these.
//! - Rows are written one by one; nothing here opens a file.
//! - What is read back is held against all that a graph relies on, and against the manifest.
//!
//! Not the answers of the API, which show the merged view, and not a backup: that is a snapshot.

mod cells;
mod cycles;
mod dependencies;
mod error;
mod manifest;
mod read;
mod services;
mod table;
#[cfg(test)]
mod tests;
mod write;

pub use cycles::CycleRow;
pub use dependencies::DependencyRow;
pub use error::ReadError;
pub use manifest::Manifest;
pub use read::{read, read_cycles, read_dependencies, read_services};
pub use services::ServiceRow;
pub use write::{rows, write};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A header, then a line for each row, as in RFC 4180 with line feeds.
    Csv,
    /// One JSON object a line, with the columns as members.
    Ndjson,
}

impl Form {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Ndjson];

    /// Its name, which files have as their extension.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// What a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Services with what each source says of them.
    Services,
    /// Observations of dependencies.
    Dependencies,
    /// Circular dependencies and their alerts.
    Cycles,
}

impl Table {
    /// All of them, in the order in which they are read.
    pub const ALL: [Self; 3] = [Self::Services, Self::Dependencies, Self::Cycles];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Dependencies => "dependencies",
            Self::Cycles => "cycles",
        }
    }

    /// The name of its file.
    pub fn file(self, form: Form) -> String {
        format!("{}.{}", self.name(), form.name())
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Services => &services::COLUMNS,
            Self::Dependencies => &dependencies::COLUMNS,
            Self::Cycles => &cycles::COLUMNS,
        }
    }
}
