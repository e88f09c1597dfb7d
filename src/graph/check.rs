//! Every invariant of a graph, stated once: for tests, for loaded snapshots, for doubts.
//!
//! O(nodes + links · log links), so not on any path that answers a request.

use super::digest::recompute;
use super::{Counts, Graph, Link, Traits, shortest_cycle, strongly_connected};

/// The invariant that does not hold, with where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("graph invariant broken: {0}")]
pub struct Violation(String);

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(what())) }
}

impl Graph {
    /// Checks all columns against each other.
    pub fn check(&self) -> Result<(), Violation> {
        for index in 0..self.node_count {
            self.check_node(index)?;
        }
        self.check_names()?;
        self.check_counts()?;
        self.check_cycles()?;
        let (kept, found) = (self.digest(), recompute(self));
        ensure(kept == found, || format!("the digest is {found}, kept {kept}"))
    }

    fn check_node(&self, index: u32) -> Result<(), Violation> {
        let (outgoing, incoming) = (self.outgoing(index), self.incoming(index));
        let chunk = super::chunk_of(index);
        ensure(self.outgoing.get(chunk).is_consistent(), || format!("outgoing chunk {chunk}"))?;
        ensure(self.incoming.get(chunk).is_consistent(), || format!("incoming chunk {chunk}"))?;
        let rows = self.dependencies(index).len();
        ensure(rows == outgoing.len(), || format!("{index} has {rows} rows for {} links", outgoing.len()))?;
        if self.get(index).is_none() {
            return ensure(outgoing.is_empty() && incoming.is_empty(), || format!("hole {index} has links"));
        }
        let sorted = |links: &[Link]| links.is_sorted_by(|a, b| a.node < b.node);
        ensure(sorted(outgoing) && sorted(incoming), || format!("links of {index} are not sorted"))?;
        for (link, dependency) in outgoing.iter().zip(self.dependencies(index)) {
            ensure(link.node != index, || format!("self-loop of {index}"))?;
            ensure(self.get(link.node).is_some(), || format!("{index} calls the hole {}", link.node))?;
            ensure(link.traits == Traits::of(dependency), || format!("traits of {index} → {}", link.node))?;
            let mirrored = self.incoming(link.node).contains(&Link { node: index, traits: link.traits });
            ensure(mirrored, || format!("{index} → {} is not mirrored", link.node))?;
        }
        for link in incoming {
            let known = self.dependency(link.node, index).is_some();
            ensure(known, || format!("{} → {index} is only incoming", link.node))?;
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), Violation> {
        let mut last = None;
        let mut entries = 0;
        for (name, index) in self.names.after(None) {
            ensure(last.is_none_or(|last| last < name), || format!("{name:?} is out of order"))?;
            let matches = self.get(index).is_some_and(|node| node.service().service_id().as_str() == name);
            ensure(matches, || format!("{name:?} does not lead to its service"))?;
            last = Some(name);
            entries += 1;
        }
        ensure(entries == self.counts.services, || {
            format!("{entries} names of {} services", self.counts.services)
        })
    }

    fn check_counts(&self) -> Result<(), Violation> {
        let mut counted = Counts::default();
        for (index, node) in (0..self.node_count).filter_map(|index| Some((index, self.get(index)?))) {
            counted.services += 1;
            counted.placeholders += u32::from(node.service().is_discovered());
            for dependency in self.dependencies(index) {
                counted.dependencies += 1;
                counted.observations += dependency.observations().len() as u64;
                counted.stale_dependencies += u64::from(dependency.is_stale());
            }
        }
        ensure(counted == self.counts, || format!("counted {counted:?}, kept {:?}", self.counts))
    }

    fn check_cycles(&self) -> Result<(), Violation> {
        let mut kept: Vec<&[u32]> =
            self.cycles.components().map(|(_, each)| each.members.as_slice()).collect();
        kept.sort_unstable();
        let found = strongly_connected(self, 0..self.node_count, |_| true);
        ensure(found == kept, || format!("components are {found:?}, kept {kept:?}"))?;
        let mut members = 0;
        for (key, component) in self.cycles.components() {
            let marked = component.members.iter().all(|node| self.cycles.key_of(*node) == Some(key));
            ensure(marked, || format!("members of component {key} are not marked"))?;
            let path = shortest_cycle(self, &component.members);
            ensure(path == component.path, || format!("path of component {key}"))?;
            members += component.members.len();
        }
        for alert in self.cycles.alerts() {
            let component = self.cycles.component_of(alert).map(|component| component.alert_id);
            let fits = component == alert.is_active().then_some(alert.id);
            ensure(fits, || format!("alert {} does not fit its component", alert.id))?;
            ensure(alert.fault().is_none(), || format!("alert {}: {:?}", alert.id, alert.fault()))?;
        }
        let active = self.cycles.alerts().filter(|alert| alert.is_active()).count();
        ensure(active == self.cycles.len(), || {
            format!("{active} alerts of {} components", self.cycles.len())
        })?;
        let marked = (0..self.node_count).filter(|node| self.cycles.key_of(*node).is_some()).count();
        ensure(marked == members, || format!("{marked} nodes marked, {members} are members"))
    }
}
