//! Who runs the pods: each workload once, however many objects of it there are.
//!
//! - A pod of a `ReplicaSet` of a Deployment is of the Deployment; where that was not given, the pod speaks for it.
//! - What a custom resource owns besides pods stays a workload of its own: an operator's object is no service.

use std::collections::{BTreeMap, HashMap};

use super::objects::{Place, Runner};
use super::protocol;
use super::selector::{Labels, labels_of};
use super::shapes::{Meta, PodSpec, Text};
use crate::sources::{Name, Seen};

/// Steps from a pod to its workload: one over a `ReplicaSet` or a Job, and one more.
const OWNERS_MAX: usize = 3;

/// A workload, or the pods of one that look alike.
#[derive(Debug)]
pub(super) struct Workload {
    /// What it is in the graph; its own name until a Service gives it another.
    pub(super) name: Name,
    /// Where it stands.
    pub(super) place: Place,
    pub(super) kind: String,
    /// Labels of its pods.
    pub(super) labels: Labels,
    /// Labels and annotations of itself and its pods.
    pub(super) metas: Vec<Meta>,
    pub(super) pods: Vec<PodSpec>,
}

/// Kind and name within a namespace.
type Identity = (String, String);

/// Finds the workloads, sorted. O(runners · log runners).
pub(super) fn workloads(runners: Vec<Runner>) -> Vec<Workload> {
    let mut owners: HashMap<(String, Identity), Option<Identity>> = HashMap::new();
    for runner in &runners {
        let known = owners.entry((runner.place.namespace.clone(), identity(runner))).or_default();
        // Given twice, the order must not matter.
        *known = known.take().max(owner(runner));
    }
    let mut workloads: BTreeMap<(Place, String, Labels), Workload> = BTreeMap::new();
    for runner in runners {
        let own = identity(&runner);
        let (kind, name) = root(&owners, &runner.place.namespace, own.clone());
        let is_spoken_for = (&kind, &name) != (&own.0, &own.1)
            && owners.contains_key(&(runner.place.namespace.clone(), (kind.clone(), name.clone())));
        if is_spoken_for {
            continue;
        }
        let place = Place::of(&runner.place.namespace, &name);
        let labels = labels_of(runner.template.metadata.as_ref().and_then(|meta| meta.labels.as_ref()));
        let key = (place.clone(), kind.clone(), labels.clone());
        let workload = workloads.entry(key).or_insert_with(|| Workload {
            name: Name::of(&place.namespace, &name),
            place,
            kind,
            labels,
            metas: Vec::new(),
            pods: Vec::new(),
        });
        workload.metas.push(runner.meta);
        workload.metas.extend(runner.template.metadata);
        workload.pods.push(runner.template.spec);
    }
    workloads.into_values().collect()
}

fn identity(runner: &Runner) -> Identity {
    (runner.kind.to_owned(), runner.place.name.clone())
}

/// What controls it, as far as that makes it part of another workload.
fn owner(runner: &Runner) -> Option<Identity> {
    let mut owners = runner.meta.owner_references.iter().flatten();
    let owner = owners.find(|owner| owner.controller == Some(true))?;
    let is_part = match runner.kind {
        // The pods of a node's own files belong to the node.
        "Pod" => owner.kind != "Node",
        "ReplicaSet" => true,
        "Job" => owner.kind == "CronJob",
        _ => false,
    };
    is_part.then(|| (owner.kind.clone(), owner.name.clone()))
}

fn root(owners: &HashMap<(String, Identity), Option<Identity>>, namespace: &str, own: Identity) -> Identity {
    let mut at = own;
    for _ in 0..OWNERS_MAX {
        match owners.get(&(namespace.to_owned(), at.clone())) {
            Some(Some(owner)) => at = owner.clone(),
            Some(None) => break,
            None => return without_hash(at),
        }
    }
    at
}

/// Of a `ReplicaSet` that was not given, the Deployment it is most likely of: its name without the hash.
fn without_hash((kind, name): Identity) -> Identity {
    match name.rsplit_once('-') {
        Some((deployment, _)) if kind == "ReplicaSet" => ("Deployment".to_owned(), deployment.to_owned()),
        _ => (kind, name),
    }
}

impl Workload {
    /// A label of the workload or its pods, the workload's first.
    fn label(&self, key: &str) -> Option<&str> {
        self.metas.iter().find_map(|meta| meta.labels.as_ref()?.get(key)).map(|Text(text)| text.as_str())
    }

    /// What the workload calls its application, in the order in which Hubble looks.
    pub(super) fn application(&self) -> Option<&str> {
        let keys = ["app.kubernetes.io/name", "k8s-app", "app"];
        keys.iter().find_map(|key| self.labels.get(*key)).map(String::as_str)
    }

    /// The annotation with this name, of the workload and its pods.
    pub(super) fn annotations<'w>(&'w self, key: &'w str) -> impl Iterator<Item = &'w str> {
        self.metas
            .iter()
            .filter_map(move |meta| meta.annotations.as_ref()?.get(key))
            .map(|Text(text)| text.as_str())
    }

    /// The account its pods run under, if that tells it from others.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &str> {
        self.pods.iter().filter_map(|pod| pod.service_account_name.as_deref())
    }

    /// What its data store, if it is one, is to an application.
    pub(super) fn store(&self) -> Option<&'static str> {
        self.images().find_map(protocol::store)
    }

    fn images(&self) -> impl Iterator<Item = &str> {
        self.pods.iter().flat_map(|pod| &pod.containers).filter_map(|container| container.image.as_deref())
    }

    /// Says what is known of it.
    pub(super) fn describe(&self, seen: &mut Seen) {
        seen.say("kind", self.kind.as_str());
        let first_images = self.pods.iter().filter_map(|pod| pod.containers.first()?.image.as_deref());
        if let Some(image) = first_images.min() {
            seen.say("image", image);
        }
        let members = [
            ("system", "app.kubernetes.io/part-of"),
            ("version", "app.kubernetes.io/version"),
            ("component", "app.kubernetes.io/component"),
            ("team", "watershed.io/team"),
        ];
        for (member, label) in members {
            if let Some(text) = self.label(label) {
                seen.say(member, text);
            }
        }
        if self.label("watershed.io/team").is_none()
            && let Some(team) = self.label("team")
        {
            seen.say("team", team);
        }
        if self.label("app.kubernetes.io/component").is_none()
            && let Some(role) = self.store()
        {
            seen.say("component", role);
        }
    }
}
