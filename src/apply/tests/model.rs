//! A landscape as plain maps, and the rules of the contract applied to it one by one.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::graph::Graph;
use crate::types::{Attributes, Change, Command, Dependency, DiscoverySource, Timestamp, Upsert};

/// What a report leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) attributes: Attributes,
    pub(super) last_observed_at: Timestamp,
    pub(super) times_observed: u32,
}

type Edges = BTreeMap<(String, String), BTreeMap<DiscoverySource, Seen>>;

/// Everything that the contract says about a landscape.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Model {
    /// Metadata per source; a placeholder has none.
    pub(super) services: BTreeMap<String, BTreeMap<DiscoverySource, Map<String, Value>>>,
    pub(super) edges: Edges,
}

/// What the model expects an upsert to report.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) placeholders: u32,
    /// (source, target, existing source), in order.
    pub(super) conflicts: Vec<(String, String, DiscoverySource)>,
}

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

impl Model {
    pub(super) fn apply(&mut self, command: &Command) -> Expected {
        match &command.change {
            Change::Upsert(upsert) => self.upsert(upsert),
            other => panic!("not in these histories: {other:?}"),
        }
    }

    fn upsert(&mut self, upsert: &Upsert) -> Expected {
        for node in &upsert.nodes {
            let reports = self.services.entry(node.service_id.to_string()).or_default();
            let report = reports.entry(upsert.source).or_default();
            if let Some(metadata) = &node.metadata {
                *report = object(metadata.json());
            }
        }
        let before = self.services.len();
        let mut conflicts = Vec::new();
        for edge in &upsert.edges {
            let pair = (edge.source.to_string(), edge.target.to_string());
            self.services.entry(pair.0.clone()).or_default();
            self.services.entry(pair.1.clone()).or_default();
            let observations = self.edges.entry(pair.clone()).or_default();
            let earlier = observations.get(&upsert.source).cloned();
            let times_observed = earlier.as_ref().map_or(1, |earlier| earlier.times_observed + 1);
            if let Some(earlier) = earlier.filter(|earlier| earlier.last_observed_at > upsert.observed_at) {
                observations.insert(upsert.source, Seen { times_observed, ..earlier });
                continue;
            }
            for (source, seen) in observations.iter() {
                if *source != upsert.source && seen.attributes != edge.attributes {
                    conflicts.push((pair.0.clone(), pair.1.clone(), *source));
                }
            }
            let attributes = edge.attributes.clone();
            let seen = Seen { attributes, last_observed_at: upsert.observed_at, times_observed };
            observations.insert(upsert.source, seen);
        }
        Expected { placeholders: (self.services.len() - before) as u32, conflicts }
    }

    /// The model of what a graph holds.
    pub(super) fn of(graph: &Graph) -> Self {
        let mut model = Self::default();
        for (index, node) in graph.in_order(None) {
            let service = node.service();
            let reports =
                service.reports().iter().map(|report| (report.source, object(report.metadata.json())));
            model.services.insert(service.service_id().to_string(), reports.collect());
            for (link, dependency) in graph.outgoing(index).iter().zip(graph.dependencies(index)) {
                let pair = (service.service_id().to_string(), graph.name(link.node).to_string());
                model.edges.insert(pair, seen(dependency));
            }
        }
        model
    }

    /// The metadata that a service shows: the key-wise union, the higher priority winning.
    pub(super) fn shown_metadata(&self, service_id: &str) -> Value {
        let reports = &self.services[service_id];
        if reports.is_empty() {
            return serde_json::json!({"source": "auto_discovered"});
        }
        let mut union = Map::new();
        for metadata in reports.values().rev() {
            union.extend(metadata.clone());
        }
        Value::Object(union)
    }
}

fn seen(dependency: &Dependency) -> BTreeMap<DiscoverySource, Seen> {
    let seen = dependency.observations().iter().map(|observation| {
        let seen = Seen {
            attributes: observation.attributes.clone(),
            last_observed_at: observation.last_observed_at,
            times_observed: observation.times_observed,
        };
        (observation.source, seen)
    });
    seen.collect()
}
