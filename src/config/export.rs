//! From text to value, for the settings of the export.

use std::time::Duration;

use super::parse::Raw;
use super::{Key, Secret, SettingError};
use crate::limits;

/// Where the graph is copied for reports, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportSettings {
    /// The database.
    pub url: Secret,
    /// Connections to it.
    pub connections: usize,
    /// Between two runs; `None` for only when somebody asks.
    pub interval: Option<Duration>,
    /// For one run.
    pub timeout: Duration,
}

impl ExportSettings {
    /// `None` where no database is named. The other settings have to be sound anyway.
    pub(super) fn resolve(raw: impl Fn(Key) -> Raw) -> Result<Option<Self>, SettingError> {
        let is_usable = |text: &str| text.starts_with("postgres://") || text.starts_with("postgresql://");
        let url = raw(Key::DatabaseUrl).secret(is_usable, "a URL that begins with postgres://")?;
        let connections = raw(Key::DbPoolSize).count(1..=limits::EXPORT_CONNECTIONS_MAX)?;
        let interval = raw(Key::ExportIntervalSeconds).seconds(0)?;
        let timeout = raw(Key::ExportTimeoutSeconds).seconds(1)?;
        let interval = (!interval.is_zero()).then_some(interval);
        Ok(url.map(|url| Self { url, connections, interval, timeout }))
    }
}
