//! One command ⇄ the bytes that the log keeps of it.
//!
//! What it is not: the domain types. The mirrors here are the contract with the disk and are
//! converted by hand, so that neither moves when the other does.
//!
//! ```text
//! offset  bytes  field
//!      0      1  record version, 1
//!      1      …  [`CommandRecord`] in postcard 1 (https://postcard.jamesmunns.com/wire-format):
//!                integers above one byte as LEB128 varints, signed ones in zigzag; texts and lists
//!                after a varint of their length; an option after a byte 0 or 1; an enum after a
//!                varint of its variant; members in the order in which they are declared
//! ```
//!
//! - A service id or a protocol is stored once, in a table, and referred to by its place there, in the
//!   order of first use. Decoding shares the text among all that name it, as the graph wants it.
//! - Metadata travels as its JSON text and is read again. Values of closed vocabularies travel as their
//!   index.
//! - Equal commands give equal bytes.
//! - A frame's checksum comes first: what does not decode here was never written by us, and is damage.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits;
use crate::types::{
    Attributes, BackoffStrategy, Change, Command, CommunicationMode, DependencyCriticality, DiscoverySource,
    EdgeReport, Metadata, NodeReport, Protocol, RetryConfig, ServiceId, Timestamp, Upsert,
};

const RECORD_VERSION: u8 = 1;

/// Why the bytes of a record are no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A record of another version than this program writes.
    #[error("record version {found}, this program reads {RECORD_VERSION}")]
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
    #[serde(borrow)]
    change: ChangeRecord<'a>,
}

#[derive(Serialize, Deserialize)]
enum ChangeRecord<'a> {
    #[serde(borrow)]
    Upsert(UpsertRecord<'a>),
}

#[derive(Serialize, Deserialize)]
struct UpsertRecord<'a> {
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
struct NodeRecord<'a> {
    service_id: u32,
    metadata_json: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct EdgeRecord {
    source: u32,
    target: u32,
    communication_mode: u8,
    criticality: u8,
    protocol: Option<u32>,
    timeout_ms: Option<u32>,
    retry_config: Option<RetryRecord>,
}

#[derive(Serialize, Deserialize)]
struct RetryRecord {
    max_retries: Option<u8>,
    backoff_strategy: Option<u8>,
}

/// Appends the record of `command` to `bytes`.
pub(super) fn encode(command: &Command, bytes: Vec<u8>) -> Vec<u8> {
    let change = match &command.change {
        Change::Upsert(upsert) => ChangeRecord::Upsert(upsert_record(upsert)),
    };
    let record =
        CommandRecord { id: command.id.into_bytes(), at_microseconds: command.at.as_microseconds(), change };
    let mut bytes = bytes;
    bytes.push(RECORD_VERSION);
    postcard::to_extend(&record, bytes).expect("a vector takes every byte, and every length is known")
}

fn upsert_record(upsert: &Upsert) -> UpsertRecord<'_> {
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

/// Reads the command of a whole record.
pub(super) fn decode(bytes: &[u8]) -> Result<Command, RecordError> {
    let (&version, bytes) = bytes.split_first().ok_or(RecordError::Layout)?;
    if version != RECORD_VERSION {
        return Err(RecordError::Version { found: version });
    }
    let Ok((record, [])) = postcard::take_from_bytes::<CommandRecord<'_>>(bytes) else {
        return Err(RecordError::Layout);
    };
    let change = match record.change {
        ChangeRecord::Upsert(upsert) => Change::Upsert(read_upsert(&upsert)?),
    };
    let at = timestamp(record.at_microseconds)?;
    Ok(Command { id: Uuid::from_bytes(record.id), at, change })
}

fn read_upsert(record: &UpsertRecord<'_>) -> Result<Upsert, RecordError> {
    let service_ids =
        record.service_ids.iter().map(|text| ServiceId::parse(text)).collect::<Result<Vec<_>, _>>();
    let service_ids = service_ids.map_err(|_| RecordError::Value("service id"))?;
    let protocols = record.protocols.iter().map(|text| protocol(text)).collect::<Result<Vec<_>, _>>()?;
    Ok(Upsert {
        source: DiscoverySource::from_index(record.source).ok_or(RecordError::Value("source"))?,
        observed_at: timestamp(record.observed_at_microseconds)?,
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

fn timestamp(microseconds: i64) -> Result<Timestamp, RecordError> {
    Timestamp::from_microseconds(microseconds).ok_or(RecordError::Value("timestamp"))
}

fn at_place<T: Clone>(table: &[T], place: u32) -> Result<T, RecordError> {
    table.get(place as usize).cloned().ok_or(RecordError::Value("place in a table"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wal::testing::{any_command, command};

    #[test]
    fn the_numbers_on_disk_are_those_of_every_log_written_so_far() {
        // A value may be added at the end. One that is to rank elsewhere needs a mapping here first.
        assert_eq!(DiscoverySource::NAMES, ["manual", "service_mesh", "otel_service_graph", "kubernetes"]);
        assert_eq!(CommunicationMode::NAMES, ["sync", "async"]);
        assert_eq!(DependencyCriticality::NAMES, ["hard", "degraded", "soft"]);
        assert_eq!(BackoffStrategy::NAMES, ["exponential", "linear", "constant"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn round_trips_and_equal_commands_give_equal_bytes(original in any_command()) {
            let bytes = encode(&original, Vec::new());
            let decoded = decode(&bytes).unwrap();
            prop_assert_eq!(&decoded, &original);
            prop_assert_eq!(encode(&decoded, Vec::new()), bytes);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut record = vec![RECORD_VERSION];
            record.extend(bytes);
            let _ = decode(&record);
        }
    }

    #[test]
    fn every_cut_and_every_addition_is_refused() {
        let bytes = encode(&command(3), Vec::new());
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), Err(RecordError::Layout), "cut at {end}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(decode(&longer), Err(RecordError::Layout));
        let newer = [&[2], &bytes[1..]].concat();
        assert_eq!(decode(&newer).unwrap_err().to_string(), "record version 2, this program reads 1");
    }

    #[test]
    fn a_record_names_the_value_at_fault() {
        let bytes = encode(&command(3), Vec::new());
        let source = 1 + 16 + 8 + 1;
        let mut damaged = bytes.clone();
        assert_eq!(damaged[source], DiscoverySource::Kubernetes as u8);
        damaged[source] = 9;
        assert_eq!(decode(&damaged), Err(RecordError::Value("source")));
    }

    #[test]
    fn texts_are_stored_once_and_shared() {
        let text = "a-service-with-a-long-name";
        let bytes = encode(&command_naming_twice(text), Vec::new());
        assert_eq!(bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count(), 1);
        let Change::Upsert(upsert) = decode(&bytes).unwrap().change;
        let (node, edge) = (&upsert.nodes[0].service_id, &upsert.edges[0].source);
        assert!(std::ptr::eq(node.as_str(), edge.as_str()), "one allocation");
    }

    fn command_naming_twice(text: &str) -> Command {
        let mut command = command(1);
        let Change::Upsert(upsert) = &mut command.change;
        upsert.edges[0].source = ServiceId::parse(text).unwrap();
        upsert.nodes.insert(0, NodeReport { service_id: ServiceId::parse(text).unwrap(), metadata: None });
        command
    }
}
