//! A source's report ⇄ its mirror in the record.
//!
//! - A service id or a protocol is stored once, in a table, and referred to by its place there, in the
//!   order of first use. Decoding shares the text among all that name it, as the graph wants it.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{RecordError, read_service_id, read_source, read_timestamp};
use crate::limits;
use crate::types::{
    Attributes, BackoffStrategy, CommunicationMode, DependencyCriticality, EdgeReport, Metadata, Mode,
    NodeReport, Protocol, RetryConfig, ServiceId, Upsert,
};

#[derive(Serialize, Deserialize)]
pub(super) struct UpsertRecord<'a> {
    source: u8,
    observed_at_microseconds: i64,
    #[serde(borrow)]
    service_ids: Vec<&'a str>,
    #[serde(borrow)]
    protocols: Vec<&'a str>,
    #[serde(borrow)]
    nodes: Vec<NodeRecord<'a>>,
    edges: Vec<EdgeRecord>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct NodeRecord<'a> {
    service_id: u32,
    metadata_json: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct EdgeRecord {
    source: u32,
    target: u32,
    communication_mode: u8,
    criticality: u8,
    protocol: Option<u32>,
    timeout_ms: Option<u32>,
    retry_config: Option<RetryRecord>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RetryRecord {
    max_retries: Option<u8>,
    backoff_strategy: Option<u8>,
}

pub(super) fn upsert_record(upsert: &Upsert) -> UpsertRecord<'_> {
    let mut service_ids = Table::default();
    let mut protocols = Table::default();
    let nodes = upsert.nodes.iter().map(|node| NodeRecord {
        service_id: service_ids.place(node.service_id.as_str()),
        metadata_json: node.metadata.as_ref().map(Metadata::json),
    });
    let nodes = nodes.collect();
    let edges = upsert.edges.iter().map(|edge| edge_record(edge, &mut service_ids, &mut protocols)).collect();
    UpsertRecord {
        source: upsert.source as u8,
        observed_at_microseconds: upsert.observed_at.as_microseconds(),
        service_ids: service_ids.texts,
        protocols: protocols.texts,
        nodes,
        edges,
    }
}

fn edge_record<'a>(
    edge: &'a EdgeReport,
    service_ids: &mut Table<'a>,
    protocols: &mut Table<'a>,
) -> EdgeRecord {
    let attributes = &edge.attributes;
    EdgeRecord {
        source: service_ids.place(edge.source.as_str()),
        target: service_ids.place(edge.target.as_str()),
        communication_mode: attributes.communication_mode as u8,
        criticality: attributes.criticality as u8,
        protocol: attributes.protocol.as_deref().map(|protocol| protocols.place(protocol)),
        timeout_ms: attributes.timeout_ms.map(NonZeroU32::get),
        retry_config: attributes.retry_config.map(|retry| RetryRecord {
            max_retries: retry.max_retries,
            backoff_strategy: retry.backoff_strategy.map(|strategy| strategy as u8),
        }),
    }
}

/// Texts, each once, in the order of first use.
#[derive(Default)]
struct Table<'a> {
    texts: Vec<&'a str>,
    places: HashMap<&'a str, u32>,
}

impl<'a> Table<'a> {
    fn place(&mut self, text: &'a str) -> u32 {
        *self.places.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() as u32 - 1
        })
    }
}

/// Reads a report; its mode stands outside of it.
pub(super) fn read_upsert(record: &UpsertRecord<'_>, mode: Mode) -> Result<Upsert, RecordError> {
    let service_ids =
        record.service_ids.iter().map(|text| read_service_id(text)).collect::<Result<Vec<_>, _>>()?;
    let protocols = record.protocols.iter().map(|text| protocol(text)).collect::<Result<Vec<_>, _>>()?;
    Ok(Upsert {
        source: read_source(record.source)?,
        observed_at: read_timestamp(record.observed_at_microseconds)?,
        mode,
        nodes: record.nodes.iter().map(|node| read_node(node, &service_ids)).collect::<Result<_, _>>()?,
        edges: record
            .edges
            .iter()
            .map(|edge| read_edge(edge, &service_ids, &protocols))
            .collect::<Result<_, _>>()?,
    })
}

fn read_node(record: &NodeRecord<'_>, service_ids: &[ServiceId]) -> Result<NodeReport, RecordError> {
    let metadata = record.metadata_json.map(Metadata::from_json).transpose();
    Ok(NodeReport {
        service_id: at_place(service_ids, record.service_id)?,
        metadata: metadata.map_err(|_| RecordError::Value("metadata"))?,
    })
}

fn read_edge(
    record: &EdgeRecord,
    service_ids: &[ServiceId],
    protocols: &[Protocol],
) -> Result<EdgeReport, RecordError> {
    let timeout_ms = record
        .timeout_ms
        .map(|milliseconds| NonZeroU32::new(milliseconds).ok_or(RecordError::Value("timeout")));
    Ok(EdgeReport {
        source: at_place(service_ids, record.source)?,
        target: at_place(service_ids, record.target)?,
        attributes: Attributes {
            communication_mode: CommunicationMode::from_index(record.communication_mode)
                .ok_or(RecordError::Value("communication mode"))?,
            criticality: DependencyCriticality::from_index(record.criticality)
                .ok_or(RecordError::Value("criticality"))?,
            protocol: record.protocol.map(|place| at_place(protocols, place)).transpose()?,
            timeout_ms: timeout_ms.transpose()?,
            retry_config: record.retry_config.as_ref().map(read_retry).transpose()?,
        },
    })
}

fn read_retry(record: &RetryRecord) -> Result<RetryConfig, RecordError> {
    let strategy = record
        .backoff_strategy
        .map(|index| BackoffStrategy::from_index(index).ok_or(RecordError::Value("backoff strategy")));
    Ok(RetryConfig { max_retries: record.max_retries, backoff_strategy: strategy.transpose()? })
}

fn protocol(text: &str) -> Result<Protocol, RecordError> {
    if text.len() > limits::PROTOCOL_BYTES_MAX {
        Err(RecordError::Value("protocol"))
    } else {
        Ok(Arc::from(text))
    }
}

fn at_place<T: Clone>(table: &[T], place: u32) -> Result<T, RecordError> {
    table.get(place as usize).cloned().ok_or(RecordError::Value("place in a table"))
}
