//! What was found, as a report that ingestion takes.
//!
//! - Whatever the graph would refuse is left out and noted here: one odd name does not cost the rest.
//! - Sorted, without duplicates and self-loops.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::found::{Found, Name, Uses};
use super::naming::{Knows, Naming};
use crate::limits;
use crate::types::{DiscoverySource, EdgeReport, Metadata, Mode, NodeReport, ServiceId, Timestamp, Upsert};

/// What was found, under the graph's ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The services, by id.
    pub nodes: Vec<NodeReport>,
    /// The dependencies, by the ids of who calls and who is called.
    pub edges: Vec<EdgeReport>,
    /// How much was left out, by reason, plural.
    pub left_out: BTreeMap<&'static str, u64>,
    /// What was not understood or not valid.
    pub notes: Vec<String>,
}

impl Report {
    /// Gives every name its id. O(found · log found).
    pub fn of(found: &Found, naming: &Naming, knows: &Knows<'_>) -> Self {
        let mut report =
            Self { left_out: found.left_out().clone(), notes: found.notes().to_vec(), ..Self::default() };
        let ends = found.dependencies().keys().flat_map(|(from, on)| [from, on]);
        let names: BTreeSet<&Name> = found.services().keys().chain(ends).collect();
        let ids = report.valid_ids(&naming.ids(&names, knows));
        let edges = report.edges(found, &ids);
        report.nodes(found, &ids, &edges);
        report.edges = edges
            .into_iter()
            .map(|((source, target), uses)| EdgeReport { source, target, attributes: uses.attributes() })
            .collect();
        report
    }

