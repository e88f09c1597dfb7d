//! Pieces of state back into what they say, each value judged.

use std::sync::Arc;

use uuid::Uuid;

use super::{AlertRecord, AuditRecord, RememberedRecord, StateRecord, SubjectRecord};
use crate::graph::{Alert, Roster, Standing};
use crate::ledger::{AuditEntry, AuditLog, Memory, Subject};
use crate::limits;
use crate::snapshot::decode::{Invalid, instant, named};
use crate::types::{
    AlertStatus, AuditAction, Conflict, CycleFound, DiscoverySource, Received, Remembered, ServiceId,
    Upserted,
};

/// The state of a graph under construction.
#[derive(Default)]
pub(in crate::snapshot) struct State {
    /// Index of the service and percent.
    pub(in crate::snapshot) targets: Vec<(u32, f64)>,
    pub(in crate::snapshot) alerts: Vec<Alert>,
    pub(in crate::snapshot) audit: AuditLog,
    pub(in crate::snapshot) memory: Memory,
    /// The version of the last entry of the audit trail.
    audited: u64,
    /// A record of which more pieces come.
    open: Vec<u8>,
    is_open: bool,
}

impl State {
    /// Takes the next piece.
    pub(in crate::snapshot) fn push(
        &mut self,
        bytes: &[u8],
        goes_on: u32,
        roster: &Roster,
    ) -> Result<(), Invalid> {
        self.open.extend_from_slice(bytes);
        match goes_on {
            0 => self.is_open = false,
            1 => {
                self.is_open = true;
                return Ok(());
            }
            _ => return Err("a piece that neither ends nor goes on".to_owned()),
        }
        let bytes = std::mem::take(&mut self.open);
        match postcard::take_from_bytes(&bytes) {
            Ok((record, [])) => self.take(record, roster),
            Ok(_) | Err(_) => Err("a record's bytes do not follow its layout".to_owned()),
        }
    }

    /// Whether the last record misses its end.
    pub(in crate::snapshot) fn is_cut(&self) -> bool {
        self.is_open
    }

    fn take(&mut self, record: StateRecord<'_>, roster: &Roster) -> Result<(), Invalid> {
        match record {
            StateRecord::Target { service, percent } => self.target(service, percent, roster),
            StateRecord::Alert(record) => {
                let alert = read_alert(&record)?;
                if self.alerts.last().is_some_and(|last| last.id >= alert.id) {
                    return Err("alerts are not in order, each once".to_owned());
                }
                self.alerts.push(alert);
                Ok(())
            }
            StateRecord::Audit(record) => {
                if record.version <= self.audited {
                    return Err("the audit trail is not in order".to_owned());
                }
                self.audited = record.version;
                self.audit.push(read_audit(&record)?);
                Ok(())
            }
            StateRecord::Remembered(record) => {
                self.memory.remember(read_remembered(&record)?);
                Ok(())
            }
        }
    }

    fn target(&mut self, service: u32, percent: f64, roster: &Roster) -> Result<(), Invalid> {
        if self.targets.last().is_some_and(|(last, _)| *last >= service) || service >= roster.count() {
            return Err("SLO targets are not in order, each of a service".to_owned());
        }
        if !(percent > 0.0 && percent <= 100.0) {
            return Err("an SLO target that is no percentage".to_owned());
        }
        self.targets.push((service, percent));
        Ok(())
    }
}

fn read_alert(record: &AlertRecord<'_>) -> Result<Alert, Invalid> {
    Ok(Alert {
        id: Uuid::from_bytes(record.id),
        detected_at: instant(record.detected_at_microseconds)?,
        status: named(record.status, AlertStatus::from_index)?,
        acknowledged_by: record.acknowledged_by.map(said).transpose()?,
        resolution_notes: record.resolution_notes.map(said).transpose()?,
        standing: match &record.gone {
            // Which component it is follows from the components.
            None => Standing::Component(0),
            Some((members, path)) => {
                Standing::Gone { members: service_ids(members)?.into(), path: service_ids(path)?.into() }
            }
        },
    })
}

fn read_audit(record: &AuditRecord<'_>) -> Result<AuditEntry, Invalid> {
    let subject = match &record.subject {
        SubjectRecord::Report { source, nodes, edges } => {
            Subject::Report { source: source_at(*source)?, nodes: *nodes, edges: *edges }
        }
        SubjectRecord::Service(text) => Subject::Service(service_id(text)?),
        SubjectRecord::Dependencies { source, first: (from, to), edges } => Subject::Dependencies {
            source: source.map(source_at).transpose()?,
            first: (service_id(from)?, service_id(to)?),
            edges: *edges,
        },
        SubjectRecord::Alert(id) => Subject::Alert(Uuid::from_bytes(*id)),
        SubjectRecord::Graph => Subject::Graph,
    };
    Ok(AuditEntry {
        version: record.version,
        at: instant(record.at_microseconds)?,
        actor: record.actor.map(|actor| text(actor, limits::ACTOR_BYTES_MAX)).transpose()?,
        action: named(record.action, AuditAction::from_index)?,
        subject,
    })
}

fn read_remembered(record: &RememberedRecord<'_>) -> Result<Remembered, Invalid> {
    let conflict = |(from, to, existing, new): &(&str, &str, u8, u8)| {
        Ok(Conflict {
            source: service_id(from)?,
            target: service_id(to)?,
            existing_source: source_at(*existing)?,
            new_source: source_at(*new)?,
        })
    };
    let cycle = |(id, path): &([u8; 16], Vec<&str>)| {
        Ok(CycleFound { alert_id: Uuid::from_bytes(*id), path: service_ids(path)? })
    };
    let warnings = record.warnings.iter().map(|warning| (*warning).to_owned()).collect();
    Ok(Remembered {
        key: record.key,
        body: record.body,
        received: Received { nodes: record.nodes, edges: record.edges, warnings },
        command_id: Uuid::from_bytes(record.command_id),
        at: instant(record.at_microseconds)?,
        version: record.version,
        upserted: Upserted {
            nodes_upserted: record.nodes_upserted,
            edges_upserted: record.edges_upserted,
            edges_removed: record.edges_removed,
            placeholders_created: record.placeholders_created,
            conflicts: record.conflicts.iter().map(conflict).collect::<Result<_, Invalid>>()?,
            cycles: record.cycles.iter().map(cycle).collect::<Result<_, Invalid>>()?,
        },
    })
}

fn service_ids(texts: &[&str]) -> Result<Vec<ServiceId>, Invalid> {
    texts.iter().map(|text| service_id(text)).collect()
}

fn service_id(text: &str) -> Result<ServiceId, Invalid> {
    ServiceId::parse(text).map_err(|error| error.to_string())
}

fn source_at(index: u8) -> Result<DiscoverySource, Invalid> {
    named(index, DiscoverySource::from_index)
}

/// What somebody said about an alert.
fn said(words: &str) -> Result<Arc<str>, Invalid> {
    text(words, limits::ALERT_TEXT_BYTES_MAX)
}

fn text(text: &str, bytes_max: usize) -> Result<Arc<str>, Invalid> {
    if text.len() <= bytes_max { Ok(text.into()) } else { Err("a text is too long".to_owned()) }
}
