//! The schema of the copy: made, and brought up to date, by migrations that are in the program.
//!
//! - What is there already costs one question.
//! - A schema that a newer program made is left alone: nothing is written to what is not understood.

use refinery::{Migration, Runner};
use tokio_postgres::Client;

use super::transfer::Failure;

/// Each once released stays as it is; what changes the schema is a new one.
const MIGRATIONS: &[(&str, &str)] = &[("V1__reporting", include_str!("migrations/V1__reporting.sql"))];
/// What is made when the tables are first filled; may be run again.
pub(super) const KEYS: &str = include_str!("keys.sql");
const LATEST: i32 = (MIGRATIONS.len() as u32).cast_signed();
const HISTORY: &str = "watershed.schema_history";

/// Brings the schema up to date. Of several servers that do so at once, one does it and the others wait; `lock` tells
/// it apart from other locks of the database.
pub(super) async fn prepare(client: &mut Client, lock: i64) -> Result<(), Failure> {
    if is_current(client).await? {
        return Ok(());
    }
    client.execute("SELECT pg_advisory_lock($1)", &[&lock]).await?;
    let prepared = migrate(client).await;
    // A connection that is broken has let go of it.
    let released = client.execute("SELECT pg_advisory_unlock($1)", &[&lock]).await;
    prepared?;
    released?;
    Ok(())
}

async fn migrate(client: &mut Client) -> Result<(), Failure> {
    if is_current(client).await? {
        return Ok(());
    }
    // Who may not create one may have been given one.
    let exists = client.query_one("SELECT to_regnamespace('watershed') IS NOT NULL", &[]).await?;
    if !exists.get::<_, bool>(0) {
        client.batch_execute("CREATE SCHEMA watershed").await?;
    }
    let migrations: Result<Vec<Migration>, _> =
        MIGRATIONS.iter().map(|(name, sql)| Migration::unapplied(name, sql)).collect();
    let mut runner = Runner::new(&migrations?);
    runner.set_migration_table_name(HISTORY);
    let report = runner.set_grouped(true).run_async(client).await?;
    for migration in report.applied_migrations() {
        tracing::info!(%migration, "the schema of the reporting database was migrated");
    }
    Ok(())
}

async fn is_current(client: &Client) -> Result<bool, Failure> {
    let exists = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&HISTORY]).await?;
    if !exists.get::<_, bool>(0) {
        return Ok(false);
    }
    let newest = client.query_one(&format!("SELECT max(version) FROM {HISTORY}"), &[]).await?;
    match newest.get::<_, Option<i32>>(0) {
        Some(version) if version > LATEST => Err(Failure::NewerSchema { version, known: LATEST }),
        version => Ok(version == Some(LATEST)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered() {
        for (place, (name, sql)) in MIGRATIONS.iter().enumerate() {
            let migration = Migration::unapplied(name, sql).unwrap();
            assert_eq!(migration.version(), (place as u32).cast_signed() + 1);
        }
    }
}
