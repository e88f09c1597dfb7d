//! Families of what this release does not do yet: there, so that dashboards and alerts can be made, and at 0.

use prometheus::Registry;

use super::families::{counters, durations, gauge};

/// Discovery, and the export with its pool of connections.
pub(super) struct Later;

impl Later {
    pub(super) fn register(to: &Registry) {
        gauge(to, "db_pool_size", "Connections that the export may have.");
        gauge(to, "db_connections_active", "Connections of the export that are in use.");
        gauge(to, "db_connections_idle", "Connections of the export that rest.");
        gauge(to, "export_lag_versions", "Versions that the export is behind the published graph.");
        durations(to, "export_duration_seconds", "How long exports took.", &[])
            .with_label_values::<&str>(&[]);
        let help = "Runs of discovery, by source and outcome.";
        let runs = counters(to, "discovery_runs_total", help, &["source", "outcome"]);
        for source in ["service_mesh", "otel_service_graph", "kubernetes"] {
            for outcome in ["succeeded", "failed"] {
                runs.with_label_values(&[source, outcome]);
            }
        }
    }
}
