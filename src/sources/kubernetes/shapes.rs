//! The parts of Kubernetes objects that are looked at: mirrors of the wire, nothing else of them is read.
//!
//! - A member that is absent or null is `None`; one of another shape is an error of the whole object.
//! - Secrets have no mirror: neither they nor their keys are read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

/// A list that may be absent.
pub(super) type Many<T> = Option<Vec<T>>;

/// A text; in manifests written by hand also a number or a truth value.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct Text(pub(super) String);

impl TryFrom<Value> for Text {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            Value::Bool(truth) => Ok(Self(truth.to_string())),
            Value::Null => Ok(Self(String::new())),
            Value::Array(_) | Value::Object(_) => Err("expected a text"),
        }
    }
}

/// A name, which has something in it.
fn filled<'de, D: Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
    let name = String::deserialize(reader)?;
    if name.is_empty() { Err(D::Error::custom("a name is empty")) } else { Ok(name) }
}

/// Labels, annotations, the texts of a `ConfigMap`.
pub(super) type Texts = BTreeMap<String, Text>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) labels: Option<Texts>,
    pub(super) annotations: Option<Texts>,
    pub(super) owner_references: Many<Owner>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Owner {
    pub(super) kind: String,
    #[serde(deserialize_with = "filled")]
    pub(super) name: String,
    pub(super) controller: Option<bool>,
}

/// A pod, or the template of pods.
#[derive(Debug, Deserialize)]
pub(super) struct Template {
    pub(super) metadata: Option<Meta>,
    pub(super) spec: PodSpec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) containers: Vec<Container>,
    pub(super) init_containers: Many<Container>,
    pub(super) volumes: Many<Volume>,
    pub(super) service_account_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) image: Option<String>,
    pub(super) command: Many<Text>,
    pub(super) args: Many<Text>,
    pub(super) env: Many<Variable>,
    pub(super) env_from: Many<VariablesFrom>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Option<Text>,
    pub(super) value_from: Option<VariableFrom>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VariableFrom {
    pub(super) config_map_key_ref: Option<KeyOf>,
}

#[derive(Debug, Deserialize)]
pub(super) struct KeyOf {
    pub(super) name: Option<String>,
    pub(super) key: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VariablesFrom {
    pub(super) config_map_ref: Option<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Volume {
    pub(super) config_map: Option<Named>,
    pub(super) projected: Option<Projected>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Projected {
    pub(super) sources: Many<Source>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Source {
    pub(super) config_map: Option<Named>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceSpec {
    pub(super) selector: Option<Texts>,
    pub(super) ports: Many<Port>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) external_name: Option<String>,
    #[serde(rename = "clusterIP")]
    pub(super) cluster_ip: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Port {
    pub(super) name: Option<String>,
    pub(super) port: u16,
    pub(super) target_port: Option<Value>,
    pub(super) app_protocol: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selector {
    pub(super) match_labels: Option<Texts>,
    pub(super) match_expressions: Many<Expression>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Expression {
    pub(super) key: String,
    pub(super) operator: String,
    pub(super) values: Many<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkPolicySpec {
    pub(super) pod_selector: Option<Selector>,
    pub(super) ingress: Many<NetworkRule>,
    pub(super) egress: Many<NetworkRule>,
}

/// One rule of either direction: `from` stands in ingress only, `to` in egress only.
#[derive(Debug, Deserialize)]
pub(super) struct NetworkRule {
    pub(super) from: Many<Peer>,
    pub(super) to: Many<Peer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Peer {
    pub(super) pod_selector: Option<Selector>,
    pub(super) namespace_selector: Option<Selector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthorizationSpec {
    pub(super) selector: Option<Selector>,
    pub(super) target_ref: Option<Reference>,
    pub(super) target_refs: Many<Reference>,
    pub(super) action: Option<String>,
    pub(super) rules: Many<AuthorizationRule>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AuthorizationRule {
    pub(super) from: Many<AuthorizationFrom>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AuthorizationFrom {
    pub(super) source: Option<AuthorizationSource>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthorizationSource {
    pub(super) principals: Many<String>,
    pub(super) service_accounts: Many<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SidecarSpec {
    pub(super) workload_selector: Option<WorkloadSelector>,
    pub(super) egress: Many<SidecarEgress>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkloadSelector {
    pub(super) labels: Option<Texts>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SidecarEgress {
    pub(super) hosts: Many<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngressSpec {
    // `backend` is the name of the same in the first versions.
    #[serde(alias = "backend")]
    pub(super) default_backend: Option<Backend>,
    pub(super) rules: Many<IngressRule>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IngressRule {
    pub(super) http: Option<IngressPaths>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IngressPaths {
    pub(super) paths: Many<IngressPath>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IngressPath {
    pub(super) backend: Backend,
}

/// What an Ingress leads to: a Service, named the old way or the new, or a resource.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Backend {
    pub(super) service: Option<BackendService>,
    pub(super) service_name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BackendService {
    #[serde(deserialize_with = "filled")]
    pub(super) name: String,
    pub(super) port: Option<PortNumber>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PortNumber {
    pub(super) number: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteSpec {
    pub(super) parent_refs: Many<Reference>,
    pub(super) rules: Many<RouteRule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteRule {
    pub(super) backend_refs: Many<Reference>,
    pub(super) filters: Many<RouteFilter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteFilter {
    pub(super) request_mirror: Option<RouteMirror>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteMirror {
    pub(super) backend_ref: Reference,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) kind: Option<String>,
    pub(super) namespace: Option<String>,
    #[serde(deserialize_with = "filled")]
    pub(super) name: String,
    pub(super) port: Option<u16>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VirtualServiceSpec {
    pub(super) hosts: Many<String>,
    pub(super) gateways: Many<String>,
    pub(super) http: Many<VirtualRoute>,
    pub(super) tls: Many<VirtualRoute>,
    pub(super) tcp: Many<VirtualRoute>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VirtualRoute {
    pub(super) route: Many<Weighted>,
    pub(super) mirror: Option<Destination>,
    pub(super) mirrors: Many<Weighted>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Weighted {
    pub(super) destination: Destination,
}

#[derive(Debug, Deserialize)]
pub(super) struct Destination {
    #[serde(deserialize_with = "filled")]
    pub(super) host: String,
    pub(super) port: Option<PortNumber>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ServiceEntrySpec {
    pub(super) hosts: Many<String>,
    pub(super) location: Option<String>,
}
