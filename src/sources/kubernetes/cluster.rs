//! A cluster, or a tree of manifests, put together: which workloads a name, a selector or an account means.
//!
//! - A Service is the workloads that it selects in its own namespace; without any it is a service itself.
//! - A workload goes by the name of its Service where its own label says that this is the application's name.
//! - A name without a namespace means a Service of the namespace in which it is said, never one elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::address::{self, Address};
use super::objects::{Objects, Place};
use super::protocol;
use super::selector::{LabelIndex, Labels, TOO_MANY, Vague, fits, labels_of};
use super::shapes::{Port, Selector, ServiceSpec, Text, Texts};
use super::workloads::{Workload, workloads};
use crate::limits;
use crate::sources::Name;

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
    Service(&'c Place),
    /// Something that is known by name only.
    Other(Name),
}

#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) workloads: Vec<Workload>,
    pub(super) services: BTreeMap<Place, Service>,
    pub(super) config_maps: BTreeMap<Place, Vec<Texts>>,
    /// Hosts outside that were declared.
    pub(super) outside: BTreeSet<String>,
    /// Selectors of Services that were passed over.
    pub(super) vague: Vec<Vague>,
    index: LabelIndex,
    accounts: HashMap<Place, BTreeSet<Name>>,
    namespaces: BTreeMap<String, Labels>,
    brokers: BTreeSet<Name>,
}

