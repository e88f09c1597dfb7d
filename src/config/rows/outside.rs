//! The rows of what the server asks and tells outside: sources, the database of the export, logs and traces.

use super::{Default, Key, Setting, row};

/// What holds for a source without a template.
const BARE_NAME: &str = "{name}, and {namespace}/{name} where two namespaces have the name";

/// Those settings, in the order of [`Key`].
pub(super) const OUTSIDE: &[Setting] = &[
    row(
        Key::PrometheusUrl,
        "PROMETHEUS_URL",
        "URL",
        Default::Unset,
        "Prometheus, or a server that answers like it (Mimir, Thanos), from which dependencies are discovered, such as \
         http://prometheus:9090; without it metrics are not asked for",
    ),
    row(
        Key::PrometheusTimeoutSeconds,
        "PROMETHEUS_TIMEOUT_SECONDS",
        "SECONDS",
        Default::Text("30"),
        "How long Prometheus may take for an answer",
    ),
    row(
        Key::PrometheusBearerToken,
        "PROMETHEUS_BEARER_TOKEN",
        "TOKEN",
        Default::Secret,
        "Token that Prometheus is shown. PROMETHEUS_BEARER_TOKEN_FILE names a file that holds it",
    ),
    row(
        Key::PrometheusBasicAuth,
        "PROMETHEUS_BASIC_AUTH",
        "USER:PASSWORD",
        Default::Secret,
        "User and password that Prometheus is shown instead of a token. PROMETHEUS_BASIC_AUTH_FILE names a file that holds them",
    ),
    row(
        Key::PrometheusTenant,
        "PROMETHEUS_TENANT",
        "TENANT",
        Default::Unset,
        "Tenant of Mimir, Cortex or Tempo, sent as X-Scope-OrgID",
    ),
    row(
        Key::ServiceGraphMetric,
        "SERVICE_GRAPH_METRIC",
        "METRIC",
        Default::Text("traces_service_graph_request_total"),
        "Metric of OpenTelemetry service graphs: a counter, a gauge that ends in _connection_info, or a regular expression of its \
         name; off does not ask for it",
    ),
    row(
        Key::ServiceGraphLabels,
        "SERVICE_GRAPH_LABELS",
        "NAMES",
        Default::Text("client,server,connection_type,client_service_namespace,server_service_namespace"),
        "Its labels for the client, the server, the kind of connection and the two namespaces; the last three can be empty",
    ),
    row(
        Key::ServiceGraphPseudoNodes,
        "SERVICE_GRAPH_PSEUDO_NODES",
        "TRUTH",
        Default::Text("false"),
        "Whether what stands for spans that are missing (unknown, and user) becomes a service: true or false",
    ),
    row(
        Key::OtelGraphIngestIntervalMinutes,
        "OTEL_GRAPH_INGEST_INTERVAL_MINUTES",
        "MINUTES",
        Default::Text("15"),
        "How often Prometheus is asked, and how far back it looks at least: four scrapes should fit into it",
    ),
    row(
        Key::ServiceMesh,
        "SERVICE_MESH",
        "MESH",
        Default::Text("off"),
        "Mesh whose metrics Prometheus is asked for: istio, linkerd, hubble or off",
    ),
    row(
        Key::KubernetesDiscovery,
        "KUBERNETES_DISCOVERY",
        "ACCESS",
        Default::Text("off"),
        "Cluster that is watched: in-cluster, the path of a kubeconfig file, or off",
    ),
    row(
        Key::DiscoveryIdTemplateServiceMesh,
        "DISCOVERY_ID_TEMPLATE_SERVICE_MESH",
        "TEMPLATE",
        Default::Machine(BARE_NAME),
        "How ids of services from a mesh are written, such as {namespace}/{name}; {cluster} can stand in it too",
    ),
    row(
        Key::DiscoveryIdTemplateOtelServiceGraph,
        "DISCOVERY_ID_TEMPLATE_OTEL_SERVICE_GRAPH",
        "TEMPLATE",
        Default::Machine(BARE_NAME),
        "The same for services from service graphs",
    ),
    row(
        Key::DiscoveryIdTemplateKubernetes,
        "DISCOVERY_ID_TEMPLATE_KUBERNETES",
        "TEMPLATE",
        Default::Machine(BARE_NAME),
        "The same for services from Kubernetes",
    ),
    row(
        Key::DiscoveryAliases,
        "DISCOVERY_ALIASES",
        "ALIASES",
        Default::Unset,
        "Ids of services that sources call otherwise, NAME=ID separated by commas or line feeds; NAME can be cluster/namespace/name, \
         namespace/name or name",
    ),
    row(
        Key::DatabaseUrl,
        "DATABASE_URL",
        "URL",
        Default::Secret,
        "PostgreSQL that is given a copy of the graph for reports, such as postgres://watershed@db:5432/reports; its sslmode \
         (disable, prefer, require, verify-ca, verify-full) and sslrootcert decide about TLS. DATABASE_URL_FILE names a file \
         that holds it",
    ),
    row(
        Key::DbPoolSize,
        "DB_POOL_SIZE",
        "NUMBER",
        Default::Text("20"),
        "Connections that the export may have",
    ),
    row(
        Key::ExportIntervalSeconds,
        "EXPORT_INTERVAL_SECONDS",
        "SECONDS",
        Default::Text("300"),
        "How often what changed is exported; 0 exports only when it is asked for",
    ),
    row(
        Key::ExportTimeoutSeconds,
        "EXPORT_TIMEOUT_SECONDS",
        "SECONDS",
        Default::Text("600"),
        "How long an export may take, waiting for other servers' included",
    ),
    row(
        Key::LogLevel,
        "LOG_LEVEL",
        "LEVEL",
        Default::Text("info"),
        "Least important log lines that are written: error, warn, info, debug or trace",
    ),
    row(
        Key::LogFormat,
        "LOG_FORMAT",
        "FORMAT",
        Default::Machine("text on a terminal, else json"),
        "How log lines are written to standard error: json or text",
    ),
    row(
        Key::OtelExporterOtlpEndpoint,
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "URL",
        Default::Unset,
        "Collector that takes traces over OTLP/HTTP, such as http://collector:4318; traces are off without it",
    ),
    row(
        Key::OtelTraceSampleRate,
        "OTEL_TRACE_SAMPLE_RATE",
        "RATIO",
        Default::Text("0.1"),
        "Share of the traces that begin here which are sampled, 0 to 1; a caller's decision goes before it",
    ),
];
