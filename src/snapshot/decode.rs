//! The semantic validator of what blocks hold: records become domain types or an error.
//!
//! - Checked access proved that the bytes are archives; here each value is held against what the graph
//!   relies on.
//! - Each block is judged alone, on any thread. What spans blocks is judged where they come together.

use std::num::NonZeroU32;

use uuid::Uuid;

use super::format::{
    self, ArchivedObservationRecord, ArchivedServiceRecord, Malformed, NO_PROTOCOL, NONE, RETRY, STALE,
};
use super::state::State;
use crate::graph::{Dependencies, Roster, Services};
use crate::limits;
use crate::types::{
    Attributes, BackoffStrategy, CommunicationMode, Dependency, DependencyCriticality, DiscoverySource,
    Metadata, Observation, Protocol, RetryConfig, Service, ServiceId, ServiceReport, Timestamp,
};

/// What is wrong with a block that has its checksum.
#[derive(Debug)]
pub(super) enum Fault {
    Archive(String),
    /// Which item, from 0, and what is wrong with it.
    Item(usize, String),
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Archive(malformed.0)
    }
}

/// What is wrong with an item.
pub(super) type Invalid = String;

fn invalid<T>(what: impl Into<String>) -> Result<T, Invalid> {
    Err(what.into())
}

/// The services of a block.
pub(super) fn services(archive: &[u8]) -> Result<Services, Fault> {
    let records = &format::services(archive)?.services;
    let mut services = Services::with_capacity(records.len());
    for (item, record) in records.iter().enumerate() {
        services.push(service(record).map_err(|what| Fault::Item(item, what))?);
    }
    Ok(services)
}

fn service(record: &ArchivedServiceRecord) -> Result<Service, Invalid> {
    let service_id = ServiceId::parse(&record.service_id).map_err(|error| error.to_string())?;
    let mut reports: Vec<ServiceReport> = Vec::new();
    for report in record.reports.iter() {
        let source = u8::try_from(report.source.to_native()).ok().and_then(DiscoverySource::from_index);
        let Some(source) = source else { return invalid("unknown source of a report") };
        if reports.last().is_some_and(|last| last.source >= source) {
            return invalid("reports are not in order");
        }
        let metadata = Metadata::from_json(&report.metadata).map_err(|error| error.to_string())?;
        // What is shown is this text; another one that means the same is not what was written.
        if metadata.json() != &*report.metadata {
            return invalid("metadata is not in its compact form");
        }
        reports.push(ServiceReport { source, metadata });
    }
    let created_at = instant(record.created_at.to_native())?;
    let updated_at = instant(record.updated_at.to_native())?;
    Ok(Service::from_reports(service_id, Uuid::from_bytes(record.id), created_at, updated_at, reports))
}

pub(super) fn instant(microseconds: i64) -> Result<Timestamp, Invalid> {
    Timestamp::from_microseconds(microseconds).ok_or_else(|| "an instant is out of range".to_owned())
}

/// The dependencies of a block between the services of a roster.
pub(super) fn dependencies(archive: &[u8], roster: &Roster) -> Result<Dependencies, Fault> {
    let block = format::observations(archive)?;
    let mut protocols: Vec<Protocol> = Vec::new();
    for (item, text) in block.protocols.iter().enumerate() {
        if text.len() > limits::PROTOCOL_BYTES_MAX {
            return Err(Fault::Item(item, "a protocol is too long".to_owned()));
        }
        protocols.push(text.as_str().into());
    }
    let mut dependencies = Dependencies::with_capacity(block.observations.len());
    let mut rest = block.observations.as_slice();
    let mut item = 0;
    while let Some(first) = rest.first() {
        let pair = (first.source.to_native(), first.target.to_native());
        let count =
            rest.iter().take_while(|each| (each.source.to_native(), each.target.to_native()) == pair).count();
        let dependency = check_pair(pair, roster)
            .and_then(|()| dependency(&rest[..count], &protocols))
            .map_err(|what| Fault::Item(item, what))?;
        dependencies.push(roster, pair, dependency);
        rest = &rest[count..];
        item += count;
    }
    Ok(dependencies)
}

fn check_pair((source, target): (u32, u32), roster: &Roster) -> Result<(), Invalid> {
    if source >= roster.count() || target >= roster.count() {
        return invalid("a dependency of no service");
    }
    if source == target {
        return invalid("a service that depends on itself");
    }
    Ok(())
}

fn dependency(records: &[ArchivedObservationRecord], protocols: &[Protocol]) -> Result<Dependency, Invalid> {
    if let [record] = records {
        return Ok(Dependency::of(observation(record, protocols)?));
    }
    let is_sorted = records.is_sorted_by(|a, b| a.discovery_source < b.discovery_source);
    if !is_sorted || records.len() > DiscoverySource::ALL.len() {
        return invalid("observations are not in order, each source once");
    }
    let observations =
        records.iter().map(|record| observation(record, protocols)).collect::<Result<Vec<_>, _>>()?;
    Ok(Dependency::from_observations(observations).expect("there are some, and each source once"))
}

