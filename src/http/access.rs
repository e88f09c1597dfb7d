//! What each endpoint needs: the one table of roles and rate-limit classes.

use super::route::Route;
use crate::types::{LimitClass, Role};

/// Who may call an endpoint, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody, any number of times: probes and documentation.
    Free,
    /// The same, unless the settings say that it needs a key.
    Metrics,
    /// Callers of this role, within their limit of this class.
    Limited(Role, LimitClass),
}

impl Access {
    /// What a route needs. Deny by default: a new route does not compile without a row here.
    pub(super) fn of(route: &Route<'_>) -> Self {
        match route {
            Route::Health | Route::Ready | Route::OpenApi | Route::Docs | Route::DocsAsset(_) => Self::Free,
            Route::Metrics => Self::Metrics,
            Route::Index => Self::Limited(Role::Reader, LimitClass::Default),
            Route::Stats
            | Route::Divergence
            | Route::Critical
            | Route::Paths
            | Route::Services
            | Route::Service(_)
            | Route::Impact(_)
            | Route::JointImpact
            | Route::AnalyseSlo
            | Route::Alerts
            | Route::Alert(_)
            | Route::Dependencies(_) => Self::Limited(Role::Reader, LimitClass::Query),
            Route::Ingest | Route::Import => Self::Limited(Role::Writer, LimitClass::Ingestion),
            Route::PutService(_)
            | Route::DeleteService(_)
            | Route::PutSlo(_)
            | Route::DeleteDependency(..)
            | Route::Acknowledge(_)
            | Route::Resolve(_) => Self::Limited(Role::Writer, LimitClass::Default),
            Route::RunStaleness
            | Route::Audit
            | Route::Discovery
            | Route::RunDiscovery(_)
            | Route::Exports
            | Route::RunExport
            | Route::Export(_)
            | Route::Snapshots
            | Route::CreateSnapshot
            | Route::Snapshot(_)
            | Route::DeleteSnapshot(_)
            | Route::VerifySnapshot(_)
            | Route::Keys
            | Route::CreateKey
            | Route::RevokeKey(_) => Self::Limited(Role::Admin, LimitClass::Default),
        }
    }
}
