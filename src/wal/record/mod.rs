//! One command ⇄ the bytes that the log keeps of it.
//!
//! What it is not: the domain types. The mirrors here are the contract with the disk and are
//! converted by hand, so that neither moves when the other does.
//!
//! ```text
//! offset  bytes  field
//!      0      1  record version, 2
//!      1      …  [`CommandRecord`] in postcard 1 (https://postcard.jamesmunns.com/wire-format):
//!                integers above one byte as LEB128 varints, signed ones in zigzag; texts and lists
//!                after a varint of their length; an option after a byte 0 or 1; an enum after a
//!                varint of its variant; members in the order in which they are declared
//! ```
//!
//! - A record of version 1 is a [`FirstCommandRecord`]: the same without who asked and whether to do it once.
//! - Variants of [`ChangeRecord`] are only ever added, at the end.
//! - Metadata travels as its JSON text and is read again. Values of closed vocabularies travel as their
//!   index.
//! - Equal commands give equal bytes.
//! - A frame's checksum comes first: what does not decode here was never written by us, and is damage.

mod upsert;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits;
use crate::types::{
    Change, Command, DiscoverySource, Hash, Metadata, Mode, NodeReport, Once, Received, ServiceId, Sweep,
    Timestamp, Withdrawal,
};
use upsert::{UpsertRecord, read_upsert, upsert_record};

const RECORD_VERSION: u8 = 2;
/// Before there was more to a command than its change.
const FIRST_RECORD_VERSION: u8 = 1;

/// Why the bytes of a record are no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A record of another version than this program writes.
    #[error("record version {found}, this program reads {FIRST_RECORD_VERSION} and {RECORD_VERSION}")]
    Version {
        /// The record's.
        found: u8,
    },
    /// The bytes do not follow the layout.
    #[error("the record's bytes do not follow its layout")]
    Layout,
    /// A member's value is none that a command can have.
    #[error("the record's {0} has no valid value")]
    Value(&'static str),
}

#[derive(Serialize, Deserialize)]
struct CommandRecord<'a> {
    id: [u8; 16],
    at_microseconds: i64,
    actor: Option<&'a str>,
    #[serde(borrow)]
    once: Option<OnceRecord<'a>>,
    #[serde(borrow)]
    change: ChangeRecord<'a>,
}

#[derive(Serialize, Deserialize)]
struct FirstCommandRecord<'a> {
    id: [u8; 16],
    at_microseconds: i64,
    #[serde(borrow)]
    change: ChangeRecord<'a>,
}

#[derive(Serialize, Deserialize)]
struct OnceRecord<'a> {
    key: Hash,
    body: Hash,
    nodes: u32,
    edges: u32,
    #[serde(borrow)]
    warnings: Vec<&'a str>,
}

#[derive(Serialize, Deserialize)]
enum ChangeRecord<'a> {
    #[serde(borrow)]
    Upsert(UpsertRecord<'a>),
    #[serde(borrow)]
    Replace(UpsertRecord<'a>),
    Register {
        service_id: &'a str,
        metadata_json: Option<&'a str>,
    },
    Withdraw {
        source: Option<u8>,
        #[serde(borrow)]
        edges: Vec<(&'a str, &'a str)>,
    },
    RemoveService {
        service_id: &'a str,
    },
    SetAvailabilityTarget {
        service_id: &'a str,
        percent: Option<f64>,
    },
    Sweep {
        stale_after_microseconds: [Option<i64>; 4],
        purge_after_microseconds: Option<i64>,
        audit_retain_microseconds: Option<i64>,
    },
    Acknowledge {
        alert_id: [u8; 16],
        by: &'a str,
    },
    Resolve {
        alert_id: [u8; 16],
        notes: &'a str,
    },
}

/// Appends the record of `command` to `bytes`.
pub(super) fn encode(command: &Command, bytes: Vec<u8>) -> Vec<u8> {
    let record = CommandRecord {
        id: command.id.into_bytes(),
        at_microseconds: command.at.as_microseconds(),
        actor: command.actor.as_deref(),
        once: command.once.as_deref().map(once_record),
        change: change_record(&command.change),
    };
    let mut bytes = bytes;
    bytes.push(RECORD_VERSION);
    postcard::to_extend(&record, bytes).expect("a vector takes every byte, and every length is known")
}

fn once_record(once: &Once) -> OnceRecord<'_> {
    let Once { key, body, received } = once;
    let warnings = received.warnings.iter().map(String::as_str).collect();
    OnceRecord { key: *key, body: *body, nodes: received.nodes, edges: received.edges, warnings }
}

fn change_record(change: &Change) -> ChangeRecord<'_> {
    match change {
        Change::Upsert(upsert) => match upsert.mode {
            Mode::Upsert => ChangeRecord::Upsert(upsert_record(upsert)),
            Mode::Replace => ChangeRecord::Replace(upsert_record(upsert)),
        },
        Change::Register(report) => ChangeRecord::Register {
            service_id: report.service_id.as_str(),
            metadata_json: report.metadata.as_ref().map(Metadata::json),
        },
        Change::Withdraw(withdrawal) => ChangeRecord::Withdraw {
            source: withdrawal.source.map(|source| source as u8),
            edges: withdrawal.edges.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect(),
        },
        Change::RemoveService(service_id) => ChangeRecord::RemoveService { service_id: service_id.as_str() },
        Change::SetAvailabilityTarget { service_id, percent } => {
            ChangeRecord::SetAvailabilityTarget { service_id: service_id.as_str(), percent: *percent }
        }
        Change::Sweep(sweep) => ChangeRecord::Sweep {
            stale_after_microseconds: sweep.stale_after,
            purge_after_microseconds: sweep.purge_after,
            audit_retain_microseconds: sweep.audit_retain,
        },
        Change::Acknowledge { alert_id, by } => {
            ChangeRecord::Acknowledge { alert_id: alert_id.into_bytes(), by }
        }
        Change::Resolve { alert_id, notes } => {
            ChangeRecord::Resolve { alert_id: alert_id.into_bytes(), notes }
        }
    }
}

