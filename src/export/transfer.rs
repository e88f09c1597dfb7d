//! One run: what the database holds is looked up, what differs is staged and merged, all in one transaction. Tables of
//! which nothing is known, or that are empty, are filled directly.
//!
//! - Readers of the database go on with the version that they see, and wait for nothing.
//! - What a run did not commit is not there.

use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::PoolError;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient, Transaction};
use uuid::Uuid;

use super::copy::Copy;
use super::runs::{Mode, Run};
use super::schema;
use super::sql::{Row, instant};
use super::table::{ALERTS, AUDIT, DEPENDENCIES, SERVICES, TARGETS, Table, copy_into};
use crate::causes::causes;
use crate::graph::Graph;
use crate::limits;

/// Tells the lock of the export from other locks of the database: `watershd` in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"watershd");

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The database, or the way to it.
    #[error("{}", causes(.0))]
    Database(#[from] tokio_postgres::Error),
    /// There was no connection to be had.
    #[error("{}", causes(.0))]
    Connection(PoolError),
    /// The schema could not be made or changed.
    #[error("the schema cannot be brought up to date: {}", causes(.0))]
    Schema(#[from] refinery::Error),
    /// The schema was made by a newer program.
    #[error(
        "the schema of the database has version {version}, and this program knows {known}: upgrade this server, or \
         give it a database of its own"
    )]
    NewerSchema {
        /// What is there.
        version: i32,
        /// What this program makes.
        known: i32,
    },
    /// It took longer than it may.
    #[error("not done within {} s (EXPORT_TIMEOUT_SECONDS)", .0.as_secs())]
    TimedOut(Duration),
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Database(error),
            other => Self::Connection(other),
        }
    }
}

/// What is to be exported, and what is known to be there.
pub(super) struct Task<'a> {
    pub(super) graph: &'a Graph,
    pub(super) base: Option<&'a Graph>,
    pub(super) directory_id: Uuid,
    pub(super) timeout: Duration,
    /// Is told how many rows were sent.
    pub(super) progress: &'a dyn Fn(Mode, u64),
}

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) mode: Mode,
    /// Rows of the database that are others now.
    pub(super) rows: u64,
}

/// Makes the database hold the graph. `finished` makes the row of the run of what was done.
pub(super) async fn export(
    client: &mut Client,
    task: &Task<'_>,
    finished: impl FnOnce(Done) -> Run,
) -> Result<Run, Failure> {
    schema::prepare(client, LOCK).await?;
    let transaction = client.transaction().await?;
    set_up(&transaction, task.timeout).await?;
    let held = held(&transaction).await?;
    let now = State::of(task.graph, task.directory_id);
    let done = if held == Some(now) {
        Done { mode: Mode::Incremental, rows: 0 }
    } else {
        let is_new = held.is_none() || is_empty(&transaction).await?;
        let base = task.base.filter(|base| !is_new && held == Some(State::of(base, task.directory_id)));
        let copy = base.map_or_else(|| Copy::of(task.graph), |base| Copy::since(base, task.graph));
        if let Some(other) = held.filter(|held| held.directory_id != now.directory_id) {
            tracing::warn!(other = %other.directory_id, "the reporting database held another server's graph");
        }
        let mode = if copy.is_whole() { Mode::Full } else { Mode::Incremental };
        let writer = Writer { transaction: &transaction, task, mode, sent: 0 };
        let rows = if is_new { writer.fill(&copy).await? } else { writer.merge(&copy).await? };
        Done { mode, rows }
    };
    let run = finished(done);
    write_state(&transaction, task, &run).await?;
    write_run(&transaction, task.directory_id, &run).await?;
    transaction.commit().await?;
    Ok(run)
}

/// Tells the database of a run that failed.
pub(super) async fn note_failure(client: &mut Client, directory_id: Uuid, run: &Run) -> Result<(), Failure> {
    let transaction = client.transaction().await?;
    set_up(&transaction, limits::EXPORT_NOTE_TIMEOUT).await?;
    write_run(&transaction, directory_id, run).await?;
    transaction.commit().await?;
    Ok(())
}