    /// Whether there is nothing to ingest.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty()
    }

    /// What to ingest.
    pub fn upsert(self, source: DiscoverySource, observed_at: Timestamp) -> Upsert {
        Upsert { source, observed_at, mode: Mode::Upsert, nodes: self.nodes, edges: self.edges }
    }

    /// The same as the body of an ingestion request. O(report).
    pub fn document(&self, source: DiscoverySource, observed_at: Timestamp) -> Value {
        let node = |node: &NodeReport| {
            let mut written = json!({"service_id": node.service_id.as_str()});
            if let Some(metadata) = &node.metadata {
                written["metadata"] =
                    serde_json::from_str(metadata.json()).expect("metadata is a JSON object");
            }
            written
        };
        let edge = |edge: &EdgeReport| {
            let mut attributes = json!({
                "communication_mode": edge.attributes.communication_mode.as_str(),
                "criticality": edge.attributes.criticality.as_str(),
            });
            if let Some(protocol) = &edge.attributes.protocol {
                attributes["protocol"] = json!(&**protocol);
            }
            json!({"source": edge.source.as_str(), "target": edge.target.as_str(), "attributes": attributes})
        };
        json!({
            "source": source.as_str(),
            "timestamp": observed_at.to_string(),
            "nodes": self.nodes.iter().map(node).collect::<Vec<_>>(),
            "edges": self.edges.iter().map(edge).collect::<Vec<_>>(),
        })
    }

    fn valid_ids<'n>(&mut self, ids: &HashMap<&'n Name, String>) -> HashMap<&'n Name, ServiceId> {
        let mut valid = HashMap::with_capacity(ids.len());
        let mut refused = BTreeSet::new();
        for (name, id) in ids {
            match ServiceId::parse(id) {
                Ok(id) => drop(valid.insert(*name, id)),
                Err(error) => drop(refused.insert(format!("{id:?} cannot be a service id: {error}"))),
            }
        }
        self.notes.extend(refused);
        valid
    }

    fn edges(
        &mut self,
        found: &Found,
        ids: &HashMap<&Name, ServiceId>,
    ) -> BTreeMap<(ServiceId, ServiceId), Uses> {
        let mut edges: BTreeMap<(ServiceId, ServiceId), Uses> = BTreeMap::new();
        for ((from, on), uses) in found.dependencies() {
            let (Some(source), Some(target)) = (ids.get(from), ids.get(on)) else { continue };
            let mut uses = uses.clone();
            if uses.protocol.as_ref().is_some_and(|protocol| protocol.len() > limits::PROTOCOL_BYTES_MAX) {
                uses.protocol = None;
                *self.left_out.entry("protocol names that are too long").or_default() += 1;
            }
            if source == target {
                *self.left_out.entry("self-loops").or_default() += 1;
                continue;
            }
            match edges.get_mut(&(source.clone(), target.clone())) {
                Some(known) => known.join(uses),
                None => drop(edges.insert((source.clone(), target.clone()), uses)),
            }
        }
        edges
    }

    /// Dependencies have no metadata: from what each was concluded stands with the service that calls.
    fn nodes(
        &mut self,
        found: &Found,
        ids: &HashMap<&Name, ServiceId>,
        edges: &BTreeMap<(ServiceId, ServiceId), Uses>,
    ) {
        let mut services: BTreeMap<ServiceId, Map<String, Value>> = BTreeMap::new();
        for (name, seen) in found.services() {
            let Some(id) = ids.get(name) else { continue };
            let metadata = services.entry(id.clone()).or_default();
            for (key, value) in seen.members() {
                metadata.entry(key.clone()).or_insert_with(|| value.clone());
            }
            for (key, value) in [("namespace", &name.namespace), ("cluster", &name.cluster)] {
                if let Some(value) = value {
                    metadata.entry(key.to_owned()).or_insert_with(|| value.clone().into());
                }
            }
        }
        for ((source, target), uses) in edges {
            if let Some(metadata) = services.get_mut(source)
                && !uses.evidence.is_empty()
                && let Value::Object(evidence) = metadata.entry("evidence").or_insert_with(|| json!({}))
            {
                evidence.insert(target.as_str().to_owned(), json!(uses.evidence));
            }
        }
        for (service_id, metadata) in services {
            // Nothing said leaves what the source said before.
            let metadata = (!metadata.is_empty()).then(|| self.metadata(&service_id, metadata));
            self.nodes.push(NodeReport { service_id, metadata });
        }
    }

    /// The metadata without what the graph would refuse: members that are not valid, and what is too much.
    fn metadata(&mut self, id: &ServiceId, mut metadata: Map<String, Value>) -> Metadata {
        let dropped = fit(&mut metadata);
        if !dropped.is_empty() {
            let most = limits::METADATA_BYTES_MAX;
            let dropped = dropped.join(", ");
            self.notes.push(format!("{}: metadata is cut to {most} bytes: {dropped}", id.as_str()));
        }
        loop {
            let error = match Metadata::from_object(&metadata) {
                Ok(metadata) => return metadata,
                Err(error) => error,
            };
            self.notes.push(format!("{}: {error} ({})", id.as_str(), error.member.unwrap_or("metadata")));
            match error.member {
                Some(member) => drop(metadata.shift_remove(member)),
                None => metadata.clear(),
            }
        }
    }
}

