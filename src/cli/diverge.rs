//! `watershed diverge`: what runs and was never declared, and the reverse.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, Format, FormatOption, table};
use super::failure::Failure;
use super::pages::{self, Listed};
use super::url;
use crate::limits;
use crate::query::Divergence;

const EXAMPLES: &str = "\
Examples:
  watershed diverge                              both kinds
  watershed diverge --kind undeclared --all      every dependency that only telemetry knows
  watershed diverge --kind unobserved --format json | jq -r '.items[] | [.source, .target] | @tsv'

Exit codes: 0 done, 1 failed, 2 bad usage.";

/// List dependencies that run but were never declared, or were declared and never seen
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// undeclared: seen at run time only; unobserved: declared only [default: both]
    #[arg(long, value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(Divergence::NAMES))]
    kind: Option<String>,
    /// Every one, not only the first page
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Item {
    source: String,
    target: String,
    sources: Vec<String>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let kinds: Vec<&str> = match &options.kind {
        Some(kind) => vec![kind],
        None => Divergence::NAMES.to_vec(),
    };
    kinds.into_iter().try_for_each(|kind| run_kind(kind, options, &client, console))
}

/// For a program one page after the other, each a line.
fn run_kind(kind: &str, options: &Options, client: &Client, console: &mut Console) -> Result<(), Failure> {
    let format = console.format(options.format);
    let limit = options.all.then_some(limits::PAGE_ITEMS_MAX.to_string());
    let path = |cursor| {
        let query =
            url::query(&[("kind", Some(kind.to_owned())), ("limit", limit.clone()), ("cursor", cursor)]);
        format!("/api/v1/graph/divergence{query}")
    };
    let Listed::<Item> { items, more } = pages::list(client, console, format, options.all, path)?;
    if format == Format::Table {
        let more = if more { "; there are more, --all lists them" } else { "" };
        let rows =
            items.iter().map(|item| [item.source.clone(), item.target.clone(), item.sources.join(", ")]);
        let table = table(["FROM", "TO", "SEEN BY"], rows);
        console.print(format!("{kind}: {}{more}\n{table}\n", items.len()).as_bytes())?;
    }
    Ok(())
}
