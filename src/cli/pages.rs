//! A listing, page by page: the first one, or all.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Client;
use super::console::{Console, Format, FormatOption};
use super::failure::Failure;
use crate::limits;

/// How much of a listing, the same for every command that lists.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct PageOption {
    /// How many in one page, 1 to 100 [default: 20, with --all 100]
    #[arg(long, value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(1..=limits::PAGE_ITEMS_MAX as i64))]
    limit: Option<u16>,
    /// Every page, not only the first one
    #[arg(long)]
    all: bool,
}

impl PageOption {
    /// The parameter `limit`.
    pub(super) fn limit(self) -> Option<String> {
        let limit = self.limit.map(usize::from).or(self.all.then_some(limits::PAGE_ITEMS_MAX));
        limit.map(|limit| limit.to_string())
    }
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// What came of a listing.
pub(super) struct Listed<T> {
    /// For a table; for a program the pages are printed as they come, each on a line of its own.
    pub(super) items: Vec<T>,
    /// Whether there are more than were asked for.
    pub(super) more: bool,
}

/// Prints the page at `path`, or all, made a text for a person.
pub(super) fn show<T: DeserializeOwned>(
    client: &Client,
    console: &mut Console,
    format: FormatOption,
    pages: PageOption,
    path: impl Fn(Option<String>) -> String,
    render: impl FnOnce(&[T]) -> String,
) -> Result<(), Failure> {
    let format = console.format(format);
    let Listed { items, more } = list(client, console, format, pages, path)?;
    if format == Format::Table {
        console.print(render(&items).as_bytes())?;
        if more {
            console.say("There are more: --all lists them.");
        }
    }
    Ok(())
}

/// Asks for the page at `path`, which is told the cursor to go on from, and where all are wanted for those behind it.
pub(super) fn list<T: DeserializeOwned>(
    client: &Client,
    console: &mut Console,
    format: Format,
    pages: PageOption,
    path: impl Fn(Option<String>) -> String,
) -> Result<Listed<T>, Failure> {
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let body = client.get(&path(cursor.clone()))?;
        let page: Page<T> = client.understand(&body)?;
        match format {
            Format::Json => console.print_line(&body)?,
            Format::Table => items.extend(page.items),
        }
        let last = std::mem::replace(&mut cursor, page.next_cursor);
        if cursor.is_none() || !pages.all {
            return Ok(Listed { items, more: cursor.is_some() });
        }
        if cursor == last {
            return Err(client.foreign("a page leads to itself".to_owned()).into());
        }
    }
}
