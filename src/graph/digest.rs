//! One number for all durable content of a graph, whatever the order in which it came.
//!
//! The digest is the sum modulo 2^256 of one BLAKE3 hash for each element, read as a little-endian
//! number: 0 for an empty graph. What is hashed of an element, numbers little endian:
//!
//! ```text
//! service       01  name  id 16  created_at i64  updated_at i64  reports u8  report…
//!   report      source u8  length u32  metadata as compact JSON
//! dependency    02  name of the caller  name of the called  observations u8  observation…
//!   observation source u8  mode u8  criticality u8  protocol  timeout_ms u32, 0 for none
//!               retry_config 00, or 01 then max_retries and backoff_strategy
//!               last_observed_at i64  times_observed u32  stale_since 00, or 01 then i64
//! component     03  alert_id 16  members u32  name…, in bytewise order
//! alert         04  id 16  detected_at i64  status u8  acknowledged_by  resolution_notes
//!               00 while it stands for a component, else 01 then members u32  name…  path u32  name…
//! SLO target    05  name of the service  percent f64
//!
//! name          length u8, then that many bytes
//! text          length u32, then that many bytes
//! protocol, max_retries, backoff_strategy, acknowledged_by, resolution_notes
//!               00 for none, or 01 then a name, a u8 or a text
//! ```
//!
//! An alert that stands for a component, is open, and about which nobody said anything has no element: its
//! component says all of it but when it was detected.
//!
//! Enums are positions in their `ALL`, instants microseconds since 1970, reports and observations in
//! order of priority.
//!
//! - A contract: snapshots and golden files hold digests, so none of this ever changes.
//! - Every part has a length or says it, so no two elements share an encoding. No node index and no
//!   version is in it.
//! - A sum can be kept while the graph changes: what an edit takes out is subtracted. It tells damage
//!   from soundness; it is no proof against somebody who may choose the elements.

use std::fmt;
use std::ops::{AddAssign, SubAssign};

use uuid::Uuid;

use super::{Alert, Graph, Standing};
use crate::types::{Observation, Service, ServiceId, Timestamp};

/// The digest of a graph or of a part of one.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest([u64; 4]);

impl Digest {
    /// The number, its least significant byte first.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (word, place) in self.0.iter().zip(bytes.chunks_exact_mut(8)) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The number whose least significant byte comes first.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let word = |place: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[8 * place + byte]));
        Self(std::array::from_fn(word))
    }
}

impl AddAssign for Digest {
    fn add_assign(&mut self, other: Self) {
        let mut carry = false;
        for (word, other) in self.0.iter_mut().zip(other.0) {
            (*word, carry) = word.carrying_add(other, carry);
        }
    }
}

impl SubAssign for Digest {
    fn sub_assign(&mut self, other: Self) {
        let mut borrow = false;
        for (word, other) in self.0.iter_mut().zip(other.0) {
            (*word, borrow) = word.borrowing_sub(other, borrow);
        }
    }
}

impl fmt::Display for Digest {
    /// 64 lowercase hexadecimal digits, the bytes in the order of [`Digest::to_bytes`]: of one element
    /// the text of its BLAKE3 hash.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes().iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Hashes elements one by one, in one buffer.
#[derive(Default)]
pub(super) struct Elements(Vec<u8>);

impl Elements {
    pub(super) fn service(&mut self, service: &Service) -> Digest {
        self.begin(1);
        self.push_name(service.service_id().as_str());
        self.0.extend_from_slice(service.id().as_bytes());
        self.push_instant(service.created_at());
        self.push_instant(service.updated_at());
        self.0.push(service.reports().len() as u8);
        for report in service.reports() {
            self.0.push(report.source as u8);
            let json = report.metadata.json();
            self.0.extend_from_slice(&(json.len() as u32).to_le_bytes());
            self.0.extend_from_slice(json.as_bytes());
        }
        self.hash()
    }

    pub(super) fn dependency(
        &mut self,
        source: &ServiceId,
        target: &ServiceId,
        observations: &[Observation],
    ) -> Digest {
        self.begin(2);
        self.push_name(source.as_str());
        self.push_name(target.as_str());
        self.0.push(observations.len() as u8);
        for observation in observations {
            self.push_observation(observation);
        }
        self.hash()
    }

    /// `members` in bytewise order.
    pub(super) fn component<'a>(
        &mut self,
        alert_id: Uuid,
        members: impl ExactSizeIterator<Item = &'a ServiceId>,
    ) -> Digest {
        self.begin(3);
        self.0.extend_from_slice(alert_id.as_bytes());
        self.0.extend_from_slice(&(members.len() as u32).to_le_bytes());
        for member in members {
            self.push_name(member.as_str());
        }
        self.hash()
    }

