//! Circular dependency alerts: what somebody did about a component, and what is left of one that is gone.
//!
//! - Every component has an alert; an alert without a component remembers the last one it stood for.
//! - A resolved alert whose component comes back is open again, and what was said about it is gone.
//! - Of alerts without a component at most [`limits::ALERTS_INACTIVE_MAX`] are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Component;
use super::digest::{Digest, Elements};
use crate::limits;
use crate::types::{AlertStatus, ServiceId, Timestamp};

/// What is known about a circular dependency besides what the dependencies say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Given once.
    pub id: Uuid,
    /// When its component appeared, or came back after it was resolved.
    pub detected_at: Timestamp,
    /// How far somebody has come with it.
    pub status: AlertStatus,
    /// Who looks after it.
    pub acknowledged_by: Option<Arc<str>>,
    /// How it was dealt with.
    pub resolution_notes: Option<Arc<str>>,
    /// What it stands for.
    pub standing: Standing,
}

/// What an alert stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The component with this key.
    Component(u32),
    /// One that is gone, as it was last.
    Gone {
        /// Its members, in bytewise order.
        members: Box<[ServiceId]>,
        /// One shortest closed path through the first member.
        path: Box<[ServiceId]>,
    },
}

impl Alert {
    fn new(id: Uuid, detected_at: Timestamp, key: u32) -> Self {
        Self {
            id,
            detected_at,
            status: AlertStatus::Open,
            acknowledged_by: None,
            resolution_notes: None,
            standing: Standing::Component(key),
        }
    }

    /// Whether its component is there.
    pub fn is_active(&self) -> bool {
        matches!(self.standing, Standing::Component(_))
    }

    /// Whether its component says all there is to say but when it appeared.
    fn is_untouched(&self) -> bool {
        self.is_active()
            && self.status == AlertStatus::Open
            && self.acknowledged_by.is_none()
            && self.resolution_notes.is_none()
    }

    /// What is wrong with it, whatever graph it is of. O(members · log members).
    pub fn fault(&self) -> Option<&'static str> {
        let words = (self.acknowledged_by.is_some(), self.resolution_notes.is_some());
        let fits = match self.status {
            AlertStatus::Open => words == (false, false),
            AlertStatus::Acknowledged => words == (true, false),
            AlertStatus::Resolved => words.1,
        };
        if !fits {
            return Some("an alert whose words do not fit its status");
        }
        match &self.standing {
            Standing::Gone { members, path } if !is_cycle(members, path) => {
                Some("an alert of what was no cycle")
            }
            Standing::Gone { .. } | Standing::Component(_) => None,
        }
    }

    /// What it adds to the digest of the graph.
    pub fn digest(&self) -> Digest {
        if self.is_untouched() { Digest::default() } else { Elements::default().alert(self) }
    }
}

/// Whether members are in order, each once, and a path leads around some of them, from the first to the first.
fn is_cycle(members: &[ServiceId], path: &[ServiceId]) -> bool {
    let [first, around @ .., last] = path else { return false };
    members.is_sorted_by(|a, b| a < b)
        && members.first() == Some(first)
        && first == last
        && !around.is_empty()
        && around.iter().all(|name| name != first && members.binary_search(name).is_ok())
}

/// All alerts, by id.
#[derive(Clone, Default)]
pub(super) struct Alerts {
    by_id: Arc<BTreeMap<Uuid, Arc<Alert>>>,
    inactive: usize,
    digest: Digest,
}

impl Alerts {
    pub(super) fn get(&self, id: Uuid) -> Option<&Alert> {
        self.by_id.get(&id).map(Arc::as_ref)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.by_id.values().map(Arc::as_ref)
    }

    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    /// Adds an alert, or replaces the one with its id.
    pub(super) fn set(&mut self, alert: Alert) {
        self.digest += alert.digest();
        self.inactive += usize::from(!alert.is_active());
        if let Some(before) = Arc::make_mut(&mut self.by_id).insert(alert.id, Arc::new(alert)) {
            self.forget(&before);
        }
    }

    fn forget(&mut self, before: &Alert) {
        self.digest -= before.digest();
        self.inactive -= usize::from(!before.is_active());
    }

    /// The alert stands for a component from now on.
    pub(super) fn activate(&mut self, id: Uuid, key: u32, at: Timestamp) {
        let alert = match self.get(id).cloned() {
            None => Alert::new(id, at, key),
            Some(before) if !before.is_active() && before.status == AlertStatus::Resolved => {
                Alert::new(id, at, key)
            }
            Some(before) => Alert { standing: Standing::Component(key), ..before },
        };
        self.set(alert);
    }

