//! Objects of any kind, sorted into what is looked at.
//!
//! - Kinds that are not looked at are passed over; one that is and has another shape is noted by its name.
//! - A list is its items, however deep lists stand in lists.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::shapes::{
    AuthorizationSpec, IngressSpec, Meta, NetworkPolicySpec, RouteSpec, ServiceEntrySpec, ServiceSpec,
    SidecarSpec, Template, Texts, VirtualServiceSpec,
};
use super::{KINDS, Kind};

/// What an object is called. One on disk may have no namespace: it is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NamespacedName {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl NamespacedName {
    pub(super) fn of(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// Something that runs pods, or a pod.
#[derive(Debug)]
pub(super) struct Controller {
    pub(super) kind: &'static str,
    pub(super) full_name: NamespacedName,
    pub(super) meta: Meta,
    pub(super) template: Template,
}

/// A route of the Gateway API.
#[derive(Debug)]
pub(super) struct GatewayRoute {
    pub(super) full_name: NamespacedName,
    pub(super) protocol: &'static str,
    pub(super) spec: RouteSpec,
}

/// All that is looked at.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) controllers: Vec<Controller>,
    pub(super) services: Vec<(NamespacedName, Meta, ServiceSpec)>,
    pub(super) config_maps: Vec<(NamespacedName, Texts)>,
    pub(super) namespaces: Vec<(String, Texts)>,
    pub(super) network_policies: Vec<(NamespacedName, NetworkPolicySpec)>,
    pub(super) authorizations: Vec<(NamespacedName, AuthorizationSpec)>,
    pub(super) sidecars: Vec<(NamespacedName, SidecarSpec)>,
    pub(super) ingresses: Vec<(NamespacedName, IngressSpec)>,
    pub(super) gateway_routes: Vec<GatewayRoute>,
    pub(super) virtual_services: Vec<(NamespacedName, VirtualServiceSpec)>,
    pub(super) service_entries: Vec<ServiceEntrySpec>,
    /// What was not understood.
    pub(super) notes: Vec<String>,
}

/// An object and what its list, if it came in one, says of its kind.
#[derive(Clone, Copy)]
pub(super) struct Object<'v> {
    api_version: &'v str,
    kind: &'v str,
    value: &'v Value,
}

/// Whether it is an object of Kubernetes, of whatever kind.
pub(super) fn is_object(value: &Value) -> bool {
    ["apiVersion", "kind"].iter().all(|member| value[*member].as_str().is_some_and(|text| !text.is_empty()))
}

/// Whether it is a template that was not filled in: one whose names are still to be made. Elsewhere braces may be the
/// text that is meant, such as that of an alert.
pub(super) fn is_template(value: &Value) -> bool {
    flatten(value).into_iter().any(|object| {
        let metadata = &object.value["metadata"];
        let names = [metadata["name"].as_str(), metadata["namespace"].as_str(), Some(object.kind)];
        names.into_iter().flatten().any(|name| name.contains("{{"))
    })
}

/// The objects in a value: itself, or the items of a list. O(value).
pub(super) fn flatten(value: &Value) -> Vec<Object<'_>> {
    let mut objects = Vec::new();
    let mut open = vec![Object { api_version: "", kind: "", value }];
    while let Some(Object { api_version, kind, value }) = open.pop() {
        let api_version = value["apiVersion"].as_str().unwrap_or(api_version);
        let kind = value["kind"].as_str().unwrap_or(kind);
        match (kind.strip_suffix("List"), value["items"].as_array()) {
            (Some(of), Some(items)) => {
                // Items of a list of one kind do not repeat it.
                let api_version = if of.is_empty() { "" } else { api_version };
                open.extend(items.iter().map(|value| Object { api_version, kind: of, value }));
            }
            _ => objects.push(Object { api_version, kind, value }),
        }
    }
    objects
}