    /// Whatever the alert; whether it has an element is the alert's to say.
    pub(super) fn alert(&mut self, alert: &Alert) -> Digest {
        self.begin(4);
        self.0.extend_from_slice(alert.id.as_bytes());
        self.push_instant(alert.detected_at);
        self.0.push(alert.status as u8);
        self.push_optional_text(alert.acknowledged_by.as_deref());
        self.push_optional_text(alert.resolution_notes.as_deref());
        match &alert.standing {
            Standing::Component(_) => self.0.push(0),
            Standing::Gone { members, path } => {
                self.0.push(1);
                self.push_names(members);
                self.push_names(path);
            }
        }
        self.hash()
    }

    /// The SLO target of a service, in percent.
    pub(super) fn availability_target(&mut self, service_id: &ServiceId, percent: f64) -> Digest {
        self.begin(5);
        self.push_name(service_id.as_str());
        self.0.extend_from_slice(&percent.to_bits().to_le_bytes());
        self.hash()
    }

    /// A service with its SLO target.
    pub(super) fn service_with_target(&mut self, service: &Service) -> Digest {
        let mut sum = self.service(service);
        if let Some(percent) = service.availability_target() {
            sum += self.availability_target(service.service_id(), percent);
        }
        sum
    }

    fn begin(&mut self, tag: u8) {
        self.0.clear();
        self.0.push(tag);
    }

    fn push_observation(&mut self, observation: &Observation) {
        let attributes = &observation.attributes;
        self.0.extend_from_slice(&[
            observation.source as u8,
            attributes.communication_mode as u8,
            attributes.criticality as u8,
            u8::from(attributes.protocol.is_some()),
        ]);
        if let Some(protocol) = &attributes.protocol {
            self.push_name(protocol);
        }
        let timeout_ms = attributes.timeout_ms.map_or(0, std::num::NonZeroU32::get);
        self.0.extend_from_slice(&timeout_ms.to_le_bytes());
        self.0.push(u8::from(attributes.retry_config.is_some()));
        if let Some(retry) = &attributes.retry_config {
            self.push_optional(retry.max_retries);
            self.push_optional(retry.backoff_strategy.map(|strategy| strategy as u8));
        }
        self.push_instant(observation.last_observed_at);
        self.0.extend_from_slice(&observation.times_observed.to_le_bytes());
        self.0.push(u8::from(observation.is_stale()));
        if let Some(stale_since) = observation.stale_since {
            self.push_instant(stale_since);
        }
    }

    fn push_names(&mut self, names: &[ServiceId]) {
        self.0.extend_from_slice(&(names.len() as u32).to_le_bytes());
        for name in names {
            self.push_name(name.as_str());
        }
    }

    fn push_optional_text(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        if let Some(text) = text {
            self.0.extend_from_slice(&(text.len() as u32).to_le_bytes());
            self.0.extend_from_slice(text.as_bytes());
        }
    }

    fn push_optional(&mut self, value: Option<u8>) {
        self.0.push(u8::from(value.is_some()));
        self.0.extend(value);
    }

    /// Service ids and protocols have at most 255 bytes.
    fn push_name(&mut self, name: &str) {
        self.0.push(name.len() as u8);
        self.0.extend_from_slice(name.as_bytes());
    }

    fn push_instant(&mut self, instant: Timestamp) {
        self.0.extend_from_slice(&instant.as_microseconds().to_le_bytes());
    }

    fn hash(&self) -> Digest {
        Digest::from_bytes(*blake3::hash(&self.0).as_bytes())
    }
}

/// The digest of a graph from all its elements. O(elements).
pub(super) fn recompute(graph: &Graph) -> Digest {
    let mut elements = Elements::default();
    let mut sum = Digest::default();
    for (index, node) in graph.in_order(None) {
        sum += elements.service_with_target(node.service());
        for (link, dependency) in graph.outgoing(index).iter().zip(graph.dependencies(index)) {
            sum += elements.dependency(graph.name(index), graph.name(link.node), dependency.observations());
        }
    }
    for (_, component) in graph.cycles().components() {
        let mut members: Vec<_> = component.members.iter().map(|node| graph.name(*node)).collect();
        members.sort_unstable();
        sum += elements.component(component.alert_id, members.into_iter());
    }
    for alert in graph.cycles().alerts() {
        sum += alert.digest();
    }
    sum
}

#[cfg(test)]
mod tests;
