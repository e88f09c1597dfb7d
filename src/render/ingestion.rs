//! The answer to an ingestion request.

use uuid::Uuid;

use crate::json::{push_bool, push_integer, push_list, push_plain, push_string};
use crate::types::{Conflict, CycleFound, Received, Upserted};

/// What an ingestion request came to.
pub struct Ingestion<'a> {
    /// The command's id.
    pub ingestion_id: Uuid,
    /// What the request held.
    pub received: &'a Received,
    /// What the graph made of it.
    pub upserted: &'a Upserted,
    /// The version that contains it.
    pub version: u64,
    /// Whether it is on disk.
    pub durable: bool,
}

/// Writes the answer.
pub fn ingestion(out: &mut Vec<u8>, ingestion: &Ingestion<'_>) {
    let upserted = ingestion.upserted;
    out.extend_from_slice(b"{\"ingestion_id\":");
    push_plain(out, ingestion.ingestion_id);
    out.extend_from_slice(b",\"status\":\"completed\",\"nodes_received\":");
    push_integer(out, ingestion.received.nodes);
    out.extend_from_slice(b",\"edges_received\":");
    push_integer(out, ingestion.received.edges);
    out.extend_from_slice(b",\"nodes_upserted\":");
    push_integer(out, upserted.nodes_upserted);
    out.extend_from_slice(b",\"edges_upserted\":");
    push_integer(out, upserted.edges_upserted);
    out.extend_from_slice(b",\"edges_removed\":");
    push_integer(out, upserted.edges_removed);
    out.extend_from_slice(b",\"circular_dependencies_detected\":");
    push_list(out, &upserted.cycles, push_cycle);
    out.extend_from_slice(b",\"conflicts_resolved\":");
    push_list(out, &upserted.conflicts, push_conflict);
    out.extend_from_slice(b",\"warnings\":");
    push_warnings(out, ingestion.received, upserted);
    out.extend_from_slice(b",\"estimated_completion_seconds\":0,\"version\":");
    push_integer(out, ingestion.version);
    out.extend_from_slice(b",\"durable\":");
    push_bool(out, ingestion.durable);
    out.push(b'}');
}

/// Writes what the caller should know about a request and what it did.
pub(super) fn push_warnings(out: &mut Vec<u8>, received: &Received, upserted: &Upserted) {
    let placeholders = upserted.placeholders_created;
    let created =
        (placeholders > 0).then(|| format!("{placeholders} unknown services auto-created as placeholders"));
    let warnings = received.warnings.iter().chain(&created);
    push_list(out, warnings, |out, warning| push_string(out, warning));
}

fn push_cycle(out: &mut Vec<u8>, cycle: &CycleFound) {
    out.extend_from_slice(b"{\"cycle_path\":");
    push_list(out, &cycle.path, |out, service_id| push_string(out, service_id.as_str()));
    out.extend_from_slice(b",\"alert_id\":");
    push_plain(out, cycle.alert_id);
    out.push(b'}');
}

/// Writes where another source says something else.
pub(super) fn push_conflict(out: &mut Vec<u8>, conflict: &Conflict) {
    out.extend_from_slice(b"{\"edge\":{\"source\":");
    push_string(out, conflict.source.as_str());
    out.extend_from_slice(b",\"target\":");
    push_string(out, conflict.target.as_str());
    out.extend_from_slice(b"},\"existing_source\":");
    push_plain(out, conflict.existing_source.as_str());
    out.extend_from_slice(b",\"new_source\":");
    push_plain(out, conflict.new_source.as_str());
    out.extend_from_slice(b",\"resolution\":\"kept_higher_priority\"}");
}
