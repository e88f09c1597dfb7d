//! Outside shapes made into checked commands: the only way in.
//!
//! - A report comes whole, or line by line ([`entry`]).
//! - [`parse_json`] decides what is no JSON (400); [`upsert()`] decides what is no valid report (422),
//!   naming the first offending field with its place.
//! - A report is checked as a whole: what comes out has nothing in it twice and nothing invalid.
//! - Unknown fields are ignored.

mod changes;
mod document;
mod fields;
mod impact;
mod keys;
mod place;
mod slo;
mod stream;
mod upsert;

pub use changes::{acknowledgement, availability_target, registration, resolution};
pub use document::{Json, MalformedJson, parse_json};
pub use impact::{CheckedImpact, impact};
pub use keys::{key_name_fits, new_key};
pub use place::Invalid;
pub use slo::{CheckedSloChange, SliType, slo_change};
pub use stream::{EntryBatch, entry};
pub use upsert::{CheckedUpsert, ReportHead, report_head, upsert};