/// Drops what does not fit, and names it: the largest members first, of the evidence its last entries.
fn fit(metadata: &mut Map<String, Value>) -> Vec<String> {
    let size = |key: &str, value: &Value| Value::from(key).to_string().len() + value.to_string().len() + 2;
    let mut sizes: Vec<(usize, String)> =
        metadata.iter().map(|(key, value)| (size(key, value), key.clone())).collect();
    let mut rest = sizes.iter().map(|(size, _)| size).sum::<usize>() + 2;
    let mut dropped = Vec::new();
    if rest <= limits::METADATA_BYTES_MAX {
        return dropped;
    }
    if let Some(Value::Object(evidence)) = metadata.get_mut("evidence") {
        let before = evidence.len();
        while rest > limits::METADATA_BYTES_MAX
            && let Some(key) = evidence.keys().next_back().cloned()
            && let Some(value) = evidence.remove(&key)
        {
            rest -= size(&key, &value);
        }
        dropped.push(format!("evidence of {} dependencies", before - evidence.len()));
    }
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    for (size, key) in sizes.into_iter().filter(|(_, key)| key != "evidence") {
        if rest <= limits::METADATA_BYTES_MAX {
            break;
        }
        metadata.shift_remove(&key);
        rest -= size;
        if dropped.len() < limits::DISCOVERY_NOTES_MAX {
            dropped.push(key);
        }
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Known;

    #[test]
    fn names_that_mean_one_service_become_one_node() {
        let mut found = Found::default();
        let (here, there) = (Name::of("shop", "cart"), Name::bare("cart"));
        found.service(&here).say("kind", "Deployment");
        found.depends(&here, &there, Uses::sync());
        found.depends(&here, &Name::bare("redis"), Uses::asynchronous().because_of("environment"));
        found.depends(&there, &Name::bare("redis"), Uses::sync().over("TCP").because_of("args"));
        let report = Report::of(&found, &Naming::default(), &|_, _| Known::No);
        let document =
            report.document(DiscoverySource::Kubernetes, Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
        let expected = json!({
            "source": "kubernetes", "timestamp": "2026-01-01T00:00:00Z",
            "nodes": [{"service_id": "cart", "metadata":
                {"kind": "Deployment", "namespace": "shop", "evidence": {"redis": ["args", "environment"]}}}],
            "edges": [{"source": "cart", "target": "redis", "attributes":
                {"communication_mode": "sync", "criticality": "hard", "protocol": "tcp"}}],
        });
        assert_eq!(document, expected);
        assert_eq!(report.left_out, BTreeMap::from([("self-loops", 1)]));
    }

    #[test]
    fn what_the_graph_would_refuse_costs_only_itself() {
        let mut found = Found::default();
        let long = Name::bare("x".repeat(256));
        found.service(&long);
        found
            .service(&Name::bare("a"))
            .say("team", "t".repeat(300))
            .say("criticality", "dire")
            .say("tier", 1);
        found.service(&Name::bare("b")).say("text", "t".repeat(20_000)).say("tier", 2);
        found.depends(&Name::bare("a"), &long, Uses::sync());
        found.depends(&Name::bare("a"), &Name::bare("b"), Uses::sync().over(&"p".repeat(51)));
        let report = Report::of(&found, &Naming::default(), &|_, _| Known::No);
        let metadata: Vec<&str> =
            report.nodes.iter().map(|node| node.metadata.as_ref().unwrap().json()).collect();
        assert_eq!(metadata, [r#"{"tier":1}"#, r#"{"tier":2}"#]);
        assert_eq!((report.edges.len(), report.edges[0].attributes.protocol.clone()), (1, None));
        assert_eq!(report.notes.len(), 4, "{:?}", report.notes);
    }

    #[test]
    fn what_is_too_much_is_cut_and_said_once() {
        let mut found = Found::default();
        let hub = Name::bare("hub");
        found.service(&hub).say("kind", "Gateway");
        for n in 0..2_000 {
            found.depends(&hub, &Name::bare(format!("s{n:04}")), Uses::sync().because_of("route"));
        }
        for n in 0..5_000 {
            found.service(&Name::bare("wide")).say(&format!("column {n}"), n);
        }
        found.service(&Name::bare("says-nothing"));
        let report = Report::of(&found, &Naming::default(), &|_, _| Known::No);
        let json = |node: &NodeReport| node.metadata.as_ref().map(|metadata| metadata.json().to_owned());
        let [hub, nothing, wide] = &report.nodes[..] else { panic!("three services: {:?}", report.notes) };
        let hub = json(hub).unwrap();
        assert!(hub.contains("\"kind\":\"Gateway\"") && hub.contains("\"s0000\":[\"route\"]"), "{hub}");
        assert!(
            (15_000..=16_384).contains(&hub.len()) && json(wide).unwrap().len() > 16_000,
            "{}",
            hub.len()
        );
        assert_eq!(json(nothing), None, "what was said before stays");
        assert_eq!((report.edges.len(), report.notes.len()), (2_000, 2), "{:?}", report.notes);
    }
}
