//! The body of an ingestion request, checked.
//!
//! Fields are judged in the order of the contract: source, timestamp, mode, nodes, edges.

use std::collections::HashMap;
use std::num::NonZeroU32;

use super::Json;
use super::document::to_map;
use super::fields::{At, integer, list, name, object, optional, required, text};
use super::place::{Invalid, Place};
use crate::limits;
use crate::types::{
    Attributes, BackoffStrategy, CommunicationMode, DependencyCriticality, DiscoverySource, EdgeReport,
    Metadata, Mode, NodeReport, Protocol, Received, RetryConfig, ServiceId, Timestamp, Upsert,
};

/// A report that can be applied, and what to tell the caller about it.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedUpsert {
    /// The report, duplicates merged.
    pub upsert: Upsert,
    /// What the request held, duplicates counted.
    pub received: Received,
}

/// Checks a request of `POST /api/v1/services/dependencies`. `now` is what its timestamp is held
/// against. O(bytes).
pub fn upsert(document: &Json<'_>, now: Timestamp) -> Result<CheckedUpsert, Invalid> {
    let here = Place::Document;
    let ReportHead { source, observed_at, mode } = report_head(document, now)?;
    let mut shared = Shared::default();
    let nodes = list(document, &here, "nodes", |item| node(item, &mut shared))?;
    let edges = list(document, &here, "edges", |item| edge(item, &mut shared))?;
    let (nodes_received, edges_received) = (nodes.len(), edges.len());
    let (nodes, edges) = (distinct_nodes(nodes), distinct_edges(edges));
    let mut warnings = Vec::new();
    warn_of_duplicates(&mut warnings, nodes_received - nodes.len(), "services", "the last one counts");
    let rule = "sync before async, then hard before degraded before soft, then the last one counts";
    warn_of_duplicates(&mut warnings, edges_received - edges.len(), "edges", rule);
    let upsert = Upsert { source, observed_at, mode, nodes, edges };
    let received = Received { nodes: nodes_received as u32, edges: edges_received as u32, warnings };
    Ok(CheckedUpsert { upsert, received })
}

/// Who reports, when, and what becomes of what was reported before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportHead {
    /// Who.
    pub source: DiscoverySource,
    /// When it was observed.
    pub observed_at: Timestamp,
    /// What becomes of what the source reported before.
    pub mode: Mode,
}

/// Checks what stands before the entries of a report.
pub fn report_head(document: &Json<'_>, now: Timestamp) -> Result<ReportHead, Invalid> {
    let here = Place::Document;
    object((document, here))?;
    let source = name(required(document, &here, "source")?, DiscoverySource::NAMES, DiscoverySource::parse)?;
    let observed_at = timestamp(required(document, &here, "timestamp")?, now)?;
    Ok(ReportHead { source, observed_at, mode: mode(document, &here)? })
}

fn warn_of_duplicates(warnings: &mut Vec<String>, count: usize, what: &str, rule: &str) {
    if count > 0 {
        warnings.push(format!("{count} duplicate {what} merged: {rule}"));
    }
}

/// Texts that occur again and again in a report are allocated once.
#[derive(Default)]
pub(super) struct Shared<'j> {
    service_ids: HashMap<&'j str, ServiceId>,
    protocols: HashMap<&'j str, Protocol>,
}

fn timestamp(at: At<'_, '_>, now: Timestamp) -> Result<Timestamp, Invalid> {
    let timestamp = Timestamp::parse(text(at)?).map_err(|error| at.1.invalid(at.0, error.to_string()))?;
    if timestamp > now.plus_microseconds(limits::CLOCK_SKEW_MAX_SECONDS * 1_000_000) {
        return Err(at.1.invalid(at.0, "the timestamp is more than 5 minutes in the future"));
    }
    Ok(timestamp)
}

fn mode(document: &Json<'_>, here: &Place<'_>) -> Result<Mode, Invalid> {
    let Some(value) = document.member("mode") else { return Ok(Mode::Upsert) };
    let at = (value, here.member("mode"));
    match text(at)? {
        "upsert" => Ok(Mode::Upsert),
        "replace" => Ok(Mode::Replace),
        _ => Err(at.1.invalid(value, "expected upsert or replace")),
    }
}

fn service_id<'j>(at: At<'j, '_>, shared: &mut Shared<'j>) -> Result<ServiceId, Invalid> {
    let text = text(at)?;
    if let Some(known) = shared.service_ids.get(text) {
        return Ok(known.clone());
    }
    let id = ServiceId::parse(text).map_err(|error| at.1.invalid(at.0, error.to_string()))?;
    shared.service_ids.insert(text, id.clone());
    Ok(id)
}

pub(super) fn node<'j>(at: At<'j, '_>, shared: &mut Shared<'j>) -> Result<NodeReport, Invalid> {
    object(at)?;
    let (value, place) = at;
    let service_id = service_id(required(value, &place, "service_id")?, shared)?;
    let metadata = match value.member("metadata") {
        Some(metadata) => Some(check_metadata((metadata, place.member("metadata")))?),
        None => None,
    };
    Ok(NodeReport { service_id, metadata })
}