/// Bounds what the transaction may take, also when this end is gone, and waits for other servers.
async fn set_up(transaction: &Transaction<'_>, timeout: Duration) -> Result<(), Failure> {
    let milliseconds = timeout.as_millis();
    let settings = format!(
        "SET LOCAL statement_timeout = {milliseconds}; SET LOCAL lock_timeout = {milliseconds}; \
         SET LOCAL idle_in_transaction_session_timeout = {milliseconds}; SET LOCAL TimeZone = 'UTC'"
    );
    transaction.batch_execute(&settings).await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    Ok(())
}

/// Which graph the database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) directory_id: Uuid,
    pub(super) version: u64,
    digest: [u8; 32],
}

impl State {
    pub(super) fn of(graph: &Graph, directory_id: Uuid) -> Self {
        Self { directory_id, version: graph.version(), digest: graph.digest().to_bytes() }
    }
}

/// Fails where there is no schema yet.
pub(super) async fn held(client: &impl GenericClient) -> Result<Option<State>, Failure> {
    let row = client
        .query_opt("SELECT directory_id, version, decode(digest, 'hex') FROM watershed.graph_state", &[])
        .await?;
    let state = row.map(|row| {
        let digest = row.get::<_, &[u8]>(2).try_into().unwrap_or_default();
        State { directory_id: row.get(0), version: row.get::<_, i64>(1).cast_unsigned(), digest }
    });
    Ok(state)
}

/// Whether there is no service, and so nothing that would be worth a comparison.
async fn is_empty(transaction: &Transaction<'_>) -> Result<bool, Failure> {
    let row = transaction.query_one("SELECT NOT EXISTS (SELECT FROM watershed.services)", &[]).await?;
    Ok(row.get(0))
}

async fn write_state(transaction: &Transaction<'_>, task: &Task<'_>, run: &Run) -> Result<(), Failure> {
    let (version, digest) = (task.graph.version().cast_signed(), task.graph.digest().to_string());
    let at = instant(run.finished_at.unwrap_or(run.started_at));
    transaction
        .execute(
            "INSERT INTO watershed.graph_state (directory_id, version, digest, exported_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (is_only) DO UPDATE SET directory_id = excluded.directory_id, \
             version = excluded.version, digest = excluded.digest, exported_at = excluded.exported_at",
            &[&task.directory_id, &version, &digest, &at],
        )
        .await?;
    Ok(())
}

async fn write_run(transaction: &Transaction<'_>, directory_id: Uuid, run: &Run) -> Result<(), Failure> {
    transaction
        .execute(
            "INSERT INTO watershed.export_runs \
             (run_id, directory_id, state, mode, version, rows, started_at, finished_at, error) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                &run.id,
                &directory_id,
                &run.state.as_str(),
                &run.mode.map(Mode::as_str),
                &run.version.cast_signed(),
                &run.rows.cast_signed(),
                &instant(run.started_at),
                &instant(run.finished_at.unwrap_or(run.started_at)),
                &run.error,
            ],
        )
        .await?;
    transaction
        .execute(
            "DELETE FROM watershed.export_runs WHERE run_id IN \
             (SELECT run_id FROM watershed.export_runs ORDER BY started_at DESC, run_id DESC OFFSET $1)",
            &[&limits::EXPORT_RUNS_IN_DATABASE],
        )
        .await?;
    Ok(())
}

/// Writes the tables, and counts the rows that were sent.
struct Writer<'a> {
    transaction: &'a Transaction<'a>,
    task: &'a Task<'a>,
    mode: Mode,
    sent: u64,
}

/// What refers to services comes after them.
const TABLES: [&Table; 5] = [&SERVICES, &DEPENDENCIES, &ALERTS, &TARGETS, &AUDIT];

