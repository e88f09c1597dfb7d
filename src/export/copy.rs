//! Which rows make a copy of one version a copy of another: all of them, or those that differ. Pure.
//!
//! - Rows that are named may be the same as before; those that are not named are.
//! - The versions may be of graphs that have nothing in common: rows are told apart by their keys, not by indexes.

use std::collections::HashMap;

use uuid::Uuid;

use super::rows::{AlertRow, AuditRow, DependencyKey, DependencyRow, ServiceRow, TargetRow};
use crate::graph::{Changes, Graph};
use crate::query::{AlertFilter, list_alerts};

/// What to put into a copy, and what to take out of it.
pub(super) struct Copy<'g> {
    graph: &'g Graph,
    /// What the copy holds, and where that differs; `None` when nothing is known of it.
    since: Option<(&'g Graph, Changes)>,
}

impl<'g> Copy<'g> {
    /// Everything.
    pub(super) fn of(graph: &'g Graph) -> Self {
        Self { graph, since: None }
    }

    /// What differs from `before`.
    pub(super) fn since(before: &'g Graph, graph: &'g Graph) -> Self {
        Self { graph, since: Some((before, graph.changes_since(before))) }
    }

    /// Whether the copy is to hold nothing but what is put into it.
    pub(super) fn is_whole(&self) -> bool {
        self.since.is_none()
    }

    /// Nodes of this version: all, or those that may differ.
    fn nodes(&self, changed: impl Fn(&Changes) -> &Vec<u32>) -> Vec<u32> {
        match &self.since {
            None => (0..self.graph.node_count()).collect(),
            Some((_, changes)) => changed(changes).clone(),
        }
    }

    /// The services to put in.
    pub(super) fn services(&self) -> impl Iterator<Item = ServiceRow<'g>> {
        let graph = self.graph;
        let nodes = self.nodes(|changes| &changes.services).into_iter();
        nodes.filter_map(|node| graph.get(node)).map(|node| ServiceRow(node.service()))
    }

    /// The ids of services to take out.
    pub(super) fn services_gone(&self) -> impl Iterator<Item = &'g str> {
        self.before(|changes| &changes.services)
            .filter_map(|(before, node)| before.get(node))
            .map(|node| node.service().service_id().as_str())
            .filter(|service_id| self.graph.find(service_id).is_none())
    }

    /// The SLO targets to put in.
    pub(super) fn targets(&self) -> impl Iterator<Item = TargetRow<'g>> {
        self.services().filter_map(|ServiceRow(service)| {
            let availability_target = service.availability_target()?;
            Some(TargetRow { service_id: service.service_id().as_str(), availability_target })
        })
    }

    /// The ids of services whose SLO targets to take out.
    pub(super) fn targets_gone(&self) -> impl Iterator<Item = &'g str> {
        let target = |graph: &'g Graph, node: u32| graph.get(node)?.service().availability_target();
        self.before(|changes| &changes.services)
            .filter(move |(before, node)| target(before, *node).is_some())
            .map(|(before, node)| before.name(node).as_str())
            .filter(move |service_id| {
                self.graph.find(service_id).and_then(|node| target(self.graph, node)).is_none()
            })
    }

    /// The observations of dependencies to put in.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = DependencyRow<'g>> {
        let graph = self.graph;
        let unchanged = move |source: u32, target: u32| {
            let (before, _) = self.since.as_ref()?;
            let pair = (before.find(graph.name(source).as_str())?, before.find(graph.name(target).as_str())?);
            Some(before.dependency(pair.0, pair.1)? == graph.dependency(source, target)?)
        };
        let callers = self.nodes(|changes| &changes.callers).into_iter();
        callers.flat_map(move |source| {
            let targets = graph.outgoing(source).iter().map(|link| link.node);
            let rows = targets.zip(graph.dependencies(source));
            let changed = rows.filter(move |(target, _)| unchanged(source, *target) != Some(true));
            changed.flat_map(move |(target, dependency)| {
                DependencyRow::of((graph.name(source), graph.name(target)), dependency)
            })
        })
    }

    /// The observations of dependencies to take out.
    pub(super) fn dependencies_gone(&self) -> impl Iterator<Item = DependencyKey<'g>> {
        let graph = self.graph;
        self.before(|changes| &changes.callers).flat_map(move |(before, source)| {
            let targets = before.outgoing(source).iter().map(|link| link.node);
            targets.zip(before.dependencies(source)).flat_map(move |(target, was)| {
                let (source, target) = (before.name(source), before.name(target));
                let pair = (graph.find(source.as_str()), graph.find(target.as_str()));
                let is = pair.0.zip(pair.1).and_then(|(source, target)| graph.dependency(source, target));
                let gone = was.observations().iter().map(|observation| observation.source);
                gone.filter(move |by| is.is_none_or(|is| is.by(*by).is_none())).map(|discovery_source| {
                    DependencyKey { source: source.as_str(), target: target.as_str(), discovery_source }
                })
            })
        })
    }

    /// The circular dependency alerts to put in. O(dependencies of the members), as for the next.
    pub(super) fn alerts(&self) -> Vec<AlertRow<'g>> {
        let before = self.since.as_ref().map(|(before, _)| alerts(before)).unwrap_or_default();
        let before: HashMap<Uuid, &AlertRow<'_>> = before.iter().map(|row| (row.id, row)).collect();
        alerts(self.graph).into_iter().filter(|row| before.get(&row.id) != Some(&row)).collect()
    }

    /// The ids of circular dependency alerts to take out.
    pub(super) fn alerts_gone(&self) -> impl Iterator<Item = Uuid> {
        let before = self.since.iter().flat_map(|(before, _)| before.cycles().alerts());
        before.map(|alert| alert.id).filter(|id| self.graph.cycles().alert(*id).is_none())
    }

    /// The entries of the audit log to put in, newest first.
    pub(super) fn audit(&self) -> impl Iterator<Item = AuditRow<'g>> {
        let known = self.since.as_ref().map_or(0, |(before, _)| before.version());
        let newest_first = self.graph.ledger().audit().before(None);
        newest_first.take_while(move |entry| entry.version > known).map(AuditRow)
    }

    /// The versions before this one have no entry in the audit log any more.
    pub(super) fn audit_from(&self) -> u64 {
        self.graph.ledger().audit().entries().next().map_or(u64::MAX, |entry| entry.version)
    }

    /// The version that is held, with each of its nodes that may differ.
    fn before(&self, changed: impl Fn(&Changes) -> &Vec<u32>) -> impl Iterator<Item = (&'g Graph, u32)> {
        let nodes = self.since.as_ref().map(|(before, changes)| (*before, changed(changes).clone()));
        nodes.into_iter().flat_map(|(before, nodes)| nodes.into_iter().map(move |node| (before, node)))
    }
}

fn alerts(graph: &Graph) -> Vec<AlertRow<'_>> {
    let (found, _) = list_alerts(graph, AlertFilter::default(), None, usize::MAX);
    found.iter().map(|found| AlertRow::of(graph, found)).collect()
}
