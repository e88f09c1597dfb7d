//! Who changed what.

use crate::json::{push_integer, push_list, push_optional_string, push_plain, push_string};
use crate::ledger::{AuditEntry, Subject};
use crate::types::DiscoverySource;

/// Writes a page of entries.
pub fn audit_page(out: &mut Vec<u8>, page: &[&AuditEntry], next_cursor: Option<&str>) {
    out.extend_from_slice(b"{\"items\":");
    push_list(out, page, |out, entry| push_entry(out, entry));
    out.extend_from_slice(b",\"next_cursor\":");
    push_optional_string(out, next_cursor);
    out.push(b'}');
}

/// An entry has only those members that its action has something to say about.
fn push_entry(out: &mut Vec<u8>, entry: &AuditEntry) {
    out.extend_from_slice(b"{\"at\":");
    push_plain(out, entry.at);
    out.extend_from_slice(b",\"actor\":");
    push_optional_string(out, entry.actor.as_deref());
    out.extend_from_slice(b",\"action\":");
    push_plain(out, entry.action.as_str());
    out.extend_from_slice(b",\"from_version\":");
    push_integer(out, entry.version - 1);
    out.extend_from_slice(b",\"to_version\":");
    push_integer(out, entry.version);
    match &entry.subject {
        Subject::Report { source, nodes, edges } => {
            push_source(out, Some(*source));
            out.extend_from_slice(b",\"nodes\":");
            push_integer(out, *nodes);
            push_edges(out, *edges);
        }
        Subject::Service(service_id) => {
            out.extend_from_slice(b",\"service_id\":");
            push_string(out, service_id.as_str());
        }
        Subject::Dependencies { source, first: (from, to), edges } => {
            push_source(out, *source);
            out.extend_from_slice(b",\"service_id\":");
            push_string(out, from.as_str());
            out.extend_from_slice(b",\"target\":");
            push_string(out, to.as_str());
            push_edges(out, *edges);
        }
        Subject::Alert(alert_id) => {
            out.extend_from_slice(b",\"alert_id\":");
            push_plain(out, alert_id);
        }
        Subject::Graph => {}
    }
    out.push(b'}');
}

fn push_source(out: &mut Vec<u8>, source: Option<DiscoverySource>) {
    out.extend_from_slice(b",\"source\":");
    push_optional_string(out, source.map(DiscoverySource::as_str));
}

fn push_edges(out: &mut Vec<u8>, edges: u32) {
    out.extend_from_slice(b",\"edges\":");
    push_integer(out, edges);
}
