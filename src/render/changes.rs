//! The answers to small changes.

use crate::json::{push_integer, push_optional_number, push_string};
use crate::types::{ServiceId, Swept};

/// Writes the SLO target that a service has now, in percent.
pub fn availability_target(out: &mut Vec<u8>, service_id: &ServiceId, percent: Option<f64>) {
    out.extend_from_slice(b"{\"service_id\":");
    push_string(out, service_id.as_str());
    out.extend_from_slice(b",\"availability_target\":");
    push_optional_number(out, percent);
    out.push(b'}');
}

/// Writes what a sweep did.
pub fn swept(out: &mut Vec<u8>, swept: Swept, version: u64) {
    out.extend_from_slice(b"{\"marked\":");
    push_integer(out, swept.marked);
    out.extend_from_slice(b",\"dependencies_purged\":");
    push_integer(out, swept.dependencies_purged);
    out.extend_from_slice(b",\"services_purged\":");
    push_integer(out, swept.services_purged);
    out.extend_from_slice(b",\"version\":");
    push_integer(out, version);
    out.push(b'}');
}
