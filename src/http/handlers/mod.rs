//! What each endpoint does.

mod discovery;
mod docs;
mod exports;
mod keys;
mod operations;
mod queries;
mod snapshots;
mod writes;

pub(super) use discovery::{discovery, run_discovery};
pub(super) use docs::{docs, docs_asset, openapi_document};
pub(super) use exports::{export, exports, run_export};
pub(super) use keys::{create_key, keys, revoke_key};
pub(super) use operations::{health, index, metrics, ready};
pub(super) use queries::{
    alert, alerts, analyse_slo, audit, critical, dependencies, divergence, impact, joint_impact, paths,
    service, services, stats,
};
pub(super) use snapshots::{create_snapshot, delete_snapshot, snapshot, snapshots, verify_snapshot};
pub(super) use writes::{
    acknowledge, delete_dependency, delete_service, import, ingest, put_service, put_slo, resolve,
    run_staleness,
};
