//! A report that comes line by line: its entries, checked one by one and gathered in batches.
//!
//! - An entry is checked as it is in a whole report. In a batch duplicates are merged by the same rules;
//!   between batches what comes later is a later report.

use super::Json;
use super::fields::object;
use super::place::{Invalid, Place};
use super::upsert::{ReportHead, Shared, distinct_edges, distinct_nodes, edge, node};
use crate::types::{EdgeReport, Mode, NodeReport, Upsert};

/// Entries that are to be applied together.
#[derive(Debug, Default)]
pub struct EntryBatch {
    nodes: Vec<NodeReport>,
    edges: Vec<EdgeReport>,
}

impl EntryBatch {
    /// Services, duplicates counted.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Dependencies, duplicates counted.
    pub fn edges(&self) -> usize {
        self.edges.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty()
    }

    /// The batch as a report that replaces nothing, and how many duplicates were merged in it.
    pub fn into_upsert(self, head: ReportHead) -> (Upsert, usize) {
        let entries = self.nodes.len() + self.edges.len();
        let (nodes, edges) = (distinct_nodes(self.nodes), distinct_edges(self.edges));
        let merged = entries - nodes.len() - edges.len();
        let ReportHead { source, observed_at, .. } = head;
        (Upsert { source, observed_at, mode: Mode::Upsert, nodes, edges }, merged)
    }
}

/// Checks a line, `{"node":{…}}` or `{"edge":{…}}`, and adds what it says to a batch.
pub fn entry(document: &Json<'_>, batch: &mut EntryBatch) -> Result<(), Invalid> {
    let here = Place::Document;
    object((document, here))?;
    let mut shared = Shared::default();
    match (document.member("node"), document.member("edge")) {
        (Some(value), None) => batch.nodes.push(node((value, here.member("node")), &mut shared)?),
        (None, Some(value)) => batch.edges.push(edge((value, here.member("edge")), &mut shared)?),
        (Some(_), Some(_)) | (None, None) => {
            return Err(here.invalid(document, "expected either a node or an edge"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::parse_json;
    use crate::types::{DiscoverySource, Timestamp};

    fn add(batch: &mut EntryBatch, line: &str) -> Result<(), String> {
        entry(&parse_json(line.as_bytes()).unwrap(), batch).map_err(|invalid| invalid.field)
    }

    #[test]
    fn entries_gather_and_duplicates_are_merged() {
        let mut batch = EntryBatch::default();
        assert!(batch.is_empty());
        let edge = |mode: &str| {
            format!(
                r#"{{"edge":{{"source":"a","target":"b","attributes":{{"communication_mode":"{mode}"}}}}}}"#
            )
        };
        for line in [
            r#"{"node":{"service_id":"a"}}"#,
            &edge("sync"),
            &edge("async"),
            r#"{"node":{"service_id":"c"}}"#,
        ] {
            add(&mut batch, line).unwrap();
        }
        assert_eq!((batch.nodes(), batch.edges()), (2, 2));
        let head = ReportHead {
            source: DiscoverySource::Kubernetes,
            observed_at: Timestamp::parse("2026-02-14T10:00:00Z").unwrap(),
            mode: Mode::Replace,
        };
        let (upsert, merged) = batch.into_upsert(head);
        assert_eq!((upsert.nodes.len(), upsert.edges.len(), merged), (2, 1, 1));
        assert_eq!((upsert.source, upsert.mode), (DiscoverySource::Kubernetes, Mode::Upsert));
    }

    #[test]
    fn what_is_wrong_is_named_and_adds_nothing() {
        let mut batch = EntryBatch::default();
        for (line, field) in [
            ("[]", "body"),
            ("{}", "body"),
            (r#"{"node":{},"edge":{}}"#, "body"),
            (r#"{"node":[]}"#, "node"),
            (r#"{"node":{"service_id":""}}"#, "node.service_id"),
            (r#"{"edge":{"source":"a","target":"a"}}"#, "edge.target"),
            (
                r#"{"edge":{"source":"a","target":"b","attributes":{"communication_mode":"x"}}}"#,
                "edge.attributes.communication_mode",
            ),
        ] {
            assert_eq!(add(&mut batch, line), Err(field.to_owned()), "{line}");
        }
        assert!(batch.is_empty());
    }
}
