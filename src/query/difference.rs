//! What a report changes between two graphs, as far as answers show it.
//!
//! - Compared is what the report touches, not the graphs: a report changes nothing else. Replacing reports also touch
//!   the dependencies that their source observed before.
//! - What every answer shows of a service or a dependency counts as a change. That something was seen once more, by
//!   another source even, does not: confidence and the time of the last observation move with each report.
//! - Indexes are those of both graphs: a report removes no service, and those that are there keep their place.

use std::collections::BTreeSet;

use crate::graph::Graph;
use crate::types::{Dependency, DiscoverySource, Mode, Service, ServiceId, Upsert};

/// What a report changes. Services are in bytewise order of their ids, dependencies in that of (caller's, other's).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Services that were not there.
    pub services_added: Vec<u32>,
    /// Services of which something else is shown.
    pub services_changed: Vec<u32>,
    /// Dependencies that were not there.
    pub dependencies_added: Vec<(u32, u32)>,
    /// Dependencies of which something else is shown.
    pub dependencies_changed: Vec<(u32, u32)>,
    /// Dependencies that no source observes any more.
    pub dependencies_removed: Vec<(u32, u32)>,
    /// Reported dependencies that look as before.
    pub observations_refreshed: u64,
    /// Dependencies that are not reported any more, and look as before since other sources observe them.
    pub observations_withdrawn: u64,
}

/// A member of a service as answers show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceMember {
    /// Who owns it.
    Team,
    /// How much it matters.
    Criticality,
    /// Who runs it.
    ServiceType,
    /// Whether it is a placeholder.
    Discovered,
    /// The union of what sources say.
    Metadata,
}

impl ServiceMember {
    /// All of them, in the order of answers.
    pub const ALL: [Self; 5] =
        [Self::Team, Self::Criticality, Self::ServiceType, Self::Discovered, Self::Metadata];

    /// Whether it is another one in another state of the service. The order of metadata's members is none.
    pub fn differs(self, before: &Service, after: &Service) -> bool {
        match self {
            Self::Team => before.team() != after.team(),
            Self::Criticality => before.criticality() != after.criticality(),
            Self::ServiceType => before.service_type() != after.service_type(),
            Self::Discovered => before.is_discovered() != after.is_discovered(),
            Self::Metadata => !before.has_metadata_of(after),
        }
    }
}

/// A member of a dependency as answers show it, but for those that every observation moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyMember {
    /// Whether the caller waits.
    CommunicationMode,
    /// What the loss does to the caller.
    Criticality,
    /// Such as `grpc`.
    Protocol,
    /// How long the caller waits.
    TimeoutMs,
    /// How the caller tries again.
    RetryConfig,
    /// Whose observation is shown.
    DiscoverySource,
    /// Whether every observation is stale.
    IsStale,
}

impl DependencyMember {
    /// What a source says of a dependency, in the order of answers.
    pub const ATTRIBUTES: [Self; 5] =
        [Self::CommunicationMode, Self::Criticality, Self::Protocol, Self::TimeoutMs, Self::RetryConfig];
    /// All of them, in the order of answers.
    pub const ALL: [Self; 7] = [
        Self::CommunicationMode,
        Self::Criticality,
        Self::Protocol,
        Self::TimeoutMs,
        Self::RetryConfig,
        Self::DiscoverySource,
        Self::IsStale,
    ];

    /// Whether it is another one in another state of the dependency.
    pub fn differs(self, before: &Dependency, after: &Dependency) -> bool {
        let (before, after) = (before.shown(), after.shown());
        let (was, is) = (&before.attributes, &after.attributes);
        match self {
            Self::CommunicationMode => was.communication_mode != is.communication_mode,
            Self::Criticality => was.criticality != is.criticality,
            Self::Protocol => was.protocol != is.protocol,
            Self::TimeoutMs => was.timeout_ms != is.timeout_ms,
            Self::RetryConfig => was.retry_config != is.retry_config,
            Self::DiscoverySource => before.source != after.source,
            Self::IsStale => before.is_stale() != after.is_stale(),
        }
    }
}

/// What a report changed that made `after` of `before`. O(report · log graph), and where it replaces O(dependencies)
/// as well.
pub fn difference(before: &Graph, after: &Graph, upsert: &Upsert) -> Difference {
    let mut difference = Difference::default();
    for service_id in named(upsert) {
        difference.look_at_service(before, after, index(after, service_id));
    }
    for edge in &upsert.edges {
        let pair = (index(after, &edge.source), index(after, &edge.target));
        difference.look_at_reported(before, after, pair);
    }
    match upsert.mode {
        Mode::Upsert => {}
        Mode::Replace => difference.look_for_withdrawn(before, after, upsert.source),
    }
    let name = |pair: &(u32, u32)| (after.name(pair.0), after.name(pair.1));
    for pairs in [
        &mut difference.dependencies_added,
        &mut difference.dependencies_changed,
        &mut difference.dependencies_removed,
    ] {
        pairs.sort_unstable_by(|a, b| name(a).cmp(&name(b)));
    }
    difference
}

/// The services that a report names, in bytewise order.
fn named(upsert: &Upsert) -> BTreeSet<&ServiceId> {
    let nodes = upsert.nodes.iter().map(|node| &node.service_id);
    nodes.chain(upsert.edges.iter().flat_map(|edge| [&edge.source, &edge.target])).collect()
}

fn index(after: &Graph, service_id: &ServiceId) -> u32 {
    after.find(service_id.as_str()).expect("what a report names is in the graph it leads to")
}

impl Difference {
    fn look_at_service(&mut self, before: &Graph, after: &Graph, node: u32) {
        let Some(was) = before.get(node) else { return self.services_added.push(node) };
        let (was, is) = (was.service(), after.node(node).service());
        if ServiceMember::ALL.into_iter().any(|member| member.differs(was, is)) {
            self.services_changed.push(node);
        }
    }

    fn look_at_reported(&mut self, before: &Graph, after: &Graph, (source, target): (u32, u32)) {
        match before.dependency(source, target) {
            None => self.dependencies_added.push((source, target)),
            Some(was) if looks_as(was, after.dependency(source, target)) => self.observations_refreshed += 1,
            Some(_) => self.dependencies_changed.push((source, target)),
        }
    }

    fn look_for_withdrawn(&mut self, before: &Graph, after: &Graph, reporter: DiscoverySource) {
        for source in 0..before.node_count() {
            let observed = before.outgoing(source).iter().zip(before.dependencies(source));
            for (link, was) in observed.filter(|(link, _)| link.traits.is_observed_by(reporter)) {
                let is = after.dependency(source, link.node);
                match is {
                    None => self.dependencies_removed.push((source, link.node)),
                    Some(left) if left.by(reporter).is_some() => {}
                    Some(_) if looks_as(was, is) => self.observations_withdrawn += 1,
                    Some(_) => self.dependencies_changed.push((source, link.node)),
                }
            }
        }
    }
}

fn looks_as(was: &Dependency, is: Option<&Dependency>) -> bool {
    is.is_some_and(|is| !DependencyMember::ALL.into_iter().any(|member| member.differs(was, is)))
}
