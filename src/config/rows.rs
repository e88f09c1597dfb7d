//! The rows of the table of settings: the one place that knows their names, defaults and help texts.
//!
//! - One row per [`Key`], in the order of the keys.
//! - Names are upper case with underscores; the other spellings follow from them.

use super::{Default, Key, Setting};

const fn row(
    key: Key,
    name: &'static str,
    placeholder: &'static str,
    default: Default,
    help: &'static str,
) -> Setting {
    Setting { key, name, placeholder, default, help }
}

/// What holds for a source without a threshold of its own.
const THRESHOLD: &str = "that of STALE_EDGE_THRESHOLD_HOURS";

/// What holds for a source without a template.
const BARE_NAME: &str = "{name}, and {namespace}/{name} where two namespaces have the name";

/// Every setting, in the order of [`Key`].
pub const SETTINGS: &[Setting] = &[
    row(
        Key::ApiHost,
        "API_HOST",
        "ADDRESS",
        Default::Text("127.0.0.1"),
        "IP address to listen on. As long as there are no API keys only a loopback address is taken",
    ),
    row(Key::ApiPort, "API_PORT", "PORT", Default::Text("8000"), "Port to listen on; 0 takes any free one"),
    row(
        Key::ApiWorkers,
        "API_WORKERS",
        "THREADS",
        Default::Machine("number of cores"),
        "Threads that answer requests, 1 to 1024",
    ),
    row(
        Key::DataDir,
        "DATA_DIR",
        "DIRECTORY",
        Default::Text("./data"),
        "Directory of the write-ahead log and the snapshots. It is made when it is missing, and locked against a \
         second process",
    ),
    row(
        Key::WalDurability,
        "WAL_DURABILITY",
        "MODE",
        Default::Text("sync"),
        "When a write is acknowledged: sync, when it is on disk; async, when it is written, and on disk within 50 ms \
         (a power cut may take the last writes, a crash of the process takes none)",
    ),
    row(
        Key::WalSegmentBytes,
        "WAL_SEGMENT_BYTES",
        "BYTES",
        Default::Text("67108864"),
        "Room of a segment of the write-ahead log, a multiple of 4096 from 65536 to 4294967296. The segment that is written and the one \
         after it are allocated ahead, and half a segment, at most 32 MiB, is held back for snapshots",
    ),
    row(
        Key::SnapshotIntervalSeconds,
        "SNAPSHOT_INTERVAL_SECONDS",
        "SECONDS",
        Default::Text("300"),
        "How often a snapshot is taken, if anything changed, and whether one is taken at the end; 0 takes only those \
         that are asked for",
    ),
    row(
        Key::SnapshotRetain,
        "SNAPSHOT_RETAIN",
        "NUMBER",
        Default::Text("5"),
        "Snapshots that are kept, 2 to 1000: the log reaches back to the oldest, so that each can stand in for those \
         after it",
    ),
    row(
        Key::StaleEdgeThresholdHours,
        "STALE_EDGE_THRESHOLD_HOURS",
        "HOURS",
        Default::Text("168"),
        "How long after a source last observed a dependency a sweep marks the observation as stale; 0 is never",
    ),
    row(
        Key::StaleEdgeThresholdHoursManual,
        "STALE_EDGE_THRESHOLD_HOURS_MANUAL",
        "HOURS",
        Default::Machine(THRESHOLD),
        "The same for observations of the source manual",
    ),
    row(
        Key::StaleEdgeThresholdHoursServiceMesh,
        "STALE_EDGE_THRESHOLD_HOURS_SERVICE_MESH",
        "HOURS",
        Default::Machine(THRESHOLD),
        "The same for observations of the source service_mesh",
    ),
    row(
        Key::StaleEdgeThresholdHoursOtelServiceGraph,
        "STALE_EDGE_THRESHOLD_HOURS_OTEL_SERVICE_GRAPH",
        "HOURS",
        Default::Machine(THRESHOLD),
        "The same for observations of the source otel_service_graph",
    ),
    row(
        Key::StaleEdgeThresholdHoursKubernetes,
        "STALE_EDGE_THRESHOLD_HOURS_KUBERNETES",
        "HOURS",
        Default::Machine(THRESHOLD),
        "The same for observations of the source kubernetes",
    ),
    row(
        Key::StalenessSweepIntervalHours,
        "STALENESS_SWEEP_INTERVAL_HOURS",
        "HOURS",
        Default::Text("24"),
        "How long after the last sweep the next one is due, whatever restarts lie between; 0 sweeps only when asked",
    ),
    row(
        Key::PurgeStaleAfterDays,
        "PURGE_STALE_AFTER_DAYS",
        "DAYS",
        Default::Text("off"),
        "How long a dependency is stale before a sweep removes it, and every placeholder that nothing refers to; off, \
         or 0, removes nothing",
    ),
    row(
        Key::AuditRetainDays,
        "AUDIT_RETAIN_DAYS",
        "DAYS",
        Default::Text("365"),
        "How old an entry of the audit log gets before a sweep drops it; 0 is never. Of more than 65536 the oldest go \
         anyway",
    ),
    row(
        Key::AdminApiKey,
        "ADMIN_API_KEY",
        "KEY",
        Default::Secret,
        "A key that is accepted as admin, to make others with: at least 32 visible ASCII characters. ADMIN_API_KEY_FILE names a \
         file that holds it",
    ),
    row(
        Key::RateLimitIngestion,
        "RATE_LIMIT_INGESTION",
        "REQUESTS",
        Default::Text("10"),
        "Reports and imports that a client may send a minute; 0 is unlimited. Clients are told apart by key, without keys by \
         address",
    ),
    row(
        Key::RateLimitQuery,
        "RATE_LIMIT_QUERY",
        "REQUESTS",
        Default::Text("60"),
        "Reads of the graph that a client may ask for a minute; 0 is unlimited",
    ),
    row(
        Key::RateLimitDefault,
        "RATE_LIMIT_DEFAULT",
        "REQUESTS",
        Default::Text("30"),
        "All other requests that a client may send a minute; 0 is unlimited",
    ),
    row(
        Key::RedisUrl,
        "REDIS_URL",
        "URL",
        Default::Secret,
        "A Redis in which several servers share the rate limits: redis:// or, with TLS, rediss://. While it fails each server \
         keeps its own. REDIS_URL_FILE names a file that holds it",
    ),
    row(
        Key::TrustedProxies,
        "TRUSTED_PROXIES",
        "ADDRESSES",
        Default::Unset,
        "Addresses or networks of proxies, separated by commas, whose X-Forwarded-For counts",
    ),
    row(
        Key::CorsOrigins,
        "CORS_ORIGINS",
        "ORIGINS",
        Default::Unset,
        "Origins of pages, separated by commas, whose scripts may read answers, such as https://backstage.example.com; * is any",
    ),
    row(
        Key::MetricsRequireKey,
        "METRICS_REQUIRE_KEY",
        "TRUTH",
        Default::Text("false"),
        "Whether GET /api/v1/metrics needs a key: true or false",
    ),
    row(
        Key::TlsCertFile,
        "TLS_CERT_FILE",
        "FILE",
        Default::Unset,
        "Certificate chain in PEM; with TLS_KEY_FILE the server speaks TLS 1.3 only. Both are read again on SIGHUP",
    ),
    row(
        Key::TlsKeyFile,
        "TLS_KEY_FILE",
        "FILE",
        Default::Unset,
        "Private key in PEM that belongs to TLS_CERT_FILE",
    ),
    row(
        Key::MaxBodyBytes,
        "MAX_BODY_BYTES",
        "BYTES",
        Default::Text("10485760"),
        "Largest request body; a larger one is answered with 413",
    ),
    row(
        Key::RequestTimeoutSeconds,
        "REQUEST_TIMEOUT_SECONDS",
        "SECONDS",
        Default::Text("30"),
        "How long a request body may take to arrive, and a piece of an answer to be taken",
    ),
    row(
        Key::HeaderTimeoutSeconds,
        "HEADER_TIMEOUT_SECONDS",
        "SECONDS",
        Default::Text("10"),
        "How long the head of a request may take to arrive",
    ),
    row(Key::MaxConnections, "MAX_CONNECTIONS", "NUMBER", Default::Text("10000"), "Connections open at once"),
    row(
        Key::ShutdownGraceSeconds,
        "SHUTDOWN_GRACE_SECONDS",
        "SECONDS",
        Default::Text("30"),
        "How long a shutdown waits for the requests that are under way; 0 does not wait",
    ),
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
