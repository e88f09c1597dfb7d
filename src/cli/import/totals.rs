//! What an import did, added up over its requests.
//!
//! Not counting of its own: received and upserted are the server's numbers, summed.
//!
//! - A cycle that several requests reported counts once, as it was last seen.
//! - The version is the newest one: that of the last request.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::reading::Reading;
use crate::cli::console::{printable, table};

/// What a table or a sum needs of the server's answer to one request.
#[derive(Debug, Deserialize)]
pub(super) struct Receipt {
    nodes_received: u64,
    edges_received: u64,
    nodes_upserted: u64,
    edges_upserted: u64,
    edges_removed: u64,
    circular_dependencies_detected: Vec<Cycle>,
    conflicts_resolved: Vec<Box<RawValue>>,
    warnings: Vec<String>,
    version: u64,
}

/// A cycle that a request created or changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Cycle {
    cycle_path: Vec<String>,
    alert_id: String,
}

/// The same of the answer to a stream, in which cycles and conflicts are counted.
#[derive(Debug, Deserialize)]
pub(super) struct StreamReceipt {
    nodes_received: u64,
    edges_received: u64,
    nodes_upserted: u64,
    edges_upserted: u64,
    edges_removed: u64,
    circular_dependencies: u64,
    conflicts: u64,
    warnings: Vec<String>,
    version: u64,
}

impl StreamReceipt {
    /// Entries that were applied.
    pub(super) fn entries(&self) -> u64 {
        self.nodes_received + self.edges_received
    }
}

/// The sum, in the words of the server where it has them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Totals {
    files: u64,
    requests: u64,
    nodes_received: u64,
    edges_received: u64,
    nodes_upserted: u64,
    edges_upserted: u64,
    edges_removed: u64,
    /// Those that streams reported, counted by batch, are not among them.
    circular_dependencies_detected: Vec<Cycle>,
    circular_dependencies: u64,
    conflicts_resolved: u64,
    warnings: Vec<String>,
    version: u64,
    #[serde(flatten)]
    pub(super) reading: Reading,
}

impl Totals {
    /// Adds the answer to one request.
    pub(super) fn add(&mut self, receipt: Receipt) {
        self.requests += 1;
        self.nodes_received += receipt.nodes_received;
        self.edges_received += receipt.edges_received;
        self.nodes_upserted += receipt.nodes_upserted;
        self.edges_upserted += receipt.edges_upserted;
        self.edges_removed += receipt.edges_removed;
        self.conflicts_resolved += receipt.conflicts_resolved.len() as u64;
        self.warnings.extend(receipt.warnings);
        self.version = self.version.max(receipt.version);
        self.circular_dependencies += receipt.circular_dependencies_detected.len() as u64;
        for cycle in receipt.circular_dependencies_detected {
            self.circular_dependencies_detected.retain(|known| known.alert_id != cycle.alert_id);
            self.circular_dependencies_detected.push(cycle);
        }
    }

    /// Adds the answer to a stream.
    pub(super) fn add_stream(&mut self, receipt: &StreamReceipt) {
        self.requests += 1;
        self.nodes_received += receipt.nodes_received;
        self.edges_received += receipt.edges_received;
        self.nodes_upserted += receipt.nodes_upserted;
        self.edges_upserted += receipt.edges_upserted;
        self.edges_removed += receipt.edges_removed;
        self.conflicts_resolved += receipt.conflicts;
        self.circular_dependencies += receipt.circular_dependencies;
        self.warnings.extend(receipt.warnings.iter().cloned());
        self.version = self.version.max(receipt.version);
    }

    /// Counts files whose requests are all through.
    pub(super) fn end_files(&mut self, files: u64) {
        self.files += files;
    }

    /// How many files are through.
    pub(super) fn files(&self) -> u64 {
        self.files
    }

    /// For a program.
    pub(super) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and texts can be written as JSON")
    }

    /// For a person.
    pub(super) fn render(&self) -> String {
        let rows = [
            ("files", self.files),
            ("requests", self.requests),
            ("services received", self.nodes_received),
            ("services changed, placeholders included", self.nodes_upserted),
            ("dependencies received", self.edges_received),
            ("dependencies changed", self.edges_upserted),
            ("dependencies removed", self.edges_removed),
            ("conflicts between sources", self.conflicts_resolved),
            ("cycles created or changed", self.circular_dependencies),
            ("warnings", self.warnings.len() as u64),
            ("graph version", self.version),
        ];
        let mut text =
            table(["IMPORTED", ""], rows.map(|(name, number)| [name.to_owned(), number.to_string()]));
        for cycle in &self.circular_dependencies_detected {
            let path = printable(&cycle.cycle_path.join(" -> "));
            writeln!(text, "cycle: {path}").expect("a String takes all that is written");
        }
        for line in self.reading.lines() {
            writeln!(text, "{line}").expect("a String takes all that is written");
        }
        for warning in &self.warnings {
            let warning = printable(warning);
            writeln!(text, "warning: {warning}").expect("a String takes all that is written");
        }
        text
    }
}
