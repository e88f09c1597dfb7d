//! Where calls from outside are led, and where a mesh leads calls.
//!
//! - A gateway is a service: it has its own name, or that with its kind where a workload has it already.
//! - A route to a Service that is not given is a reference to it.

use std::collections::BTreeSet;

use super::cluster::Target;
use super::edges::Edges;
use super::objects::{GatewayRoute, NamespacedName, Objects};
use super::shapes::{
    Backend, Destination, IngressSpec, PortNumber, Reference, VirtualRoute, VirtualServiceSpec,
};
use crate::sources::{Name, Uses};
use crate::types::DependencyCriticality;

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    name: Name,
    protocol: Option<&'static str>,
    /// Whether it gets copies only, whose answers nobody waits for.
    is_mirror: bool,
}

/// Adds all routes.
pub(super) fn add(edges: &mut Edges<'_>, objects: &Objects) {
    let taken: BTreeSet<Name> = edges.found.services().keys().cloned().collect();
    let mut routes = Routes { edges, taken };
    for (full_name, ingress) in &objects.ingresses {
        if !routes.edges.is_spent() {
            routes.ingress(full_name, ingress);
        }
    }
    for route in &objects.gateway_routes {
        if !routes.edges.is_spent() {
            routes.gateway_route(route);
        }
    }
    for (full_name, service) in &objects.virtual_services {
        if !routes.edges.is_spent() {
            routes.virtual_service(&full_name.namespace, service);
        }
    }
}

struct Routes<'e, 'c> {
    edges: &'e mut Edges<'c>,
    taken: BTreeSet<Name>,
}

impl Routes<'_, '_> {
    /// The service that a gateway is.
    fn front(&mut self, kind: &str, namespace: &str, name: &str) -> Name {
        let own = Name::of(namespace, name);
        let front = if self.taken.contains(&own) {
            Name::of(namespace, &format!("{name}-{}", kind.to_lowercase()))
        } else {
            own
        };
        self.edges.found.service(&front).say("kind", kind);
        front
    }

    fn ends(
        &self,
        target: &Target<'_>,
        port: Option<u16>,
        by_route: Option<&'static str>,
        is_mirror: bool,
    ) -> Vec<End> {
        let cluster = self.edges.cluster;
        let protocol = cluster.protocol(target, port).or(by_route);
        cluster.names(target).into_iter().map(|name| End { name, protocol, is_mirror }).collect()
    }

    fn lead(&mut self, fronts: &BTreeSet<Name>, ends: &BTreeSet<End>) {
        if self.edges.are_too_many(fronts.len(), ends.len()) {
            return;
        }
        for (front, end) in fronts.iter().flat_map(|front| ends.iter().map(move |end| (front, end))) {
            let uses = if end.is_mirror {
                Uses::asynchronous().with_criticality(DependencyCriticality::Soft)
            } else {
                Uses::sync()
            };
            let uses = uses.over(end.protocol.unwrap_or_default()).because_of("route");
            self.edges.uses(front, &end.name, uses);
        }
    }

    fn ingress(&mut self, full_name: &NamespacedName, ingress: &IngressSpec) {
        let paths = ingress.rules.iter().flatten().filter_map(|rule| rule.http.as_ref());
        let paths = paths.flat_map(|http| http.paths.iter().flatten()).map(|path| &path.backend);
        let mut ends = BTreeSet::new();
        for backend in ingress.default_backend.iter().chain(paths) {
            let Some((name, port)) = backend_service(backend) else { continue };
            let target = self.edges.cluster.reference(&full_name.namespace, name);
            ends.extend(self.ends(&target, port, Some("http"), false));
        }
        let front = self.front("Ingress", &full_name.namespace, &full_name.name);
        self.lead(&BTreeSet::from([front]), &ends);
    }

