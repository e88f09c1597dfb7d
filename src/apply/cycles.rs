//! The components of a graph brought up to date after a change.
//!
//! - A new dependency between members of one component can only shorten its path; any other makes
//!   or joins components exactly when its target reaches its source. That is searched from both
//!   ends at once, so a dependency that closes no cycle mostly costs a few looks.
//! - A lost dependency inside a component can split it: Tarjan over its members, and only then.
//! - When a cycle was closed, or the searches of one command have looked at as many links as there
//!   are, Tarjan over the whole graph: a command costs O(nodes + links) at most, however many
//!   dependencies it brings.
//! - An alert follows the component that shares most members with the one it stood for. A component without such
//!   a predecessor takes up the alert of one that is gone and had most of its members, two at least.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::graph::{
    Component, Cycles, FreshnessChanges, Graph, Link, Standing, shortest_cycle, strongly_connected,
};
use crate::types::Timestamp;

/// The graph with its components up to date, and the keys of those that are new or not as before.
/// `before` is what it was made from, `command_id` what the ids of new alerts are derived from, `at` when they
/// are detected.
pub(super) fn update(
    before: &Graph,
    graph: Graph,
    changes: &FreshnessChanges,
    (command_id, at): (Uuid, Timestamp),
) -> (Graph, Vec<u32>) {
    let touched = Touched::by(&graph, changes);
    let partition = if touched.joins {
        strongly_connected(&graph, 0..graph.node_count(), |_| true)
    } else if touched.components.is_empty() {
        return (graph, Vec::new());
    } else {
        let whole = touched.components.difference(&touched.cut);
        let whole = whole.filter_map(|key| graph.cycles().component(*key)).map(|each| each.members.clone());
        whole.chain(split(&graph, &touched.cut)).collect()
    };
    let (gone, new) = differences(&graph, &touched, partition, command_id);
    if new.is_empty() && gone.is_empty() {
        return (graph, Vec::new());
    }
    graph.replace_cycles(before, &gone, new, at)
}

/// What a change can have done to the components.
struct Touched {
    /// Components with a dependency gained or lost among their members.
    components: BTreeSet<u32>,
    /// Those that lost one: they may have come apart.
    cut: BTreeSet<u32>,
    /// Whether a gained dependency closed a cycle that was none before, or may have.
    joins: bool,
}

impl Touched {
    fn by(graph: &Graph, changes: &FreshnessChanges) -> Self {
        let cycles = graph.cycles();
        let inside = |&(source, target): &(u32, u32)| {
            cycles.key_of(source).filter(|key| cycles.key_of(target) == Some(*key))
        };
        let cut: BTreeSet<u32> = changes.lost.iter().filter_map(inside).collect();
        let components = changes.gained.iter().filter_map(inside).chain(cut.iter().copied()).collect();
        let mut search = BothEnds::new(graph);
        let mut outside = changes.gained.iter().filter(|pair| inside(pair).is_none());
        let joins = outside.any(|&(source, target)| match search.reaches(target, source) {
            Reach::Found | Reach::TooFar => true,
            Reach::None => false,
        });
        Self { components, cut, joins }
    }
}

/// Tarjan within each of some components.
fn split(graph: &Graph, keys: &BTreeSet<u32>) -> Vec<Vec<u32>> {
    if keys.is_empty() {
        return Vec::new();
    }
    let cycles = graph.cycles();
    let members = keys.iter().filter_map(|key| cycles.component(*key)).flat_map(|each| each.members.iter());
    let allowed = |node| cycles.key_of(node).is_some_and(|key| keys.contains(&key));
    // A component reaches another one only one way round, so they cannot merge here.
    strongly_connected(graph, members.copied(), allowed)
}

/// Which components of the graph are gone or changed, and what stands in their place.
fn differences(
    graph: &Graph,
    touched: &Touched,
    partition: Vec<Vec<u32>>,
    command_id: Uuid,
) -> (Vec<u32>, Vec<Component>) {
    let cycles = graph.cycles();
    let mut gone: BTreeSet<u32> = if touched.joins {
        cycles.components().map(|(key, _)| key).collect()
    } else {
        touched.components.clone()
    };
    let mut changed = Vec::new();
    for members in partition {
        let same = cycles
            .key_of(members[0])
            .filter(|key| cycles.component(*key).is_some_and(|before| before.members == members));
        match same {
            Some(key) if !touched.components.contains(&key) || has_same_path(graph, key) => {
                gone.remove(&key);
            }
            Some(_) | None => changed.push(members),
        }
    }
    let gone: Vec<u32> = gone.into_iter().collect();
    let new = with_alerts(graph, cycles, changed, command_id);
    (gone, new)
}

fn has_same_path(graph: &Graph, key: u32) -> bool {
    let before = graph.cycles().component(key).expect("the key was just read from a member");
    before.path == shortest_cycle(graph, &before.members)
}

