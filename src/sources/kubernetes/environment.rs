//! What workloads are told about others: in variables, arguments, `ConfigMap`s and an annotation.
//!
//! - Secrets are not read.
//! - A `ConfigMap` is searched once, however many use it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::address::{self, addresses};
use super::cluster::{Cluster, Target};
use super::edges::Edges;
use super::objects::NamespacedName;
use super::shapes::{Container, PodSpec, Text};
use crate::sources::{Name, Uses};

/// What one text names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hit<'c> {
    target: Target<'c>,
    protocol: Option<&'static str>,
    is_bare: bool,
}

/// What the texts of a `ConfigMap` name, by their keys.
type Searched<'c> = BTreeMap<&'c str, BTreeSet<Hit<'c>>>;

/// Adds what every workload is told. O(texts + dependencies).
pub(super) fn add(edges: &mut Edges<'_>) {
    let cluster = edges.cluster;
    let mut reader = Reader { edges, searched: HashMap::new() };
    for workload in &cluster.workloads {
        if reader.edges.is_spent() {
            continue;
        }
        for pod in &workload.pods {
            let containers = pod.containers.iter().chain(pod.init_containers.iter().flatten());
            for container in containers {
                reader.variables(&workload.name, &workload.full_name.namespace, container);
                reader.arguments(&workload.name, &workload.full_name.namespace, container);
            }
            reader.files(&workload.name, &workload.full_name.namespace, pod);
        }
    }
    declared(edges);
}

struct Reader<'e, 'c> {
    edges: &'e mut Edges<'c>,
    searched: HashMap<NamespacedName, Searched<'c>>,
}

impl<'c> Reader<'_, 'c> {
    fn variables(&mut self, from: &Name, namespace: &str, container: &Container) {
        for variable in container.env.iter().flatten() {
            let hits = match (&variable.value, &variable.value_from) {
                (Some(Text(text)), _) => search(self.edges.cluster, namespace, text),
                (None, Some(source)) => {
                    let Some(key) = &source.config_map_key_ref else { continue };
                    let name = key.name.as_deref().unwrap_or_default();
                    self.config_map(namespace, name).get(key.key.as_str()).cloned().unwrap_or_default()
                }
                (None, None) => continue,
            };
            self.told_in_variable(from, &variable.name, &hits);
        }
        let maps = container
            .env_from
            .iter()
            .flatten()
            .filter_map(|from| from.config_map_ref.as_ref()?.name.as_deref());
        for name in maps.collect::<BTreeSet<_>>() {
            for (key, hits) in self.config_map(namespace, name).clone() {
                self.told_in_variable(from, key, &hits);
            }
        }
    }

    fn told_in_variable(&mut self, from: &Name, variable: &str, hits: &BTreeSet<Hit<'c>>) {
        for hit in hits.iter().filter(|hit| !hit.is_bare || address::may_name_service(variable)) {
            self.edges.told(from, &hit.target, hit.protocol, "environment");
        }
    }

    fn arguments(&mut self, from: &Name, namespace: &str, container: &Container) {
        let texts = container.command.iter().chain(&container.args).flatten();
        for Text(text) in texts {
            for hit in search(self.edges.cluster, namespace, text).iter().filter(|hit| !hit.is_bare) {
                self.edges.told(from, &hit.target, hit.protocol, "arguments");
            }
        }
    }

    /// The files that are mounted: a word alone in one is no address.
    fn files(&mut self, from: &Name, namespace: &str, pod: &PodSpec) {
        let mut names = BTreeSet::new();
        for volume in pod.volumes.iter().flatten() {
            let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
            let projected = sources.filter_map(|source| source.config_map.as_ref());
            names.extend(volume.config_map.iter().chain(projected).filter_map(|map| map.name.as_deref()));
        }
        for name in names {
            let hits: BTreeSet<Hit<'c>> =
                self.config_map(namespace, name).values().flatten().cloned().collect();
            for hit in hits.iter().filter(|hit| !hit.is_bare) {
                self.edges.told(from, &hit.target, hit.protocol, "config_map");
            }
        }
    }

    fn config_map(&mut self, namespace: &str, name: &str) -> &Searched<'c> {
        let cluster = self.edges.cluster;
        let full_name = NamespacedName::of(namespace, name);
        self.searched.entry(full_name).or_insert_with_key(|full_name| {
            let mut searched = Searched::new();
            for (key, Text(text)) in cluster.config_maps.get(full_name).into_iter().flatten().flatten() {
                searched.entry(key).or_default().extend(search(cluster, &full_name.namespace, text));
            }
            // Most texts name nobody, and would be passed by again and again.
            searched.retain(|_, hits| !hits.is_empty());
            searched
        })
    }
}

/// What a text says to somebody in a namespace. O(text).
fn search<'c>(cluster: &'c Cluster, namespace: &str, text: &str) -> BTreeSet<Hit<'c>> {
    let hit = |address: address::Address<'_>| {
        let (target, protocol) = cluster.target(&address, namespace)?;
        Some(Hit { target, protocol, is_bare: address.is_bare })
    };
    addresses(text).filter_map(hit).collect()
}

/// What annotations declare, of workloads and of Services.
fn declared(edges: &mut Edges<'_>) {
    let cluster = edges.cluster;
    let own: BTreeMap<&NamespacedName, &Name> =
        cluster.workloads.iter().map(|workload| (&workload.full_name, &workload.name)).collect();
    for workload in &cluster.workloads {
        for text in workload.annotations(super::DEPENDS_ON) {
            declare(edges, &own, (&workload.name, &workload.full_name.namespace), text);
        }
    }
    for (full_name, service) in &cluster.services {
        for text in &service.depends_on {
            for from in &service.targets {
                declare(edges, &own, (from, &full_name.namespace), text);
            }
        }
    }
}

/// Reads `name, namespace/name`: a Service, a workload, or what neither is known to be.
fn declare(
    edges: &mut Edges<'_>,
    own: &BTreeMap<&NamespacedName, &Name>,
    (from, namespace): (&Name, &str),
    text: &str,
) {
    let cluster = edges.cluster;
    for entry in text.split([',', ' ', '\n', '\t']).filter(|entry| !entry.is_empty()) {
        let (namespace, name) = entry.split_once('/').unwrap_or((namespace, entry));
        if name.is_empty() || name.contains('/') {
            edges.found.leave_out("declared dependencies that are no names");
            continue;
        }
        let target = match (cluster.reference(namespace, name), own.get(&NamespacedName::of(namespace, name)))
        {
            (Target::Other(_), Some(workload)) => Target::Other((*workload).clone()),
            (target, _) => target,
        };
        for on in cluster.names(&target) {
            let is_broker = cluster.is_broker(&on);
            let uses = if is_broker { Uses::asynchronous() } else { Uses::sync() };
            edges.uses(from, &on, uses.because_of("annotation"));
        }
    }
}
