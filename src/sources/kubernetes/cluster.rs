//! A cluster, or a tree of manifests, put together: which workloads a name, a selector or an account means.
//!
//! - A Service is the workloads that it selects in its own namespace; without any it is a service itself.
//! - A workload goes by the name of its Service where its own label says that this is the application's name.
//! - Jobs and pods of their own are services only behind a Service; the API server is none.
//! - A name without a namespace means a Service of the namespace in which it is said, never one elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::address::{self, Address};
use super::objects::{NamespacedName, Objects};
use super::selector::{LabelIndex, Labels, Reason, TOO_MANY, fits, labels_of, of_service};
use super::shapes::{Port, Selector, ServiceSpec, Text, Texts};
use super::workloads::{self, Workload};
use crate::limits;
use crate::sources::Name;
use crate::sources::protocols::{self, Role};

/// Names for names through which an external name may lead.
const ALIASES_MAX: usize = 4;
/// The label by which every namespace has its own name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// A Service, or all that are given under one name.
#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    /// The workloads behind it, or itself.
    pub(super) targets: BTreeSet<Name>,
    /// Whether it stands for itself, there being no workload behind it.
    pub(super) is_itself: bool,
    /// The name outside that it stands for.
    pub(super) external_name: Option<String>,
    /// What is to be found of its own annotations.
    pub(super) depends_on: Vec<String>,
    ports: Vec<Port>,
    is_headless: bool,
}

/// What an address means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target<'c> {
    /// A Service that is given.
    Service(&'c NamespacedName),
    /// Something that is known by name only.
    Other(Name),
}

#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) workloads: Vec<Workload>,
    pub(super) services: BTreeMap<NamespacedName, Service>,
    pub(super) config_maps: BTreeMap<NamespacedName, Vec<Texts>>,
    /// Hosts outside that were declared.
    pub(super) outside: BTreeSet<String>,
    /// What was passed over of workloads and of selectors of Services.
    pub(super) passed_over: Vec<Reason>,
    index: LabelIndex,
    accounts: HashMap<NamespacedName, BTreeSet<Name>>,
    namespaces: BTreeMap<String, Labels>,
    brokers: BTreeSet<Name>,
}

impl Cluster {
    /// Puts objects together, and takes those of its kinds out of them.
    pub(super) fn of(objects: &mut Objects) -> Self {
        // That of the API server stands in every cluster.
        objects
            .services
            .retain(|(full_name, _, spec)| !is_api_server(full_name) || of_service(spec).is_some());
        let mut workloads = workloads::workloads(std::mem::take(&mut objects.controllers));
        let passed_over = workloads::leave_out_one_offs(&mut workloads, &objects.services);
        let mut cluster = Self { workloads, passed_over, ..Self::default() };
        for workload in &cluster.workloads {
            cluster.index.push(&workload.full_name.namespace, workload.labels.clone());
        }
        for (full_name, texts) in std::mem::take(&mut objects.config_maps) {
            cluster.config_maps.entry(full_name).or_default().push(texts);
        }
        let entries = objects.service_entries.iter();
        let outside = entries.filter(|entry| entry.location.as_deref() != Some("MESH_INTERNAL"));
        let hosts = outside.flat_map(|entry| entry.hosts.iter().flatten());
        cluster.outside = hosts.filter(|host| !host.is_empty()).cloned().collect();
        cluster.add_namespaces(&objects.namespaces);
        cluster.add_services(objects);
        cluster.follow_aliases();
        for workload in &cluster.workloads {
            for account in workload.accounts() {
                let account = NamespacedName::of(&workload.full_name.namespace, account);
                cluster.accounts.entry(account).or_default().insert(workload.name.clone());
            }
            if workload.store() == Some(Role::Broker) {
                cluster.brokers.insert(workload.name.clone());
            }
        }
        cluster
    }

    fn add_namespaces(&mut self, given: &[(String, Texts)]) {
        for (name, labels) in given {
            self.namespaces.entry(name.clone()).or_default().extend(labels_of(Some(labels)));
        }
        for workload in &self.workloads {
            self.namespaces.entry(workload.full_name.namespace.clone()).or_default();
        }
        for (name, labels) in &mut self.namespaces {
            labels.insert(NAMESPACE_NAME.to_owned(), name.clone());
        }
    }

