//! Histories of every kind of command, held step by step against a model that is too simple to be wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::apply::testing::any_command;
use crate::apply::{admit, apply, recall};
use crate::campaign::{Random, report, seeds};
use crate::graph::{Alert, Graph};
use crate::types::{
    AlertStatus, Attributes, Change, Command, Dependency, DiscoverySource, Mode, NodeReport, Outcome, Sweep,
    Timestamp, Upsert, Withdrawal,
};

/// What a report leaves behind.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    attributes: Attributes,
    last_observed_at: Timestamp,
    times_observed: u32,
    stale_since: Option<Timestamp>,
}

/// Metadata per source, a placeholder has none; and the SLO target.
type Service = (BTreeMap<DiscoverySource, Map<String, Value>>, Option<f64>);

type Pair = (String, String);

#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    services: BTreeMap<String, Service>,
    edges: BTreeMap<Pair, BTreeMap<DiscoverySource, Seen>>,
}

/// What a command is expected to come to; alerts are looked at apart.
#[derive(Debug, PartialEq)]
enum Expected {
    Upserted { nodes: usize, edges: usize, removed: usize, placeholders: usize, conflicts: usize },
    Registered(bool),
    Withdrawn(usize),
    Swept { marked: usize, edges: usize, services: usize },
    Done,
}

impl Model {
    fn of(graph: &Graph) -> Self {
        let mut model = Self::default();
        for (index, node) in graph.in_order(None) {
            let service = node.service();
            let reports =
                service.reports().iter().map(|report| (report.source, object(report.metadata.json())));
            let name = service.service_id().to_string();
            model.services.insert(name.clone(), (reports.collect(), service.availability_target()));
            for (link, dependency) in graph.outgoing(index).iter().zip(graph.dependencies(index)) {
                model.edges.insert((name.clone(), graph.name(link.node).to_string()), seen(dependency));
            }
        }
        model
    }

    fn apply(&mut self, command: &Command) -> Expected {
        match &command.change {
            Change::Upsert(upsert) => self.upsert(upsert),
            Change::Register(report) => {
                let known = self.services.get(report.service_id.as_str());
                let is_new = known.is_none_or(|(reports, _)| reports.is_empty());
                self.node(DiscoverySource::Manual, report);
                Expected::Registered(is_new)
            }
            Change::Withdraw(withdrawal) => self.withdraw(withdrawal),
            Change::RemoveService(service_id) => {
                let gone = service_id.as_str();
                self.services.remove(gone);
                self.edges.retain(|(from, to), _| from != gone && to != gone);
                Expected::Done
            }
            Change::SetAvailabilityTarget { service_id, percent } => {
                self.services.get_mut(service_id.as_str()).unwrap().1 = *percent;
                Expected::Done
            }
            Change::Sweep(sweep) => self.sweep(command.at, sweep),
            Change::Acknowledge { .. } | Change::Resolve { .. } => Expected::Done,
        }
    }

    fn node(&mut self, source: DiscoverySource, report: &NodeReport) {
        let (reports, _) = self.services.entry(report.service_id.to_string()).or_default();
        let kept = reports.entry(source).or_default();
        if let Some(metadata) = &report.metadata {
            *kept = object(metadata.json());
        }
    }

    fn upsert(&mut self, upsert: &Upsert) -> Expected {
        for node in &upsert.nodes {
            self.node(upsert.source, node);
        }
        let (before, mut conflicts) = (self.services.len(), 0);
        for edge in &upsert.edges {
            let pair = (edge.source.to_string(), edge.target.to_string());
            self.services.entry(pair.0.clone()).or_default();
            self.services.entry(pair.1.clone()).or_default();
            let all = self.edges.entry(pair).or_default();
            let earlier = all.get(&upsert.source).cloned();
            let times_observed = earlier.as_ref().map_or(1, |earlier| earlier.times_observed + 1);
            if let Some(earlier) = earlier.filter(|earlier| earlier.last_observed_at > upsert.observed_at) {
                all.insert(upsert.source, Seen { times_observed, ..earlier });
                continue;
            }
            let contradicts = |(source, seen): &(&DiscoverySource, &Seen)| {
                **source != upsert.source && seen.stale_since.is_none() && seen.attributes != edge.attributes
            };
            conflicts += all.iter().filter(contradicts).count();
            let (attributes, last_observed_at) = (edge.attributes.clone(), upsert.observed_at);
            all.insert(
                upsert.source,
                Seen { attributes, last_observed_at, times_observed, stale_since: None },
            );
        }
        let placeholders = self.services.len() - before;
        let mut removed = 0;
        if upsert.mode == Mode::Replace {
            let reported: BTreeSet<Pair> =
                upsert.edges.iter().map(|edge| (edge.source.to_string(), edge.target.to_string())).collect();
            let others = self.edges.iter_mut().filter(|(pair, _)| !reported.contains(*pair));
            others.for_each(|(_, seen)| drop(seen.remove(&upsert.source)));
            removed = self.drop_unseen();
        }
        let nodes = upsert.nodes.len() + placeholders;
        Expected::Upserted { nodes, edges: upsert.edges.len(), removed, placeholders, conflicts }
    }

