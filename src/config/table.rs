//! The table of settings: the one place that knows their names, defaults and help texts.
//!
//! Flags of `serve`, environment variables, keys of the settings file, the help and `.env.example`
//! are all made from it. What it is not: the meaning of a value, which `parse` reads.
//!
//! - One row per [`Key`], in the order of the keys.
//! - Names are upper case with underscores; the other spellings follow from them.

use std::fmt::Write as _;

/// Which setting. A closed list, so that forgetting one does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The address to listen on.
    ApiHost,
    /// The port to listen on.
    ApiPort,
    /// Threads of the runtime.
    ApiWorkers,
    /// Where the data lives.
    DataDir,
    /// When a write is acknowledged.
    WalDurability,
    /// The room of a segment of the log.
    WalSegmentBytes,
    /// Between periodic snapshots.
    SnapshotIntervalSeconds,
    /// Snapshots that are kept.
    SnapshotRetain,
    /// When an observation is stale.
    StaleEdgeThresholdHours,
    /// The same for one source.
    StaleEdgeThresholdHoursManual,
    /// The same for one source.
    StaleEdgeThresholdHoursServiceMesh,
    /// The same for one source.
    StaleEdgeThresholdHoursOtelServiceGraph,
    /// The same for one source.
    StaleEdgeThresholdHoursKubernetes,
    /// Between sweeps.
    StalenessSweepIntervalHours,
    /// When a stale dependency goes.
    PurgeStaleAfterDays,
    /// When an entry of the audit log goes.
    AuditRetainDays,
    /// The largest request body.
    MaxBodyBytes,
    /// How long a request may take.
    RequestTimeoutSeconds,
    /// How long a request's head may take to arrive.
    HeaderTimeoutSeconds,
    /// Connections open at once.
    MaxConnections,
    /// How long a shutdown waits for requests.
    ShutdownGraceSeconds,
    /// Which log lines are written.
    LogLevel,
    /// How log lines are written.
    LogFormat,
}

/// What holds when nobody sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// This text, read like any other value.
    Text(&'static str),
    /// Found out on the machine; the text describes it.
    Machine(&'static str),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Which one it is.
    pub key: Key,
    /// The environment variable.
    pub name: &'static str,
    /// What stands for the value in the help.
    pub placeholder: &'static str,
    /// What holds when nobody sets it.
    pub default: Default,
    /// One or two sentences, for the help and for `.env.example`.
    pub help: &'static str,
}

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
pub const SETTINGS: &[Setting] = &[
    row(
        Key::ApiHost,
        "API_HOST",
        "ADDRESS",
        Default::Text("127.0.0.1"),
        "IP address to listen on. Without API keys only a loopback address is taken",
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
];

impl Setting {
    /// The flag of `serve` without its dashes: `api-port`.
    pub fn flag(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }

    /// The key in the settings file: `api_port`.
    pub fn file_key(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    /// The default as the help shows it.
    pub fn default_text(&self) -> &'static str {
        match self.default {
            Default::Text(text) | Default::Machine(text) => text,
        }
    }
}

/// The text of `.env.example`: every setting at its default, with its help above it.
pub fn env_example() -> String {
    let mut text = String::from(
        "# Settings of watershed, each at its default; an empty value counts as unset.\n\
         # A flag of `watershed serve` goes before the environment, which goes before the file of --config.\n",
    );
    for setting in SETTINGS {
        let value = match setting.default {
            Default::Text(value) => value,
            Default::Machine(_) => "",
        };
        let Setting { name, help, .. } = setting;
        let default = setting.default_text();
        write!(text, "\n# {help}. Default: {default}.\n{name}={value}\n")
            .expect("a String takes all that is written");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_keys() {
        for (place, setting) in SETTINGS.iter().enumerate() {
            assert_eq!(setting.key as usize, place, "{}", setting.name);
        }
        assert_eq!(SETTINGS[1].flag(), "api-port");
        assert_eq!(SETTINGS[4].file_key(), "wal_durability");
    }

    #[test]
    fn the_committed_example_is_the_generated_one() {
        let committed = include_str!("../../.env.example");
        assert!(committed == env_example(), ".env.example should read:\n{}", env_example());
    }
}
