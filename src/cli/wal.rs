//! `watershed wal recover`: what to do when a start refuses a damaged log.
//!
//! Works on a data directory that no server holds. Shows the damage unless it is told, twice, to cut.

use std::path::PathBuf;

use clap::Subcommand;

use super::console::Console;
use super::failure::Failure;
use crate::storage::{Fs, LockError};
use crate::wal::{CutError, OpenError, Verdict, cut, inspect};

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
    if !recover.data_dir.is_dir() {
        return Err(Failure::Usage(format!("{} is no directory", recover.data_dir.display())));
    }
    let storage = Fs::at(&recover.data_dir).map_err(Failure::failed)?;
    match recover.truncate_at {
        None => show(&storage, console),
        Some(lsn) => truncate(&storage, lsn, console),
    }
}

fn show(storage: &Fs, console: &mut Console) -> Result<(), Failure> {
    match inspect(storage).map_err(open_failure)? {
        Verdict::Sound { last_version, torn_bytes } => {
            let torn = match torn_bytes {
                0 => String::new(),
                bytes => format!(
                    "; {bytes} bytes of a write that was never acknowledged follow, the next start cuts them"
                ),
            };
            console.print_line(format!("the log is sound up to lsn {last_version}{torn}").as_bytes())
        }
        Verdict::Damaged { damage, bytes_behind } => {
            let lsn = damage.lsn;
            let last = damage.later_lsn.max(damage.durable_lsn).max(lsn);
            let plan = format!(
                "Up to lsn {} everything can be read. Given up would be lsn {lsn} to {last}, {bytes_behind} bytes. \
                 To do so: watershed wal recover --data-dir <DIRECTORY> --truncate-at {lsn} --yes",
                lsn - 1
            );
            console.print_line(plan.as_bytes())?;
            Err(Failure::Damaged(damage.to_string()))
        }
    }
}

fn truncate(storage: &Fs, lsn: u64, console: &mut Console) -> Result<(), Failure> {
    let torn = cut(storage, lsn).map_err(|error| match error {
        CutError::Log(error) => open_failure(error),
        CutError::Sound { .. } | CutError::OtherLsn { .. } => Failure::Usage(error.to_string()),
    })?;
    let kept = torn.map_or(String::new(), |torn| {
        format!("; {} bytes are kept as quarantine/{}", torn.bytes, torn.kept_as)
    });
    console.print_line(format!("the log ends before lsn {lsn}{kept}").as_bytes())
}

fn open_failure(error: OpenError) -> Failure {
    match &error {
        OpenError::Lock { source: LockError::Held { .. }, .. } => Failure::Locked(error.to_string()),
        OpenError::Lock { .. } | OpenError::Io { .. } => Failure::failed(error),
        OpenError::Damaged { .. }
        | OpenError::Header { .. }
        | OpenError::Format { .. }
        | OpenError::UnknownKind { .. }
        | OpenError::UnexpectedSegment { .. } => Failure::Damaged(error.to_string()),
    }
}
