//! Builds ingestion requests.

use serde_json::{Value, json};

/// A request to ingest, as the contract writes it.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    body: Value,
}

/// An empty upsert from a source, dated in the past.
pub(crate) fn upsert(source: &str) -> Payload {
    let body = json!({"source": source, "timestamp": "2026-02-14T10:00:00Z", "nodes": [], "edges": []});
    Payload { body }
}

/// An empty replacement of everything a source knows, dated as an upsert is.
pub(crate) fn replace(source: &str) -> Payload {
    let mut payload = upsert(source);
    payload.body["mode"] = json!("replace");
    payload
}

/// The smallest attributes of an edge: the mode, and how much the caller needs the other.
pub(crate) fn attributes(mode: &str, criticality: &str) -> Value {
    json!({"communication_mode": mode, "criticality": criticality})
}

impl Payload {
    /// A body as it is, a fixture for one.
    pub(crate) fn from_value(body: Value) -> Self {
        Self { body }
    }

    /// With another timestamp.
    pub(crate) fn at(mut self, timestamp: &str) -> Self {
        self.body["timestamp"] = json!(timestamp);
        self
    }

    /// As all that its source knows.
    pub(crate) fn replacing(mut self) -> Self {
        self.body["mode"] = json!("replace");
        self
    }

    /// With one more service.
    pub(crate) fn node(self, id: &str, metadata: Value) -> Self {
        let mut node = json!({"service_id": id});
        node["metadata"] = metadata;
        self.with("nodes", node)
    }

    /// With one more sync, hard edge.
    pub(crate) fn edge(self, source: &str, target: &str) -> Self {
        self.edge_with(source, target, attributes("sync", "hard"))
    }

    /// With one more edge with these attributes.
    pub(crate) fn edge_with(self, source: &str, target: &str, attributes: Value) -> Self {
        let mut edge = json!({"source": source, "target": target});
        edge["attributes"] = attributes;
        self.with("edges", edge)
    }

    /// With one more sync, hard edge for each pair.
    pub(crate) fn edges<S: AsRef<str>>(self, pairs: impl IntoIterator<Item = (S, S)>) -> Self {
        pairs
            .into_iter()
            .fold(self, |payload, (source, target)| payload.edge(source.as_ref(), target.as_ref()))
    }

    /// The body.
    pub(crate) fn json(&self) -> &Value {
        &self.body
    }

    fn with(mut self, list: &str, entry: Value) -> Self {
        self.body[list].as_array_mut().unwrap().push(entry);
        self
    }
}