/// Gives each changed component the alert of the one before it that shares most members, each
/// alert once; the rest get new ones.
fn with_alerts(graph: &Graph, before: &Cycles, changed: Vec<Vec<u32>>, command_id: Uuid) -> Vec<Component> {
    let mut shared: BTreeMap<(usize, u32), usize> = BTreeMap::new();
    for (place, members) in changed.iter().enumerate() {
        for key in members.iter().filter_map(|node| before.key_of(*node)) {
            *shared.entry((place, key)).or_default() += 1;
        }
    }
    let mut candidates: Vec<_> = shared.into_iter().collect();
    // Most members first; the map's order (first component, oldest alert) decides among equals.
    candidates.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut alerts: Vec<Option<Uuid>> = vec![None; changed.len()];
    let mut followed = BTreeSet::new();
    for ((place, key), _) in candidates {
        if alerts[place].is_none() && followed.insert(key) {
            alerts[place] = before.component(key).map(|component| component.alert_id);
        }
    }
    if alerts.contains(&None) {
        take_up_inactive(graph, before, &changed, &mut alerts);
    }
    let new_component = |(members, alert): (Vec<u32>, Option<Uuid>)| {
        let path = shortest_cycle(graph, &members);
        // No service has a control character in its name, so this is no service's UUID either.
        let new_alert = || Uuid::new_v5(&command_id, format!("cycle\0{}", graph.name(path[0])).as_bytes());
        Component { alert_id: alert.unwrap_or_else(new_alert), members, path }
    };
    changed.into_iter().zip(alerts).map(new_component).collect()
}

/// Fewer common members are no cycle.
const COMMON_MEMBERS_MIN: usize = 2;

/// Gives components without an alert those of components that are gone and had most of their members; among
/// equals the one that was detected first.
fn take_up_inactive(graph: &Graph, before: &Cycles, changed: &[Vec<u32>], alerts: &mut [Option<Uuid>]) {
    let places = changed.iter().enumerate().filter(|(place, _)| alerts[*place].is_none());
    let place_of: BTreeMap<u32, usize> =
        places.flat_map(|(place, members)| members.iter().map(move |node| (*node, place))).collect();
    let mut candidates = Vec::new();
    for alert in before.alerts() {
        let Standing::Gone { members, .. } = &alert.standing else { continue };
        let mut common: BTreeMap<usize, usize> = BTreeMap::new();
        let nodes = members.iter().filter_map(|member| graph.find(member.as_str()));
        for place in nodes.filter_map(|node| place_of.get(&node)) {
            *common.entry(*place).or_default() += 1;
        }
        let enough = common.into_iter().filter(|(_, count)| *count >= COMMON_MEMBERS_MIN);
        candidates.extend(enough.map(|(place, count)| (count, place, alert.detected_at, alert.id)));
    }
    candidates.sort_by_key(|(count, place, at, id)| (std::cmp::Reverse(*count), *place, *at, *id));
    let mut taken = BTreeSet::new();
    for (_, place, _, id) in candidates {
        if alerts[place].is_none() && taken.insert(id) {
            alerts[place] = Some(id);
        }
    }
}

/// Reachability searched from both ends, always on the side that has looked at fewer links.
struct BothEnds<'g> {
    graph: &'g Graph,
    /// Per node the number of the last search that saw it, forward and backward.
    seen: Vec<[u32; 2]>,
    searches: u32,
    /// Links that all searches together may still look at.
    looks_left: u64,
}

/// What came of a search.
enum Reach {
    Found,
    None,
    /// It would look at more links than it may.
    TooFar,
}

const FORWARD: usize = 0;
const BACKWARD: usize = 1;

impl<'g> BothEnds<'g> {
    fn new(graph: &'g Graph) -> Self {
        let looks_left = u64::from(graph.node_count()) + graph.counts().dependencies;
        Self { graph, seen: Vec::new(), searches: 0, looks_left }
    }

    fn links(&self, side: usize, node: u32) -> impl Iterator<Item = &'g Link> + use<'g> {
        let links = if side == FORWARD { self.graph.outgoing(node) } else { self.graph.incoming(node) };
        links.iter().filter(|link| !link.traits.is_stale())
    }

    /// Whether fresh dependencies lead from one node to another one.
    fn reaches(&mut self, from: u32, to: u32) -> Reach {
        if self.links(FORWARD, from).next().is_none() || self.links(BACKWARD, to).next().is_none() {
            return Reach::None;
        }
        self.seen.resize(self.graph.node_count() as usize, [0; 2]);
        self.searches += 1;
        self.seen[from as usize][FORWARD] = self.searches;
        self.seen[to as usize][BACKWARD] = self.searches;
        let mut frontiers = [vec![from], vec![to]];
        let mut looked = [0, 0];
        loop {
            let side = usize::from(looked[FORWARD] > looked[BACKWARD]);
            let Some(node) = frontiers[side].pop() else { return Reach::None };
            for link in self.links(side, node) {
                let Some(left) = self.looks_left.checked_sub(1) else { return Reach::TooFar };
                self.looks_left = left;
                looked[side] += 1;
                let seen = &mut self.seen[link.node as usize];
                if seen[1 - side] == self.searches {
                    return Reach::Found;
                }
                if seen[side] != self.searches {
                    seen[side] = self.searches;
                    frontiers[side].push(link.node);
                }
            }
        }
    }
}