    /// The component with this key is gone: so is what the alert stands for, unless it stands for another.
    pub(super) fn inactivate<'a>(
        &mut self,
        key: u32,
        component: &Component,
        name_of: impl Fn(u32) -> &'a ServiceId,
    ) {
        let Some(alert) = self.get(component.alert_id) else { return };
        if alert.standing != Standing::Component(key) {
            return;
        }
        let mut members: Vec<_> = component.members.iter().map(|node| name_of(*node).clone()).collect();
        members.sort_unstable();
        let path = component.path.iter().map(|node| name_of(*node).clone()).collect();
        self.set(Alert { standing: Standing::Gone { members: members.into(), path }, ..alert.clone() });
    }

    /// Lets those go that were detected first, where too many have no component. O(alerts · log alerts) then.
    pub(super) fn bound_inactive(&mut self) {
        let excess = self.inactive.saturating_sub(limits::ALERTS_INACTIVE_MAX);
        if excess == 0 {
            return;
        }
        let inactive = self.iter().filter(|alert| !alert.is_active());
        let mut oldest: Vec<_> = inactive.map(|alert| (alert.detected_at, alert.id)).collect();
        oldest.sort_unstable();
        for (_, id) in oldest.into_iter().take(excess) {
            if let Some(dropped) = Arc::make_mut(&mut self.by_id).remove(&id) {
                self.forget(&dropped);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_microseconds(1_800_000_000_000_000 + second * 1_000_000).unwrap()
    }

    fn gone(number: u128) -> Alert {
        let standing = Standing::Gone { members: Box::default(), path: Box::default() };
        Alert { standing, ..Alert::new(Uuid::from_u128(number), at(number as i64), 0) }
    }

    #[test]
    fn of_those_without_a_component_the_oldest_goes() {
        let mut alerts = Alerts::default();
        let most = limits::ALERTS_INACTIVE_MAX as u128;
        for number in 1..=most {
            alerts.set(gone(number));
        }
        let active = Uuid::from_u128(0);
        alerts.activate(active, 9, at(0));
        let (name, members) = (ServiceId::parse("a").unwrap(), vec![0, 1]);
        let component = Component { alert_id: active, members, path: vec![0, 1, 0] };
        alerts.inactivate(8, &component, |_| &name);
        assert_eq!(alerts.iter().count() as u128, most + 1, "it stands for another component by now");
        alerts.inactivate(9, &component, |_| &name);
        alerts.bound_inactive();
        assert_eq!((alerts.get(active), alerts.inactive as u128), (None, most), "it was detected first");
        let sum = alerts.iter().fold(Digest::default(), |mut sum, alert| {
            sum += alert.digest();
            sum
        });
        assert_eq!(alerts.digest(), sum, "what went is subtracted");
    }

    #[test]
    fn words_fit_the_status_and_what_is_gone_was_a_cycle() {
        let ids =
            |names: &[&str]| names.iter().map(|name| ServiceId::parse(name).unwrap()).collect::<Box<[_]>>();
        let (none, some) = (None, Some("said"));
        let standing =
            |members: &[&str], path: &[&str]| Standing::Gone { members: ids(members), path: ids(path) };
        let whole = || standing(&["a", "b", "c"], &["a", "c", "a"]);
        let alert = |status, by: Option<&str>, notes: Option<&str>, standing| Alert {
            status,
            acknowledged_by: by.map(Into::into),
            resolution_notes: notes.map(Into::into),
            standing,
            ..gone(1)
        };
        let cases = [
            (alert(AlertStatus::Open, none, none, whole()), true),
            (alert(AlertStatus::Open, some, none, whole()), false),
            (alert(AlertStatus::Acknowledged, some, none, whole()), true),
            (alert(AlertStatus::Acknowledged, none, none, whole()), false),
            (alert(AlertStatus::Resolved, none, some, Standing::Component(1)), true),
            (alert(AlertStatus::Resolved, some, none, Standing::Component(1)), false),
            (alert(AlertStatus::Open, none, none, standing(&["b", "a"], &["b", "a", "b"])), false),
            (alert(AlertStatus::Open, none, none, standing(&["a", "b"], &["b", "a", "b"])), false),
            (alert(AlertStatus::Open, none, none, standing(&["a", "b"], &["a", "b"])), false),
            (alert(AlertStatus::Open, none, none, standing(&["a", "b"], &["a", "c", "a"])), false),
            (alert(AlertStatus::Open, none, none, standing(&["a", "b"], &[])), false),
        ];
        for (alert, is_sound) in cases {
            assert_eq!(alert.fault().is_none(), is_sound, "{alert:?}");
        }
    }
}