    fn drop_unseen(&mut self) -> usize {
        let before = self.edges.len();
        self.edges.retain(|_, seen| !seen.is_empty());
        before - self.edges.len()
    }

    fn withdraw(&mut self, withdrawal: &Withdrawal) -> Expected {
        for (from, to) in &withdrawal.edges {
            let Some(seen) = self.edges.get_mut(&(from.to_string(), to.to_string())) else { continue };
            seen.retain(|source, _| withdrawal.source.is_some_and(|withdrawn| withdrawn != *source));
        }
        Expected::Withdrawn(self.drop_unseen())
    }

    fn sweep(&mut self, at: Timestamp, sweep: &Sweep) -> Expected {
        let age = |then: Timestamp| at.as_microseconds() - then.as_microseconds();
        let before = self.edges.len();
        if let Some(limit) = sweep.purge_after {
            self.edges.retain(|_, seen| {
                // How long ago each observation passed its threshold, or was marked where there is none.
                let overdue = |(source, seen): (&DiscoverySource, &Seen)| {
                    let marked = seen.stale_since?;
                    Some(match sweep.stale_after[*source as usize] {
                        Some(threshold) => age(seen.last_observed_at) - threshold,
                        None => age(marked),
                    })
                };
                let overdue: Option<Vec<i64>> = seen.iter().map(overdue).collect();
                overdue.is_none_or(|all| all.into_iter().min().is_none_or(|least| least <= limit))
            });
        }
        let edges = before - self.edges.len();
        let mut marked = 0;
        for (source, seen) in self.edges.values_mut().flatten() {
            let limit = sweep.stale_after[*source as usize];
            if seen.stale_since.is_none() && limit.is_some_and(|limit| age(seen.last_observed_at) > limit) {
                seen.stale_since = Some(at);
                marked += 1;
            }
        }
        let services = self.services.len();
        if sweep.purge_after.is_some() {
            let named: BTreeSet<&String> = self.edges.keys().flat_map(|(from, to)| [from, to]).collect();
            self.services.retain(|name, (reports, target)| {
                !reports.is_empty() || target.is_some() || named.contains(name)
            });
        }
        Expected::Swept { marked, edges, services: services - self.services.len() }
    }

    /// Services that reach each other over fresh dependencies, two or more.
    fn components(&self) -> BTreeSet<BTreeSet<String>> {
        let is_fresh = |seen: &BTreeMap<_, Seen>| seen.values().any(|seen| seen.stale_since.is_none());
        let mut reach: BTreeSet<Pair> =
            self.edges.iter().filter(|(_, seen)| is_fresh(seen)).map(|(pair, _)| pair.clone()).collect();
        loop {
            let further = reach.iter().flat_map(|(from, by)| {
                reach.iter().filter(move |(at, _)| at == by).map(move |(_, to)| (from.clone(), to.clone()))
            });
            let more: BTreeSet<Pair> = further.filter(|pair| !reach.contains(pair)).collect();
            if more.is_empty() {
                break;
            }
            reach.extend(more);
        }
        let mutual = |name: &String| -> BTreeSet<String> {
            let both =
                reach.iter().filter(|(from, to)| from == name && reach.contains(&(to.clone(), from.clone())));
            both.map(|(_, to)| to.clone()).chain([name.clone()]).collect()
        };
        self.services.keys().map(mutual).filter(|members| members.len() > 1).collect()
    }
}

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

fn seen(dependency: &Dependency) -> BTreeMap<DiscoverySource, Seen> {
    let seen = |each: &crate::types::Observation| Seen {
        attributes: each.attributes.clone(),
        last_observed_at: each.last_observed_at,
        times_observed: each.times_observed,
        stale_since: each.stale_since,
    };
    dependency.observations().iter().map(|each| (each.source, seen(each))).collect()
}

fn found(outcome: &Outcome) -> Expected {
    match outcome {
        Outcome::Upserted(upserted) => Expected::Upserted {
            nodes: upserted.nodes_upserted as usize,
            edges: upserted.edges_upserted as usize,
            removed: upserted.edges_removed as usize,
            placeholders: upserted.placeholders_created as usize,
            conflicts: upserted.conflicts.len(),
        },
        Outcome::Registered { is_new } => Expected::Registered(*is_new),
        Outcome::Withdrawn { edges_removed } => Expected::Withdrawn(*edges_removed as usize),
        Outcome::Swept(swept) => Expected::Swept {
            marked: swept.marked as usize,
            edges: swept.dependencies_purged as usize,
            services: swept.services_purged as usize,
        },
        Outcome::Removed | Outcome::TargetSet | Outcome::AlertChanged => Expected::Done,
        Outcome::Repeated(_) => panic!("apply repeats nothing"),
    }
}

