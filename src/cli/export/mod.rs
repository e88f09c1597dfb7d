//! `watershed export`: the graph copied to where others can work with it.
//!
//! One command, one file.

mod directory;
mod origin;
mod postgres;
mod tables;

use clap::Subcommand;

use super::console::Console;
use super::failure::Failure;
use crate::files::Form;

/// Copy the graph to where others can work with it
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Subcommand)]
enum ExportCommand {
    /// Write the graph as CSV files
    Csv(tables::Options),
    /// Write the graph as NDJSON files
    Ndjson(tables::Options),
    Postgres(postgres::Options),
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    match &options.command {
        ExportCommand::Csv(options) => tables::run(Form::Csv, options, console),
        ExportCommand::Ndjson(options) => tables::run(Form::Ndjson, options, console),
        ExportCommand::Postgres(options) => postgres::run(options, console),
    }
}
