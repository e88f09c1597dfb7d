//! The export that the settings name, begun.
//!
//! - Settings that lead nowhere stop the start; a database that does not answer does not.

use anyhow::Context;

use super::ServeError;
use crate::clock;
use crate::config::ExportSettings;
use crate::export::{Database, Exports, Plan, Surroundings};
use crate::writer::Reader;

/// Begins to export.
pub(super) fn begin(settings: &ExportSettings, reader: &Reader) -> Result<Exports, ServeError> {
    let database = Database::parse(settings.url.expose(), settings.connections);
    let database = database.map_err(|error| ServeError::Usage(format!("DATABASE_URL: {error}")))?;
    let plan = Plan { interval: settings.interval, timeout: settings.timeout };
    let around = Surroundings { reader: reader.clone(), clock: clock::for_writer() };
    Ok(Exports::begin(&database, plan, around).context("cannot start the export")?)
}
