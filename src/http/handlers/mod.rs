//! What each endpoint does.

mod ingest;
mod operations;
mod queries;
mod snapshots;

pub(super) use ingest::ingest;
pub(super) use operations::{health, index, metrics, ready};
pub(super) use queries::{critical, dependencies, divergence, paths, service, services, stats};
pub(super) use snapshots::{create_snapshot, delete_snapshot, snapshot, snapshots, verify_snapshot};
