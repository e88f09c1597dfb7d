//! Settings: from flags, environment and file to one checked [`Config`].
//!
//! What it is not: a place that others ask while the server runs. [`Config::resolve`] is pure; the settings file and
//! files of secrets are read by the two functions at the end of this file, and nowhere else.
//!
//! - A flag goes before the environment, that before the file, that before the default.
//! - An empty environment variable counts as unset; an empty flag is a bad value.
//! - A [`Config`] that exists is valid. The first bad value stops, in the order of the table.

mod discovery;
mod export;
mod file;
mod flags;
mod front;
mod parse;
mod rows;
mod secret;
mod table;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use discovery::{DiscoverySettings, KubernetesAccess, PrometheusServer};
pub use export::ExportSettings;
pub use file::{FileError, SettingsFile};
pub use flags::SettingFlags;
pub use front::{Network, Origins};
pub use parse::{LogFormat, LogLevel, WalDurability};
pub use rows::SETTINGS;
pub use secret::Secret;
pub use table::{Default, Key, Setting, env_example};

/// Every setting, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where to listen. Whether there are keys, which any but a loopback address needs, is not known here.
    pub api_host: IpAddr,
    /// Where to listen; 0 is any free port.
    pub api_port: u16,
    /// Threads of the runtime, at least 1.
    pub api_workers: usize,
    /// Where the write-ahead log and the snapshots live.
    pub data_dir: PathBuf,
    /// When a write is acknowledged.
    pub wal_durability: WalDurability,
    /// The room of a segment of the log.
    pub wal_segment_bytes: u64,
    /// Between periodic snapshots; zero for none but those that are asked for.
    pub snapshot_interval: Duration,
    /// Snapshots that are kept.
    pub snapshot_retain: usize,
    /// When a source's observations are stale, in the order of `DiscoverySource::ALL`; `None` for never.
    pub stale_after: [Option<Duration>; 4],
    /// Between sweeps; `None` for none but those that are asked for.
    pub sweep_interval: Option<Duration>,
    /// When stale dependencies are removed; `None` for never.
    pub purge_stale_after: Option<Duration>,
    /// When entries of the audit log are dropped; `None` for never.
    pub audit_retain: Option<Duration>,
    /// A key that is accepted as admin.
    pub admin_api_key: Option<Secret>,
    /// Requests a minute of ingestion, query and everything else, in this order; `None` is unlimited.
    pub rate_limits: [Option<NonZeroU32>; 3],
    /// Where several servers share rate limits.
    pub redis_url: Option<Secret>,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    /// Pages of which origins may read answers.
    pub cors_origins: Origins,
    /// Whether metrics need a key.
    pub metrics_require_key: bool,
    /// The certificate chain and the private key, for TLS.
    pub tls_files: Option<(PathBuf, PathBuf)>,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long the head of a request may take to arrive.
    pub header_timeout: Duration,
    /// Connections open at once.
    pub max_connections: usize,
    /// Which sources are asked for dependencies.
    pub discovery: DiscoverySettings,
    /// Where the graph is copied for reports; `None` when it is not.
    pub export: Option<ExportSettings>,
    /// Which log lines are written.
    pub log_level: LogLevel,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// How long a shutdown waits for requests; zero does not wait.
    pub shutdown_grace: Duration,
    /// Where traces go: the base URL of a collector.
    pub otlp_endpoint: Option<String>,
    /// The share of traces that is sampled, from 0 to 1.
    pub trace_sample_rate: f64,
}

/// What the defaults need to know of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Threads that can run at once, at least 1.
    pub cores: usize,
    /// How logs are written unless somebody says otherwise.
    pub log_format: LogFormat,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(String),
    /// The environment.
    Environment,
    /// The file that this variable of the environment names.
    SecretFile(String),
    /// The settings file of this path.
    File(PathBuf),
    /// The table.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(formatter, "--{flag}"),
            Self::Environment => formatter.write_str("the environment"),
            Self::SecretFile(variable) => formatter.write_str(variable),
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Default => formatter.write_str("the default"),
        }
    }
}

/// Why there is no [`Config`]. The text is one line, whatever the value holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} from {origin} is {value}; expected {expected}")]
pub struct SettingError {
    /// The setting, as the environment spells it.
    pub name: &'static str,
    /// Where the value came from.
    pub origin: Origin,
    /// The value, quoted and cut.
    pub value: String,
    /// What would have been right.
    pub expected: String,
}

