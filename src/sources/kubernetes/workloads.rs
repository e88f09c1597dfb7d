//! Who runs the pods: each workload once, however many objects of it there are.
//!
//! - A pod of a `ReplicaSet` of a Deployment is of the Deployment; where that was not given, the pod speaks for it.
//! - A Job of no `CronJob`, and a pod that no controller made, come and go: they count only behind a Service.
//! - What a custom resource owns besides pods stays a workload of its own: an operator's object is no service.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::objects::{Controller, NamespacedName};
use super::selector::{LabelIndex, Labels, Reason, labels_of, of_service};
use super::shapes::{Meta, PodSpec, ServiceSpec, Text};
use crate::sources::protocols::{self, Role};
use crate::sources::{Name, Seen};

/// Steps from a pod to its workload: one over a `ReplicaSet` or a Job, and one more.
const OWNERS_MAX: usize = 3;
/// What makes pods anew when they end.
const LASTING: [&str; 7] =
    ["CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"];
/// Why some are not services.
const ONE_OFF: Reason = "one-off jobs and pods";

/// A workload, or the pods of one that look alike.
#[derive(Debug)]
pub(super) struct Workload {
    /// What it is in the graph; its own name until a Service gives it another.
    pub(super) name: Name,
    /// What its object is called.
    pub(super) full_name: NamespacedName,
    pub(super) kind: String,
    /// Labels of its pods.
    pub(super) labels: Labels,
    /// Labels and annotations of itself and its pods.
    pub(super) metas: Vec<Meta>,
    pub(super) pods: Vec<PodSpec>,
    /// Whether nothing makes it anew when it has ended.
    is_one_off: bool,
}

/// Kind and name within a namespace.
type Identity = (String, String);

/// Finds the workloads, sorted. O(controllers · log controllers).
pub(super) fn workloads(controllers: Vec<Controller>) -> Vec<Workload> {
    let mut owners: HashMap<(String, Identity), Option<Identity>> = HashMap::new();
    for controller in &controllers {
        let known = owners.entry((controller.full_name.namespace.clone(), identity(controller))).or_default();
        // Given twice, the order must not matter.
        *known = known.take().max(owner(controller));
    }
    let mut workloads: BTreeMap<(NamespacedName, String, Labels), Workload> = BTreeMap::new();
    for controller in controllers {
        let own = identity(&controller);
        let (kind, name) = root(&owners, &controller.full_name.namespace, own.clone());
        let is_spoken_for = (&kind, &name) != (&own.0, &own.1)
            && owners.contains_key(&(controller.full_name.namespace.clone(), (kind.clone(), name.clone())));
        if is_spoken_for {
            continue;
        }
        let is_one_off = is_one_off(&controller, &kind);
        let full_name = NamespacedName::of(&controller.full_name.namespace, &name);
        let labels = labels_of(controller.template.metadata.as_ref().and_then(|meta| meta.labels.as_ref()));
        let key = (full_name.clone(), kind.clone(), labels.clone());
        let workload = workloads.entry(key).or_insert_with(|| Workload {
            name: Name::of(&full_name.namespace, &name),
            full_name,
            kind,
            labels,
            metas: Vec::new(),
            pods: Vec::new(),
            is_one_off: true,
        });
        workload.is_one_off &= is_one_off;
        workload.metas.push(controller.meta);
        workload.metas.extend(controller.template.metadata);
        workload.pods.push(controller.template.spec);
    }
    workloads.into_values().collect()
}

/// Takes out the one-off workloads that no Service selects, and says so once for each object.
/// O(workloads · log workloads), and what Services select of them.
pub(super) fn leave_out_one_offs(
    workloads: &mut Vec<Workload>,
    services: &[(NamespacedName, Meta, ServiceSpec)],
) -> Vec<Reason> {
    let mut index = LabelIndex::default();
    for workload in workloads.iter().filter(|workload| workload.is_one_off) {
        index.push(&workload.full_name.namespace, workload.labels.clone());
    }
    let mut selected = BTreeSet::new();
    for (full_name, _, spec) in services {
        let Some(selector) = of_service(spec) else { continue };
        // A Service of too many stands for itself.
        selected.extend(index.chosen(&full_name.namespace, &selector).unwrap_or_default());
    }
    let mut left_out = Vec::new();
    let mut positions = 0..;
    workloads.retain(|workload| {
        let stays = !workload.is_one_off || positions.next().is_some_and(|at| selected.contains(&at));
        if !stays {
            left_out.extend(workload.pods.iter().map(|_| ONE_OFF));
        }
        stays
    });
    left_out
}

/// Whether nothing makes it anew: a Job that is not of a `CronJob`, or a pod that is of nothing that we know.
fn is_one_off(controller: &Controller, root: &str) -> bool {
    let is_made = || owner(controller).is_some_and(|(kind, _)| LASTING.contains(&kind.as_str()));
    root == "Job" || (controller.kind == "Pod" && !is_made())
}

fn identity(controller: &Controller) -> Identity {
    (controller.kind.to_owned(), controller.full_name.name.clone())
}

/// What controls it, as far as that makes it part of another workload.
fn owner(controller: &Controller) -> Option<Identity> {
    let mut owners = controller.meta.owner_references.iter().flatten();
    let owner = owners.find(|owner| owner.controller == Some(true))?;
    let is_part = match controller.kind {
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
        Some((deployment, _)) if kind == "ReplicaSet" && !deployment.is_empty() => {
            ("Deployment".to_owned(), deployment.to_owned())
        }
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

    /// What it is to an application, if it is a data store.
    pub(super) fn store(&self) -> Option<Role> {
        self.image().and_then(protocols::store).map(|store| store.role)
    }

    /// The image of its first container: the others are its helpers.
    fn image(&self) -> Option<&str> {
        self.pods.iter().filter_map(|pod| pod.containers.first()?.image.as_deref()).min()
    }

    /// Says what is known of it.
    pub(super) fn describe(&self, seen: &mut Seen) {
        seen.say("kind", self.kind.as_str());
        if let Some(image) = self.image() {
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
            seen.say("component", role.as_str());
        }
    }
}
