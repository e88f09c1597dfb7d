//! From a report to the graph, by the way that all writes go.
//!
//! - A report goes in batches, services first: no command is longer than the log takes.
//! - Only ever an upsert: what a source does not mention it does not take back.

use tokio::sync::oneshot;

use crate::limits;
use crate::sources::Report;
use crate::types::{
    Change, Command, DiscoverySource, EdgeReport, Mode, NodeReport, Outcome, Timestamp, Upsert,
};
use crate::writer::{Clock, Committed, Handle, WriteError};

/// What became of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Submitted {
    pub(super) nodes_upserted: u64,
    pub(super) edges_upserted: u64,
    pub(super) cycles: u64,
    pub(super) version: Option<u64>,
}

/// Writes a report down. Where a batch fails, those before it stay, and what they did is told too.
pub(super) async fn submit(
    writer: &Handle,
    clock: Clock,
    source: DiscoverySource,
    report: &Report,
    observed_at: Timestamp,
) -> (Submitted, Result<(), WriteError>) {
    let mut submitted = Submitted::default();
    for upsert in batches(source, report, observed_at) {
        let actor = format!("discovery:{}", source.as_str());
        let command = Command::new((clock.new_id)(), (clock.now)(), Change::Upsert(upsert)).by(actor);
        let committed = match write(writer, command).await {
            Ok(committed) => committed,
            Err(error) => return (submitted, Err(error)),
        };
        submitted.version = Some(committed.version);
        if let Outcome::Upserted(upserted) = &committed.outcome {
            submitted.nodes_upserted += u64::from(upserted.nodes_upserted);
            submitted.edges_upserted += u64::from(upserted.edges_upserted);
            submitted.cycles += upserted.cycles.len() as u64;
        }
    }
    (submitted, Ok(()))
}

async fn write(writer: &Handle, command: Command) -> Result<Committed, WriteError> {
    let (reply, answer) = oneshot::channel();
    // The receiver below outlives the reply.
    writer.submit(command, Box::new(move |result| drop(reply.send(result))))?;
    answer.await.unwrap_or(Err(WriteError::OutcomeUnknown))
}

fn batches(
    source: DiscoverySource,
    report: &Report,
    observed_at: Timestamp,
) -> impl Iterator<Item = Upsert> + use<'_> {
    let (mut nodes, mut edges) = (&report.nodes[..], &report.edges[..]);
    std::iter::from_fn(move || {
        let mut room =
            Room { entries: limits::DISCOVERY_BATCH_ENTRIES, bytes: limits::DISCOVERY_BATCH_BYTES };
        let (first, second);
        (first, nodes) = nodes.split_at(room.take(nodes.iter().map(node_bytes)));
        // Those that a dependency names come before it.
        (second, edges) =
            edges.split_at(if nodes.is_empty() { room.take(edges.iter().map(edge_bytes)) } else { 0 });
        let is_done = first.is_empty() && second.is_empty();
        (!is_done).then(|| Upsert {
            source,
            observed_at,
            mode: Mode::Upsert,
            nodes: first.to_vec(),
            edges: second.to_vec(),
        })
    })
}

/// What a batch still has room for.
struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    /// How many of these fit; each alone is far smaller than a batch.
    fn take(&mut self, sizes: impl Iterator<Item = usize>) -> usize {
        let mut taken = 0;
        for size in sizes.take(self.entries) {
            let Some(rest) = self.bytes.checked_sub(size) else { break };
            self.bytes = rest;
            taken += 1;
        }
        self.entries -= taken;
        taken
    }
}

const ENTRY_BYTES: usize = 64;
const _: () = assert!(limits::METADATA_BYTES_MAX + 1024 < limits::DISCOVERY_BATCH_BYTES);

fn node_bytes(node: &NodeReport) -> usize {
    let metadata = node.metadata.as_ref().map_or(0, |metadata| metadata.json().len());
    ENTRY_BYTES + node.service_id.as_str().len() + metadata
}

fn edge_bytes(edge: &EdgeReport) -> usize {
    ENTRY_BYTES + edge.source.as_str().len() + edge.target.as_str().len()
}
