//! What somebody writes down about one service.

use super::upsert::report_service;
use crate::graph::Graph;
use crate::types::{Command, DiscoverySource, NodeReport, Outcome, ServiceId};

pub(super) fn register(graph: &Graph, command: &Command, report: &NodeReport) -> (Graph, Outcome) {
    let known = graph.find(report.service_id.as_str());
    let is_new = known.is_none_or(|index| graph.node(index).service().is_discovered());
    let mut edit = graph.edit();
    report_service(&mut edit, command, DiscoverySource::Manual, report);
    (edit.finish(graph.version() + 1).0, Outcome::Registered { is_new })
}

pub(super) fn set_availability_target(
    graph: &Graph,
    service_id: &ServiceId,
    percent: Option<f64>,
) -> (Graph, Outcome) {
    let mut edit = graph.edit();
    if let Some(index) = graph.find(service_id.as_str()) {
        edit.replace(index, edit.service(index).clone().with_availability_target(percent));
    }
    (edit.finish(graph.version() + 1).0, Outcome::TargetSet)
}
