//! What an import has come to so far, and the lines that say so.

use crate::json::{push_bool, push_integer, push_list, push_string};
use crate::types::Upserted;

/// What was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) nodes_received: u64,
    pub(super) edges_received: u64,
    pub(super) duplicates_merged: u64,
    pub(super) edges_removed: u64,
    pub(super) version: u64,
    nodes_upserted: u64,
    edges_upserted: u64,
    placeholders_created: u64,
    conflicts: u64,
    cycles: u64,
    /// Whether some of it may be lost in a power cut.
    is_volatile: bool,
}

impl Applied {
    /// Adds what a batch came to.
    pub(super) fn add(&mut self, upserted: &Upserted, version: u64, durable: bool) {
        self.nodes_upserted += u64::from(upserted.nodes_upserted);
        self.edges_upserted += u64::from(upserted.edges_upserted);
        self.placeholders_created += u64::from(upserted.placeholders_created);
        self.conflicts += upserted.conflicts.len() as u64;
        self.cycles += upserted.cycles.len() as u64;
        self.stands_at(version, durable);
    }

    /// The version that contains all of it.
    pub(super) fn stands_at(&mut self, version: u64, durable: bool) {
        self.version = version;
        self.is_volatile |= !durable;
    }

    /// `{"nodes":…,"edges":…}`
    pub(super) fn progress_line(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(b"{\"nodes\":");
        push_integer(&mut out, self.nodes_received);
        out.extend_from_slice(b",\"edges\":");
        push_integer(&mut out, self.edges_received);
        out.extend_from_slice(b"}\n");
        out
    }

    /// `{"done":true,…}`
    pub(super) fn done_line(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(b"{\"done\":true,");
        self.push_totals(&mut out);
        out.extend_from_slice(b"}\n");
        out
    }

    /// `{"error":{…},"applied":{…}}`
    pub(super) fn error_line(&self, problem: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(512 + problem.len());
        out.extend_from_slice(b"{\"error\":");
        out.extend_from_slice(problem);
        out.extend_from_slice(b",\"applied\":{");
        self.push_totals(&mut out);
        out.extend_from_slice(b"}}\n");
        out
    }

    /// The members, without braces: how far it is, as a progress line says it, and what came of it in the words of an
    /// ingestion answer.
    fn push_totals(&self, out: &mut Vec<u8>) {
        let numbers = [
            ("\"nodes\":", self.nodes_received),
            (",\"edges\":", self.edges_received),
            (",\"nodes_received\":", self.nodes_received),
            (",\"edges_received\":", self.edges_received),
            (",\"nodes_upserted\":", self.nodes_upserted),
            (",\"edges_upserted\":", self.edges_upserted),
            (",\"edges_removed\":", self.edges_removed),
            (",\"conflicts\":", self.conflicts),
            (",\"circular_dependencies\":", self.cycles),
        ];
        for (name, number) in numbers {
            out.extend_from_slice(name.as_bytes());
            push_integer(out, number);
        }
        out.extend_from_slice(b",\"warnings\":");
        push_list(out, self.warnings(), |out, warning| push_string(out, &warning));
        out.extend_from_slice(b",\"version\":");
        push_integer(out, self.version);
        out.extend_from_slice(b",\"durable\":");
        push_bool(out, !self.is_volatile);
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.duplicates_merged > 0 {
            let count = self.duplicates_merged;
            warnings.push(format!(
                "{count} duplicate entries merged: the strongest edge counts, of services the last"
            ));
        }
        if self.placeholders_created > 0 {
            let count = self.placeholders_created;
            warnings.push(format!("{count} unknown services auto-created as placeholders"));
        }
        warnings
    }
}
