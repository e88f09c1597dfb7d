//! A listing, page by page: the first one, or all.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Client;
use super::console::{Console, Format};
use super::failure::Failure;

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

/// Asks for the page at `path`, which is told the cursor to go on from, and where `all` is set for those behind it.
pub(super) fn list<T: DeserializeOwned>(
    client: &Client,
    console: &mut Console,
    format: Format,
    all: bool,
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
        if cursor.is_none() || !all {
            return Ok(Listed { items, more: cursor.is_some() });
        }
        if cursor == last {
            return Err(client.foreign("a page leads to itself".to_owned()).into());
        }
    }
}
