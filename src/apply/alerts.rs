//! What somebody does about a circular dependency: open → acknowledged → resolved, or open → resolved.

use std::sync::Arc;

use uuid::Uuid;

use super::Refusal;
use crate::graph::{Alert, Graph};
use crate::types::{AlertStatus, Outcome};

pub(super) fn admit_acknowledgement(graph: &Graph, alert_id: Uuid) -> Result<(), Refusal> {
    match find(graph, alert_id)?.status {
        AlertStatus::Open => Ok(()),
        status @ (AlertStatus::Acknowledged | AlertStatus::Resolved) => Err(Refusal::AlertState(status)),
    }
}

pub(super) fn admit_resolution(graph: &Graph, alert_id: Uuid) -> Result<(), Refusal> {
    match find(graph, alert_id)?.status {
        AlertStatus::Open | AlertStatus::Acknowledged => Ok(()),
        status @ AlertStatus::Resolved => Err(Refusal::AlertState(status)),
    }
}

fn find(graph: &Graph, alert_id: Uuid) -> Result<&Alert, Refusal> {
    graph.cycles().alert(alert_id).ok_or(Refusal::UnknownAlert)
}

pub(super) fn acknowledge(graph: &Graph, alert_id: Uuid, by: &Arc<str>) -> (Graph, Outcome) {
    change(graph, alert_id, |alert| Alert {
        status: AlertStatus::Acknowledged,
        acknowledged_by: Some(Arc::clone(by)),
        ..alert
    })
}

pub(super) fn resolve(graph: &Graph, alert_id: Uuid, notes: &Arc<str>) -> (Graph, Outcome) {
    change(graph, alert_id, |alert| Alert {
        status: AlertStatus::Resolved,
        resolution_notes: Some(Arc::clone(notes)),
        ..alert
    })
}

fn change(graph: &Graph, alert_id: Uuid, change: impl FnOnce(Alert) -> Alert) -> (Graph, Outcome) {
    let (next, _) = graph.edit().finish(graph.version() + 1);
    let next = match graph.cycles().alert(alert_id) {
        Some(alert) => next.with_alert(change(alert.clone())),
        None => next,
    };
    (next, Outcome::AlertChanged)
}