impl Writer<'_> {
    /// Fills tables of which nothing is known, or that are empty. Returns how many rows they hold.
    async fn fill(mut self, copy: &Copy<'_>) -> Result<u64, Failure> {
        for table in TABLES.into_iter().rev() {
            self.transaction.batch_execute(&table.clear()).await?;
        }
        self.send_all(copy, Table::place).await?;
        if copy.services().next().is_none() {
            // The first services come in one go, too, perhaps a million of them.
            return Ok(self.sent);
        }
        self.transaction.batch_execute(schema::KEYS).await?;
        // The first reports would be planned as if the tables were empty, until PostgreSQL gets to it.
        for table in TABLES {
            self.transaction.batch_execute(&format!("ANALYZE {}", table.place())).await?;
        }
        Ok(self.sent)
    }

    /// Brings tables up to date. Returns how many of their rows are others now.
    async fn merge(mut self, copy: &Copy<'_>) -> Result<u64, Failure> {
        for table in TABLES {
            self.transaction.batch_execute(&table.stage()).await?;
        }
        self.send_all(copy, Table::staged).await?;
        if !copy.is_whole() {
            self.send(&SERVICES.gone(), SERVICES.key(), copy.services_gone()).await?;
            self.send(&DEPENDENCIES.gone(), DEPENDENCIES.key(), copy.dependencies_gone()).await?;
            self.send(&ALERTS.gone(), ALERTS.key(), copy.alerts_gone()).await?;
            self.send(&TARGETS.gone(), TARGETS.key(), copy.targets_gone()).await?;
        }
        for table in TABLES {
            self.transaction.batch_execute(&format!("ANALYZE {}, {}", table.staged(), table.gone())).await?;
        }
        let mut rows = 0;
        // What refers to services goes before them and comes after them.
        for table in [&DEPENDENCIES, &TARGETS, &SERVICES, &ALERTS] {
            let delete = if copy.is_whole() { table.keep_staged() } else { table.take_out() };
            rows += self.transaction.execute(&delete, &[]).await?;
        }
        let oldest = i64::try_from(copy.audit_from()).unwrap_or(i64::MAX);
        rows += self
            .transaction
            .execute("DELETE FROM watershed.audit_log WHERE version < $1", &[&oldest])
            .await?;
        if copy.is_whole() {
            rows += self.transaction.execute(&AUDIT.keep_staged(), &[]).await?;
        }
        // At no moment may two observations of a dependency be shown: an index sees to it, row by row.
        rows += self
            .transaction
            .execute(&DEPENDENCIES.update("held.is_shown AND NOT staged.is_shown"), &[])
            .await?;
        for table in TABLES {
            rows += self.transaction.execute(&table.put_in(), &[]).await?;
        }
        Ok(rows)
    }

    /// Sends all that is to be put in, each kind of row to its place.
    async fn send_all(&mut self, copy: &Copy<'_>, place: fn(&Table) -> String) -> Result<(), Failure> {
        self.send(&place(&SERVICES), SERVICES.columns, copy.services()).await?;
        self.send(&place(&DEPENDENCIES), DEPENDENCIES.columns, copy.dependencies()).await?;
        self.send(&place(&ALERTS), ALERTS.columns, copy.alerts().into_iter()).await?;
        self.send(&place(&TARGETS), TARGETS.columns, copy.targets()).await?;
        self.send(&place(&AUDIT), AUDIT.columns, copy.audit()).await
    }

    async fn send<R: Row>(
        &mut self,
        place: &str,
        columns: &[(&str, Type)],
        rows: impl Iterator<Item = R>,
    ) -> Result<(), Failure> {
        let sink = self.transaction.copy_in(&copy_into(place, columns)).await?;
        let types: Vec<Type> = columns.iter().map(|(_, kind)| kind.clone()).collect();
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for row in rows {
            row.write(writer.as_mut()).await?;
            self.sent += 1;
            if self.sent.is_multiple_of(limits::EXPORT_PROGRESS_ROWS) {
                (self.task.progress)(self.mode, self.sent);
            }
        }
        writer.finish().await?;
        (self.task.progress)(self.mode, self.sent);
        Ok(())
    }
}
