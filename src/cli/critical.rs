//! `watershed critical`: single points of failure.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, show, table};
use super::failure::Failure;
use super::url;

const EXAMPLES: &str = "\
Examples:
  watershed critical
  watershed critical --limit 100 --format json | jq -r '.items[].service_id'

ONLY WAY TO counts the services that can be reached from where requests come in only through this one;
DEPENDENTS all that call it, over any number of hops. Exit codes: 0 done, 1 failed, 2 bad usage.";

/// List services that are the only way to others, the worst first
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// How many, 1 to 100 [default: 20]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: Option<u8>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    service_id: String,
    sole_path_for: u64,
    dependents: u64,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let query = url::query(&[("limit", options.limit.map(|limit| limit.to_string()))]);
    let body = client.get(&format!("/api/v1/graph/critical{query}"))?;
    show(console, options.format, &client, &body, |answer: &Answer| {
        let rows = answer.items.iter().map(|item| {
            [item.service_id.clone(), item.sole_path_for.to_string(), item.dependents.to_string()]
        });
        table(["SERVICE", "ONLY WAY TO", "DEPENDENTS"], rows)
    })
}
