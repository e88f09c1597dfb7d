//! Which nodes lie on cycles: the strongly connected components as the graph's value carries them.
//!
//! Derived from the dependencies, except for the alert, which stays with a component while it grows and
//! shrinks, and stays when it is gone. A graph that never had a cycle holds nothing here.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::adjacency::{CHUNK_NODES, chunk_of, place_of};
use super::alerts::{Alert, Alerts, Standing};
use super::digest::{Digest, Elements};
use super::pages::Pages;
use crate::types::{ServiceId, Timestamp};

/// A set of services each of which needs all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The circular dependency alert that stands for it.
    pub alert_id: Uuid,
    /// Node indexes, ascending; two at least.
    pub members: Vec<u32>,
    /// One shortest closed path through the member with the smallest service id: first and last are
    /// that member.
    pub path: Vec<u32>,
}

/// All components, and to which each node belongs. Keys are given in order and not used again
/// while the process lives; 0 stands for no component.
#[derive(Clone, Default)]
pub struct Cycles {
    key_of: Pages<[u32; CHUNK_NODES]>,
    components: Arc<BTreeMap<u32, Arc<Kept>>>,
    last_key: u32,
    alerts: Alerts,
    /// The sum of the components' own.
    digest: Digest,
}

/// A component and its digest, so that taking it out does not hash its members again.
struct Kept {
    component: Component,
    digest: Digest,
}

impl Cycles {
    /// The key of a node's component.
    #[inline]
    pub fn key_of(&self, node: u32) -> Option<u32> {
        if self.components.is_empty() {
            return None;
        }
        Some(self.key_of.get(chunk_of(node))[place_of(node)]).filter(|key| *key != 0)
    }

    /// A component by its key.
    pub fn component(&self, key: u32) -> Option<&Component> {
        self.components.get(&key).map(|kept| &kept.component)
    }

    /// All components with their keys, in order of appearance.
    pub fn components(&self) -> impl Iterator<Item = (u32, &Component)> {
        self.components.iter().map(|(key, kept)| (*key, &kept.component))
    }

    /// How many components there are.
    pub fn len(&self) -> usize {
        self.components.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.components.is_empty()
    }

    /// An alert by its id. O(log alerts).
    pub fn alert(&self, id: Uuid) -> Option<&Alert> {
        self.alerts.get(id)
    }

    /// All alerts, in order of their ids.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter()
    }

    /// The component that an alert stands for.
    pub fn component_of(&self, alert: &Alert) -> Option<&Component> {
        match alert.standing {
            Standing::Component(key) => self.component(key),
            Standing::Gone { .. } => None,
        }
    }

    /// Replaces an alert that is there, or adds one that stands for no component.
    pub(super) fn set_alert(&mut self, alert: Alert) {
        self.alerts.set(alert);
    }

    pub(super) fn digest(&self) -> Digest {
        let mut digest = self.digest;
        digest += self.alerts.digest();
        digest
    }

    /// Takes components out and puts others in at an instant; returns the keys of those put in. `name_of`
    /// knows the service ids of all members.
    pub(super) fn replace<'a>(
        &mut self,
        gone: &[u32],
        new: Vec<Component>,
        at: Timestamp,
        name_of: impl Fn(u32) -> &'a ServiceId,
    ) -> Vec<u32> {
        let components = Arc::make_mut(&mut self.components);
        let mut left = Vec::with_capacity(gone.len());
        for key in gone {
            let kept = components.remove(key).expect("a component is removed once");
            mark(&mut self.key_of, &kept.component.members, 0);
            self.digest -= kept.digest;
            left.push((*key, kept));
        }
        let mut keys = Vec::with_capacity(new.len());
        for component in new {
            self.last_key += 1;
            mark(&mut self.key_of, &component.members, self.last_key);
            let digest = digest_of(&component, &name_of);
            self.digest += digest;
            self.alerts.activate(component.alert_id, self.last_key, at);
            components.insert(self.last_key, Arc::new(Kept { component, digest }));
            keys.push(self.last_key);
        }
        for (key, kept) in left {
            self.alerts.inactivate(key, &kept.component, &name_of);
        }
        self.alerts.bound_inactive();
        keys
    }
}

fn digest_of<'a>(component: &Component, name_of: impl Fn(u32) -> &'a ServiceId) -> Digest {
    let mut members: Vec<_> = component.members.iter().map(|node| name_of(*node)).collect();
    members.sort_unstable();
    Elements::default().component(component.alert_id, members.into_iter())
}

fn mark(key_of: &mut Pages<[u32; CHUNK_NODES]>, members: &[u32], key: u32) {
    for group in members.chunk_by(|a, b| chunk_of(*a) == chunk_of(*b)) {
        let index = chunk_of(group[0]);
        let mut keys = *key_of.get(index);
        for node in group {
            keys[place_of(*node)] = key;
        }
        key_of.set(index, keys);
    }
}
