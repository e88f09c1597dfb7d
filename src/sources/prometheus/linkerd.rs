//! The telemetry of Linkerd: the proxy of who calls counts requests and connections.
//!
//! Not of the proxies of who is called: they know addresses of their callers, not names.
//!
//! - A service is its workload, whatever its kind; the names of Kubernetes Services are made into those of the
//!   workloads that were reached behind them.
//! - A workload that alone stands behind one Service, and behind no other, goes by that Service's name at both ends.

use std::time::Duration;

use super::answer::{Answer, Series};
use super::other_names::OtherNames;
use super::{both_ends, query};
use crate::sources::{Found, Name, Uses};

/// The metrics and the protocol that each stands for.
const METRICS: [(&str, &str); 4] = [
    (r#"request_total{direction="outbound"}"#, "http"),
    (r#"tcp_open_total{direction="outbound",peer="dst"}"#, "tcp"),
    (r#"outbound_http_route_backend_requests_total{backend_kind="Service"}"#, "http"),
    (r#"outbound_grpc_route_backend_requests_total{backend_kind="Service"}"#, "grpc"),
];

/// Labels of the scraped pod: a workload has one of them.
const SOURCES: [&str; 7] =
    ["deployment", "statefulset", "daemonset", "cronjob", "k8s_job", "replicaset", "replicationcontroller"];

const DESTINATIONS: [&str; 7] = [
    "dst_deployment",
    "dst_statefulset",
    "dst_daemonset",
    "dst_cronjob",
    "dst_k8s_job",
    "dst_replicaset",
    "dst_replicationcontroller",
];

/// Labels of a Service: those of an endpoint, and those of a route's backend.
const SERVICES: [(&str, &str); 2] = [("dst_service", "dst_namespace"), ("backend_name", "backend_namespace")];

pub(super) fn queries(window: Duration) -> Vec<String> {
    let endpoint = [&SOURCES[..], &["namespace"], &DESTINATIONS, &["dst_namespace", "dst_service"]].concat();
    let backend = [&SOURCES[..], &["namespace", "backend_name", "backend_namespace"]].concat();
    let by = [&endpoint, &endpoint, &backend, &backend];
    METRICS.iter().zip(by).map(|((metric, _), by)| query::seen_within(metric, by, window)).collect()
}

pub(super) fn read(answers: &[Answer]) -> Found {
    let mut known = Known::default();
    for series in answers.iter().flat_map(Answer::seen) {
        if let (Some(service), Some(workload)) = (service(series), destination(series)) {
            known.behind.learn(service.clone(), workload.clone());
            known.before.learn(workload, service);
        }
    }
    let mut found = Found::default();
    for (answer, (_, protocol)) in answers.iter().zip(METRICS) {
        answer.seen().for_each(|series| read_series(series, protocol, &known, &mut found));
    }
    found
}

/// Which Services and workloads belong together.
#[derive(Default)]
struct Known {
    /// The workloads behind a Service.
    behind: OtherNames,
    /// The Services before a workload.
    before: OtherNames,
}

impl Known {
    /// What a workload is called.
    fn name(&self, workload: &Name) -> Name {
        let service = self.before.only(workload);
        service.filter(|service| self.behind.only(service) == Some(workload)).unwrap_or(workload).clone()
    }
}

fn read_series(series: &Series, protocol: &str, known: &Known, found: &mut Found) {
    let from = series.first_of(&SOURCES).map(|name| known.name(&Name::of(series.label("namespace"), name)));
    let on = match (destination(series), service(series)) {
        (Some(workload), _) => Some(known.name(&workload)),
        (None, Some(service)) if known.behind.is_shared(&service) => {
            // Which of them was called, the series of the endpoints tell.
            return found.leave_out("calls to services with several workloads");
        }
        (None, Some(service)) => {
            let workload = known.behind.only(&service);
            Some(workload.map_or_else(|| service.clone(), |workload| known.name(workload)))
        }
        (None, None) => None,
    };
    let otherwise =
        if on.is_none() { "calls to addresses outside the mesh" } else { "calls from unknown workloads" };
    let Some((from, on)) = both_ends(found, from, on, otherwise) else { return };
    found.depends(&from, &on, Uses::sync().over(protocol));
}

fn destination(series: &Series) -> Option<Name> {
    series.first_of(&DESTINATIONS).map(|name| Name::of(series.label("dst_namespace"), name))
}

fn service(series: &Series) -> Option<Name> {
    let named = SERVICES.iter().find(|(name, _)| !series.label(name).is_empty());
    named.map(|(name, namespace)| Name::of(series.label(namespace), series.label(name)))
}
