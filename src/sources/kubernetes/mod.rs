//! Kubernetes: the objects of a cluster, or a tree of manifests.
//!
//! ```text
//! objects ─▶ Objects (by kind) ─▶ Cluster (what names mean) ─▶ environment, policies, routes ─▶ Found
//! ```
//!
//! Not a client of an API server, and not a renderer of templates.
//!
//! - A workload is a service. Dependencies are what workloads are told, what routes lead to, and what policies allow;
//!   each has with it which of these it is.
//! - Secrets are neither asked for nor read.
//! - The order of objects does not matter.

mod address;
mod cluster;
mod edges;
mod environment;
mod objects;
mod policies;
mod routes;
mod selector;
mod shapes;
#[cfg(test)]
mod tests;
mod workloads;

use serde_json::Value;

use super::yaml;
use super::{Document, Found, Name};
use cluster::Cluster;
use edges::Edges;
use objects::Objects;

/// The annotation that declares dependencies: `cart, billing/payment`.
pub const DEPENDS_ON: &str = "watershed.io/depends-on";

/// A kind of object, as an API server knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its group, empty for the core.
    pub group: &'static str,
    /// The version of the group to ask for; in files any counts.
    pub version: &'static str,
    /// Its name in paths.
    pub plural: &'static str,
    /// Its name in objects.
    pub kind: &'static str,
}

const fn kind(group: &'static str, plural: &'static str, kind: &'static str) -> Kind {
    Kind { group, version: "v1", plural, kind }
}

/// Every kind that is looked at. A cluster may lack those that are not its own.
pub const KINDS: &[Kind] = &[
    kind("apps", "deployments", "Deployment"),
    kind("apps", "statefulsets", "StatefulSet"),
    kind("apps", "daemonsets", "DaemonSet"),
    kind("apps", "replicasets", "ReplicaSet"),
    kind("batch", "jobs", "Job"),
    kind("batch", "cronjobs", "CronJob"),
    kind("", "pods", "Pod"),
    kind("", "services", "Service"),
    kind("", "configmaps", "ConfigMap"),
    kind("", "namespaces", "Namespace"),
    kind("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
    kind("networking.k8s.io", "ingresses", "Ingress"),
    kind("gateway.networking.k8s.io", "httproutes", "HTTPRoute"),
    kind("gateway.networking.k8s.io", "grpcroutes", "GRPCRoute"),
    kind("networking.istio.io", "virtualservices", "VirtualService"),
    kind("networking.istio.io", "serviceentries", "ServiceEntry"),
    kind("networking.istio.io", "sidecars", "Sidecar"),
    kind("security.istio.io", "authorizationpolicies", "AuthorizationPolicy"),
];

/// The objects in a value, each with its kind: itself, or the items of a list, such as an API server answers.
/// O(value).
pub fn items(value: &Value) -> Vec<Value> {
    objects::flatten(value).into_iter().map(objects::Object::to_value).collect()
}

/// What the objects of one cluster, or of manifests that belong together, say. Lists count as their items.
/// O(objects · log objects), and what they say of one another up to the bounds of [`crate::limits`].
pub fn parse(objects: &[Value]) -> Found {
    let mut objects = Objects::of(objects);
    let cluster = Cluster::of(&mut objects);
    let mut edges = Edges::new(&cluster);
    describe(&cluster, &mut edges.found);
    environment::add(&mut edges);
    policies::add(&mut edges, &objects);
    routes::add(&mut edges, &objects);
    let mut found = edges.finish();
    objects.notes.into_iter().for_each(|note| found.note(note));
    found
}

/// What manifests on disk say, all together.
pub fn of_documents(documents: &[Document<'_>]) -> Found {
    let mut found = Found::default();
    let mut values = Vec::new();
    for parsed in documents.iter().flat_map(|document| yaml::documents(*document)) {
        match parsed.value {
            Ok(value) if objects::is_template(&value) => found.leave_out("Helm templates"),
            Ok(value) if objects::is_object(&value) => values.push(value),
            Ok(_) => found.leave_out("documents that are no Kubernetes objects"),
            Err(_) if parsed.is_template => found.leave_out("Helm templates"),
            Err(problem) => found.note(format!("{}: {problem}", parsed.place)),
        }
    }
    found.extend(parse(&values));
    found
}

/// Says what is known of every service but the gateways, which are known by their routes.
fn describe(cluster: &Cluster, found: &mut Found) {
    for workload in &cluster.workloads {
        workload.describe(found.service(&workload.name));
    }
    for (full_name, service) in cluster.services.iter().filter(|(_, service)| service.is_itself) {
        let seen = found.service(&Name::of(&full_name.namespace, &full_name.name)).say("kind", "Service");
        if let Some(host) = &service.external_name {
            seen.say("external_name", host.as_str()).external();
        }
    }
    for host in &cluster.outside {
        if host.contains('*') {
            found.leave_out("hosts outside with a wildcard");
        } else {
            found.service(&Name::bare(host.as_str())).say("kind", "ServiceEntry").external();
        }
    }
    cluster.passed_over.iter().for_each(|reason| found.leave_out(reason));
}
