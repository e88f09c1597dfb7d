//! Families of what this release does not do yet: there, so that dashboards and alerts can be made, and at 0.

use prometheus::Registry;

use super::families::{durations, gauge};

/// The export, with its pool of connections.
pub(super) struct Later;

impl Later {
    pub(super) fn register(to: &Registry) {
        gauge(to, "db_pool_size", "Connections that the export may have.");
        gauge(to, "db_connections_active", "Connections of the export that are in use.");
        gauge(to, "db_connections_idle", "Connections of the export that rest.");
        gauge(to, "export_lag_versions", "Versions that the export is behind the published graph.");
        durations(to, "export_duration_seconds", "How long exports took.", &[])
            .with_label_values::<&str>(&[]);
    }
}
