//! The export, as it counts itself; all 0 where there is none.

use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Registry};

use super::families::{counted, gauge, set};
use crate::durations::Counted;
use crate::export::Exports;

/// The families of the export.
pub(super) struct Export {
    pool_size: IntGauge,
    active: IntGauge,
    idle: IntGauge,
    lag: IntGauge,
}

impl Export {
    pub(super) fn new(to: &Registry) -> Self {
        Self {
            pool_size: gauge(to, "db_pool_size", "Connections that the export may have."),
            active: gauge(to, "db_connections_active", "Connections of the export that are in use."),
            idle: gauge(to, "db_connections_idle", "Connections of the export that rest."),
            lag: gauge(to, "export_lag_versions", "Versions that the export is behind the published graph."),
        }
    }

    /// Looks; and how long runs took, which is counted there.
    pub(super) fn look(&self, exports: Option<&Exports>) -> MetricFamily {
        if let Some(exports) = exports {
            let pool = exports.connections();
            set(&self.pool_size, pool.max_size as u64);
            set(&self.active, pool.size.saturating_sub(pool.available) as u64);
            set(&self.idle, pool.available as u64);
            set(&self.lag, exports.lag());
        }
        let durations = exports.map_or_else(Counted::default, Exports::durations);
        counted("watershed_export_duration_seconds", "How long exports took.", &durations)
    }
}
