//! watershed: the service dependency graph in memory. What does a service need, and what breaks when
//! it fails?
//!
//! ```text
//! sources ─┐                          ┌──────────────── writer (one thread) ────────────────┐
//! http  ───┴▶ ingest ─▶ Command ─▶ queue ─▶ admit ─▶ apply ─▶ wal append + fdatasync ─▶ publish ─▶ reply
//!                                                                                       │ ArcSwap<Graph>
//! http ─▶ route ─▶ query(&Graph) ─▶ render ◀────────────────────────────────────────────┤
//!                                  snapshot, on a thread of its own ◀────────────────────┘
//! ```
//!
//! Where a request goes: [`http`] accepts it (`connection`), finds the endpoint (`route`) and calls
//! its handler (`handlers`). A read loads the published [`graph::Graph`], asks [`query`] and writes
//! the answer with [`render`]. A write is checked by [`ingest`] and handed to the [`writer`], which
//! applies it ([`apply`]), logs it ([`wal`]) and publishes the next graph. Beside it the writer's room takes
//! snapshots ([`snapshot`]), and a start begins with the newest one and the log behind it.
//!
//! | room | what it is |
//! | --- | --- |
//! | [`types`] | ids, enums, services, observations, commands: parsed once, then trusted |
//! | [`limits`] | every bound |
//! | [`json`] | JSON scalars written to a buffer |
//! | [`ledger`] | what has been done: the audit trail, and what not to do twice |
//! | [`graph`] | the immutable adjacency, its indexes and its invariants |
//! | [`apply`] | a command and a graph make the next graph |
//! | [`query`] | questions to a graph |
//! | [`render`] | answers as bytes |
//! | [`ingest`] | outside shapes made into checked commands |
//! | [`sources`] | what the sources of discovery say, made into reports that ingestion takes |
//! | [`export`] | the graph copied into PostgreSQL, for reports |
//! | [`keys`] | API keys: their text, what is kept of them, their file |
//! | [`limiter`] | token buckets: how often who may ask |
//! | [`durations`] | how long things took, in buckets of atomics |
//! | [`traces`] | what took how long within a request, sent to a collector |
//! | [`seeded`] | bugs on demand, for the tests that have to catch them |
//! | [`storage`] | files: real ones, and simulated ones that fail on demand |
//! | [`wal`] | the write-ahead log: frames, commit, recovery |
//! | [`snapshot`] | a graph as a file, checked before it counts; which snapshots count |
//! | [`writer`] | the thread that commits and publishes; its handles |
//! | [`files`] | a graph as tables for analysts, and back |
//! | [`http`] | the front door |
//! | [`causes`] | an error with what caused it |
//! | [`authorities`] | whose certificates are trusted, and connections that check them |
//! | [`config`], [`cli`], [`samples`], [`server`], [`telemetry`], [`clock`], [`environment`] | the edge and the wiring |
//!
//! Invariants, mostly absences:
//!
//! - A published graph never changes; a reader takes no lock and waits for nobody.
//! - `apply` reads no clock and draws no number: the same log gives the same graph.
//! - Nothing is visible that is not durable, unless the operator chose otherwise (`WAL_DURABILITY=async`), and
//!   nothing acknowledged that is not visible.
//! - `types` to `wal` do not know tokio; only `clock` tells the time; only `writer/published` knows
//!   arc-swap, only `snapshot/format` rkyv.
//! - Domain types derive no serde: wire and disk have shapes of their own.

pub mod apply;
pub mod authorities;
#[cfg(test)]
mod campaign;
pub mod causes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod durations;
pub mod environment;
pub mod export;
pub mod files;
pub mod graph;
pub mod http;
pub mod ingest;
pub mod json;
pub mod keys;
pub mod ledger;
pub mod limiter;
pub mod limits;
pub mod query;
pub mod render;
pub mod samples;
pub mod seeded;
pub mod server;
pub mod snapshot;
pub mod sources;
pub mod storage;
pub mod telemetry;
pub mod traces;
pub mod types;
pub mod wal;
pub mod writer;
