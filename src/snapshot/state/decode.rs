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
    let alert = Alert {
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
    };
    match alert.fault() {
        Some(fault) => Err(fault.to_owned()),
        None => Ok(alert),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Timestamp;

    const AT: i64 = 1_800_000_000_000_000;

    fn roster() -> Roster {
        Roster::new(["a", "b"].map(|text| ServiceId::parse(text).unwrap()).into()).unwrap()
    }

    fn take(state: &mut State, record: &StateRecord<'_>) -> Result<(), Invalid> {
        state.push(&postcard::to_stdvec(record).unwrap(), 0, &roster())
    }

    fn alert() -> AlertRecord<'static> {
        AlertRecord {
            id: [7; 16],
            detected_at_microseconds: AT,
            status: 1,
            acknowledged_by: Some("me"),
            resolution_notes: None,
            gone: Some((vec!["a", "b"], vec!["a", "b", "a"])),
        }
    }

    fn audit(version: u64) -> AuditRecord<'static> {
        let subject = SubjectRecord::Dependencies { source: Some(3), first: ("a", "b"), edges: 1 };
        AuditRecord { version, at_microseconds: AT, actor: Some("me"), action: 4, subject }
    }

    fn remembered() -> Box<RememberedRecord<'static>> {
        Box::new(RememberedRecord {
            key: [1; 32],
            body: [2; 32],
            nodes: 1,
            edges: 2,
            warnings: vec!["w"],
            command_id: [3; 16],
            at_microseconds: AT,
            version: 4,
            nodes_upserted: 1,
            edges_upserted: 2,
            edges_removed: 0,
            placeholders_created: 1,
            conflicts: vec![("a", "b", 0, 3)],
            cycles: vec![([7; 16], vec!["a", "b", "a"])],
        })
    }

    #[test]
    fn what_is_sound_is_taken_in_pieces_or_whole() {
        let mut state = State::default();
        take(&mut state, &StateRecord::Target { service: 1, percent: 99.9 }).unwrap();
        take(&mut state, &StateRecord::Alert(alert())).unwrap();
        take(&mut state, &StateRecord::Audit(audit(1))).unwrap();
        let bytes = postcard::to_stdvec(&StateRecord::Remembered(remembered())).unwrap();
        for (place, byte) in bytes.iter().enumerate() {
            let goes_on = u32::from(place + 1 < bytes.len());
            state.push(&[*byte], goes_on, &roster()).unwrap();
            assert_eq!(state.is_cut(), goes_on == 1);
        }
        assert_eq!((state.targets.len(), state.alerts.len(), state.audit.len()), (1, 1, 1));
        let kept = state.memory.iter().next().unwrap();
        assert_eq!((kept.version, kept.upserted.cycles[0].path.len(), kept.received.nodes), (4, 3, 1));
        assert_eq!(Some(kept.at), Timestamp::from_microseconds(AT));
    }

    #[test]
    fn a_value_that_none_can_have_is_refused() {
        let long = "x".repeat(2_000);
        let gone = |members: Vec<&'static str>| Some((members, vec!["a"]));
        let dependencies = |source, first| SubjectRecord::Dependencies { source, first, edges: 1 };
        let conflict = |conflict| {
            StateRecord::Remembered(Box::new(RememberedRecord { conflicts: vec![conflict], ..*remembered() }))
        };
        let cases = [
            (StateRecord::Target { service: 2, percent: 99.0 }, "each of a service"),
            (StateRecord::Target { service: 0, percent: 0.0 }, "no percentage"),
            (StateRecord::Target { service: 0, percent: f64::NAN }, "no percentage"),
            (StateRecord::Alert(AlertRecord { status: 3, ..alert() }), "outside its enum"),
            (
                StateRecord::Alert(AlertRecord { detected_at_microseconds: i64::MAX, ..alert() }),
                "out of range",
            ),
            (StateRecord::Alert(AlertRecord { acknowledged_by: Some(&long), ..alert() }), "too long"),
            (StateRecord::Alert(AlertRecord { resolution_notes: Some(&long), ..alert() }), "too long"),
            (StateRecord::Alert(AlertRecord { gone: gone(vec!["a", ""]), ..alert() }), "service id"),
            (StateRecord::Alert(AlertRecord { gone: gone(vec!["a", "b"]), ..alert() }), "no cycle"),
            (StateRecord::Alert(AlertRecord { status: 0, ..alert() }), "fit its status"),
            (StateRecord::Audit(AuditRecord { version: 0, ..audit(1) }), "not in order"),
            (StateRecord::Audit(AuditRecord { action: 200, ..audit(1) }), "outside its enum"),
            (StateRecord::Audit(AuditRecord { actor: Some(&long), ..audit(1) }), "too long"),
            (StateRecord::Audit(AuditRecord { at_microseconds: i64::MIN, ..audit(1) }), "out of range"),
            (
                StateRecord::Audit(AuditRecord { subject: SubjectRecord::Service(" a"), ..audit(1) }),
                "white space",
            ),
            (
                StateRecord::Audit(AuditRecord { subject: dependencies(Some(4), ("a", "b")), ..audit(1) }),
                "enum",
            ),
            (
                StateRecord::Audit(AuditRecord { subject: dependencies(None, ("a", "")), ..audit(1) }),
                "service id",
            ),
            (conflict(("a", "b", 9, 0)), "outside its enum"),
            (conflict(("", "b", 0, 1)), "service id"),
        ];
        for (record, expected) in cases {
            let error = take(&mut State::default(), &record).unwrap_err();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }

    #[test]
    fn order_and_layout_are_held() {
        let mut state = State::default();
        take(&mut state, &StateRecord::Target { service: 1, percent: 99.0 }).unwrap();
        assert!(take(&mut state, &StateRecord::Target { service: 0, percent: 99.0 }).is_err());
        take(&mut state, &StateRecord::Alert(alert())).unwrap();
        assert!(take(&mut state, &StateRecord::Alert(alert())).is_err(), "each alert once");
        take(&mut state, &StateRecord::Audit(audit(5))).unwrap();
        assert!(take(&mut state, &StateRecord::Audit(audit(5))).is_err());
        let bytes = postcard::to_stdvec(&StateRecord::Alert(alert())).unwrap();
        for end in 0..bytes.len() {
            assert!(State::default().push(&bytes[..end], 0, &roster()).is_err(), "cut at {end}");
        }
        assert!(State::default().push(&[&bytes[..], &[0]].concat(), 0, &roster()).is_err());
        assert!(State::default().push(&bytes, 2, &roster()).is_err(), "neither ends nor goes on");
    }
}