    fn gateway_route(&mut self, route: &GatewayRoute) {
        let own = route.full_name.namespace.as_str();
        let mut ends = BTreeSet::new();
        for rule in route.spec.rules.iter().flatten() {
            let filters = rule.filters.iter().flatten();
            let mirrors =
                filters.filter_map(|filter| filter.request_mirror.as_ref()).map(|mirror| &mirror.backend_ref);
            let backends = rule.backend_refs.iter().flatten().map(|backend| (backend, false));
            for (backend, is_mirror) in backends.chain(mirrors.map(|mirror| (mirror, true))) {
                if is_kind(backend, "Service", true) {
                    let target = self.service(own, backend);
                    // What a route speaks is known better than what a port is called.
                    let found = self.ends(&target, backend.port, None, is_mirror).into_iter();
                    ends.extend(found.map(|end| End { protocol: Some(route.protocol), ..end }));
                }
            }
        }
        let mut fronts = BTreeSet::new();
        for parent in route.spec.parent_refs.iter().flatten() {
            if is_kind(parent, "Gateway", true) {
                let namespace = parent.namespace.as_deref().unwrap_or(own);
                fronts.insert(self.front("Gateway", namespace, &parent.name));
            } else if is_kind(parent, "Service", false) {
                let target = self.service(own, parent);
                fronts.extend(self.edges.cluster.names(&target));
            }
        }
        let ends = without(ends, &fronts);
        self.lead(&fronts, &ends);
    }

    fn service(&self, own: &str, reference: &Reference) -> Target<'_> {
        let namespace = reference.namespace.as_deref().unwrap_or(own);
        self.edges.cluster.reference(namespace, &reference.name)
    }

    fn virtual_service(&mut self, own: &str, service: &VirtualServiceSpec) {
        let mut ends = BTreeSet::new();
        let http = service.http.iter().flatten().map(|route| (route, Some("http")));
        let others = service.tls.iter().chain(&service.tcp).flatten().map(|route| (route, None));
        for (route, protocol) in http.chain(others) {
            for (destination, is_mirror) in destinations(route) {
                let target = self.edges.cluster.resolve(&destination.host, own);
                let target = target.unwrap_or_else(|| outside(own, &destination.host));
                let port = destination.port.as_ref().and_then(|port| port.number);
                ends.extend(self.ends(&target, port, protocol, is_mirror));
            }
        }
        let mut fronts = BTreeSet::new();
        let gateways: Vec<&str> = service.gateways.iter().flatten().map(String::as_str).collect();
        for gateway in gateways.iter().filter(|gateway| **gateway != "mesh") {
            let (namespace, name) = gateway.split_once('/').unwrap_or((own, gateway));
            if !name.is_empty() {
                fronts.insert(self.front("Gateway", namespace, name));
            }
        }
        self.lead(&fronts, &ends);
        if gateways.is_empty() || gateways.contains(&"mesh") {
            let mut hosts = BTreeSet::new();
            for host in service.hosts.iter().flatten() {
                if let Some(target) = self.edges.cluster.resolve(host, own) {
                    hosts.extend(self.edges.cluster.names(&target));
                }
            }
            let ends = without(ends, &hosts);
            self.lead(&hosts, &ends);
        }
    }
}

/// The Service of an Ingress's backend, and its port.
fn backend_service(backend: &Backend) -> Option<(&str, Option<u16>)> {
    let port = |port: &PortNumber| port.number;
    let named = backend.service.as_ref();
    let named = named.map(|service| (service.name.as_str(), service.port.as_ref().and_then(port)));
    let old = backend.service_name.as_deref().filter(|name| !name.is_empty());
    named.or_else(|| old.map(|name| (name, None)))
}

fn destinations(route: &VirtualRoute) -> impl Iterator<Item = (&Destination, bool)> {
    let routed = route.route.iter().flatten().map(|weighted| (&weighted.destination, false));
    let mirrors = route.mirrors.iter().flatten().map(|weighted| &weighted.destination);
    routed.chain(route.mirror.iter().chain(mirrors).map(|mirror| (mirror, true)))
}

/// A host that nobody declared: one word is a Service of the namespace, more are a name outside.
fn outside(own: &str, host: &str) -> Target<'static> {
    Target::Other(if host.contains('.') { Name::bare(host) } else { Name::of(own, host) })
}

fn is_kind(reference: &Reference, kind: &str, is_default: bool) -> bool {
    reference.kind.as_deref().map_or(is_default, |given| given == kind)
}

/// A mesh that leads the calls of a service to the same service makes no dependency.
fn without(ends: BTreeSet<End>, names: &BTreeSet<Name>) -> BTreeSet<End> {
    ends.into_iter().filter(|end| !names.contains(&end.name)).collect()
}
