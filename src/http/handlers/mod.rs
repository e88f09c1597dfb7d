//! What each endpoint does.

mod ingest;
mod operations;
mod queries;

pub(super) use ingest::ingest;
pub(super) use operations::{health, index, ready};
pub(super) use queries::{dependencies, service, services, stats};
