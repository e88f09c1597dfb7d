//! The front door: HTTP/1.1 and HTTP/2 over raw hyper.
//!
//! ```text
//! server ─▶ connection (guarded_io) ─▶ exchange ─▶ route ─▶ door ─▶ handlers ─▶ query + render   (reads)
//!                                          │               │         ├──▶ ingest + writer  (writes)
//!                                          │               │         └──▶ writer's snapshots, keys, metrics
//!                                          │               └─ access (who needs what), auth, limit
//!                                          └─ problem: every error as problem details
//! ```
//!
//! - A request loads the published graph once and passes `&Graph` down.
//! - Checks run in the order of the contract: path, method, credentials, role, rate limit, content type, size,
//!   syntax, content, state.
//! - Bodies, parameters and keys are never logged.

mod accept;
mod access;
mod answer;
mod auth;
mod body;
mod caller;
mod compression;
mod connection;
mod cors;
mod cursor;
mod door;
mod download;
mod endpoints;
mod exchange;
mod guarded_io;
mod handlers;
mod kept;
mod limit;
mod metrics;
mod openapi;
mod problem;
mod query_string;
mod route;
mod server;
mod state;
mod stream;
mod tag;
mod tls;

pub use server::serve;
pub use state::{App, HttpSettings, Live};
pub use tls::{Tls, TlsError};
