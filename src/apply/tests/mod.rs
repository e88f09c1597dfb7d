//! The graph after any commands, held against models that are too simple to be wrong.

mod cycles;
mod history;
mod model;
mod upsert;

use crate::types::{
    Attributes, Change, Command, CommunicationMode, DependencyCriticality, DiscoverySource, EdgeReport,
    Metadata, Mode, NodeReport, ServiceId, Timestamp, Upsert,
};
use uuid::Uuid;

fn service_id(text: &str) -> ServiceId {
    ServiceId::parse(text).unwrap()
}

/// An instant so many seconds after an arbitrary one.
fn second(second: i64) -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000 + second * 1_000_000).unwrap()
}

fn attributes(mode: CommunicationMode, criticality: DependencyCriticality) -> Attributes {
    Attributes { communication_mode: mode, criticality, protocol: None, timeout_ms: None, retry_config: None }
}

fn hard_sync() -> Attributes {
    Attributes::hard_sync()
}

fn edge(source: &str, target: &str, attributes: Attributes) -> EdgeReport {
    EdgeReport { source: service_id(source), target: service_id(target), attributes }
}

fn node(id: &str, metadata: Option<&str>) -> NodeReport {
    NodeReport {
        service_id: service_id(id),
        metadata: metadata.map(|json| Metadata::from_json(json).unwrap()),
    }
}

/// The command with this number: its id and instant follow from it.
fn command(
    number: u32,
    source: DiscoverySource,
    observed_at: Timestamp,
    nodes: Vec<NodeReport>,
    edges: Vec<EdgeReport>,
) -> Command {
    let upsert = Upsert { source, observed_at, mode: Mode::Upsert, nodes, edges };
    let (id, at) = (Uuid::from_u128(u128::from(number) + 1), second(10_000 + i64::from(number)));
    Command::new(id, at, Change::Upsert(upsert))
}
