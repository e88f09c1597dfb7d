//! From a report to the graph, by the way that all writes go.
//!
//! - A report goes in batches, services first: no command is longer than the log takes.
//! - Only ever an upsert: what a source does not mention it does not take back.

use tokio::sync::oneshot;

use crate::limits;
use crate::sources::Report;
use crate::types::{Change, Command, DiscoverySource, Mode, Outcome, Timestamp, Upsert};
use crate::writer::{Clock, Handle, WriteError};

/// What became of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Submitted {
    pub(super) nodes_upserted: u64,
    pub(super) edges_upserted: u64,
    pub(super) cycles: u64,
    pub(super) version: Option<u64>,
}

/// Writes a report down. Where a batch fails, those before it stay.
pub(super) async fn submit(
    writer: &Handle,
    clock: Clock,
    source: DiscoverySource,
    report: &Report,
    observed_at: Timestamp,
) -> Result<Submitted, WriteError> {
    let mut submitted = Submitted::default();
    for upsert in batches(source, report, observed_at) {
        let actor = format!("discovery:{}", source.as_str());
        let command = Command::new((clock.new_id)(), (clock.now)(), Change::Upsert(upsert)).by(actor);
        let (reply, answer) = oneshot::channel();
        // The receiver below outlives the reply.
        writer.submit(command, Box::new(move |result| drop(reply.send(result))))?;
        let committed = answer.await.unwrap_or(Err(WriteError::OutcomeUnknown))?;
        submitted.version = Some(committed.version);
        if let Outcome::Upserted(upserted) = &committed.outcome {
            submitted.nodes_upserted += u64::from(upserted.nodes_upserted);
            submitted.edges_upserted += u64::from(upserted.edges_upserted);
            submitted.cycles += upserted.cycles.len() as u64;
        }
    }
    Ok(submitted)
}

fn batches(
    source: DiscoverySource,
    report: &Report,
    observed_at: Timestamp,
) -> impl Iterator<Item = Upsert> + use<'_> {
    let (mut nodes, mut edges) = (&report.nodes[..], &report.edges[..]);
    std::iter::from_fn(move || {
        let (first, rest) = nodes.split_at(nodes.len().min(limits::DISCOVERY_BATCH_ENTRIES));
        nodes = rest;
        let room = limits::DISCOVERY_BATCH_ENTRIES - first.len();
        let (second, rest) = edges.split_at(edges.len().min(room));
        edges = rest;
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
