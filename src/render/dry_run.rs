//! What a report would change, written piece by piece.

use std::sync::Arc;

use super::edge::{push_retry_config, push_timeout};
use super::ingestion::{push_conflict, push_warnings};
use crate::graph::Graph;
use crate::json::{push_bool, push_integer, push_list, push_optional_string, push_plain, push_string};
use crate::query::{DependencyMember, Difference, ServiceMember};
use crate::types::{CycleFound, Dependency, Received, Service, Upserted};

/// A report that was not taken, and what would have come of it.
pub struct DryRun {
    /// The graph that was there.
    pub before: Arc<Graph>,
    /// The one that the report would have led to.
    pub after: Arc<Graph>,
    /// Where they differ.
    pub difference: Difference,
    /// What the request held.
    pub received: Received,
    /// What the graph would have made of it.
    pub upserted: Upserted,
}

/// A dry run that is being written.
pub struct DryRunAnswer {
    run: DryRun,
    next: Part,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Part {
    Head,
    /// The row of a list at this place.
    Row(List, usize),
    Tail,
    Done,
}

/// The lists of the answer that are about the graph.
#[derive(Clone, Copy)]
enum List {
    ServicesAdded,
    ServicesChanged,
    DependenciesAdded,
    DependenciesChanged,
    DependenciesRemoved,
}

impl List {
    /// From the list before it to its own first row.
    fn opening(self) -> &'static [u8] {
        match self {
            Self::ServicesAdded => b",\"services\":{\"added\":[",
            Self::ServicesChanged | Self::DependenciesChanged => b"],\"changed\":[",
            Self::DependenciesAdded => b"]},\"dependencies\":{\"added\":[",
            Self::DependenciesRemoved => b"],\"removed\":[",
        }
    }

    /// What comes behind its last row.
    fn followed_by(self) -> Part {
        match self {
            Self::ServicesAdded => Part::Row(Self::ServicesChanged, 0),
            Self::ServicesChanged => Part::Row(Self::DependenciesAdded, 0),
            Self::DependenciesAdded => Part::Row(Self::DependenciesChanged, 0),
            Self::DependenciesChanged => Part::Row(Self::DependenciesRemoved, 0),
            Self::DependenciesRemoved => Part::Tail,
        }
    }
}

impl DryRunAnswer {
    /// Begins the answer.
    pub fn new(run: DryRun) -> Self {
        Self { run, next: Part::Head }
    }

    /// Writes on until `out` holds `full` bytes or a little more, or all is written: then `true`.
    pub fn write(&mut self, out: &mut Vec<u8>, full: usize) -> bool {
        loop {
            self.next = match self.next {
                Part::Head => {
                    out.extend_from_slice(b"{\"dry_run\":true,\"version\":");
                    push_integer(out, self.run.before.version());
                    Part::Row(List::ServicesAdded, 0)
                }
                Part::Row(list, place) => self.write_rows(out, list, place, full),
                Part::Tail => {
                    self.push_tail(out);
                    Part::Done
                }
                Part::Done => return true,
            };
            if out.len() >= full {
                return matches!(self.next, Part::Done);
            }
        }
    }

    fn write_rows(&self, out: &mut Vec<u8>, list: List, first: usize, full: usize) -> Part {
        if first == 0 {
            out.extend_from_slice(list.opening());
        }
        for place in first..self.rows(list) {
            if place > 0 {
                out.push(b',');
            }
            self.push_row(out, list, place);
            if out.len() >= full {
                return Part::Row(list, place + 1);
            }
        }
        list.followed_by()
    }

    fn rows(&self, list: List) -> usize {
        let difference = &self.run.difference;
        match list {
            List::ServicesAdded => difference.services_added.len(),
            List::ServicesChanged => difference.services_changed.len(),
            List::DependenciesAdded => difference.dependencies_added.len(),
            List::DependenciesChanged => difference.dependencies_changed.len(),
            List::DependenciesRemoved => difference.dependencies_removed.len(),
        }
    }

    fn push_row(&self, out: &mut Vec<u8>, list: List, place: usize) {
        let difference = &self.run.difference;
        match list {
            List::ServicesAdded => self.push_added_service(out, difference.services_added[place]),
            List::ServicesChanged => self.push_changed_service(out, difference.services_changed[place]),
            List::DependenciesAdded => self.push_added_dependency(out, difference.dependencies_added[place]),
            List::DependenciesChanged => {
                self.push_changed_dependency(out, difference.dependencies_changed[place]);
            }
            List::DependenciesRemoved => {
                self.push_ends(out, difference.dependencies_removed[place]);
                out.push(b'}');
            }
        }
    }

    /// Without its UUID: the real one would be another.
    fn push_added_service(&self, out: &mut Vec<u8>, index: u32) {
        let node = self.run.after.node(index);
        out.extend_from_slice(b"{\"service_id\":");
        out.extend_from_slice(node.name_json());
        out.push(b',');
        push_service_members(out, &ServiceMember::ALL, node.service());
        out.push(b'}');
    }

