//! What breaks: the answer to an impact query, written piece by piece.

use std::sync::Arc;

use crate::graph::Graph;
use crate::json::{push_bool, push_integer, push_list, push_optional_string, push_plain, push_string};
use crate::query::{Impact, ImpactQuestion, ImpactTotals, Impacted, Severity};
use crate::types::Criticality;

/// How an impact query was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImpactForm {
    /// For one service.
    One,
    /// For several: each entry says which of them hit it.
    Several,
}

/// An impact answer that is being written.
pub struct ImpactAnswer {
    graph: Arc<Graph>,
    impact: Impact,
    form: ImpactForm,
    next: Part,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Part {
    Head,
    /// The entry at this place; the list may be left out.
    Entry(usize),
    Totals,
    Done,
}

impl ImpactAnswer {
    /// Begins an answer about `graph` with the whole list, sorted.
    pub fn new(graph: Arc<Graph>, mut impact: Impact, form: ImpactForm) -> Self {
        impact.sort(&graph);
        Self { graph, impact, form, next: Part::Head }
    }

    /// Writes on until `out` holds `full` bytes or a little more, or all is written: then `true`.
    pub fn write(&mut self, out: &mut Vec<u8>, full: usize) -> bool {
        loop {
            self.next = match self.next {
                Part::Head => {
                    push_head(out, &self.graph, self.impact.question(), self.form);
                    out.extend_from_slice(b",\"impacted_services\":[");
                    Part::Entry(0)
                }
                Part::Entry(place) => self.write_entries(out, place, full),
                Part::Totals => {
                    out.push(b']');
                    push_totals(out, &self.impact.totals(&self.graph));
                    Part::Done
                }
                Part::Done => return true,
            };
            if out.len() >= full {
                return matches!(self.next, Part::Done);
            }
        }
    }

    fn write_entries(&self, out: &mut Vec<u8>, first: usize, full: usize) -> Part {
        for (place, impacted) in self.impact.impacted().iter().enumerate().skip(first) {
            if out.len() >= full {
                return Part::Entry(place);
            }
            if place > 0 {
                out.push(b',');
            }
            self.push_entry(out, *impacted);
        }
        Part::Totals
    }

    fn push_entry(&self, out: &mut Vec<u8>, impacted: Impacted) {
        let node = self.graph.node(impacted.node);
        out.extend_from_slice(b"{\"service_id\":");
        out.extend_from_slice(node.name_json());
        out.extend_from_slice(b",\"distance\":");
        push_integer(out, impacted.distance);
        out.extend_from_slice(b",\"severity\":");
        push_plain(out, impacted.severity.as_str());
        out.extend_from_slice(b",\"path\":");
        push_nodes(out, &self.graph, self.impact.path(impacted));
        out.extend_from_slice(b",\"team\":");
        push_optional_string(out, node.service().team());
        out.extend_from_slice(b",\"criticality\":");
        push_plain(out, node.service().criticality().as_str());
        if self.form == ImpactForm::Several {
            let set = self.impact.failing(impacted);
            let failing = self.impact.question().failing.iter().enumerate();
            let hit = failing.filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, node)| *node);
            out.extend_from_slice(b",\"failing\":");
            push_nodes(out, &self.graph, hit);
        }
        out.push(b'}');
    }
}

/// Writes an impact answer without its list.
pub fn impact_summary(
    out: &mut Vec<u8>,
    graph: &Graph,
    question: &ImpactQuestion,
    totals: &ImpactTotals,
    form: ImpactForm,
) {
    push_head(out, graph, question, form);
    push_totals(out, totals);
}

fn push_nodes(out: &mut Vec<u8>, graph: &Graph, nodes: impl Iterator<Item = u32>) {
    push_list(out, nodes, |out, node| out.extend_from_slice(graph.node(node).name_json()));
}

fn push_head(out: &mut Vec<u8>, graph: &Graph, question: &ImpactQuestion, form: ImpactForm) {
    match form {
        ImpactForm::One => {
            out.extend_from_slice(b"{\"service_id\":");
            out.extend_from_slice(graph.node(question.failing[0]).name_json());
        }
        ImpactForm::Several => {
            out.extend_from_slice(b"{\"service_ids\":");
            push_nodes(out, graph, question.failing.iter().copied());
        }
    }
    out.extend_from_slice(b",\"depth\":");
    push_integer(out, question.depth);
    out.extend_from_slice(b",\"include_soft\":");
    push_bool(out, question.include_soft);
    out.extend_from_slice(b",\"version\":");
    push_integer(out, graph.version());
}

fn push_totals(out: &mut Vec<u8>, totals: &ImpactTotals) {
    out.extend_from_slice(b",\"totals\":{\"impacted\":");
    push_integer(out, totals.impacted);
    out.extend_from_slice(b",\"by_severity\":");
    let names = [Severity::Outage, Severity::Degraded].map(Severity::as_str);
    push_counts(out, names.into_iter().zip(totals.by_severity));
    out.extend_from_slice(b",\"by_team\":");
    push_counts(out, totals.by_team.iter().map(|(team, count)| (&**team, *count)));
    out.extend_from_slice(b",\"by_criticality\":");
    push_counts(out, Criticality::NAMES.iter().copied().zip(totals.by_criticality));
    out.extend_from_slice(b"}}");
}

fn push_counts<'a>(out: &mut Vec<u8>, counts: impl Iterator<Item = (&'a str, u32)>) {
    out.push(b'{');
    for (place, (name, count)) in counts.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_string(out, name);
        out.push(b':');
        push_integer(out, count);
    }
    out.push(b'}');
}
