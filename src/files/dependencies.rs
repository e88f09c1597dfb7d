//! An observation of a dependency as a row.

use std::collections::HashSet;
use std::io::{self, Write};
use std::num::NonZeroU32;

use super::cells::Cell;
use super::table::{Field, Invalid, Row, Writer, flag, word};
use crate::graph::Graph;
use crate::limits;
use crate::types::{
    Attributes, BackoffStrategy, CommunicationMode, DependencyCriticality, DiscoverySource, Observation,
    Protocol, RetryConfig, Timestamp,
};

pub(super) const COLUMNS: [&str; 13] = [
    "source",
    "target",
    "discovery_source",
    "communication_mode",
    "criticality",
    "protocol",
    "timeout_ms",
    "has_retry_config",
    "max_retries",
    "backoff_strategy",
    "last_observed_at",
    "times_observed",
    "stale_since",
];

/// An observation that was read.
pub struct DependencyRow<'r> {
    /// Who calls.
    pub source: &'r str,
    /// Who is called.
    pub target: &'r str,
    /// What was observed.
    pub observation: Observation,
}

/// Writes all observations in order of the callers' and the called ones' indexes and of priority.
pub(super) fn write<W: Write>(
    graph: &Graph,
    out: &mut Writer<W>,
    mut written: impl FnMut(),
) -> io::Result<()> {
    for source in 0..graph.node_count() {
        for (link, dependency) in graph.outgoing(source).iter().zip(graph.dependencies(source)) {
            for observation in dependency.observations() {
                let ends = [source, link.node].map(|node| Cell::Text(graph.name(node).as_str()));
                out.row(&cells(ends, observation))?;
                written();
            }
        }
    }
    Ok(())
}

fn cells<'g>([source, target]: [Cell<'g>; 2], observation: &'g Observation) -> [Cell<'g>; COLUMNS.len()] {
    let attributes = &observation.attributes;
    let retry = attributes.retry_config;
    [
        source,
        target,
        Cell::Text(observation.source.as_str()),
        Cell::Text(attributes.communication_mode.as_str()),
        Cell::Text(attributes.criticality.as_str()),
        Cell::text(attributes.protocol.as_deref()),
        Cell::number(attributes.timeout_ms.map(NonZeroU32::get)),
        Cell::Flag(retry.is_some()),
        Cell::number(retry.and_then(|retry| retry.max_retries)),
        Cell::text(retry.and_then(|retry| retry.backoff_strategy).map(BackoffStrategy::as_str)),
        Cell::Instant(observation.last_observed_at),
        Cell::Number(observation.times_observed.into()),
        Cell::instant(observation.stale_since),
    ]
}

/// Protocols that were read: each text is held once, as in a graph that grew.
#[derive(Default)]
pub(super) struct Protocols(HashSet<Protocol>);

impl Protocols {
    fn get(&mut self, text: &str) -> Result<Protocol, Invalid> {
        if let Some(known) = self.0.get(text) {
            return Ok(known.clone());
        }
        if text.len() > limits::PROTOCOL_BYTES_MAX {
            return Err(format!("a protocol has at most {} bytes", limits::PROTOCOL_BYTES_MAX));
        }
        let protocol = Protocol::from(text);
        self.0.insert(protocol.clone());
        Ok(protocol)
    }
}

impl<'r> DependencyRow<'r> {
    pub(super) fn read(row: &'r Row, protocols: &mut Protocols) -> Result<Self, Invalid> {
        let fields: [Field<'r>; COLUMNS.len()] = row.fields();
        let [source, target, discovery_source, mode, criticality, protocol, timeout_ms, rest @ ..] = fields;
        let [has_retry, retries, backoff, last_observed_at, times_observed, stale_since] = rest;
        let attributes = Attributes {
            communication_mode: mode.word(CommunicationMode::NAMES, CommunicationMode::parse)?,
            criticality: criticality.word(DependencyCriticality::NAMES, DependencyCriticality::parse)?,
            protocol: protocol.optional(|text| protocols.get(text))?,
            timeout_ms: timeout_ms.optional(timeout)?,
            retry_config: retry_config(has_retry, retries, backoff)?,
        };
        let observation = Observation {
            source: discovery_source.word(DiscoverySource::NAMES, DiscoverySource::parse)?,
            attributes,
            last_observed_at: last_observed_at.parse(Timestamp::parse)?,
            times_observed: times_observed.parse(times)?,
            stale_since: stale_since.optional(Timestamp::parse)?,
        };
        Ok(Self { source: source.required()?, target: target.required()?, observation })
    }
}

fn timeout(text: &str) -> Result<NonZeroU32, Invalid> {
    let timeout = text.parse::<NonZeroU32>().ok().filter(|timeout| timeout.get() <= limits::TIMEOUT_MS_MAX);
    timeout.ok_or_else(|| format!("expected a number from 1 to {}", limits::TIMEOUT_MS_MAX))
}

fn times(text: &str) -> Result<u32, &'static str> {
    let times = text.parse().ok().filter(|times| *times > 0);
    times.ok_or("expected a number above 0")
}

fn retry_config(
    has: Field<'_>,
    retries: Field<'_>,
    backoff: Field<'_>,
) -> Result<Option<RetryConfig>, Invalid> {
    let max_retries = retries.optional(|text| {
        let retries = text.parse::<u8>().ok().filter(|retries| *retries <= limits::RETRIES_MAX);
        retries.ok_or_else(|| format!("expected a number from 0 to {}", limits::RETRIES_MAX))
    })?;
    let backoff_strategy =
        backoff.optional(|text| word(text, BackoffStrategy::NAMES, BackoffStrategy::parse))?;
    let config = RetryConfig { max_retries, backoff_strategy };
    match (has.parse(flag)?, config) {
        (true, config) => Ok(Some(config)),
        (false, RetryConfig { max_retries: None, backoff_strategy: None }) => Ok(None),
        (false, _) => Err("has_retry_config: it is false, and there are retries".to_owned()),
    }
}
