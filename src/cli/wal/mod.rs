//! `watershed wal`: what can be done about a write-ahead log without a server.
//!
//! One command, one file. All of them take the directory's lock.

mod dump;
mod recover;
mod verify;

use clap::Subcommand;

use super::console::Console;
use super::failure::Failure;

/// Verify the files of a stopped server, print its log, or mend it
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: WalCommand,
}

#[derive(Subcommand)]
enum WalCommand {
    Verify(verify::Options),
    Dump(dump::Options),
    Recover(recover::Options),
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    match &options.command {
        WalCommand::Verify(options) => verify::run(options, console),
        WalCommand::Dump(options) => dump::run(options, console),
        WalCommand::Recover(options) => recover::run(options, console),
    }
}
