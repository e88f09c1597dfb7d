//! The telemetry of Istio: its proxies count the requests and connections at both ends.
//!
//! Not of ztunnel: it counts the hops to a waypoint and from it, and not who calls whom.
//!
//! - A service is its canonical service, else its workload, in the workload's namespace and cluster.
//! - A call that reached no workload counts for the service it was meant for, under the name of the workload that
//!   others reached there.
//! - A host with a dot in its name is outside the mesh.

use std::time::Duration;

use super::answer::{Answer, Series};
use super::other_names::OtherNames;
use super::{both_ends, query};
use crate::sources::{Found, Name, Uses};

const METRICS: [&str; 2] =
    [r#"istio_requests_total{app!="ztunnel"}"#, r#"istio_tcp_connections_opened_total{app!="ztunnel"}"#];

/// Not `reporter`: the same call, counted at both ends, is one series.
const LABELS: [&str; 11] = [
    "source_canonical_service",
    "source_workload",
    "source_workload_namespace",
    "source_cluster",
    "destination_canonical_service",
    "destination_workload",
    "destination_workload_namespace",
    "destination_cluster",
    "destination_service_name",
    "destination_service_namespace",
    "request_protocol",
];

pub(super) fn queries(window: Duration) -> Vec<String> {
    METRICS.iter().map(|metric| query::seen_within(metric, &LABELS, window)).collect()
}

pub(super) fn read(answers: &[Answer]) -> Found {
    let series = || answers.iter().flat_map(Answer::seen);
    let mut known = Known::default();
    series().for_each(|series| known.learn(series));
    let mut found = Found::default();
    series().for_each(|series| read_series(series, &known, &mut found));
    found
}

fn read_series(series: &Series, known: &Known, found: &mut Found) {
    let from = source(series).map(|name| known.in_cluster(name, ""));
    let near = told(series, "source_cluster");
    let meant = match destination(series) {
        Some(name) => Destination::Service(known.in_cluster(name, near)),
        None => known.meant(told(series, "destination_service_name"), series, near),
    };
    let (on, otherwise) = match meant {
        Destination::Service(name) => (Some(name), "calls from unknown workloads"),
        Destination::Host(name) => {
            found.service(&name).external();
            (Some(name), "calls from unknown workloads")
        }
        Destination::Unregistered => (None, "calls to addresses that the mesh does not know"),
        Destination::Unknown => (None, "calls to unknown workloads"),
    };
    let Some((from, on)) = both_ends(found, from, on, otherwise) else { return };
    found.depends(&from, &on, Uses::sync().over(told(series, "request_protocol")));
}

/// What was called.
enum Destination {
    Service(Name),
    Host(Name),
    Unregistered,
    Unknown,
}

/// Under which names and in which clusters the workloads were seen.
#[derive(Default)]
struct Known {
    /// The workloads behind a Kubernetes Service.
    by_service: OtherNames,
    /// The same names with their clusters.
    by_name: OtherNames,
}

impl Known {
    fn learn(&mut self, series: &Series) {
        let (source, destination) = (source(series), destination(series));
        if let Some(destination) = &destination {
            let service = told(series, "destination_service_name");
            let namespace = told(series, "destination_service_namespace");
            if !service.is_empty() {
                self.by_service.learn(Name::of(namespace, service), destination.clone());
            }
        }
        for name in [source, destination].into_iter().flatten().filter(|name| name.cluster.is_some()) {
            self.by_name.learn(Name { cluster: None, ..name.clone() }, name);
        }
    }

    /// A name of which the cluster is not told: where it was seen, rather near than far. Without it one service would
    /// become two.
    fn in_cluster(&self, name: Name, near: &str) -> Name {
        if name.cluster.is_some() {
            return name;
        }
        let nearby = name.clone().in_cluster(near);
        self.by_name.rather(&name, &nearby).cloned().unwrap_or(name)
    }

    /// What a call was meant for that reached no workload.
    fn meant(&self, host: &str, series: &Series, near: &str) -> Destination {
        let cluster = host.strip_prefix("Inbound").unwrap_or(host);
        if ["PassthroughCluster", "BlackHoleCluster"].iter().any(|name| cluster.starts_with(name)) {
            return Destination::Unregistered;
        }
        let (service, namespace) = match cluster_local(host) {
            Some(local) => local,
            None if host.contains('.') => return Destination::Host(Name::bare(host)),
            None => (host, told(series, "destination_service_namespace")),
        };
        if service.is_empty() {
            return Destination::Unknown;
        }
        let name = Name::of(namespace, service);
        Destination::Service(match self.by_service.only(&name) {
            Some(workload) => self.in_cluster(workload.clone(), near),
            None => self.in_cluster(name, near),
        })
    }
}

/// The Service and the namespace of a host such as `cart.shop.svc.cluster.local`.
fn cluster_local(host: &str) -> Option<(&str, &str)> {
    let (local, domain) = host.split_once(".svc")?;
    let (service, namespace) = local.split_once('.')?;
    let is_local = (domain.is_empty() || domain.starts_with('.')) && !namespace.contains('.');
    is_local.then_some((service, namespace))
}

fn source(series: &Series) -> Option<Name> {
    let names = ["source_canonical_service", "source_workload"];
    workload(series, &names, "source_workload_namespace", "source_cluster")
}

fn destination(series: &Series) -> Option<Name> {
    let names = ["destination_canonical_service", "destination_workload"];
    workload(series, &names, "destination_workload_namespace", "destination_cluster")
}

fn workload(series: &Series, names: &[&str], namespace: &str, cluster: &str) -> Option<Name> {
    let name = names.iter().map(|name| told(series, name)).find(|name| !name.is_empty())?;
    Some(Name::of(told(series, namespace), name).in_cluster(told(series, cluster)))
}

/// The value of a label; Istio writes `unknown` for what it does not know.
fn told<'s>(series: &'s Series, label: &str) -> &'s str {
    let value = series.label(label);
    if value == "unknown" { "" } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[(&str, &str)]) -> Series {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Series { labels, value: 1.0 }
    }

    fn calls(labels: &[Vec<(&str, &str)>]) -> Vec<[Name; 2]> {
        let series = labels.iter().map(|labels| series(labels)).collect();
        let found = read(&[Answer { series, warnings: Vec::new() }]);
        found.dependencies().keys().map(|(from, on)| [from.clone(), on.clone()]).collect()
    }

    fn workload_in<'a>(name: &'a str, cluster: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![("source_workload", name), ("source_workload_namespace", "shop"), ("source_cluster", cluster)]
    }

    #[test]
    fn a_call_that_reached_nobody_means_the_service_of_its_own_cluster() {
        let lost = [("destination_service_name", "cart"), ("destination_service_namespace", "shop")];
        let lost_in = |cluster| [workload_in("web", cluster), lost.to_vec()].concat();
        let elsewhere =
            [workload_in("cart", "b"), vec![("destination_service_name", "BlackHoleCluster")]].concat();
        let here = [workload_in("cart", "a"), vec![("destination_service_name", "unknown")]].concat();
        let name = |name, cluster| Name::of("shop", name).in_cluster(cluster);
        let cases = [
            (vec![lost_in("a")], name("cart", "")),
            (vec![lost_in("a"), elsewhere.clone()], name("cart", "b")),
            (vec![lost_in("a"), elsewhere, here], name("cart", "a")),
        ];
        for (labels, expected) in cases {
            assert_eq!(calls(&labels), [[name("web", "a"), expected]]);
        }
    }

    #[test]
    fn hosts_are_in_the_cluster_or_outside() {
        let cases = [
            ("cart", Some(Name::of("shop", "cart"))),
            ("cart.other.svc", Some(Name::of("other", "cart"))),
            ("cart.other.svc.cluster.local", Some(Name::of("other", "cart"))),
            ("cart.svc.com", Some(Name::bare("cart.svc.com"))),
            ("a.b.c.svc.com", Some(Name::bare("a.b.c.svc.com"))),
            ("api.svcs.example", Some(Name::bare("api.svcs.example"))),
            (".other.svc", None),
            ("", None),
            ("PassthroughCluster", None),
            ("InboundPassthroughClusterIpv6", None),
        ];
        for (host, expected) in cases {
            let call = [("destination_service_name", host), ("destination_service_namespace", "shop")];
            let found = calls(&[[workload_in("web", ""), call.to_vec()].concat()]);
            let expected: Vec<_> = expected.map(|on| [Name::of("shop", "web"), on]).into_iter().collect();
            assert_eq!(found, expected, "{host}");
        }
    }
}