impl Cluster {
    /// Puts objects together, and takes those of its kinds out of them.
    pub(super) fn of(objects: &mut Objects) -> Self {
        let mut cluster =
            Self { workloads: workloads(std::mem::take(&mut objects.runners)), ..Self::default() };
        for workload in &cluster.workloads {
            cluster.index.push(&workload.place.namespace, workload.labels.clone());
        }
        for (place, texts) in std::mem::take(&mut objects.config_maps) {
            cluster.config_maps.entry(place).or_default().push(texts);
        }
        let entries = objects.service_entries.iter();
        let outside = entries.filter(|entry| entry.location.as_deref() != Some("MESH_INTERNAL"));
        cluster.outside = outside.flat_map(|entry| entry.hosts.iter().flatten()).cloned().collect();
        cluster.add_namespaces(&objects.namespaces);
        cluster.add_services(objects);
        cluster.follow_aliases();
        for workload in &cluster.workloads {
            for account in workload.accounts() {
                let account = Place::of(&workload.place.namespace, account);
                cluster.accounts.entry(account).or_default().insert(workload.name.clone());
            }
            if workload.store() == Some("broker") {
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
            self.namespaces.entry(workload.place.namespace.clone()).or_default();
        }
        for (name, labels) in &mut self.namespaces {
            labels.insert(NAMESPACE_NAME.to_owned(), name.clone());
        }
    }

    fn add_services(&mut self, objects: &mut Objects) {
        let mut chosen: Vec<(Place, Vec<usize>)> = Vec::new();
        for (place, meta, spec) in std::mem::take(&mut objects.services) {
            let positions = self.behind(&place, &spec);
            let service = self.services.entry(place.clone()).or_default();
            let annotation = meta.annotations.as_ref().and_then(|texts| texts.get(super::DEPENDS_ON));
            service.depends_on.extend(annotation.map(|Text(text)| text.clone()));
            service.is_headless |= spec.cluster_ip.as_deref() == Some("None");
            service.ports.extend(spec.ports.into_iter().flatten());
            if spec.kind.as_deref() == Some("ExternalName") {
                let name = spec.external_name.map(|name| name.trim_end_matches('.').to_lowercase());
                // Said twice, the lesser stays, so that the order of files does not matter.
                service.external_name = service.external_name.take().into_iter().chain(name).min();
            }
            chosen.push((place, positions));
        }
        for (place, positions) in &chosen {
            for position in positions {
                let workload = &mut self.workloads[*position];
                if workload.application() == Some(&place.name) {
                    workload.name = Name::of(&place.namespace, &place.name);
                }
            }
        }
        for (place, positions) in chosen {
            let names = positions.iter().map(|position| self.workloads[*position].name.clone());
            let service = self.services.get_mut(&place).expect("it was entered above");
            service.targets.extend(names);
        }
        for (place, service) in &mut self.services {
            service.is_itself = service.targets.is_empty();
            if service.is_itself {
                service.targets.insert(Name::of(&place.namespace, &place.name));
            }
            if service.ports.iter().filter_map(protocol::of_port).any(protocol::is_asynchronous) {
                self.brokers.extend(service.targets.iter().cloned());
            }
        }
    }

    /// The workloads behind a Service; none if it has no selector.
    fn behind(&mut self, place: &Place, spec: &ServiceSpec) -> Vec<usize> {
        let Some(labels) = spec.selector.as_ref().filter(|labels| !labels.is_empty()) else {
            return Vec::new();
        };
        let selector = Selector { match_labels: Some(labels.clone()), match_expressions: None };
        self.index.chosen(&place.namespace, &selector).unwrap_or_else(|vague| {
            self.vague.push(vague);
            Vec::new()
        })
    }

    /// A Service that is another name for one of the cluster is what that one is.
    fn follow_aliases(&mut self) {
        let aliases = self.services.iter().filter(|(_, service)| service.is_itself);
        let mut led = Vec::new();
        for (place, service) in aliases {
            let mut at = service;
            for _ in 0..ALIASES_MAX {
                let Some(host) = &at.external_name else { break };
                let Some(Target::Service(next)) = self.resolve(host, &place.namespace) else { break };
                at = &self.services[next];
            }
            if at.external_name.is_none() && !std::ptr::eq(at, service) {
                led.push((place.clone(), at.clone()));
            }
        }
        for (place, service) in led {
            let depends_on = self.services.get_mut(&place).map(|alias| std::mem::take(&mut alias.depends_on));
            let alias = Service { is_itself: false, depends_on: depends_on.unwrap_or_default(), ..service };
            self.services.insert(place, alias);
        }
    }

    /// What a host means to somebody in a namespace; `None` for nothing of the cluster's.
    pub(super) fn resolve(&self, host: &str, namespace: &str) -> Option<Target<'_>> {
        for name in address::cluster_names(host) {
            let place = Place::of(name.namespace.unwrap_or(namespace), name.service);
            // Manifests without a namespace may go into any that is named in full.
            let anywhere = name.is_certain.then(|| Place::of("", name.service));
            for place in [Some(place), anywhere].into_iter().flatten() {
                if let Some((place, _)) = self.services.get_key_value(&place) {
                    return Some(Target::Service(place));
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
        let by_scheme = protocol::of_scheme(address.scheme);
        let Target::Service(place) = target else { return Some((target, by_scheme)) };
        let service = &self.services[place];
        let takes = address.port.is_none_or(|port| service.takes(port));
        takes.then(|| (target, by_scheme.or_else(|| service.protocol(address.port))))
    }

    /// A Service by its place, or the bare reference to one that is not given.
    pub(super) fn reference(&self, namespace: &str, name: &str) -> Target<'_> {
        let place = Place::of(namespace, name);
        let known = self.services.get_key_value(&place);
        known.map_or_else(|| Target::Other(Name::of(namespace, name)), |(place, _)| Target::Service(place))
    }

    /// The names in the graph of what is meant.
    pub(super) fn names(&self, target: &Target<'_>) -> BTreeSet<Name> {
        match target {
            Target::Service(place) => self.services[*place].targets.clone(),
            Target::Other(name) => BTreeSet::from([name.clone()]),
        }
    }

    /// The protocol of what is meant.
    pub(super) fn protocol(&self, target: &Target<'_>, port: Option<u16>) -> Option<&'static str> {
        match target {
            Target::Service(place) => self.services[*place].protocol(port),
            Target::Other(_) => None,
        }
    }

    /// Whether what is reached there are messages, whoever asks.
    pub(super) fn is_broker(&self, name: &Name) -> bool {
        self.brokers.contains(name)
    }

    /// The workloads of a namespace that a selector chooses.
    pub(super) fn chosen(&self, namespace: &str, selector: &Selector) -> Result<BTreeSet<Name>, Vague> {
        let positions = self.index.chosen(namespace, selector)?;
        Ok(positions.into_iter().map(|position| self.workloads[position].name.clone()).collect())
    }

    /// The workloads that run under an account.
    pub(super) fn under(&self, account: &Place) -> Result<&BTreeSet<Name>, Vague> {
        static NONE: BTreeSet<Name> = BTreeSet::new();
        let names = self.accounts.get(account).unwrap_or(&NONE);
        if names.len() > limits::SELECTED_WORKLOADS_MAX { Err(TOO_MANY) } else { Ok(names) }
    }

    /// The namespaces that a selector chooses; all for one that asks for nothing.
    pub(super) fn chosen_namespaces(&self, selector: &Selector) -> Result<Vec<&str>, Vague> {
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
        let mut protocols = asked.map(protocol::of_port);
        let first = protocols.next()??;
        protocols.all(|other| other == Some(first)).then_some(first)
    }
}
