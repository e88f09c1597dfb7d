//! What a setting is, and what is made of all of them.
//!
//! Flags of `serve`, environment variables, keys of the settings file, the help and `.env.example` are all made
//! from the rows. What it is not: the meaning of a value, which `parse` reads.

use std::fmt::Write as _;

use super::SETTINGS;

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
    /// A key that is accepted as admin.
    AdminApiKey,
    /// Reports a minute.
    RateLimitIngestion,
    /// Reads of the graph a minute.
    RateLimitQuery,
    /// Other requests a minute.
    RateLimitDefault,
    /// Where limits are shared.
    RedisUrl,
    /// Who may say whom a request is from.
    TrustedProxies,
    /// Which pages of other origins may ask.
    CorsOrigins,
    /// Whether metrics need a key.
    MetricsRequireKey,
    /// The certificate chain of the server.
    TlsCertFile,
    /// The private key of the server.
    TlsKeyFile,
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
    /// Where metrics are asked for.
    PrometheusUrl,
    /// For one question.
    PrometheusTimeoutSeconds,
    /// Who asks.
    PrometheusBearerToken,
    /// The same, in the other way.
    PrometheusBasicAuth,
    /// For whom is asked.
    PrometheusTenant,
    /// The metric of service graphs.
    ServiceGraphMetric,
    /// Its labels.
    ServiceGraphLabels,
    /// Whether what stands for missing spans counts.
    ServiceGraphPseudoNodes,
    /// Between two questions.
    OtelGraphIngestIntervalMinutes,
    /// The mesh that is asked.
    ServiceMesh,
    /// The cluster that is watched.
    KubernetesDiscovery,
    /// How ids of one source are written.
    DiscoveryIdTemplateServiceMesh,
    /// The same of another.
    DiscoveryIdTemplateOtelServiceGraph,
    /// The same of another.
    DiscoveryIdTemplateKubernetes,
    /// Ids by the names that sources use.
    DiscoveryAliases,
    /// Where the graph is copied for reports.
    DatabaseUrl,
    /// Connections to it.
    DbPoolSize,
    /// Between two copies.
    ExportIntervalSeconds,
    /// For one copy.
    ExportTimeoutSeconds,
    /// Which log lines are written.
    LogLevel,
    /// How log lines are written.
    LogFormat,
    /// Where traces go.
    OtelExporterOtlpEndpoint,
    /// The share of traces that is sampled.
    OtelTraceSampleRate,
}

/// What holds when nobody sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// This text, read like any other value.
    Text(&'static str),
    /// Found out on the machine; the text describes it.
    Machine(&'static str),
    /// None: what it is for is off.
    Unset,
    /// None, and a secret: it has no flag and is never shown, and a file can hold it.
    Secret,
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
            Default::Unset | Default::Secret => "none",
        }
    }

    /// Whether its value is a secret.
    pub fn is_secret(&self) -> bool {
        self.default == Default::Secret
    }

    /// The environment variable that names the file which holds the value, for secrets.
    pub fn file_variable(&self) -> Option<String> {
        self.is_secret().then(|| format!("{}_FILE", self.name))
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
            Default::Machine(_) | Default::Unset | Default::Secret => "",
        };
        let Setting { name, help, .. } = setting;
        let default = setting.default_text();
        write!(text, "\n# {help}. Default: {default}.\n{name}={value}\n")
            .expect("a String takes all that is written");
        if let Some(name) = setting.file_variable() {
            writeln!(text, "{name}=").expect("a String takes all that is written");
        }
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
