//! The answer to an SLO impact analysis, written piece by piece.

use std::sync::Arc;

use uuid::Uuid;

use crate::graph::Graph;
use crate::json::{
    push_integer, push_optional_bool, push_optional_number, push_optional_string, push_plain, push_string,
};
use crate::query::CompositeChange;

/// What was proposed, in the words of the request.
#[derive(Clone, Copy, Debug)]
pub struct SloProposal {
    /// `availability` or `latency`.
    pub sli_type: &'static str,
    /// The target now.
    pub current_target: f64,
    /// The target then.
    pub proposed_target: f64,
}

/// What an analysis came to.
pub struct SloAnalysis {
    /// The analysis' own id.
    pub id: Uuid,
    /// The service that changes.
    pub node: u32,
    /// What was proposed.
    pub proposal: SloProposal,
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

/// An analysis that is being written: its services by how much changes for them, among equals by id.
pub struct SloAnswer {
    graph: Arc<Graph>,
    analysis: SloAnalysis,
    rows: Vec<Row>,
    next: Part,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Part {
    Head,
    /// The row at this place.
    Row(usize),
    Summary,
    Done,
}

impl SloAnswer {
    /// Begins the answer for an analysis of `graph`. O(services touched, times their logarithm).
    pub fn new(graph: Arc<Graph>, analysis: SloAnalysis) -> Self {
        let rows = rows(&graph, &analysis.touched);
        Self { graph, analysis, rows, next: Part::Head }
    }

    /// Writes on until `out` holds `full` bytes or a little more, or all is written: then `true`.
    pub fn write(&mut self, out: &mut Vec<u8>, full: usize) -> bool {
        loop {
            self.next = match self.next {
                Part::Head => self.write_head(out),
                Part::Row(place) => self.write_rows(out, place, full),
                Part::Summary => {
                    push_summary(out, &self.rows, &self.analysis.touched);
                    Part::Done
                }
                Part::Done => return true,
            };
            if out.len() >= full {
                return matches!(self.next, Part::Done);
            }
        }
    }

    fn write_head(&self, out: &mut Vec<u8>) -> Part {
        let SloAnalysis { id, node, proposal, touched: _ } = &self.analysis;
        out.extend_from_slice(b"{\"analysis_id\":");
        push_plain(out, id);
        out.extend_from_slice(b",\"service_id\":");
        out.extend_from_slice(self.graph.node(*node).name_json());
        out.extend_from_slice(b",\"version\":");
        push_integer(out, self.graph.version());
        out.extend_from_slice(b",\"proposed_change\":{\"sli_type\":");
        push_plain(out, proposal.sli_type);
        out.extend_from_slice(b",\"current_target\":");
        push_optional_number(out, Some(proposal.current_target));
        out.extend_from_slice(b",\"proposed_target\":");
        push_optional_number(out, Some(proposal.proposed_target));
        out.extend_from_slice(b"},\"impacted_services\":[");
        Part::Row(0)
    }

    fn write_rows(&self, out: &mut Vec<u8>, first: usize, full: usize) -> Part {
        for (place, row) in self.rows.iter().enumerate().skip(first) {
            if out.len() >= full {
                return Part::Row(place);
            }
            if place > 0 {
                out.push(b',');
            }
            push_row(out, &self.graph, row);
        }
        Part::Summary
    }
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

/// To four decimals, a tie away from zero; never a negative zero. Products of targets are decimals that often end in
/// a tie, and come out a hair below it in binary: less than a hair decides nothing.
fn rounded(number: f64) -> f64 {
    const HAIR: f64 = 1e-6;
    let ten_thousandths = (number.abs() * 10_000.0 + HAIR).round();
    (ten_thousandths / 10_000.0).copysign(number) + 0.0
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
    out.extend_from_slice(b"],\"summary\":{\"total_impacted\":");
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
    out.extend_from_slice(b"}}");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_in_decimal_goes_away_from_zero_whatever_it_is_in_binary() {
        // Every product of a target in hundredths of a percent and some availabilities in thousandths, by integers.
        for target in 1..=10_000_u32 {
            for own in [1, 7, 333, 500, 875, 990, 995, 998, 999, 1_000_u32] {
                let ratio = (f64::from(target) / 100.0 / 100.0) * (f64::from(own) / 1_000.0);
                let exact = f64::from((target * own + 5) / 10) / 10_000.0;
                for (found, exact) in [(rounded(ratio * 100.0), exact), (rounded(ratio * -100.0), -exact)] {
                    assert!((found - exact).abs() < 1e-9, "{target} * {own}: {found}, not {exact}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_tie_is_rounded_to_the_nearest_and_zero_has_no_sign() {
        let cases = [
            (99.850_049, 99.85),
            (99.850_051, 99.850_1),
            (100.0, 100.0),
            (-0.487_94, -0.4879),
            (0.000_04, 0.0),
        ];
        for (number, exact) in cases {
            assert!((rounded(number) - exact).abs() < 1e-9, "{number}: {}", rounded(number));
        }
        for number in [0.0, -0.0, -0.000_04] {
            assert_eq!(rounded(number).to_bits(), 0, "{number}");
        }
    }
}
