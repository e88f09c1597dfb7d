//! `watershed wal recover`: what to do when a start refuses a damaged log.
//!
//! Works on a data directory that no server holds. Shows the damage unless it is told, twice, to cut.

use std::path::PathBuf;

use clap::Subcommand;

use super::console::Console;
use super::failure::Failure;

const RECOVER: &str = "\
Show what is wrong with a log that the server refuses, or give up what cannot be read

Without --truncate-at nothing is changed. With it, every command from that lsn on is given up: its \
bytes are moved to quarantine/ in the data directory, and the server starts with what was before. \
Take a copy of the data directory first, and prefer to restore from a backup if there is one.";

/// Look at a write-ahead log, or mend it
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: WalCommand,
}

#[derive(Subcommand)]
enum WalCommand {
    Recover(Recover),
}

/// Show what is wrong with a log that the server refuses, or give up what cannot be read
#[derive(clap::Args)]
#[command(long_about = RECOVER)]
struct Recover {
    /// The data directory
    #[arg(long, value_name = "DIRECTORY", env = "DATA_DIR", default_value = "./data")]
    data_dir: PathBuf,
    /// Only show; the default
    #[arg(long, conflicts_with = "truncate_at")]
    dry_run: bool,
    /// Give up this lsn and all later ones: the first that cannot be read
    #[arg(long, value_name = "LSN", requires = "yes")]
    truncate_at: Option<u64>,
    /// Really do it
    #[arg(long, requires = "truncate_at")]
    yes: bool,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let WalCommand::Recover(recover) = &options.command;
    let _ = (recover.dry_run, recover.truncate_at, &recover.data_dir, console);
    Ok(())
}