pub(super) fn check_metadata(at: At<'_, '_>) -> Result<Metadata, Invalid> {
    let members = object(at)?;
    let (value, place) = at;
    Metadata::from_object(&to_map(members)).map_err(|error| match error.member {
        Some(name) => place.member(name).invalid(value.member(name).unwrap_or(value), error.reason),
        None => place.invalid(value, error.reason),
    })
}

pub(super) fn edge<'j>(at: At<'j, '_>, shared: &mut Shared<'j>) -> Result<EdgeReport, Invalid> {
    object(at)?;
    let (value, place) = at;
    let source = service_id(required(value, &place, "source")?, shared)?;
    let to = required(value, &place, "target")?;
    let target = service_id(to, shared)?;
    if source == target {
        return Err(to.1.invalid(to.0, "a service cannot depend on itself"));
    }
    let attributes = attributes(required(value, &place, "attributes")?, shared)?;
    Ok(EdgeReport { source, target, attributes })
}

fn attributes<'j>(at: At<'j, '_>, shared: &mut Shared<'j>) -> Result<Attributes, Invalid> {
    object(at)?;
    let (value, place) = at;
    let mode = required(value, &place, "communication_mode")?;
    let communication_mode = name(mode, CommunicationMode::NAMES, CommunicationMode::parse)?;
    let criticality = match value.member("criticality") {
        Some(given) => {
            let at = (given, place.member("criticality"));
            name(at, DependencyCriticality::NAMES, DependencyCriticality::parse)?
        }
        None => DependencyCriticality::Hard,
    };
    let protocol = optional(value, &place, "protocol").map(|at| protocol(at, shared)).transpose()?;
    let timeout_ms = optional(value, &place, "timeout_ms").map(timeout_ms).transpose()?;
    let retry_config = optional(value, &place, "retry_config").map(retry_config).transpose()?;
    Ok(Attributes { communication_mode, criticality, protocol, timeout_ms, retry_config })
}

fn protocol<'j>(at: At<'j, '_>, shared: &mut Shared<'j>) -> Result<Protocol, Invalid> {
    let text = text(at)?;
    if text.len() > limits::PROTOCOL_BYTES_MAX {
        let reason = format!("a protocol has at most {} bytes", limits::PROTOCOL_BYTES_MAX);
        return Err(at.1.invalid(at.0, reason));
    }
    Ok(shared.protocols.entry(text).or_insert_with(|| text.into()).clone())
}

fn timeout_ms(at: At<'_, '_>) -> Result<NonZeroU32, Invalid> {
    let milliseconds = integer(at, 1, u64::from(limits::TIMEOUT_MS_MAX))?;
    Ok(NonZeroU32::new(milliseconds as u32).expect("it is at least 1"))
}

fn retry_config(at: At<'_, '_>) -> Result<RetryConfig, Invalid> {
    object(at)?;
    let (value, place) = at;
    let max_retries = optional(value, &place, "max_retries")
        .map(|at| integer(at, 0, u64::from(limits::RETRIES_MAX)).map(|retries| retries as u8))
        .transpose()?;
    let backoff_strategy = optional(value, &place, "backoff_strategy")
        .map(|at| name(at, BackoffStrategy::NAMES, BackoffStrategy::parse))
        .transpose()?;
    Ok(RetryConfig { max_retries, backoff_strategy })
}

/// Of a service reported twice the last report counts, at the place of the first.
pub(super) fn distinct_nodes(nodes: Vec<NodeReport>) -> Vec<NodeReport> {
    let mut places = HashMap::with_capacity(nodes.len());
    let mut distinct: Vec<NodeReport> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let place = *places.entry(node.service_id.clone()).or_insert(distinct.len());
        match distinct.get_mut(place) {
            Some(earlier) => *earlier = node,
            None => distinct.push(node),
        }
    }
    distinct
}

/// Of an edge reported twice the stronger report counts, among equals the last, at the place of the
/// first.
pub(super) fn distinct_edges(edges: Vec<EdgeReport>) -> Vec<EdgeReport> {
    let mut places = HashMap::with_capacity(edges.len());
    let mut distinct: Vec<EdgeReport> = Vec::with_capacity(edges.len());
    for edge in edges {
        let place = *places.entry((edge.source.clone(), edge.target.clone())).or_insert(distinct.len());
        match distinct.get_mut(place) {
            Some(earlier) if rank(&edge) <= rank(earlier) => *earlier = edge,
            Some(_) => {}
            None => distinct.push(edge),
        }
    }
    distinct
}

fn rank(edge: &EdgeReport) -> (CommunicationMode, DependencyCriticality) {
    (edge.attributes.communication_mode, edge.attributes.criticality)
}