fn observation(record: &ArchivedObservationRecord, protocols: &[Protocol]) -> Result<Observation, Invalid> {
    if record.flags & !(STALE | RETRY) != 0 {
        return invalid("unknown flags");
    }
    let times_observed = record.times_observed.to_native();
    if times_observed == 0 {
        return invalid("an observation that was never made");
    }
    Ok(Observation {
        source: named(record.discovery_source, DiscoverySource::from_index)?,
        attributes: Attributes {
            communication_mode: named(record.communication_mode, CommunicationMode::from_index)?,
            criticality: named(record.criticality, DependencyCriticality::from_index)?,
            protocol: protocol(record.protocol.to_native(), protocols)?,
            timeout_ms: timeout(record.timeout_ms.to_native())?,
            retry_config: retry_config(record)?,
        },
        last_observed_at: instant(record.last_observed_at.to_native())?,
        times_observed,
        stale_since: stale_since(record)?,
    })
}

pub(super) fn named<T>(index: u8, from_index: fn(u8) -> Option<T>) -> Result<T, Invalid> {
    from_index(index).ok_or_else(|| "a position outside its enum".to_owned())
}

fn protocol(place: u16, protocols: &[Protocol]) -> Result<Option<Protocol>, Invalid> {
    if place == NO_PROTOCOL {
        return Ok(None);
    }
    protocols.get(usize::from(place)).cloned().map(Some).ok_or_else(|| "no such protocol".to_owned())
}

fn timeout(timeout_ms: u32) -> Result<Option<NonZeroU32>, Invalid> {
    if timeout_ms > limits::TIMEOUT_MS_MAX {
        return invalid("a time-out that is too long");
    }
    Ok(NonZeroU32::new(timeout_ms))
}

fn retry_config(record: &ArchivedObservationRecord) -> Result<Option<RetryConfig>, Invalid> {
    if record.flags & RETRY == 0 {
        let is_empty = record.max_retries == NONE && record.backoff_strategy == NONE;
        return if is_empty { Ok(None) } else { invalid("retries without a retry configuration") };
    }
    let max_retries = (record.max_retries != NONE).then_some(record.max_retries);
    if max_retries.is_some_and(|retries| retries > limits::RETRIES_MAX) {
        return invalid("too many retries");
    }
    let strategy = (record.backoff_strategy != NONE).then_some(record.backoff_strategy);
    let backoff_strategy = strategy.map(|index| named(index, BackoffStrategy::from_index)).transpose()?;
    Ok(Some(RetryConfig { max_retries, backoff_strategy }))
}

fn stale_since(record: &ArchivedObservationRecord) -> Result<Option<Timestamp>, Invalid> {
    let microseconds = record.stale_since.to_native();
    if record.flags & STALE != 0 {
        return instant(microseconds).map(Some);
    }
    if microseconds == 0 { Ok(None) } else { invalid("a fresh observation that is stale since") }
}

/// The records of a block of state, taken into what came before.
pub(super) fn state(archive: &[u8], roster: &Roster, state: &mut State) -> Result<(), Fault> {
    for (item, piece) in format::state(archive)?.pieces.iter().enumerate() {
        let taken = state.push(&piece.bytes, piece.goes_on.to_native(), roster);
        taken.map_err(|what| Fault::Item(item, what))?;
    }
    Ok(())
}

/// Components under construction: alert and members.
#[derive(Default)]
pub(super) struct Components {
    pub(super) whole: Vec<(Uuid, Vec<u32>)>,
    /// One of which more pieces come.
    open: Option<(Uuid, Vec<u32>)>,
}

impl Components {
    /// Takes the pieces of the next block. Members are not looked at: they are held against the
    /// components of the graph as a whole.
    pub(super) fn extend(&mut self, archive: &[u8]) -> Result<(), Fault> {
        for (item, piece) in format::cycles(archive)?.pieces.iter().enumerate() {
            let alert_id = Uuid::from_bytes(piece.alert_id);
            let (expected, mut members) = self.open.take().unwrap_or((alert_id, Vec::new()));
            if alert_id != expected {
                return Err(Fault::Item(item, "a piece of another component".to_owned()));
            }
            members.extend(piece.members.iter().map(|member| member.to_native()));
            match piece.goes_on.to_native() {
                0 => self.whole.push((alert_id, members)),
                1 => self.open = Some((alert_id, members)),
                _ => return Err(Fault::Item(item, "a piece that neither ends nor goes on".to_owned())),
            }
        }
        Ok(())
    }

    /// Whether a component misses pieces.
    pub(super) fn is_cut(&self) -> bool {
        self.open.is_some()
    }
}
