//! The flows that Hubble of Cilium sees between pods.
//!
//! Not names of hosts outside the cluster: flows do not carry them.
//!
//! - A reply has its own flow, from who is called to who calls, in the direction of the connection. Only observation
//!   points that replies do not pass are read: of an egress those behind the caller, of an ingress the one before who
//!   is called, which alone sees a call within a node.
//! - A service is its app, else its workload: the app is what its Kubernetes Service is usually called, and Hubble
//!   knows the workloads of its own node only. A workload that was seen with one app means that.

use std::time::Duration;

use super::answer::{Answer, Series};
use super::other_names::OtherNames;
use super::{both_ends, query};
use crate::sources::{Found, Name, Uses};

/// An end of a flow: the labels of its namespace, workload and app.
type End = [&'static str; 3];

const SOURCE: End = ["source_namespace", "source_workload", "source_app"];
const DESTINATION: End = ["destination_namespace", "destination_workload", "destination_app"];
const DIRECTION: &str = "traffic_direction";
const OBSERVED_AT: &str = "subtype";

/// What layer 7 sees is in the metric of HTTP, which has replies turned round.
const FLOWS: &str = concat!(
    r#"hubble_flows_processed_total{verdict="FORWARDED",type!="L7",protocol!~"ICMP.*","#,
    r#"traffic_direction!="unknown"}"#
);
const REQUESTS: &str = "hubble_http_requests_total";

const OPTION: &str = "labelsContext=source_namespace,source_workload,source_app,destination_namespace,\
                      destination_workload,destination_app,traffic_direction";

pub(super) fn queries(window: Duration) -> Vec<String> {
    let ends = [SOURCE, DESTINATION].concat();
    let flow = [&ends[..], &[DIRECTION, OBSERVED_AT]].concat();
    vec![query::seen_within(FLOWS, &flow, window), query::seen_within(REQUESTS, &ends, window)]
}

pub(super) fn read(answers: &[Answer]) -> Found {
    let mut workloads = OtherNames::default();
    for series in answers.iter().flat_map(Answer::seen) {
        for end in [SOURCE, DESTINATION] {
            if let [Some(workload), Some(app)] = names(series, end) {
                workloads.learn(workload, app);
            }
        }
    }
    let mut found = Found::default();
    if let Some(flows) = answers.first() {
        read_flows(flows, &workloads, &mut found);
    }
    if let Some(requests) = answers.get(1) {
        read_requests(requests, &workloads, &mut found);
    }
    found
}

fn read_flows(flows: &Answer, workloads: &OtherNames, found: &mut Found) {
    if is_unlabelled(flows, &[SOURCE, DESTINATION].concat()) {
        return note_option(found, "hubble_flows_processed_total does not name its ends", "flow");
    }
    if is_unlabelled(flows, &[DIRECTION]) {
        return note_option(found, "hubble_flows_processed_total does not tell calls from replies", "flow");
    }
    for series in flows.seen() {
        if is_on_its_way(series) {
            read_series(series, Uses::sync(), workloads, found);
        } else {
            found.leave_out("flows of replies");
        }
    }
}

fn read_requests(requests: &Answer, workloads: &OtherNames, found: &mut Found) {
    if is_unlabelled(requests, &[SOURCE, DESTINATION].concat()) {
        return note_option(found, "hubble_http_requests_total does not name its ends", "httpV2");
    }
    requests.seen().for_each(|series| read_series(series, Uses::sync().over("http"), workloads, found));
}

fn is_unlabelled(answer: &Answer, labels: &[&str]) -> bool {
    let mut seen = answer.seen().peekable();
    seen.peek().is_some() && seen.all(|series| series.first_of(labels).is_none())
}

fn note_option(found: &mut Found, problem: &str, metric: &str) {
    found.note(format!(
        "{problem}: in Cilium's Helm values, hubble.metrics.enabled needs \"{metric}:{OPTION}\""
    ));
}

/// Whether the flow is one from who calls to who is called. A verdict of a policy has no subtype, and only the first
/// packet of a connection gets one.
fn is_on_its_way(series: &Series) -> bool {
    match series.label(DIRECTION) {
        "egress" => matches!(series.label(OBSERVED_AT), "" | "to-stack" | "to-overlay" | "to-network"),
        "ingress" => matches!(series.label(OBSERVED_AT), "" | "to-endpoint"),
        _ => false,
    }
}

fn read_series(series: &Series, uses: Uses, workloads: &OtherNames, found: &mut Found) {
    let service = |end| {
        let [workload, app] = names(series, end);
        app.or_else(|| workload.map(|workload| workloads.only(&workload).cloned().unwrap_or(workload)))
    };
    let (from, on) = (service(SOURCE), service(DESTINATION));
    let Some((from, on)) = both_ends(found, from, on, "flows with an end that is no workload") else {
        return;
    };
    found.depends(&from, &on, uses);
}

/// The workload and the app of an end.
fn names(series: &Series, [namespace, workload, app]: End) -> [Option<Name>; 2] {
    [workload, app].map(|label| series.first_of(&[label]).map(|name| Name::of(series.label(namespace), name)))
}
