//! A service (node): its identity and what each source says about it.
//!
//! - A service without any report is a placeholder: an edge named it, nobody registered it.
//! - The merged view (`team`, `criticality`, …) is derived from the reports and held beside them.

use std::sync::Arc;

use uuid::Uuid;

use super::{Criticality, DiscoverySource, Metadata, MetadataFacts, ServiceId, ServiceType, Timestamp};

/// What one source last said about a service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceReport {
    /// Who said it.
    pub source: DiscoverySource,
    /// What was said.
    pub metadata: Metadata,
}

/// One service of the landscape.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    service_id: ServiceId,
    id: Uuid,
    created_at: Timestamp,
    updated_at: Timestamp,
    reports: Vec<ServiceReport>,
    availability_target: Option<f64>,
    metadata: Arc<str>,
    facts: MetadataFacts,
}

const PLACEHOLDER_METADATA: &str = r#"{"source":"auto_discovered"}"#;

impl Service {
    /// A service that only an edge named.
    pub fn placeholder(service_id: ServiceId, id: Uuid, at: Timestamp) -> Self {
        Self::from_reports(service_id, id, at, at, Vec::new())
    }

    /// A service from all its parts; the merged view is worked out here.
    pub fn from_reports(
        service_id: ServiceId,
        id: Uuid,
        created_at: Timestamp,
        updated_at: Timestamp,
        mut reports: Vec<ServiceReport>,
    ) -> Self {
        reports.sort_by_key(|report| report.source);
        reports.dedup_by_key(|report| report.source);
        reports.shrink_to_fit();
        let objects: Vec<&Metadata> = reports.iter().map(|report| &report.metadata).collect();
        let (metadata, facts) = match objects.as_slice() {
            [] => (PLACEHOLDER_METADATA.into(), MetadataFacts::default()),
            objects => Metadata::union(objects),
        };
        Self { service_id, id, created_at, updated_at, reports, availability_target: None, metadata, facts }
    }

    /// This service after a report. Without `metadata` the source only vouches for the service, and
    /// what it said before stays.
    #[must_use]
    pub fn reported(&self, source: DiscoverySource, metadata: Option<Metadata>, at: Timestamp) -> Self {
        let earlier = self.reports.iter().find(|report| report.source == source);
        let metadata = metadata.or_else(|| earlier.map(|report| report.metadata.clone())).unwrap_or_default();
        let mut reports: Vec<_> =
            self.reports.iter().filter(|report| report.source != source).cloned().collect();
        reports.push(ServiceReport { source, metadata });
        Self::from_reports(self.service_id.clone(), self.id, self.created_at, at, reports)
            .with_availability_target(self.availability_target)
    }

    /// This service with another SLO target, or without one.
    #[must_use]
    pub fn with_availability_target(self, availability_target: Option<f64>) -> Self {
        Self { availability_target, ..self }
    }

    /// The business identifier.
    pub fn service_id(&self) -> &ServiceId {
        &self.service_id
    }

    /// Given once, at creation.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// When the service came into the graph.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When a source last reported it.
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// What each source says, the highest priority first.
    pub fn reports(&self) -> &[ServiceReport] {
        &self.reports
    }

    /// The share of time for which its owners promise that it works, in percent.
    pub fn availability_target(&self) -> Option<f64> {
        self.availability_target
    }

    /// Whether it is a placeholder: named by an edge, registered by nobody.
    pub fn is_discovered(&self) -> bool {
        self.reports.is_empty()
    }

    /// The union of what the sources say, as compact JSON.
    pub fn metadata_json(&self) -> &str {
        &self.metadata
    }

    /// Whether the sources say the same of another one, in whatever order.
    pub fn has_metadata_of(&self, other: &Self) -> bool {
        self.metadata == other.metadata || Metadata::is_same_object(&self.metadata, &other.metadata)
    }

    /// The members of the union that the graph acts on.
    pub fn facts(&self) -> &MetadataFacts {
        &self.facts
    }

    /// The owning team, where one is named.
    pub fn team(&self) -> Option<&str> {
        self.facts.team.as_deref()
    }

    /// `medium` unless a source says otherwise.
    pub fn criticality(&self) -> Criticality {
        self.facts.criticality.unwrap_or(Criticality::Medium)
    }

    /// `internal` unless a source says otherwise.
    pub fn service_type(&self) -> ServiceType {
        self.facts.service_type.unwrap_or(ServiceType::Internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_report_registers_a_placeholder_and_the_next_replaces_only_its_own() {
        let born = at("2026-01-01T00:00:00Z");
        let placeholder = Service::placeholder(ServiceId::parse("a").unwrap(), Uuid::nil(), born);
        assert!(placeholder.is_discovered());
        assert_eq!(placeholder.metadata_json(), PLACEHOLDER_METADATA);

        let later = at("2026-01-02T00:00:00Z");
        let low = Metadata::from_json(r#"{"team":"k","zone":1}"#).unwrap();
        let high = Metadata::from_json(r#"{"team":"m"}"#).unwrap();
        let service = placeholder.reported(DiscoverySource::Kubernetes, Some(low), later).reported(
            DiscoverySource::Manual,
            Some(high),
            later,
        );
        assert_eq!(service.metadata_json(), r#"{"team":"m","zone":1}"#);
        assert_eq!((service.created_at(), service.updated_at()), (born, later));

        let vouched = service.reported(DiscoverySource::Manual, None, later);
        assert_eq!(vouched.team(), Some("m"));
        let replaced = service.reported(DiscoverySource::Manual, Some(Metadata::default()), later);
        assert_eq!(replaced.team(), Some("k"));
    }
}
