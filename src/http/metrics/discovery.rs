//! What the sources are counted to have done, as their runner counts it.

use prometheus::{IntCounter, Registry};

use super::families::{Followed, counters};
use super::work::Reports;
use crate::sources::runner::{RunOutcome, Status};
use crate::types::DiscoverySource;

/// The families of discovery.
pub(super) struct Discovery {
    /// By the positions of the source and the outcome in their lists.
    runs: Vec<[Followed; 4]>,
    nodes: Vec<Followed>,
    edges: Vec<Followed>,
    cycles: Followed,
}

impl Discovery {
    /// `reports` are the counters of what is reported, which discovery adds to as requests do.
    pub(super) fn new(registry: &Registry, reports: &Reports) -> Self {
        let help = "Runs of discovery, by source and outcome.";
        let runs = counters(registry, "discovery_runs_total", help, &["source", "outcome"]);
        let of = |source: &DiscoverySource| {
            RunOutcome::ALL
                .map(|outcome| Followed::new(runs.with_label_values(&[source.as_str(), outcome.as_str()])))
        };
        let shared = |counters: &[IntCounter]| counters.iter().cloned().map(Followed::new).collect();
        Self {
            runs: DiscoverySource::ALL.iter().map(of).collect(),
            nodes: shared(&reports.nodes),
            edges: shared(&reports.edges),
            cycles: Followed::new(reports.cycles.clone()),
        }
    }

    /// Catches up.
    pub(super) fn look(&self, statuses: &[Status]) {
        for status in statuses {
            let source = status.source as usize;
            for (runs, total) in self.runs[source].iter().zip(status.runs) {
                runs.follow(total);
            }
            self.nodes[source].follow(status.nodes_upserted);
            self.edges[source].follow(status.edges_upserted);
        }
        self.cycles.follow(statuses.iter().map(|status| status.cycles).sum());
    }
}
