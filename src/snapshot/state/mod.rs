//! What a graph has besides services, dependencies and components: records in postcard, cut into pieces that fit
//! into blocks.
//!
//! In this order: SLO targets by index of the service, alerts by id, the audit trail by version, what is not to be
//! done twice as the memory gives it. [`StateRecord`]'s variants are only ever added, at the end.
//!
//! - A record of any length fits: it goes on in the next piece, whatever block that is in.
//! - An alert that its component says all about but when it was detected is here, too: for that.

mod decode;
mod encode;

use serde::{Deserialize, Serialize};

pub(super) use decode::State;
pub(super) use encode::blocks;

use crate::types::Hash;

#[derive(Serialize, Deserialize)]
pub(super) enum StateRecord<'a> {
    Target {
        service: u32,
        percent: f64,
    },
    #[serde(borrow)]
    Alert(AlertRecord<'a>),
    #[serde(borrow)]
    Audit(AuditRecord<'a>),
    #[serde(borrow)]
    Remembered(Box<RememberedRecord<'a>>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct AlertRecord<'a> {
    pub(super) id: [u8; 16],
    pub(super) detected_at_microseconds: i64,
    pub(super) status: u8,
    pub(super) acknowledged_by: Option<&'a str>,
    pub(super) resolution_notes: Option<&'a str>,
    /// Members and path of a component that is gone.
    #[serde(borrow)]
    pub(super) gone: Option<(Vec<&'a str>, Vec<&'a str>)>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AuditRecord<'a> {
    pub(super) version: u64,
    pub(super) at_microseconds: i64,
    pub(super) actor: Option<&'a str>,
    pub(super) action: u8,
    #[serde(borrow)]
    pub(super) subject: SubjectRecord<'a>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum SubjectRecord<'a> {
    Report { source: u8, nodes: u32, edges: u32 },
    Service(&'a str),
    Dependencies { source: Option<u8>, first: (&'a str, &'a str), edges: u32 },
    Alert([u8; 16]),
    Graph,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RememberedRecord<'a> {
    pub(super) key: Hash,
    pub(super) body: Hash,
    pub(super) nodes: u32,
    pub(super) edges: u32,
    #[serde(borrow)]
    pub(super) warnings: Vec<&'a str>,
    pub(super) command_id: [u8; 16],
    pub(super) at_microseconds: i64,
    pub(super) version: u64,
    pub(super) nodes_upserted: u32,
    pub(super) edges_upserted: u32,
    pub(super) edges_removed: u32,
    pub(super) placeholders_created: u32,
    /// Who calls, who is called, who described it before, who describes it now.
    #[serde(borrow)]
    pub(super) conflicts: Vec<(&'a str, &'a str, u8, u8)>,
    /// Alert and path.
    #[serde(borrow)]
    pub(super) cycles: Vec<([u8; 16], Vec<&'a str>)>,
}
