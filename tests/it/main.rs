//! The black-box tests: a real server process, a real socket, expectations from the HTTP contract only.
//!
//! - Nothing here links the library; what a client cannot see is tested beside the code.
//! - Every server has its own port and its own temporary data directory, so tests run side by side.
//! - No sleeps: `support::eventually` polls with a deadline.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]
#![allow(
    clippy::disallowed_methods,
    reason = "the bans keep the product deterministic; a test drives it from outside"
)]
#![allow(clippy::disallowed_types, reason = "tests share what they record between client threads")]

mod admin_snapshots;
mod bad_input;
mod bypass;
mod cli;
mod cli_model;
mod compression;
mod conditional;
mod connections;
mod container;
mod contract_audit;
mod contract_cycles;
mod contract_cycles_moving;
mod contract_idempotency;
mod contract_import;
mod contract_import_refused;
mod contract_services;
mod contract_sources;
mod contract_stale;
mod cors;
mod critical;
mod damage;
mod discovery;
mod discovery_kubernetes;
mod discovery_prometheus;
mod divergence;
mod dry_run;
mod durability;
mod export;
mod export_histories;
mod export_postgres;
mod export_postgres_faults;
mod export_rows;
mod formats;
mod golden;
mod http;
mod impact;
mod import_forms;
mod import_stream;
mod ingest;
mod ingest_cycles;
mod kept;
mod keys;
mod limits;
mod limits_redis;
mod listing;
mod merge;
mod metrics;
mod model_history;
mod model_sources;
mod model_stale;
mod offline_cli;
mod openapi;
mod oracle;
mod paths;
mod permissions;
mod readme_tour;
mod redaction;
mod roles;
mod rooms;
mod shapes;
mod shapes_large;
mod shapes_names;
mod slo;
mod snapshot_cli;
mod snapshot_start;
mod snapshots;
mod stats;
mod support;
mod tidy;
mod tls;
mod traces;
mod wal_cli;
mod wal_modes;
