//! A graph as archives, one block at a time: services, observations, cycles, state.
//!
//! - Indexes in a snapshot are dense: holes of the graph are compacted away, the order stays.
//! - A block ends when its content reaches its target, so there is never more than one in memory.

use std::collections::HashMap;
use std::rc::Rc;

use super::block::Kind;
use super::format::{
    Aligned, CyclesBlock, NO_PROTOCOL, NONE, ObservationRecord, ObservationsBlock, PieceRecord, RETRY,
    ReportRecord, STALE, ServiceRecord, ServicesBlock,
};
use super::state;
use crate::graph::{Component, Graph};
use crate::limits::SNAPSHOT_BLOCK_BYTES_TARGET as TARGET;
use crate::types::{Observation, Service, ServiceReport, Timestamp};

/// All blocks of a graph, in order.
pub(super) fn blocks(graph: &Graph) -> impl Iterator<Item = (Kind, Aligned)> {
    let services = ServiceBlocks { graph, next: 0 };
    let compact = compact_indexes(graph);
    let observations = ObservationBlocks { graph, compact: compact.clone(), node: 0, place: 0 };
    let cycles = CycleBlocks {
        components: graph.cycles().components().map(|(_, each)| each).collect(),
        compact: compact.clone(),
        next: 0,
        place: 0,
    };
    let state = state::blocks(graph, move |node| compact[node as usize]);
    let services = services.map(|block| (Kind::Services, block.to_archive()));
    let observations = observations.map(|block| (Kind::Observations, block.to_archive()));
    let cycles = cycles.map(|block| (Kind::Cycles, block.to_archive()));
    let state = state.map(|block| (Kind::State, block.to_archive()));
    services.chain(observations).chain(cycles).chain(state)
}

/// For each node index its index among the services that are there.
fn compact_indexes(graph: &Graph) -> Rc<[u32]> {
    let mut next = 0;
    let compact = (0..graph.node_count()).map(|node| {
        let index = next;
        next += u32::from(graph.get(node).is_some());
        index
    });
    compact.collect()
}

struct ServiceBlocks<'g> {
    graph: &'g Graph,
    next: u32,
}

impl Iterator for ServiceBlocks<'_> {
    type Item = ServicesBlock;

    fn next(&mut self) -> Option<ServicesBlock> {
        let mut block = ServicesBlock::default();
        let mut bytes = 0;
        while self.next < self.graph.node_count() && bytes < TARGET {
            if let Some(node) = self.graph.get(self.next) {
                let record = service_record(node.service());
                let texts = record.reports.iter().map(|report| report.metadata.len() + 16);
                bytes += size_of::<ServiceRecord>() + record.service_id.len() + texts.sum::<usize>();
                block.services.push(record);
            }
            self.next += 1;
        }
        (!block.services.is_empty()).then_some(block)
    }
}

fn service_record(service: &Service) -> ServiceRecord {
    let report = |report: &ServiceReport| ReportRecord {
        metadata: report.metadata.json().to_owned(),
        source: report.source as u32,
    };
    ServiceRecord {
        id: service.id().into_bytes(),
        created_at: service.created_at().as_microseconds(),
        updated_at: service.updated_at().as_microseconds(),
        service_id: service.service_id().as_str().to_owned(),
        reports: service.reports().iter().map(report).collect(),
    }
}

struct ObservationBlocks<'g> {
    graph: &'g Graph,
    compact: Rc<[u32]>,
    /// The next dependency: of this node, at this place among its links.
    node: u32,
    place: usize,
}

impl Iterator for ObservationBlocks<'_> {
    type Item = ObservationsBlock;

    fn next(&mut self) -> Option<ObservationsBlock> {
        let mut content = Observations::default();
        while self.node < self.graph.node_count() && content.bytes < TARGET {
            let links = self.graph.outgoing(self.node);
            let dependencies = self.graph.dependencies(self.node);
            while self.place < links.len() && content.bytes < TARGET {
                let pair = [self.node, links[self.place].node].map(|node| self.compact[node as usize]);
                for observation in dependencies[self.place].observations() {
                    content.push(pair, observation);
                }
                self.place += 1;
            }
            if self.place == links.len() {
                self.node += 1;
                self.place = 0;
            }
        }
        (!content.block.observations.is_empty()).then_some(content.block)
    }
}

/// A block while it fills.
#[derive(Default)]
struct Observations<'g> {
    block: ObservationsBlock,
    protocols: HashMap<&'g str, u16>,
    bytes: usize,
}

impl<'g> Observations<'g> {
    fn push(&mut self, [source, target]: [u32; 2], observation: &'g Observation) {
        let attributes = &observation.attributes;
        let retry = attributes.retry_config;
        self.bytes += size_of::<ObservationRecord>();
        let record = ObservationRecord {
            last_observed_at: observation.last_observed_at.as_microseconds(),
            stale_since: observation.stale_since.map_or(0, Timestamp::as_microseconds),
            source,
            target,
            times_observed: observation.times_observed,
            timeout_ms: attributes.timeout_ms.map_or(0, std::num::NonZeroU32::get),
            protocol: attributes.protocol.as_deref().map_or(NO_PROTOCOL, |text| self.protocol(text)),
            discovery_source: observation.source as u8,
            communication_mode: attributes.communication_mode as u8,
            criticality: attributes.criticality as u8,
            flags: if observation.is_stale() { STALE } else { 0 } | if retry.is_some() { RETRY } else { 0 },
            max_retries: retry.and_then(|retry| retry.max_retries).unwrap_or(NONE),
            backoff_strategy: retry
                .and_then(|retry| retry.backoff_strategy)
                .map_or(NONE, |strategy| strategy as u8),
        };
        self.block.observations.push(record);
    }

    /// The place of a protocol in the block's table.
    fn protocol(&mut self, text: &'g str) -> u16 {
        if let Some(place) = self.protocols.get(text) {
            return *place;
        }
        let place = self.protocols.len() as u16;
        self.protocols.insert(text, place);
        self.block.protocols.push(text.to_owned());
        self.bytes += text.len() + 8;
        place
    }
}

/// Members in one piece of a component.
const PIECE_MEMBERS_MAX: usize = TARGET / 4;

struct CycleBlocks<'g> {
    components: Vec<&'g Component>,
    compact: Rc<[u32]>,
    /// The next members: of this component, from this place.
    next: usize,
    place: usize,
}

impl Iterator for CycleBlocks<'_> {
    type Item = CyclesBlock;

    fn next(&mut self) -> Option<CyclesBlock> {
        let mut block = CyclesBlock::default();
        let mut bytes = 0;
        while self.next < self.components.len() && bytes < TARGET {
            let component = self.components[self.next];
            let rest = &component.members[self.place..];
            let piece = &rest[..rest.len().min(PIECE_MEMBERS_MAX)];
            let goes_on = piece.len() < rest.len();
            block.pieces.push(PieceRecord {
                alert_id: component.alert_id.into_bytes(),
                members: piece.iter().map(|node| self.compact[*node as usize]).collect(),
                goes_on: u32::from(goes_on),
            });
            bytes += size_of::<PieceRecord>() + 4 * piece.len();
            if goes_on {
                self.place += piece.len();
            } else {
                self.next += 1;
                self.place = 0;
            }
        }
        (!block.pieces.is_empty()).then_some(block)
    }
}