/// Members of each component by alert.
fn standing(graph: &Graph) -> BTreeMap<uuid::Uuid, BTreeSet<String>> {
    let names = |members: &[u32]| members.iter().map(|node| graph.name(*node).to_string()).collect();
    graph.cycles().components().map(|(_, each)| (each.alert_id, names(&each.members))).collect()
}

/// The rules about alerts, for one step.
fn check_alerts(before: &Graph, after: &Graph, command: &Command) -> Result<(), String> {
    let (old, new) = (standing(before), standing(after));
    let shared = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.intersection(b).count();
    for (old_id, old_members) in &old {
        for (new_id, new_members) in &new {
            let common = shared(old_members, new_members);
            // Where a part does not keep the alert, one of the two found a partner that is as good.
            let follows_better = new.get(old_id).is_some_and(|kept| shared(old_members, kept) >= common);
            let has_better = old.get(new_id).is_some_and(|kept| shared(kept, new_members) >= common);
            if common > 0 && old_id != new_id && !follows_better && !has_better {
                return Err(format!("{old_members:?} left {new_members:?} alone: {old:?} {new:?}"));
            }
        }
    }
    for alert in after.cycles().alerts() {
        if alert.is_active() != new.contains_key(&alert.id) {
            return Err(format!("{alert:?} stands for nothing: {new:?}"));
        }
        let expected = expected_alert(before.cycles().alert(alert.id), alert, command);
        let said = (alert.status, alert.acknowledged_by.as_deref(), alert.resolution_notes.as_deref());
        let (status, by, notes) = &expected;
        if said != (*status, by.as_deref(), notes.as_deref()) {
            return Err(format!("{alert:?}, expected {expected:?}"));
        }
    }
    let is_kept = |alert: &&Alert| after.cycles().alert(alert.id).is_some();
    if before.cycles().alerts().all(|alert| is_kept(&alert)) {
        Ok(())
    } else {
        Err("an alert is lost".to_owned())
    }
}

type Said = (AlertStatus, Option<String>, Option<String>);

fn expected_alert(before: Option<&Alert>, after: &Alert, command: &Command) -> Said {
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
    let Some(before) = before else { return (AlertStatus::Open, None, None) };
    let said = (before.status, text(&before.acknowledged_by), text(&before.resolution_notes));
    match &command.change {
        Change::Acknowledge { alert_id, by } if *alert_id == after.id => {
            (AlertStatus::Acknowledged, Some(by.to_string()), said.2)
        }
        Change::Resolve { alert_id, notes } if *alert_id == after.id => {
            (AlertStatus::Resolved, said.1, Some(notes.to_string()))
        }
        _ if before.status == AlertStatus::Resolved && !before.is_active() && after.is_active() => {
            (AlertStatus::Open, None, None)
        }
        _ => said,
    }
}

fn check(seed: u64) -> Result<u64, String> {
    let mut random = Random::new(seed);
    let (mut graph, mut model, mut steps) = (Graph::default(), Model::default(), 0);
    for number in 1..=24 {
        let command = any_command(number, &graph, &mut random);
        if recall(&graph, &command) != Ok(None) || admit(&graph, &command).is_err() {
            continue;
        }
        let what = |what: String| format!("seed {seed}, command {number}: {:?}: {what}", command.change);
        let (next, outcome) = apply(&graph, &command);
        let expected = model.apply(&command);
        if found(&outcome) != expected {
            return Err(what(format!("{outcome:?}, not {expected:?}")));
        }
        if Model::of(&next) != model {
            return Err(what(format!("{:?}, not {model:?}", Model::of(&next))));
        }
        let components: BTreeSet<_> = standing(&next).into_values().collect();
        if components != model.components() {
            return Err(what(format!("{components:?}, not {:?}", model.components())));
        }
        check_alerts(&graph, &next, &command).map_err(what)?;
        next.check().map_err(|violation| what(violation.to_string()))?;
        let entry = next.ledger().audit().before(None).next().map(|entry| (entry.version, entry.at));
        let is_sweep = matches!(command.change, Change::Sweep(_));
        if next.version() != graph.version() + 1 || (!is_sweep && entry != Some((next.version(), command.at)))
        {
            return Err(what(format!("version {} and entry {entry:?}", next.version())));
        }
        graph = next;
        steps += 1;
    }
    Ok(steps)
}

#[test]
fn every_kind_of_command_does_what_the_contract_says() {
    report("histories of all commands", seeds(6_000).map(check).sum(), 100_000);
}
