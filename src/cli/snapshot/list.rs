//! `watershed snapshot list`: the snapshots of a server, or of a directory that no server holds.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Item, PATH, render};
use crate::cli::client::{Client, ServerOption};
use crate::cli::console::{Console, Format, FormatOption};
use crate::cli::failure::Failure;
use crate::cli::offline;
use crate::snapshot::Manifest;
use crate::storage::Storage as _;

const EXAMPLES: &str = "\
Examples:
  watershed snapshot list
  watershed snapshot list --data-dir /var/lib/watershed     of a server that does not run";

/// List snapshots, the newest first
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Read this data directory instead of asking a server; none may be running on it
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "url")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

/// All snapshots: there are few enough for one page.
#[derive(Deserialize, Serialize)]
struct Page {
    items: Vec<Item>,
    next_cursor: Option<String>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let format = console.format(options.format);
    let page = if let Some(path) = &options.data_dir {
        read(path)?
    } else {
        let client = Client::new(&options.server)?;
        let body = client.get(PATH)?;
        if format == Format::Json {
            return console.print_line(&body);
        }
        client.understand(&body)?
    };
    match format {
        Format::Json => {
            console.print_line(&serde_json::to_vec(&page).expect("numbers and texts can be written"))
        }
        Format::Table => console.print(render(&page.items).as_bytes()),
    }
}

/// What a directory's manifest names. No snapshot is read.
fn read(path: &Path) -> Result<Page, Failure> {
    let storage = offline::storage(path)?;
    let _lock = storage.try_lock().map_err(|error| offline::lock_failure(&storage.location(), &error))?;
    let manifest = Manifest::read(&storage).map_err(offline::manifest_failure)?;
    let items = manifest.iter().flat_map(|manifest| &manifest.snapshots).map(Item::from).collect();
    Ok(Page { items, next_cursor: None })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::cli::console::Sink;
    use crate::cli::offline::testing::{Damage, DataDir};
    use crate::cli::testing::{StubServer, capture, json};

    #[test]
    fn a_server_is_asked() {
        let body = r#"{"items":[{"snapshot_id":"0198","version":7,"bytes":2048,"nodes":3,"edges":2,"duration_ms":4,"created_at":"2026-02-14T10:00:00Z"}],"next_cursor":null}"#;
        let server = StubServer::start(vec![json(body), json(body)]);
        for sink in [Sink::Pipe, Sink::Terminal] {
            let (mut console, captured) = capture(sink);
            let line = format!("watershed snapshot list --url {}", server.url);
            assert_eq!(crate::cli::run(line.split(' ').map(Into::into), &mut console), 0);
            let out = captured.out();
            assert!(out == format!("{body}\n") || out.starts_with("SNAPSHOT"), "{out}");
        }
        assert!(server.requests().iter().all(|request| request.starts_with("GET /api/v1/admin/snapshots ")));
    }

    #[test]
    fn a_directory_is_read_in_the_same_shape() {
        let directory = DataDir::with_snapshots(&[2, 4], Damage::None);
        let (code, out, err) = directory.typed("snapshot list");
        assert_eq!((code, err.as_str()), (0, ""));
        let page: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(page["next_cursor"], Value::Null);
        let versions: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|item| &item["version"]).collect();
        assert_eq!(versions, [4, 2]);
        assert_eq!(page["items"][0]["snapshot_id"], directory.snapshots[0].id.to_string());
        let (code, out, _) = directory.typed("snapshot list --format table");
        assert_eq!((code, out.lines().count()), (0, 3), "{out}");
    }
}