    fn push_changed_service(&self, out: &mut Vec<u8>, index: u32) {
        let (before, after) = (self.run.before.node(index), self.run.after.node(index));
        let (was, is) = (before.service(), after.service());
        let differing: Vec<_> =
            ServiceMember::ALL.into_iter().filter(|member| member.differs(was, is)).collect();
        out.extend_from_slice(b"{\"service_id\":");
        out.extend_from_slice(after.name_json());
        out.extend_from_slice(b",\"before\":{");
        push_service_members(out, &differing, was);
        out.extend_from_slice(b"},\"after\":{");
        push_service_members(out, &differing, is);
        out.extend_from_slice(b"}}");
    }

    fn push_added_dependency(&self, out: &mut Vec<u8>, (source, target): (u32, u32)) {
        let dependency = self.run.after.dependency(source, target).expect("what was added is there after it");
        self.push_ends(out, (source, target));
        out.extend_from_slice(b",\"attributes\":{");
        push_dependency_members(out, &DependencyMember::ATTRIBUTES, dependency);
        out.extend_from_slice(b"}}");
    }

    fn push_changed_dependency(&self, out: &mut Vec<u8>, (source, target): (u32, u32)) {
        let in_both = "what changed is there before and after";
        let was = self.run.before.dependency(source, target).expect(in_both);
        let is = self.run.after.dependency(source, target).expect(in_both);
        let differing: Vec<_> =
            DependencyMember::ALL.into_iter().filter(|member| member.differs(was, is)).collect();
        self.push_ends(out, (source, target));
        out.extend_from_slice(b",\"before\":{");
        push_dependency_members(out, &differing, was);
        out.extend_from_slice(b"},\"after\":{");
        push_dependency_members(out, &differing, is);
        out.extend_from_slice(b"}}");
    }

    /// The ends of a dependency, the object left open.
    fn push_ends(&self, out: &mut Vec<u8>, (source, target): (u32, u32)) {
        out.extend_from_slice(b"{\"source\":");
        out.extend_from_slice(self.run.after.node(source).name_json());
        out.extend_from_slice(b",\"target\":");
        out.extend_from_slice(self.run.after.node(target).name_json());
    }

    fn push_tail(&self, out: &mut Vec<u8>) {
        let DryRun { difference, received, upserted, .. } = &self.run;
        out.extend_from_slice(b"]},\"observations_refreshed\":");
        push_integer(out, difference.observations_refreshed);
        out.extend_from_slice(b",\"observations_withdrawn\":");
        push_integer(out, difference.observations_withdrawn);
        out.extend_from_slice(b",\"circular_dependencies_detected\":");
        push_list(out, &upserted.cycles, push_cycle);
        out.extend_from_slice(b",\"conflicts_resolved\":");
        push_list(out, &upserted.conflicts, push_conflict);
        out.extend_from_slice(b",\"warnings\":");
        push_warnings(out, received, upserted);
        out.push(b'}');
    }
}

/// Without its alert: a new one would have another id.
fn push_cycle(out: &mut Vec<u8>, cycle: &CycleFound) {
    out.extend_from_slice(b"{\"cycle_path\":");
    push_list(out, &cycle.path, |out, service_id| push_string(out, service_id.as_str()));
    out.push(b'}');
}

fn push_service_members(out: &mut Vec<u8>, members: &[ServiceMember], service: &Service) {
    for (place, member) in members.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match member {
            ServiceMember::Team => {
                out.extend_from_slice(b"\"team\":");
                push_optional_string(out, service.team());
            }
            ServiceMember::Criticality => {
                out.extend_from_slice(b"\"criticality\":");
                push_plain(out, service.criticality().as_str());
            }
            ServiceMember::ServiceType => {
                out.extend_from_slice(b"\"service_type\":");
                push_plain(out, service.service_type().as_str());
            }
            ServiceMember::Discovered => {
                out.extend_from_slice(b"\"discovered\":");
                push_bool(out, service.is_discovered());
            }
            ServiceMember::Metadata => {
                out.extend_from_slice(b"\"metadata\":");
                out.extend_from_slice(service.metadata_json().as_bytes());
            }
        }
    }
}

fn push_dependency_members(out: &mut Vec<u8>, members: &[DependencyMember], dependency: &Dependency) {
    let shown = dependency.shown();
    let attributes = &shown.attributes;
    for (place, member) in members.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match member {
            DependencyMember::CommunicationMode => {
                out.extend_from_slice(b"\"communication_mode\":");
                push_plain(out, attributes.communication_mode.as_str());
            }
            DependencyMember::Criticality => {
                out.extend_from_slice(b"\"criticality\":");
                push_plain(out, attributes.criticality.as_str());
            }
            DependencyMember::Protocol => {
                out.extend_from_slice(b"\"protocol\":");
                push_optional_string(out, attributes.protocol.as_deref());
            }
            DependencyMember::TimeoutMs => {
                out.extend_from_slice(b"\"timeout_ms\":");
                push_timeout(out, attributes.timeout_ms);
            }
            DependencyMember::RetryConfig => {
                out.extend_from_slice(b"\"retry_config\":");
                push_retry_config(out, attributes.retry_config);
            }
            DependencyMember::DiscoverySource => {
                out.extend_from_slice(b"\"discovery_source\":");
                push_plain(out, shown.source.as_str());
            }
            DependencyMember::IsStale => {
                out.extend_from_slice(b"\"is_stale\":");
                push_bool(out, shown.is_stale());
            }
        }
    }
}
