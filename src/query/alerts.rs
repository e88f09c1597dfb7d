//! Circular dependency alerts, with what their components say.
//!
//! - An alert is strong while its component holds a cycle of dependencies whose callers wait and fail with
//!   what they call: such a cycle can bring its services down, where telemetry loops do not.

use std::collections::HashSet;

use uuid::Uuid;

use crate::graph::{Alert, Component, Graph, Link, strongly_connected_by};
use crate::types::{AlertStatus, Timestamp};

/// Which alerts a listing shows; `None` asks nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// How far somebody has come with it.
    pub status: Option<AlertStatus>,
    /// Whether its cycle is there.
    pub active: Option<bool>,
    /// Whether its cycle is one of sync and hard dependencies.
    pub strong: Option<bool>,
}

/// An alert of an answer.
#[derive(Clone, Copy, Debug)]
pub struct AlertFound<'g> {
    /// The alert.
    pub alert: &'g Alert,
    /// What it stands for, while that is there.
    pub component: Option<&'g Component>,
    /// Whether its cycle is one of sync and hard dependencies.
    pub is_strong: bool,
}

/// An alert with what its component says. O(dependencies of the members).
pub fn alert_found<'g>(graph: &'g Graph, alert: &'g Alert) -> AlertFound<'g> {
    let component = graph.cycles().component_of(alert);
    let is_strong = component.is_some_and(|component| !strong_cycles(graph, &[component]).is_empty());
    AlertFound { alert, component, is_strong }
}

/// A page: the alerts detected last first, among equals by id, from the first behind `after`, and whether more
/// follow. O(alerts · log alerts + dependencies of all members).
pub fn list_alerts(
    graph: &Graph,
    filter: AlertFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: usize,
) -> (Vec<AlertFound<'_>>, bool) {
    let cycles = graph.cycles();
    let components: Vec<&Component> = cycles.components().map(|(_, component)| component).collect();
    let strong = strong_cycles(graph, &components);
    let found = cycles.alerts().map(|alert| AlertFound {
        alert,
        component: cycles.component_of(alert),
        is_strong: strong.contains(&alert.id) && alert.is_active(),
    });
    let is_shown = |found: &AlertFound<'_>| {
        filter.status.is_none_or(|status| found.alert.status == status)
            && filter.active.is_none_or(|active| found.alert.is_active() == active)
            && filter.strong.is_none_or(|strong| found.is_strong == strong)
            && after.is_none_or(|(at, id)| order(found.alert) > (std::cmp::Reverse(at), id))
    };
    let mut page: Vec<_> = found.filter(is_shown).collect();
    page.sort_unstable_by_key(|found| order(found.alert));
    let more = page.len() > limit;
    page.truncate(limit);
    (page, more)
}

fn order(alert: &Alert) -> (std::cmp::Reverse<Timestamp>, Uuid) {
    (std::cmp::Reverse(alert.detected_at), alert.id)
}

/// Which of some components hold a cycle of sync and hard dependencies, by alert.
fn strong_cycles(graph: &Graph, components: &[&Component]) -> HashSet<Uuid> {
    let cycles = graph.cycles();
    let members = components.iter().flat_map(|component| component.members.iter().copied());
    // Components do not reach each other both ways, so a cycle stays within one; links out of it lead nowhere.
    let follows =
        |link: Link| link.traits.is_strong() && !link.traits.is_stale() && cycles.key_of(link.node).is_some();
    let found = strongly_connected_by(graph, members, follows);
    let alert_of = |members: &Vec<u32>| cycles.key_of(members[0]).and_then(|key| cycles.component(key));
    found.iter().filter_map(alert_of).map(|component| component.alert_id).collect()
}
