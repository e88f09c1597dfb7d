//! The rows of the table of settings: the one place that knows their names, defaults and help texts.
//!
//! - One row per [`Key`], in the order of the keys.
//! - Names are upper case with underscores; the other spellings follow from them.

mod outside;

use super::{Default, Key, Setting};
use outside::OUTSIDE;

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

/// Every setting, in the order of [`Key`].
pub const SETTINGS: &[Setting] = &joined::<{ SERVER.len() + OUTSIDE.len() }>();

const fn joined<const ALL: usize>() -> [Setting; ALL] {
    let mut all = [SERVER[0]; ALL];
    let mut place = 1;
    while place < ALL {
        all[place] = if place < SERVER.len() { SERVER[place] } else { OUTSIDE[place - SERVER.len()] };
        place += 1;
    }
    all
}

/// Those of the server itself.
const SERVER: &[Setting] = &[
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
];