    fn add_services(&mut self, objects: &mut Objects) {
        let mut chosen: Vec<(NamespacedName, Vec<usize>)> = Vec::new();
        for (full_name, meta, spec) in std::mem::take(&mut objects.services) {
            let positions = self.behind(&full_name, &spec);
            let service = self.services.entry(full_name.clone()).or_default();
            let annotation = meta.annotations.as_ref().and_then(|texts| texts.get(super::DEPENDS_ON));
            service.depends_on.extend(annotation.map(|Text(text)| text.clone()));
            service.is_headless |= spec.cluster_ip.as_deref() == Some("None");
            service.ports.extend(spec.ports.into_iter().flatten());
            if spec.kind.as_deref() == Some("ExternalName") {
                let name = spec.external_name.map(|name| name.trim_end_matches('.').to_lowercase());
                // Said twice, the lesser stays, so that the order of files does not matter.
                service.external_name = service.external_name.take().into_iter().chain(name).min();
            }
            chosen.push((full_name, positions));
        }
        for (full_name, positions) in &chosen {
            for position in positions {
                let workload = &mut self.workloads[*position];
                if workload.application() == Some(&full_name.name) {
                    workload.name = Name::of(&full_name.namespace, &full_name.name);
                }
            }
        }
        for (full_name, positions) in chosen {
            let names = positions.iter().map(|position| self.workloads[*position].name.clone());
            let service = self.services.get_mut(&full_name).expect("it was entered above");
            service.targets.extend(names);
        }
        for (full_name, service) in &mut self.services {
            service.is_itself = service.targets.is_empty();
            if service.is_itself {
                service.targets.insert(Name::of(&full_name.namespace, &full_name.name));
            }
            if service.ports.iter().filter_map(protocol).any(protocols::is_asynchronous) {
                self.brokers.extend(service.targets.iter().cloned());
            }
        }
    }

    /// The workloads behind a Service; none if it has no selector.
    fn behind(&mut self, full_name: &NamespacedName, spec: &ServiceSpec) -> Vec<usize> {
        let Some(selector) = of_service(spec) else { return Vec::new() };
        self.index.chosen(&full_name.namespace, &selector).unwrap_or_else(|reason| {
            self.passed_over.push(reason);
            Vec::new()
        })
    }

    /// A Service that is another name for one of the cluster is what that one is.
    fn follow_aliases(&mut self) {
        let aliases = self.services.iter().filter(|(_, service)| service.is_itself);
        let mut led = Vec::new();
        for (full_name, service) in aliases {
            let mut at = service;
            for _ in 0..ALIASES_MAX {
                let Some(host) = &at.external_name else { break };
                let Some(Target::Service(next)) = self.resolve(host, &full_name.namespace) else { break };
                at = &self.services[next];
            }
            if at.external_name.is_none() && !std::ptr::eq(at, service) {
                led.push((full_name.clone(), at.clone()));
            }
        }
        for (full_name, service) in led {
            let depends_on =
                self.services.get_mut(&full_name).map(|alias| std::mem::take(&mut alias.depends_on));
            let alias = Service { is_itself: false, depends_on: depends_on.unwrap_or_default(), ..service };
            self.services.insert(full_name, alias);
        }
    }

