//! `watershed path`: the shortest ways from one service to another.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, printable, show};
use super::failure::Failure;
use super::url;
use crate::types::ServiceId;

const EXAMPLES: &str = "\
Examples:
  watershed path frontend redis-cart
  watershed path frontend redis-cart --max 1

Dependencies are followed from caller to called; stale ones are not. Exit codes: 0 done, 1 failed, 2 bad usage.";

/// Show the shortest ways from one service to another
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The id of the service that calls
    #[arg(value_parser = ServiceId::parse)]
    from: ServiceId,
    /// The id of the service that is reached
    #[arg(value_parser = ServiceId::parse)]
    to: ServiceId,
    /// How many ways at most, 1 to 100 [default: 5]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=100))]
    max: Option<u8>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Answer {
    paths: Vec<Vec<String>>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let query = url::query(&[
        ("from", Some(options.from.to_string())),
        ("to", Some(options.to.to_string())),
        ("max_paths", options.max.map(|number| number.to_string())),
    ]);
    let body = client.get(&format!("/api/v1/paths{query}"))?;
    show(console, options.format, &client, &body, |answer: &Answer| {
        if answer.paths.is_empty() {
            return "There is no way.\n".to_owned();
        }
        answer.paths.iter().map(|path| printable(&path.join(" → ")) + "\n").collect()
    })
}
