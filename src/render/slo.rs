//! The answer to an SLO impact analysis.

use uuid::Uuid;

use crate::graph::Graph;
use crate::json::{
    push_integer, push_list, push_optional_bool, push_optional_number, push_optional_string, push_plain,
    push_string,
};
use crate::query::CompositeChange;

/// What was proposed, in the words of the request.
#[derive(Clone, Copy, Debug)]
pub struct SloProposal<'a> {
    /// `availability` or `latency`.
    pub sli_type: &'a str,
    /// The target now.
    pub current_target: f64,
    /// The target then.
    pub proposed_target: f64,
}

/// What an analysis came to.
pub struct SloAnalysis<'a> {
    /// The analysis' own id.
    pub id: Uuid,
    /// The service that changes.
    pub node: u32,
    /// What was proposed.
    pub proposal: SloProposal<'a>,
    /// The services that it touches.
    pub touched: Touched,
}

/// The services that a change touches.
pub enum Touched {
    /// With what becomes of their composite availability.
    Availability(Vec<CompositeChange>),
    /// With distances alone: there is no composite latency to work out.
    Latency(Vec<(u32, u8)>),
}

const LATENCY_NOTE: &str = "Latency does not multiply along dependencies: it depends on which calls are made in a row \
                            and which at once, and percentiles do not add up. Measure the services listed instead.";

/// One service of the answer, as it is shown: percentages, rounded.
struct Row {
    node: u32,
    distance: u8,
    current: Option<f64>,
    projected: Option<f64>,
    delta: Option<f64>,
    target: Option<f64>,
    at_risk: Option<bool>,
}

/// Writes an analysis of `graph`, its services by how much changes for them, among equals by id.
pub fn slo_analysis(out: &mut Vec<u8>, graph: &Graph, analysis: &SloAnalysis<'_>) {
    let rows = rows(graph, &analysis.touched);
    out.extend_from_slice(b"{\"analysis_id\":");
    push_plain(out, analysis.id);
    out.extend_from_slice(b",\"service_id\":");
    out.extend_from_slice(graph.node(analysis.node).name_json());
    out.extend_from_slice(b",\"version\":");
    push_integer(out, graph.version());
    out.extend_from_slice(b",\"proposed_change\":{\"sli_type\":");
    push_plain(out, analysis.proposal.sli_type);
    out.extend_from_slice(b",\"current_target\":");
    push_optional_number(out, Some(analysis.proposal.current_target));
    out.extend_from_slice(b",\"proposed_target\":");
    push_optional_number(out, Some(analysis.proposal.proposed_target));
    out.extend_from_slice(b"},\"impacted_services\":");
    push_list(out, &rows, |out, row| push_row(out, graph, row));
    push_summary(out, &rows, &analysis.touched);
    out.push(b'}');
}

fn rows(graph: &Graph, touched: &Touched) -> Vec<Row> {
    let target = |node: u32| graph.node(node).service().availability_target();
    let mut rows: Vec<Row> = match touched {
        Touched::Availability(changes) => changes.iter().map(|each| row(*each, target(each.node))).collect(),
        Touched::Latency(callers) => callers
            .iter()
            .map(|&(node, distance)| Row {
                node,
                distance,
                current: None,
                projected: None,
                delta: None,
                target: target(node),
                at_risk: None,
            })
            .collect(),
    };
    let size = |row: &Row| row.delta.unwrap_or_default().abs();
    rows.sort_by(|a, b| size(b).total_cmp(&size(a)).then_with(|| graph.name(a.node).cmp(graph.name(b.node))));
    rows
}

/// What is shown adds up: the difference is that of the percentages as they are shown, and so is the risk.
fn row(change: CompositeChange, target: Option<f64>) -> Row {
    let [current, projected] = [change.current, change.projected].map(|ratio| rounded(ratio * 100.0));
    Row {
        node: change.node,
        distance: change.distance,
        current: Some(current),
        projected: Some(projected),
        delta: Some(rounded(projected - current)),
        target,
        at_risk: target.map(|target| projected < target),
    }
}

/// To four decimals; never a negative zero.
fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0 + 0.0
}

fn push_row(out: &mut Vec<u8>, graph: &Graph, row: &Row) {
    out.extend_from_slice(b"{\"service_id\":");
    out.extend_from_slice(graph.node(row.node).name_json());
    out.extend_from_slice(b",\"relationship\":");
    match row.distance {
        1 => push_plain(out, "upstream"),
        distance => push_plain(out, format_args!("upstream (transitive, depth={distance})")),
    }
    out.extend_from_slice(b",\"current_composite_availability\":");
    push_optional_number(out, row.current);
    out.extend_from_slice(b",\"projected_composite_availability\":");
    push_optional_number(out, row.projected);
    out.extend_from_slice(b",\"delta\":");
    push_optional_number(out, row.delta);
    out.extend_from_slice(b",\"current_slo_target\":");
    push_optional_number(out, row.target);
    out.extend_from_slice(b",\"slo_at_risk\":");
    push_optional_bool(out, row.at_risk);
    out.extend_from_slice(b",\"risk_detail\":");
    push_optional_string(out, risk_detail(row).as_deref());
    out.push(b'}');
}

/// A sentence for a service that would miss its target, and for one that misses it already.
fn risk_detail(row: &Row) -> Option<String> {
    let (current, projected, target) = (row.current?, row.projected?, row.target?);
    if projected >= target {
        return None;
    }
    Some(if current < target {
        format!(
            "Projected availability of {projected}% is below the target of {target}%, and so is the current one of \
             {current}%."
        )
    } else {
        format!(
            "Projected availability of {projected}% falls below the target of {target}%; the current one of \
             {current}% meets it."
        )
    })
}

fn push_summary(out: &mut Vec<u8>, rows: &[Row], touched: &Touched) {
    let at_risk = rows.iter().filter(|row| row.at_risk == Some(true)).count();
    out.extend_from_slice(b",\"summary\":{\"total_impacted\":");
    push_integer(out, rows.len());
    out.extend_from_slice(b",\"slos_at_risk\":");
    push_integer(out, at_risk);
    out.extend_from_slice(b",\"recommendation\":");
    push_string(out, &recommendation(rows, at_risk, touched));
    out.extend_from_slice(b",\"latency_note\":");
    let note = match touched {
        Touched::Availability(_) => None,
        Touched::Latency(_) => Some(LATENCY_NOTE),
    };
    push_optional_string(out, note);
    out.push(b'}');
}

fn recommendation(rows: &[Row], at_risk: usize, touched: &Touched) -> String {
    let total = rows.len();
    match touched {
        _ if total == 0 => {
            "No service depends on this one as far as was looked; the change touches nobody.".to_owned()
        }
        Touched::Latency(_) => {
            format!("{total} services wait for this one; agree on the change with their owners.")
        }
        Touched::Availability(_) if at_risk > 0 => format!(
            "{at_risk} of {total} services would not meet their SLO target; agree on the change with their owners \
             first, or make their dependency on this service less than hard."
        ),
        Touched::Availability(_) if rows.iter().all(|row| row.target.is_none()) => format!(
            "None of {total} services has an SLO target to hold the change against; set targets to see the risk."
        ),
        Touched::Availability(_) => {
            format!("The change can be made: no SLO target of {total} services would be missed.")
        }
    }
}
