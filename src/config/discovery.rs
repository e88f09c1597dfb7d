//! From text to value, for the settings of discovery: which sources are asked, where and how.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::parse::Raw;
use super::{Key, Secret, SettingError};
use crate::sources::prometheus::{Labels, Mesh, ServiceGraph};
use crate::sources::{Template, aliases};

/// A day, in minutes.
const MINUTES_MAX: u64 = 1440;

/// Which sources are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoverySettings {
    /// Where metrics are asked for.
    pub prometheus: Option<PrometheusServer>,
    /// The metric of service graphs; `None` when they are not asked for.
    pub service_graph: Option<ServiceGraph>,
    /// The mesh whose metrics are asked for.
    pub mesh: Option<Mesh>,
    /// Between two questions to Prometheus.
    pub metrics_interval: Duration,
    /// How the cluster is found that is watched.
    pub kubernetes: Option<KubernetesAccess>,
    /// How ids are written, in the order of `DiscoverySource::ALL`.
    pub templates: [Option<Template>; 4],
    /// Ids by the names that sources use.
    pub aliases: BTreeMap<String, String>,
}

/// A server that answers like Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusServer {
    /// Without a slash at its end.
    pub url: String,
    /// For one question.
    pub timeout: Duration,
    /// A token.
    pub bearer_token: Option<Secret>,
    /// A user and a password, with a colon between them.
    pub basic_auth: Option<Secret>,
    /// What stands in `X-Scope-OrgID`.
    pub tenant: Option<String>,
}

/// How a cluster's API server is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubernetesAccess {
    /// From inside the cluster.
    InCluster,
    /// By a kubeconfig file.
    Kubeconfig(PathBuf),
}

impl DiscoverySettings {
    pub(super) fn resolve(raw: impl Fn(Key) -> Raw) -> Result<Self, SettingError> {
        let prometheus = match raw(Key::PrometheusUrl).endpoint()? {
            Some(url) => Some(PrometheusServer::resolve(url, &raw)?),
            None => None,
        };
        let mesh = raw(Key::ServiceMesh).mesh()?;
        if mesh.is_some() && prometheus.is_none() {
            return Err(raw(Key::ServiceMesh).error("PROMETHEUS_URL to be set, too"));
        }
        Ok(Self {
            service_graph: raw(Key::ServiceGraphMetric)
                .metric()?
                .map(|metric| {
                    let labels = raw(Key::ServiceGraphLabels).labels()?;
                    let pseudo_nodes = raw(Key::ServiceGraphPseudoNodes).truth()?;
                    Ok(ServiceGraph { metric, labels, pseudo_nodes })
                })
                .transpose()?
                .filter(|_| prometheus.is_some()),
            prometheus,
            mesh,
            metrics_interval: raw(Key::OtelGraphIngestIntervalMinutes).minutes()?,
            kubernetes: raw(Key::KubernetesDiscovery).kubernetes(),
            templates: [
                None,
                raw(Key::DiscoveryIdTemplateServiceMesh).template()?,
                raw(Key::DiscoveryIdTemplateOtelServiceGraph).template()?,
                raw(Key::DiscoveryIdTemplateKubernetes).template()?,
            ],
            aliases: raw(Key::DiscoveryAliases).aliases()?,
        })
    }
}

impl PrometheusServer {
    fn resolve(url: String, raw: impl Fn(Key) -> Raw) -> Result<Self, SettingError> {
        let is_header =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let bearer_token = raw(Key::PrometheusBearerToken).secret(is_header, "visible ASCII characters")?;
        let is_pair = |text: &str| text.contains(':');
        let basic_auth =
            raw(Key::PrometheusBasicAuth).secret(is_pair, "a user and a password, USER:PASSWORD")?;
        if bearer_token.is_some() && basic_auth.is_some() {
            return Err(raw(Key::PrometheusBasicAuth).error("PROMETHEUS_BEARER_TOKEN or this, not both"));
        }
        let tenant = raw(Key::PrometheusTenant);
        let is_given = tenant.value.is_some();
        if is_given && !is_header(&tenant.text()) {
            return Err(tenant.error("visible ASCII characters"));
        }
        let tenant = is_given.then(|| tenant.text());
        let timeout = raw(Key::PrometheusTimeoutSeconds).seconds(1)?;
        Ok(Self { url, timeout, bearer_token, basic_auth, tenant })
    }
}

impl Raw {
    fn minutes(self) -> Result<Duration, SettingError> {
        let number = self.text().parse().ok().filter(|number| (1..=MINUTES_MAX).contains(number));
        let expected = format!("a whole number of minutes from 1 to {MINUTES_MAX}");
        number.map(|number| Duration::from_secs(number * 60)).ok_or_else(|| self.error(&expected))
    }

    /// `None` where it is off.
    fn metric(self) -> Result<Option<String>, SettingError> {
        let text = self.text();
        match text.as_str() {
            "off" => Ok(None),
            "" => Err(self.error("off, the name of a metric, or a regular expression of it")),
            _ => Ok(Some(text)),
        }
    }

    fn labels(self) -> Result<Labels, SettingError> {
        let text = self.text();
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let [client, server, connection_type, client_namespace, server_namespace] = names[..] else {
            return Err(self.error("five names, separated by commas; those that are not there can be empty"));
        };
        if client.is_empty() || server.is_empty() {
            return Err(self.error("five names, of which the first two are not empty"));
        }
        Ok(Labels {
            client: client.to_owned(),
            server: server.to_owned(),
            connection_type: connection_type.to_owned(),
            client_namespace: client_namespace.to_owned(),
            server_namespace: server_namespace.to_owned(),
        })
    }

    fn mesh(self) -> Result<Option<Mesh>, SettingError> {
        match self.text().as_str() {
            "off" => Ok(None),
            text => match Mesh::parse(text) {
                Some(mesh) => Ok(Some(mesh)),
                None => Err(self.error(&format!("off or one of {}", Mesh::NAMES.join(", ")))),
            },
        }
    }

    fn kubernetes(self) -> Option<KubernetesAccess> {
        match self.text().as_str() {
            "off" => None,
            "in-cluster" => Some(KubernetesAccess::InCluster),
            _ => self.value.map(|path| KubernetesAccess::Kubeconfig(path.into())),
        }
    }

    fn template(self) -> Result<Option<Template>, SettingError> {
        if self.value.is_none() {
            return Ok(None);
        }
        Template::parse(&self.text()).map(Some).map_err(|error| self.error(&error.to_string()))
    }

    fn aliases(self) -> Result<BTreeMap<String, String>, SettingError> {
        aliases(&self.text()).map_err(|error| self.error(&error.to_string()))
    }
}
