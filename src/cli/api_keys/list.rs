//! `watershed api-keys list`: all keys that there are and were, without their secrets.

use serde::Deserialize;

use super::{PATH, Place, open};
use crate::cli::client::{Client, ServerOption};
use crate::cli::console::{Console, Format, FormatOption, or_dash, table};
use crate::cli::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  watershed api-keys list
  watershed api-keys list --format json | jq -r '.items[] | select(.last_used_at == null) | .name'
  watershed api-keys list --data-dir /var/lib/watershed     while no server runs

Exit codes: 0 done, 1 failed, 2 bad usage, 3 the keys of the data directory are damaged, 4 a server holds it.";

/// List API keys, the oldest first
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    name: String,
    role: String,
    prefix: String,
    created_at: String,
    created_by: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let answer = match &options.place.data_dir {
        Some(path) => render::api_keys(open(path)?.0.keys().records(), |_| None),
        None => Client::new(&options.server)?.get(PATH)?.into(),
    };
    if console.format(options.format) == Format::Json {
        return console.print_line(&answer);
    }
    let page: Page = serde_json::from_slice(&answer).map_err(Failure::failed)?;
    let rows = page.items.into_iter().map(|item| {
        let state = if item.revoked_at.is_some() { "revoked" } else { "works" };
        [
            item.id,
            item.name,
            item.role,
            item.prefix,
            state.to_owned(),
            item.created_at,
            or_dash(item.expires_at.as_deref()),
            or_dash(item.last_used_at.as_deref()),
            item.created_by,
        ]
    });
    let head = ["ID", "NAME", "ROLE", "PREFIX", "STATE", "MADE", "EXPIRES", "LAST USED", "MADE BY"];
    console.print(table(head, rows).as_bytes())
}
