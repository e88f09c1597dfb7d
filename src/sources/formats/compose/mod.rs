//! Compose files: services, what they wait for at their start, and whom their settings name.
//!
//! Not a run of Compose: variables stay the text they are, other files (`extends`, `include`, `env_file`) are not
//! followed, and networks and volumes say nothing.
//!
//! - Files are read together: one may override or extend another, and a setting may name a service of any of them.
//! - A project with a `name` is the namespace of its services.

mod hosts;
mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use super::read_all;
use crate::sources::protocols::{self, Store};
use crate::sources::{Document, Found, Name, Uses};
use hosts::named_hosts;
use service::Service;

/// What the files say. O(bytes · log bytes).
pub fn parse(documents: &[Document<'_>]) -> Found {
    let mut found = Found::default();
    let mut services = Vec::new();
    read_all(documents, |parsed| match parsed.value {
        Ok(value) => read(&parsed.place, &value, &mut found, &mut services),
        Err(_) if parsed.is_template => found.leave_out("templates that were not filled in"),
        Err(reason) => found.note(format!("{}: {reason}", parsed.place)),
    });
    put_together(&services, &mut found);
    found
}

fn read(place: &str, document: &Value, found: &mut Found, services: &mut Vec<Service>) {
    let Some(members) = document["services"].as_object() else {
        return found.leave_out("documents without services");
    };
    if !document["include"].is_null() {
        found.note(format!("{place}: include is not followed; give the included files too"));
    }
    let project = document["name"].as_str().filter(|name| !name.contains('$')).unwrap_or_default();
    for (name, value) in members {
        if name.is_empty() || !(value.is_object() || value.is_null()) {
            found.note(format!("{place}: the service {name:?} is not a mapping"));
            continue;
        }
        services.push(Service::read(place, Name::of(project, name), value, found));
    }
}

/// Services by what they are called in their project.
type Hosts<'s> = BTreeMap<(Option<&'s str>, String), &'s Name>;

fn put_together(services: &[Service], found: &mut Found) {
    let mut hosts = Hosts::new();
    let mut images: BTreeMap<&Name, Option<&str>> = BTreeMap::new();
    for service in services {
        let image = images.entry(&service.name).or_default();
        *image = match (*image, service.image.as_deref()) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        for host in &service.hosts {
            // A service's own name is nobody else's alias.
            let rank = |name: &Name| (name.name.to_lowercase() != *host, name.clone());
            let known =
                hosts.entry((service.name.namespace.as_deref(), host.clone())).or_insert(&service.name);
            *known =
                [*known, &service.name].into_iter().min_by_key(|name| rank(name)).expect("there are two");
        }
    }
    let stores: Stores<'_> = images
        .into_iter()
        .map(|(name, image)| (name, protocols::store(image.unwrap_or(&name.name))))
        .collect();
    for service in services {
        let is_store = stores[&service.name].is_some();
        let seen = found.service(&service.name);
        seen.say("kind", if is_store { "datastore" } else { "service" });
        seen.say("image", service.image.as_deref().unwrap_or_default());
        seen.say("build", service.build.as_deref().unwrap_or_default());
        add_named(service, &hosts, &stores, found);
    }
    // What is said of the start tells less of how a service is used than an address.
    for service in services {
        add_declared(service, &stores, found);
    }
}

/// The stores among the services, by name.
type Stores<'s> = BTreeMap<&'s Name, Option<Store>>;

/// How a service is used: as its scheme says, else as the store that it is.
fn uses(on: &Name, scheme: &str, stores: &Stores<'_>) -> Uses {
    let store = stores.get(on).copied().flatten().map(|store| store.protocol);
    protocols::uses(protocols::of_scheme(scheme).or(store))
}

fn add_declared(service: &Service, stores: &Stores<'_>, found: &mut Found) {
    for (on, evidence, criticality) in &service.depends {
        let known = found.dependencies().get(&(service.name.clone(), on.clone()));
        let uses = known.cloned().unwrap_or_else(|| uses(on, "", stores));
        found.depends(&service.name, on, uses.because_of(evidence).with_criticality(*criticality));
    }
}

fn add_named(service: &Service, hosts: &Hosts<'_>, stores: &Stores<'_>, found: &mut Found) {
    let project = service.name.namespace.as_deref();
    for setting in &service.settings {
        for host in named_hosts(&setting.key, &setting.value) {
            let known =
                hosts.get(&(project, host.name.clone())).or_else(|| hosts.get(&(None, host.name.clone())));
            // What a service says of its own address is no dependency.
            if let Some(on) = known.filter(|on| ***on != service.name) {
                found.depends(&service.name, on, uses(on, &host.scheme, stores).because_of(setting.evidence));
            }
        }
    }
}
