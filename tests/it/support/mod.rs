//! What the tests share: a server process, a tiny HTTP client, builders and readers of bodies, a reference model.
//!
//! - The client is ours, so that a test can put any bytes on the wire.
//! - Waiting is done in one place, `eventually`, and always has an end.

mod answer;
mod client;
pub(crate) mod disk;
mod double;
mod import;
mod metrics;
mod model;
mod payload;
mod postgres;
mod process;
mod prometheus;
mod redis;
pub(crate) mod schema;
mod server;
pub(crate) mod tls;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

pub(crate) use answer::{
    Answer, Page, all_pairs, dependencies, dependency_path, listed, pairs, service, service_path,
};
pub(crate) use client::{Connection, Reply};
#[allow(unused_imports, reason = "the campaigns use them")]
pub(crate) use client::{chunk, chunked_head, request_bytes};
pub(crate) use double::{Asked, Double, Said};
pub(crate) use import::{Import, Imported, import};
pub(crate) use metrics::scrape;
pub(crate) use model::Model;
pub(crate) use payload::{Payload, attributes, replace, upsert};
pub(crate) use postgres::Postgres;
pub(crate) use process::{Finished, command, run, run_with_input};
pub(crate) use prometheus::Prometheus;
pub(crate) use redis::{Redis, free_port};
pub(crate) use server::{Server, refused};

/// How long anything may take before it counts as never.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// Polls until `attempt` gives something, and fails the test after [`DEADLINE`].
pub(crate) fn eventually<T>(what: &str, attempt: impl FnMut() -> Option<T>) -> T {
    within(DEADLINE, attempt).unwrap_or_else(|| panic!("never happened: {what}"))
}

/// Polls until `attempt` gives something, and gives up after `limit`.
pub(crate) fn within<T>(limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return Some(found);
        }
        let rest = limit.checked_sub(begin.elapsed()).filter(|rest| !rest.is_zero())?;
        // Giving up the core between two polls, not waiting for an event: there is none to wait for.
        thread::park_timeout(rest.min(Duration::from_millis(5)));
    }
}

/// A path below `tests/fixtures`.
pub(crate) fn fixture(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(relative)
}

/// The lowercase hexadecimal SHA-256 of `text`.
pub(crate) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// `text` as one path segment or query value: everything but unreserved characters percent-encoded.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").unwrap(),
        }
        out
    })
}