impl Config {
    /// The settings that hold.
    ///
    /// `environment` is asked for each name of the table that has no flag; `secrets` reads the files that hold
    /// secrets.
    pub fn resolve(
        flags: &SettingFlags,
        environment: impl Fn(&str) -> Option<OsString>,
        file: &SettingsFile,
        secrets: impl Fn(&Path) -> io::Result<String>,
        machine: Machine,
    ) -> Result<Self, SettingError> {
        let environment = read_secrets(environment, secrets)?;
        let raw = |key: Key| {
            let setting = &SETTINGS[key as usize];
            let (origin, value) = lookup(setting, flags, &environment, file);
            parse::Raw { setting, origin, value, machine }
        };
        let threshold = raw(Key::StaleEdgeThresholdHours).hours(None)?;
        Ok(Self {
            api_host: raw(Key::ApiHost).address()?,
            api_port: raw(Key::ApiPort).port()?,
            api_workers: raw(Key::ApiWorkers).count(1..=parse::WORKERS_MAX)?,
            data_dir: raw(Key::DataDir).directory()?,
            wal_durability: raw(Key::WalDurability).wal_durability()?,
            wal_segment_bytes: raw(Key::WalSegmentBytes).segment_bytes()?,
            snapshot_interval: raw(Key::SnapshotIntervalSeconds).seconds(0)?,
            snapshot_retain: raw(Key::SnapshotRetain).count(parse::RETAIN_RANGE)?,
            stale_after: [
                raw(Key::StaleEdgeThresholdHoursManual).hours(threshold)?,
                raw(Key::StaleEdgeThresholdHoursServiceMesh).hours(threshold)?,
                raw(Key::StaleEdgeThresholdHoursOtelServiceGraph).hours(threshold)?,
                raw(Key::StaleEdgeThresholdHoursKubernetes).hours(threshold)?,
            ],
            sweep_interval: raw(Key::StalenessSweepIntervalHours).hours(None)?,
            purge_stale_after: raw(Key::PurgeStaleAfterDays).days()?,
            audit_retain: raw(Key::AuditRetainDays).days()?,
            admin_api_key: raw(Key::AdminApiKey).api_key()?,
            rate_limits: [
                raw(Key::RateLimitIngestion).rate()?,
                raw(Key::RateLimitQuery).rate()?,
                raw(Key::RateLimitDefault).rate()?,
            ],
            redis_url: raw(Key::RedisUrl).redis_url()?,
            trusted_proxies: raw(Key::TrustedProxies).networks()?,
            cors_origins: raw(Key::CorsOrigins).origins()?,
            metrics_require_key: raw(Key::MetricsRequireKey).truth()?,
            tls_files: match (raw(Key::TlsCertFile).file()?, raw(Key::TlsKeyFile)) {
                (Some(chain), key) => Some((chain, key.file_that_must_be()?)),
                (None, key) => key.no_file()?,
            },
            max_body_bytes: raw(Key::MaxBodyBytes).count(parse::BODY_BYTES_RANGE)?,
            request_timeout: raw(Key::RequestTimeoutSeconds).seconds(1)?,
            header_timeout: raw(Key::HeaderTimeoutSeconds).seconds(1)?,
            max_connections: raw(Key::MaxConnections).count(1..=parse::CONNECTIONS_MAX)?,
            shutdown_grace: raw(Key::ShutdownGraceSeconds).seconds(0)?,
            discovery: DiscoverySettings::resolve(raw)?,
            export: ExportSettings::resolve(raw)?,
            log_level: raw(Key::LogLevel).log_level()?,
            log_format: raw(Key::LogFormat).log_format()?,
            otlp_endpoint: raw(Key::OtelExporterOtlpEndpoint).endpoint()?,
            trace_sample_rate: raw(Key::OtelTraceSampleRate).ratio()?,
        })
    }
}

/// The environment, in which the variables of secrets hold what the files hold that their `…_FILE` variants name.
fn read_secrets(
    environment: impl Fn(&str) -> Option<OsString>,
    secrets: impl Fn(&Path) -> io::Result<String>,
) -> Result<impl Fn(&str) -> Option<OsString>, SettingError> {
    let mut read = Vec::new();
    for setting in SETTINGS {
        let Some(variable) = setting.file_variable() else { continue };
        let Some(path) = environment(&variable).filter(|path| !path.is_empty()) else { continue };
        let error = |expected: String| SettingError {
            name: setting.name,
            origin: Origin::SecretFile(variable.clone()),
            value: format!("{:?}", path.to_string_lossy()),
            expected,
        };
        if environment(setting.name).is_some_and(|value| !value.is_empty()) {
            return Err(error(format!("{} or {variable}, not both", setting.name)));
        }
        let text = secrets(Path::new(&path)).map_err(|cause| error(format!("a readable file: {cause}")))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(error("a file that holds something".to_owned()));
        }
        read.push((setting.name, OsString::from(text)));
    }
    Ok(move |name: &str| {
        let held = read.iter().find(|(held, _)| *held == name).map(|(_, text)| text.clone());
        held.or_else(|| environment(name))
    })
}

/// The value that goes first, with where it came from; no value where the machine decides.
fn lookup(
    setting: &Setting,
    flags: &SettingFlags,
    environment: impl Fn(&str) -> Option<OsString>,
    file: &SettingsFile,
) -> (Origin, Option<OsString>) {
    if let Some(value) = flags.get(setting.key) {
        return (Origin::Flag(setting.flag()), Some(value.to_owned()));
    }
    if let Some(value) = environment(setting.name).filter(|value| !value.is_empty()) {
        return (Origin::Environment, Some(value));
    }
    if let Some((path, value)) = file.get(setting.key) {
        return (Origin::File(path.to_owned()), Some(value.into()));
    }
    let value = match setting.default {
        Default::Text(text) => Some(text.into()),
        Default::Machine(_) | Default::Unset | Default::Secret => None,
    };
    (Origin::Default, value)
}

/// Reads a file that holds a secret.
pub fn read_secret(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// Reads the settings file.
pub fn read_file(path: &Path) -> Result<SettingsFile, FileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| FileError::Unreadable { path: path.to_owned(), cause: cause.to_string() })?;
    SettingsFile::parse(path, &text)
}
