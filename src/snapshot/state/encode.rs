//! A graph's state as blocks, one at a time.

use super::{AlertRecord, AuditRecord, RememberedRecord, StateRecord, SubjectRecord};
use crate::graph::{Alert, Graph, Standing};
use crate::ledger::{AuditEntry, Subject};
use crate::limits::SNAPSHOT_BLOCK_BYTES_TARGET as TARGET;
use crate::snapshot::format::{PieceOfState, StateBlock};
use crate::types::{Remembered, ServiceId};

/// The blocks of a graph's state. `compact` knows a node's index among the services that are there.
pub(in crate::snapshot) fn blocks<'g>(
    graph: &'g Graph,
    compact: impl Fn(u32) -> u32 + 'g,
) -> impl Iterator<Item = StateBlock> + 'g {
    let targets = (0..graph.node_count()).filter_map(move |index| {
        let percent = graph.get(index)?.service().availability_target()?;
        Some(StateRecord::Target { service: compact(index), percent })
    });
    let alerts = graph.cycles().alerts().map(alert_record);
    let audit = graph.ledger().audit().entries().map(audit_record);
    let memory = graph.ledger().memory().iter().map(|each| remembered_record(each));
    let records = targets.chain(alerts).chain(audit).chain(memory);
    let bytes = records.map(|record| {
        postcard::to_stdvec(&record).expect("a vector takes every byte, and every length is known")
    });
    Blocks { bytes, rest: Vec::new() }
}

/// Records cut into pieces, pieces gathered in blocks.
struct Blocks<I> {
    bytes: I,
    /// What is left of a record that did not fit.
    rest: Vec<u8>,
}

impl<I: Iterator<Item = Vec<u8>>> Iterator for Blocks<I> {
    type Item = StateBlock;

    fn next(&mut self) -> Option<StateBlock> {
        let mut block = StateBlock::default();
        let mut room = TARGET;
        while room > 0 {
            let mut bytes = std::mem::take(&mut self.rest);
            if bytes.is_empty() {
                let Some(next) = self.bytes.next() else { break };
                bytes = next;
            }
            if bytes.len() > room {
                self.rest = bytes.split_off(room);
            }
            room = room.saturating_sub(bytes.len() + size_of::<PieceOfState>());
            let goes_on = u32::from(!self.rest.is_empty());
            block.pieces.push(PieceOfState { bytes, goes_on });
            if goes_on == 1 {
                break;
            }
        }
        (!block.pieces.is_empty()).then_some(block)
    }
}

fn alert_record(alert: &Alert) -> StateRecord<'_> {
    StateRecord::Alert(AlertRecord {
        id: alert.id.into_bytes(),
        detected_at_microseconds: alert.detected_at.as_microseconds(),
        status: alert.status as u8,
        acknowledged_by: alert.acknowledged_by.as_deref(),
        resolution_notes: alert.resolution_notes.as_deref(),
        gone: match &alert.standing {
            Standing::Component(_) => None,
            Standing::Gone { members, path } => Some((
                members.iter().map(ServiceId::as_str).collect(),
                path.iter().map(ServiceId::as_str).collect(),
            )),
        },
    })
}

fn audit_record(entry: &AuditEntry) -> StateRecord<'_> {
    let subject = match &entry.subject {
        Subject::Report { source, nodes, edges } => {
            SubjectRecord::Report { source: *source as u8, nodes: *nodes, edges: *edges }
        }
        Subject::Service(service_id) => SubjectRecord::Service(service_id.as_str()),
        Subject::Dependencies { source, first: (from, to), edges } => SubjectRecord::Dependencies {
            source: source.map(|source| source as u8),
            first: (from.as_str(), to.as_str()),
            edges: *edges,
        },
        Subject::Alert(id) => SubjectRecord::Alert(id.into_bytes()),
        Subject::Graph => SubjectRecord::Graph,
    };
    StateRecord::Audit(AuditRecord {
        version: entry.version,
        at_microseconds: entry.at.as_microseconds(),
        actor: entry.actor.as_deref(),
        action: entry.action as u8,
        subject,
    })
}

fn remembered_record(remembered: &Remembered) -> StateRecord<'_> {
    let Remembered { key, body, received, command_id, at, version, upserted } = remembered;
    StateRecord::Remembered(Box::new(RememberedRecord {
        key: *key,
        body: *body,
        nodes: received.nodes,
        edges: received.edges,
        warnings: received.warnings.iter().map(String::as_str).collect(),
        command_id: command_id.into_bytes(),
        at_microseconds: at.as_microseconds(),
        version: *version,
        nodes_upserted: upserted.nodes_upserted,
        edges_upserted: upserted.edges_upserted,
        edges_removed: upserted.edges_removed,
        placeholders_created: upserted.placeholders_created,
        conflicts: upserted
            .conflicts
            .iter()
            .map(|each| {
                let sources = (each.existing_source as u8, each.new_source as u8);
                (each.source.as_str(), each.target.as_str(), sources.0, sources.1)
            })
            .collect(),
        cycles: upserted
            .cycles
            .iter()
            .map(|each| (each.alert_id.into_bytes(), each.path.iter().map(ServiceId::as_str).collect()))
            .collect(),
    }))
}
