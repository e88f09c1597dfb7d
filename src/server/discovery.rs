//! The sources that the settings name, begun.
//!
//! - Settings that lead nowhere stop the start; a source that does not answer does not.

use crate::clock;
use crate::config::{DiscoverySettings, KubernetesAccess, PrometheusServer};
use crate::http::Live;
use crate::limits;
use crate::sources::Naming;
use crate::sources::clients::kubernetes::{Access, Kubernetes};
use crate::sources::clients::prometheus::Prometheus;
use crate::sources::clients::{Authorization, Wire};
use crate::sources::prometheus::Source;
use crate::sources::runner::{Discovery, Plan, Surroundings};
use crate::types::DiscoverySource;

use super::ServeError;

/// Begins to ask every source.
pub(super) fn begin(settings: &DiscoverySettings, live: &Live) -> Result<Discovery, ServeError> {
    let mut discovery = Discovery::default();
    let around = || Surroundings {
        reader: live.reader.clone(),
        writer: live.writer.clone(),
        clock: clock::for_writer(),
        random: clock::random_u64,
    };
    if let Some(server) = &settings.prometheus {
        let graph = settings.service_graph.clone().map(Source::ServiceGraph);
        let graph = graph.map(|source| (DiscoverySource::OtelServiceGraph, source));
        let mesh = settings.mesh.map(|mesh| (DiscoverySource::ServiceMesh, Source::Mesh(mesh)));
        for (reports_as, source) in graph.into_iter().chain(mesh) {
            // Each question has the time that the settings give, one after the other.
            let questions = source.queries(settings.metrics_interval).len() as u32;
            let plan = Plan {
                source: reports_as,
                naming: naming(settings, reports_as),
                interval: settings.metrics_interval,
                timeout: server.timeout * questions,
            };
            discovery.begin(plan, Prometheus { wire: wire(server)?, source }, around());
        }
    }
    if let Some(access) = &settings.kubernetes {
        let access = match access {
            KubernetesAccess::InCluster => Access::InCluster,
            KubernetesAccess::Kubeconfig(path) => Access::Kubeconfig(path.clone()),
        };
        let cluster = Kubernetes::of(access);
        let cluster = cluster.map_err(|error| ServeError::Usage(format!("KUBERNETES_DISCOVERY: {error}")))?;
        let source = DiscoverySource::Kubernetes;
        let plan = Plan {
            source,
            naming: naming(settings, source),
            interval: limits::KUBERNETES_RESYNC,
            timeout: limits::KUBERNETES_RUN_TIMEOUT,
        };
        discovery.begin(plan, cluster, around());
    }
    Ok(discovery)
}

fn naming(settings: &DiscoverySettings, source: DiscoverySource) -> Naming {
    let template = settings.templates[source as usize].clone();
    Naming { aliases: settings.aliases.clone(), template }
}

fn wire(server: &PrometheusServer) -> Result<Wire, ServeError> {
    let bearer = server.bearer_token.as_ref().map(|token| Authorization::Bearer(token.expose().to_owned()));
    let basic = server.basic_auth.as_ref().map(|pair| Authorization::Basic(pair.expose().to_owned()));
    Wire::new(&server.url, bearer.or(basic).as_ref(), server.tenant.as_deref(), server.timeout)
        .map_err(|error| ServeError::Usage(format!("PROMETHEUS_URL: {error}")))
}