impl Object<'_> {
    /// The object on its own, with its kind.
    pub(super) fn to_value(self) -> Value {
        let mut value = self.value.clone();
        if let Value::Object(members) = &mut value {
            for (member, text) in [("apiVersion", self.api_version), ("kind", self.kind)] {
                if !text.is_empty() {
                    members.insert(member.to_owned(), text.into());
                }
            }
        }
        value
    }

    /// The kind as we know it, as its place in [`KINDS`]; `Service` is one of the core, not that of another group.
    fn known(&self) -> Option<usize> {
        let group = self.api_version.split_once('/').map_or("", |(group, _)| group);
        // The first versions of some kinds stood in one group.
        KINDS.iter().position(|known| {
            known.kind == self.kind
                && (known.group == group
                    || (group == "extensions" && matches!(known.group, "apps" | "networking.k8s.io")))
        })
    }
}

/// The objects of the kinds that we know by kind and name, and by what they say where one is given twice: the order in
/// which they came decides nothing, not even what does not count any more.
fn in_order(values: &[Value]) -> Vec<(usize, NamespacedName, Object<'_>)> {
    let entry = |object: Object<'_>| {
        let member = |name: &str| object.value["metadata"][name].as_str().unwrap_or_default();
        object.known().map(|known| (known, NamespacedName::of(member("namespace"), member("name"))))
    };
    let objects = values.iter().flat_map(flatten);
    let mut objects: Vec<_> = objects
        .filter_map(|object| entry(object).map(|(known, full_name)| (known, full_name, object)))
        .collect();
    objects.sort_by(|(kind, name, object), (other_kind, other_name, other)| {
        let by_name = (kind, name).cmp(&(other_kind, other_name));
        by_name.then_with(|| object.value.to_string().cmp(&other.value.to_string()))
    });
    objects
}

impl Objects {
    /// Sorts objects. O(values · log values).
    pub(super) fn of(values: &[Value]) -> Self {
        let mut objects = Self::default();
        for (known, full_name, object) in in_order(values) {
            let known = &KINDS[known];
            let problem = if full_name.name.is_empty() {
                Err("it has no name".to_owned())
            } else {
                objects.add(known, full_name.clone(), object.value)
            };
            if let Err(problem) = problem {
                let slash = if full_name.namespace.is_empty() { "" } else { "/" };
                let NamespacedName { namespace, name } = full_name;
                objects.notes.push(format!("{} {namespace}{slash}{name}: {problem}", known.kind));
            }
        }
        objects.notes.sort();
        objects
    }

    fn add(&mut self, known: &Kind, full_name: NamespacedName, value: &Value) -> Result<(), String> {
        let spec = &value["spec"];
        match known.kind {
            "Service" => self.services.push((full_name, part(&value["metadata"])?, part(spec)?)),
            "ConfigMap" => {
                let texts: Option<Texts> = part(&value["data"])?;
                self.config_maps.push((full_name, texts.unwrap_or_default()));
            }
            "Namespace" => {
                let meta: Meta = part(&value["metadata"])?;
                self.namespaces.push((full_name.name, meta.labels.unwrap_or_default()));
            }
            "NetworkPolicy" => self.network_policies.push((full_name, part(spec)?)),
            "AuthorizationPolicy" => {
                let spec: Option<AuthorizationSpec> = part(spec)?;
                self.authorizations.push((full_name, spec.unwrap_or_default()));
            }
            "Sidecar" => {
                let spec: Option<SidecarSpec> = part(spec)?;
                self.sidecars.push((full_name, spec.unwrap_or_default()));
            }
            "Ingress" => self.ingresses.push((full_name, part(spec)?)),
            "HTTPRoute" | "GRPCRoute" => {
                let protocol = if known.kind == "GRPCRoute" { "grpc" } else { "http" };
                self.gateway_routes.push(GatewayRoute { full_name, protocol, spec: part(spec)? });
            }
            "VirtualService" => self.virtual_services.push((full_name, part(spec)?)),
            "ServiceEntry" => self.service_entries.push(part(spec)?),
            kind => {
                let template = match kind {
                    "Pod" => value,
                    "CronJob" => &spec["jobTemplate"]["spec"]["template"],
                    _ => &spec["template"],
                };
                let (meta, template) = (part(&value["metadata"])?, part(template)?);
                self.controllers.push(Controller { kind: known.kind, full_name, meta, template });
            }
        }
        Ok(())
    }
}

fn part<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    // Of a text that is not what is expected the message quotes all.
    T::deserialize(value).map_err(|error| error.to_string().chars().take(200).collect())
}
