//! The next value of a graph: changes are staged, then merged column by column.
//!
//! - Look-ups see the staged services, not the staged dependencies: each pair is changed at most once.
//! - The cost of [`Edit::finish`] follows the chunks that the changes touch.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::adjacency::{LinkChange, chunk_of, merge, place_of};
use super::digest::{Digest, Elements};
use super::rows::{RowChange, merge_rows};
use super::{Counts, Graph, Node, Traits};
use crate::types::{Dependency, Service, ServiceId};

/// Staged changes of a graph.
pub struct Edit<'g> {
    base: &'g Graph,
    node_count: u32,
    created: HashMap<ServiceId, u32>,
    /// `None` for a service that is removed.
    services: BTreeMap<u32, Option<Service>>,
    dependencies: Vec<RowChange>,
    counts: Counts,
}

/// Which fresh dependencies a change brought and took, as (source, target): what can make or break
/// a cycle.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FreshnessChanges {
    /// New, or fresh again.
    pub gained: Vec<(u32, u32)>,
    /// Gone, or stale now.
    pub lost: Vec<(u32, u32)>,
}

impl<'g> Edit<'g> {
    pub(super) fn new(base: &'g Graph) -> Self {
        Self {
            base,
            node_count: base.node_count,
            created: HashMap::new(),
            services: BTreeMap::new(),
            dependencies: Vec::new(),
            counts: base.counts,
        }
    }

    /// The index of a service, new ones included.
    pub fn find(&self, service_id: &ServiceId) -> Option<u32> {
        self.created.get(service_id).copied().or_else(|| self.base.find(service_id.as_str()))
    }

    /// A service as it stands after what was staged so far.
    pub fn service(&self, index: u32) -> &Service {
        let staged = self.services.get(&index).and_then(Option::as_ref);
        staged.unwrap_or_else(|| self.base.node(index).service())
    }

