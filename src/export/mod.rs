//! The graph copied into PostgreSQL, for reports: what differs, what that is as rows, and who carries it there when.
//!
//! ```text
//! published Graph ─▶ Copy (all, or since the version that is there) ─▶ rows ─▶ COPY into staging ─▶ one transaction
//! ```
//!
//! - A copy, never a source: nothing is read back but which version is there.
//! - A database that is down, slow, full or read-only costs a failed run. Writes and queries do not know of it: the
//!   export has a thread and a runtime of its own, and reads published graphs like everybody else.
//! - Readers of the database see one version or the next. Several servers take turns; the last one's graph counts.
//! - A run may end without knowing whether it was committed. The next one asks the database what it holds.
//!
//! `copy` and `rows` are pure; `database`, `schema`, `transfer` and `runner` are not.

mod copy;
mod database;
mod rows;
mod runner;
mod runs;
mod schema;
mod sql;
mod table;
#[cfg(test)]
mod tests;
mod tls;
mod transfer;

pub use database::{Database, InvalidDatabase};
pub use runner::{Exports, Plan, Surroundings};
pub use runs::{Mode, Run, RunState, Standing};