/// Reads the command of a whole record.
pub(super) fn decode(bytes: &[u8]) -> Result<Command, RecordError> {
    let (&version, bytes) = bytes.split_first().ok_or(RecordError::Layout)?;
    match version {
        RECORD_VERSION => read_command(whole(bytes)?),
        FIRST_RECORD_VERSION => {
            let FirstCommandRecord { id, at_microseconds, change } = whole(bytes)?;
            if !matches!(change, ChangeRecord::Upsert(_)) {
                return Err(RecordError::Layout);
            }
            read_command(CommandRecord { id, at_microseconds, actor: None, once: None, change })
        }
        found => Err(RecordError::Version { found }),
    }
}

fn whole<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, RecordError> {
    match postcard::take_from_bytes(bytes) {
        Ok((record, [])) => Ok(record),
        Ok(_) | Err(_) => Err(RecordError::Layout),
    }
}

fn read_command(record: CommandRecord<'_>) -> Result<Command, RecordError> {
    let actor = record.actor.map(|actor| read_text(actor, limits::ACTOR_BYTES_MAX, "actor")).transpose()?;
    Ok(Command {
        id: Uuid::from_bytes(record.id),
        at: read_timestamp(record.at_microseconds)?,
        actor,
        once: record.once.map(|once| Box::new(read_once(once))),
        change: read_change(record.change)?,
    })
}

fn read_once(record: OnceRecord<'_>) -> Once {
    let OnceRecord { key, body, nodes, edges, warnings } = record;
    let warnings = warnings.into_iter().map(str::to_owned).collect();
    Once { key, body, received: Received { nodes, edges, warnings } }
}

fn read_change(record: ChangeRecord<'_>) -> Result<Change, RecordError> {
    Ok(match record {
        ChangeRecord::Upsert(upsert) => Change::Upsert(read_upsert(&upsert, Mode::Upsert)?),
        ChangeRecord::Replace(upsert) => Change::Upsert(read_upsert(&upsert, Mode::Replace)?),
        ChangeRecord::Register { service_id, metadata_json } => {
            let metadata = metadata_json.map(Metadata::from_json).transpose();
            Change::Register(NodeReport {
                service_id: read_service_id(service_id)?,
                metadata: metadata.map_err(|_| RecordError::Value("metadata"))?,
            })
        }
        ChangeRecord::Withdraw { source, edges } => {
            let edge = |(from, to)| Ok((read_service_id(from)?, read_service_id(to)?));
            Change::Withdraw(Withdrawal {
                source: source.map(read_source).transpose()?,
                edges: edges.into_iter().map(edge).collect::<Result<_, _>>()?,
            })
        }
        ChangeRecord::RemoveService { service_id } => Change::RemoveService(read_service_id(service_id)?),
        ChangeRecord::SetAvailabilityTarget { service_id, percent } => Change::SetAvailabilityTarget {
            service_id: read_service_id(service_id)?,
            percent: percent.map(read_percent).transpose()?,
        },
        ChangeRecord::Sweep {
            stale_after_microseconds,
            purge_after_microseconds,
            audit_retain_microseconds,
        } => Change::Sweep(Sweep {
            stale_after: stale_after_microseconds,
            purge_after: purge_after_microseconds,
            audit_retain: audit_retain_microseconds,
        }),
        ChangeRecord::Acknowledge { alert_id, by } => Change::Acknowledge {
            alert_id: Uuid::from_bytes(alert_id),
            by: read_text(by, limits::ALERT_TEXT_BYTES_MAX, "acknowledgement")?,
        },
        ChangeRecord::Resolve { alert_id, notes } => Change::Resolve {
            alert_id: Uuid::from_bytes(alert_id),
            notes: read_text(notes, limits::ALERT_TEXT_BYTES_MAX, "resolution")?,
        },
    })
}

fn read_service_id(text: &str) -> Result<ServiceId, RecordError> {
    ServiceId::parse(text).map_err(|_| RecordError::Value("service id"))
}

fn read_source(index: u8) -> Result<DiscoverySource, RecordError> {
    DiscoverySource::from_index(index).ok_or(RecordError::Value("source"))
}

fn read_text(text: &str, bytes_max: usize, what: &'static str) -> Result<Arc<str>, RecordError> {
    if text.len() <= bytes_max { Ok(text.into()) } else { Err(RecordError::Value(what)) }
}

fn read_percent(percent: f64) -> Result<f64, RecordError> {
    if percent > 0.0 && percent <= 100.0 { Ok(percent) } else { Err(RecordError::Value("SLO target")) }
}

fn read_timestamp(microseconds: i64) -> Result<Timestamp, RecordError> {
    Timestamp::from_microseconds(microseconds).ok_or(RecordError::Value("timestamp"))
}

#[cfg(test)]
mod tests;