    /// What a host means to somebody in a namespace; `None` for nothing of the cluster's.
    pub(super) fn resolve(&self, host: &str, namespace: &str) -> Option<Target<'_>> {
        for name in address::cluster_names(host) {
            let full_name = NamespacedName::of(name.namespace.unwrap_or(namespace), name.service);
            // Manifests without a namespace may go into any that is named in full.
            let anywhere = name.is_certain.then(|| NamespacedName::of("", name.service));
            for full_name in [Some(full_name), anywhere].into_iter().flatten() {
                if let Some((full_name, _)) = self.services.get_key_value(&full_name) {
                    return Some(Target::Service(full_name));
                }
            }
        }
        if self.outside.contains(host) {
            return Some(Target::Other(Name::bare(host)));
        }
        let certain = address::cluster_names(host).find(|name| name.is_certain)?;
        Some(Target::Other(Name::of(certain.namespace.unwrap_or(namespace), certain.service)))
    }

    /// What an address in a text of a namespace means, and the protocol spoken there.
    pub(super) fn target(
        &self,
        address: &Address<'_>,
        namespace: &str,
    ) -> Option<(Target<'_>, Option<&'static str>)> {
        let target = self.resolve(address.host, namespace)?;
        let by_scheme = protocols::of_scheme(address.scheme);
        let Target::Service(full_name) = target else { return Some((target, by_scheme)) };
        let service = &self.services[full_name];
        let takes = address.port.is_none_or(|port| service.takes(port));
        takes.then(|| (target, by_scheme.or_else(|| service.protocol(address.port))))
    }

    /// A Service by its name, or the bare reference to one that is not given.
    pub(super) fn reference(&self, namespace: &str, name: &str) -> Target<'_> {
        let full_name = NamespacedName::of(namespace, name);
        let known = self.services.get_key_value(&full_name);
        known.map_or_else(
            || Target::Other(Name::of(namespace, name)),
            |(full_name, _)| Target::Service(full_name),
        )
    }

    /// The names in the graph of what is meant; none for the API server.
    pub(super) fn names(&self, target: &Target<'_>) -> BTreeSet<Name> {
        match target {
            Target::Service(full_name) => self.services[*full_name].targets.clone(),
            Target::Other(name) => {
                let full_name = NamespacedName::of(name.namespace.as_deref().unwrap_or_default(), &name.name);
                (!is_api_server(&full_name)).then(|| name.clone()).into_iter().collect()
            }
        }
    }

    /// The protocol of what is meant.
    pub(super) fn protocol(&self, target: &Target<'_>, port: Option<u16>) -> Option<&'static str> {
        match target {
            Target::Service(full_name) => self.services[*full_name].protocol(port),
            Target::Other(_) => None,
        }
    }

    /// Whether what is reached there are messages, whoever asks.
    pub(super) fn is_broker(&self, name: &Name) -> bool {
        self.brokers.contains(name)
    }

    /// The workloads of a namespace that a selector chooses.
    pub(super) fn chosen(&self, namespace: &str, selector: &Selector) -> Result<BTreeSet<Name>, Reason> {
        let positions = self.index.chosen(namespace, selector)?;
        Ok(positions.into_iter().map(|position| self.workloads[position].name.clone()).collect())
    }

    /// The workloads that run under an account.
    pub(super) fn under(&self, account: &NamespacedName) -> Result<&BTreeSet<Name>, Reason> {
        static NONE: BTreeSet<Name> = BTreeSet::new();
        let names = self.accounts.get(account).unwrap_or(&NONE);
        if names.len() > limits::SELECTED_WORKLOADS_MAX { Err(TOO_MANY) } else { Ok(names) }
    }

    /// The namespaces that a selector chooses; all for one that asks for nothing.
    pub(super) fn chosen_namespaces(&self, selector: &Selector) -> Result<Vec<&str>, Reason> {
        let named = selector.match_labels.as_ref().and_then(|labels| labels.get(NAMESPACE_NAME));
        if let Some(Text(name)) = named {
            let known = self.namespaces.get_key_value(name).filter(|(_, labels)| fits(selector, labels));
            return Ok(known.map(|(name, _)| name.as_str()).into_iter().collect());
        }
        if self.namespaces.len() > limits::SELECTED_WORKLOADS_MAX {
            return Err(TOO_MANY);
        }
        let fitting = self.namespaces.iter().filter(|(_, labels)| fits(selector, labels));
        Ok(fitting.map(|(name, _)| name.as_str()).collect())
    }
}

impl Service {
    /// Whether it listens there. The name of a headless one is that of its pods, with their ports.
    fn takes(&self, port: u16) -> bool {
        let is_targeted = |known: &Port| {
            self.is_headless
                && known.target_port.as_ref().and_then(serde_json::Value::as_u64) == Some(port.into())
        };
        // One that stands for a name outside does not need to say its ports.
        (self.ports.is_empty() && (self.external_name.is_some() || self.is_headless))
            || self.ports.iter().any(|known| known.port == port || is_targeted(known))
    }

    /// The protocol of a port, or that of all ports if it is one.
    fn protocol(&self, port: Option<u16>) -> Option<&'static str> {
        let asked = self.ports.iter().filter(|known| port.is_none_or(|port| known.port == port));
        let mut protocols = asked.map(protocol);
        let first = protocols.next()??;
        protocols.all(|other| other == Some(first)).then_some(first)
    }
}

/// Whether it is the Service of the API server, which has no selector.
fn is_api_server(full_name: &NamespacedName) -> bool {
    (full_name.namespace.as_str(), full_name.name.as_str()) == ("default", "kubernetes")
}

/// Of a Service's port: what it says, what its name says (`grpc-web`, `tcp-redis`), or its number by custom.
fn protocol(port: &Port) -> Option<&'static str> {
    let said = port.app_protocol.as_deref().map(|said| said.rsplit('/').next().unwrap_or(said));
    let named = || port.name.as_deref().and_then(|name| name.split('-').find_map(protocols::of_word));
    said.and_then(protocols::of_word).or_else(named).or_else(|| protocols::of_port(port.port))
}
