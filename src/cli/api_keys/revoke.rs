//! `watershed api-keys revoke`: a key is none from the next request on.

use uuid::Uuid;

use super::{PATH, Place, open, operator};
use crate::cli::client::{Client, ServerOption};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::clock;

const EXAMPLES: &str = "\
Examples:
  watershed api-keys revoke 3901a22c-220f-5858-beed-88230c7d5c68
  watershed api-keys revoke 3901a22c-220f-5858-beed-88230c7d5c68 --data-dir data     while no server runs

Exit codes: 0 done, 1 failed (there is no such key, for one), 2 bad usage, 3 the keys of the data directory are damaged,
4 a server holds it.";

/// Revoke a key: it is none from the next request on, and that cannot be undone
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Its id, as api-keys list shows it
    id: Uuid,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    server: ServerOption,
}

pub(super) fn run(options: &Options, _console: &mut Console) -> Result<(), Failure> {
    match &options.place.data_dir {
        Some(path) => {
            let (mut store, _lock) = open(path)?;
            store.revoke(options.id, clock::now(), operator()).map_err(Failure::failed)
        }
        None => Ok(Client::new(&options.server)?.delete(&format!("{PATH}/{}", options.id))?),
    }
}
