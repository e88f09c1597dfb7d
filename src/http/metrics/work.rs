//! What requests made the server do: traversals, reports, what caches spared, and what the door did.

use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntGauge, Registry};

use super::families::{Followed, counter, counters, durations, gauge};
use crate::http::tag::Condition;
use crate::limits;
use crate::types::{Direction, DiscoverySource, Upserted};

/// The families of work.
pub(in crate::http) struct Work {
    /// By direction, then by depth from 1.
    traversals: Vec<Histogram>,
    /// Answers that clients had already (`If-None-Match`), and those that they had not any more.
    conditional: [IntCounter; 2],
    /// Answers that were kept, and those that were not.
    kept: [IntCounter; 2],
    /// Keys that were verified before, and those that bcrypt had to check.
    keys: [Followed; 2],
    pub(super) reports: Reports,
    redis_up: IntGauge,
}

/// What came of reports, whoever brought them.
pub(super) struct Reports {
    /// By the position of the source in its list.
    pub(super) nodes: Vec<IntCounter>,
    /// The same.
    pub(super) edges: Vec<IntCounter>,
    pub(super) cycles: IntCounter,
}

impl Work {
    pub(super) fn new(to: &Registry) -> Self {
        let help = "From a query to the first piece of its answer.";
        let traversals = durations(to, "graph_traversal_duration_seconds", help, &["direction", "depth"]);
        let hits = counters(to, "cache_hits_total", "Requests that a cache spared work.", &["cache_type"]);
        let misses =
            counters(to, "cache_misses_total", "Requests that a cache did not help.", &["cache_type"]);
        let nodes = "Services that reports named, by source.";
        let edges = "Dependencies that reports named, by source.";
        let cycles = "Circular dependencies that reports made or changed.";
        let up = "1 while rate limits are shared through Redis, 0 while they are this server's own.";
        let of = |cache: &str| [hits.with_label_values(&[cache]), misses.with_label_values(&[cache])];
        let by_source = |name: &str, help: &str| {
            let family = counters(to, name, help, &["discovery_source"]);
            DiscoverySource::NAMES.iter().map(|name| family.with_label_values(&[name])).collect()
        };
        let depths = 1..=limits::QUERY_DEPTH_MAX;
        Self {
            traversals: Direction::NAMES
                .iter()
                .flat_map(|direction| depths.clone().map(move |depth| (direction, depth.to_string())))
                .map(|(direction, depth)| traversals.with_label_values(&[*direction, depth.as_str()]))
                .collect(),
            conditional: of("conditional"),
            kept: of("answer"),
            keys: of("api_key").map(Followed::new),
            reports: Reports {
                nodes: by_source("graph_nodes_upserted_total", nodes),
                edges: by_source("graph_edges_upserted_total", edges),
                cycles: counter(to, "circular_dependencies_detected_total", cycles),
            },
            redis_up: gauge(to, "rate_limit_redis_up", up),
        }
    }

    /// Counts a traversal; `depth` is from 1 to the most there is.
    pub(in crate::http) fn traversal(&self, direction: Direction, depth: u8, took: Duration) {
        let place = direction as usize * usize::from(limits::QUERY_DEPTH_MAX) + usize::from(depth) - 1;
        self.traversals[place].observe(took.as_secs_f64());
    }

    /// Counts a conditional read.
    pub(in crate::http) fn condition(&self, condition: Condition) {
        match condition {
            Condition::None => {}
            Condition::Holds(_) => self.conditional[0].inc(),
            Condition::Fails => self.conditional[1].inc(),
        }
    }

    /// Counts a read whose answer was kept, or was not.
    pub(in crate::http) fn kept(&self, is_hit: bool) {
        self.kept[usize::from(!is_hit)].inc();
    }

    /// Counts what came of a report.
    pub(in crate::http) fn report(&self, source: DiscoverySource, upserted: &Upserted) {
        let Reports { nodes, edges, cycles } = &self.reports;
        nodes[source as usize].inc_by(upserted.nodes_upserted.into());
        edges[source as usize].inc_by(upserted.edges_upserted.into());
        cycles.inc_by(upserted.cycles.len() as u64);
    }

    /// Looks at what the door counts by itself.
    pub(in crate::http) fn follow_door(&self, is_shared: bool, [hits, misses]: [u64; 2]) {
        self.redis_up.set(i64::from(is_shared));
        self.keys[0].follow(hits);
        self.keys[1].follow(misses);
    }
}
