//! Circular dependency alerts, alone and in pages.

use crate::graph::{Graph, Standing};
use crate::json::{push_bool, push_list, push_optional_string, push_plain, push_string};
use crate::query::AlertFound;

/// Writes one alert.
pub fn alert(out: &mut Vec<u8>, graph: &Graph, found: &AlertFound<'_>) {
    let alert = found.alert;
    out.extend_from_slice(b"{\"id\":");
    push_plain(out, alert.id);
    out.extend_from_slice(b",\"cycle_path\":");
    push_names(out, graph, found, Part::Path);
    out.extend_from_slice(b",\"members\":");
    push_names(out, graph, found, Part::Members);
    out.extend_from_slice(b",\"status\":");
    push_plain(out, alert.status.as_str());
    out.extend_from_slice(b",\"detected_at\":");
    push_plain(out, alert.detected_at);
    out.extend_from_slice(b",\"acknowledged_by\":");
    push_optional_string(out, alert.acknowledged_by.as_deref());
    out.extend_from_slice(b",\"resolution_notes\":");
    push_optional_string(out, alert.resolution_notes.as_deref());
    out.extend_from_slice(b",\"is_active\":");
    push_bool(out, alert.is_active());
    out.extend_from_slice(b",\"is_strong\":");
    push_bool(out, found.is_strong);
    out.push(b'}');
}

/// Writes a page of alerts.
pub fn alert_page(out: &mut Vec<u8>, graph: &Graph, page: &[AlertFound<'_>], next_cursor: Option<&str>) {
    out.extend_from_slice(b"{\"items\":");
    push_list(out, page, |out, found| alert(out, graph, found));
    out.extend_from_slice(b",\"next_cursor\":");
    push_optional_string(out, next_cursor);
    out.push(b'}');
}

#[derive(Clone, Copy)]
enum Part {
    /// In bytewise order.
    Members,
    Path,
}

/// The names of a component that is there, or those kept of one that is gone.
fn push_names(out: &mut Vec<u8>, graph: &Graph, found: &AlertFound<'_>, part: Part) {
    match (&found.alert.standing, found.component) {
        (Standing::Gone { members, path }, _) => {
            let names = match part {
                Part::Members => members,
                Part::Path => path,
            };
            push_list(out, names.iter(), |out, name| push_string(out, name.as_str()));
        }
        (Standing::Component(_), component) => {
            let nodes = component.map_or(&[][..], |component| match part {
                Part::Members => &component.members,
                Part::Path => &component.path,
            });
            let mut names: Vec<_> = nodes.iter().map(|node| graph.node(*node)).collect();
            if matches!(part, Part::Members) {
                names.sort_unstable_by_key(|node| node.service().service_id());
            }
            push_list(out, names, |out, node| out.extend_from_slice(node.name_json()));
        }
    }
}