    /// The dependency as the base holds it.
    pub fn dependency(&self, source: u32, target: u32) -> Option<&'g Dependency> {
        let in_base = |index| index < self.base.node_count;
        if in_base(source) && in_base(target) { self.base.dependency(source, target) } else { None }
    }

    /// Adds a service whose id is new and returns its index.
    pub fn create(&mut self, service: Service) -> u32 {
        let index = self.node_count;
        self.node_count += 1;
        self.counts.services += 1;
        self.counts.placeholders += u32::from(service.is_discovered());
        self.created.insert(service.service_id().clone(), index);
        self.services.insert(index, Some(service));
        index
    }

    /// Replaces a service; its id stays.
    pub fn replace(&mut self, index: u32, service: Service) {
        self.counts.placeholders -= u32::from(self.service(index).is_discovered());
        self.counts.placeholders += u32::from(service.is_discovered());
        self.services.insert(index, Some(service));
    }

    /// Removes a service of the base. Whoever does so removes its dependencies, too.
    pub fn remove(&mut self, index: u32) {
        self.counts.services -= 1;
        self.counts.placeholders -= u32::from(self.service(index).is_discovered());
        self.services.insert(index, None);
    }

    /// Removes every dependency of a service, on both sides.
    pub fn remove_dependencies(&mut self, index: u32) {
        let (callees, callers) = (self.base.outgoing(index), self.base.incoming(index));
        for callee in callees {
            self.set_dependency(index, callee.node, None);
        }
        for caller in callers {
            self.set_dependency(caller.node, index, None);
        }
    }

    /// Sets or removes (`None`) a dependency. Each pair once in an edit.
    pub fn set_dependency(&mut self, source: u32, target: u32, after: Option<Dependency>) {
        let before = self.dependency(source, target);
        if let Some(before) = before {
            self.counts.dependencies -= 1;
            self.counts.observations -= before.observations().len() as u64;
            self.counts.stale_dependencies -= u64::from(before.is_stale());
        }
        if let Some(after) = &after {
            self.counts.dependencies += 1;
            self.counts.observations += after.observations().len() as u64;
            self.counts.stale_dependencies += u64::from(after.is_stale());
        }
        self.dependencies.push(RowChange { source, target, after });
    }

    /// How much the next value will hold.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Makes the next value. Its cycles are still those of the base: whoever edits brings them up to
    /// date with the changes that come back.
    pub fn finish(mut self, version: u64) -> (Graph, FreshnessChanges) {
        self.dependencies.sort_unstable_by_key(|change| (change.source, change.target));
        let freshness = self.freshness_changes();
        let mut next = self.base.clone();
        next.version = version;
        next.node_count = self.node_count;
        next.counts = self.counts;
        next.content = self.digest();
        self.merge_names(&mut next);
        self.merge_dependencies(&mut next);
        self.merge_services(&mut next);
        (next, freshness)
    }

    /// The base's digest with every changed element taken out as it was and put in as it is.
    fn digest(&self) -> Digest {
        let mut elements = Elements::default();
        let mut digest = self.base.content;
        for (index, service) in &self.services {
            if let Some(before) = self.base.get(*index) {
                digest -= elements.service_with_target(before.service());
            }
            if let Some(service) = service {
                digest += elements.service_with_target(service);
            }
        }
        for RowChange { source, target, after } in &self.dependencies {
            let (before, after) = (self.dependency(*source, *target), after.as_ref());
            let (source, target) = (self.service(*source).service_id(), self.service(*target).service_id());
            if let Some(before) = before {
                digest -= elements.dependency(source, target, before.observations());
            }
            if let Some(after) = after {
                digest += elements.dependency(source, target, after.observations());
            }
        }
        digest
    }

    fn freshness_changes(&self) -> FreshnessChanges {
        let mut changes = FreshnessChanges::default();
        for change in &self.dependencies {
            let was = self.dependency(change.source, change.target).is_some_and(|before| !before.is_stale());
            let is = change.after.as_ref().is_some_and(|after| !after.is_stale());
            match (was, is) {
                (false, true) => changes.gained.push((change.source, change.target)),
                (true, false) => changes.lost.push((change.source, change.target)),
                (true, true) | (false, false) => {}
            }
        }
        changes
    }

    fn merge_names(&self, next: &mut Graph) {
        let mut names: Vec<_> =
            self.created.iter().map(|(name, index)| (name.as_str(), Some(*index))).collect();
        let removed = self.services.iter().filter(|(_, service)| service.is_none());
        names.extend(removed.map(|(index, _)| (self.base.name(*index).as_str(), None)));
        names.sort_unstable();
        next.names.change(&names);
    }

    fn merge_dependencies(&mut self, next: &mut Graph) {
        let mut incoming = Vec::with_capacity(self.dependencies.len());
        let mut outgoing = Vec::with_capacity(self.dependencies.len());
        for RowChange { source, target, after } in &self.dependencies {
            let after = after.as_ref().map(Traits::of);
            incoming.push(LinkChange { node: *target, other: *source, after });
            outgoing.push(LinkChange { node: *source, other: *target, after });
        }
        merge_rows(&mut next.rows, &self.base.outgoing, std::mem::take(&mut self.dependencies));
        merge(&mut next.outgoing, &outgoing);
        incoming.sort_unstable_by_key(|change| (change.node, change.other));
        merge(&mut next.incoming, &incoming);
    }

    fn merge_services(self, next: &mut Graph) {
        let mut services = self.services.into_iter().peekable();
        while let Some(&(first, _)) = services.peek() {
            let mut chunk = next.nodes.get(chunk_of(first)).clone();
            while let Some((index, service)) =
                services.next_if(|(index, _)| chunk_of(*index) == chunk_of(first))
            {
                chunk[place_of(index)] = service.map(|service| Arc::new(Node::new(service)));
            }
            next.nodes.set(chunk_of(first), chunk);
        }
    }
}
