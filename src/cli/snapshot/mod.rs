//! `watershed snapshot`: snapshots of a running server, and of a directory that no server holds.
//!
//! One command, one file. What is asked of a server is printed for programs as the server says it; what is
//! read from a directory has the same shape.
//!
//! - Whatever takes long shows on a terminal that it goes on.

mod create;
mod download;
mod keep;
mod list;
mod restore;
mod verify;

use clap::Subcommand;
use indicatif::HumanBytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) use create::take;
pub(super) use download::fetch;
pub(super) use restore::load;

use super::client::{Client, ClientError};
use super::console::{Console, Sink, table};
use super::failure::Failure;
use super::offline;
use super::progress::Progress;
use crate::snapshot::{Entry, file_name};
use crate::storage::Fs;
use crate::writer::Offline;

pub(super) const PATH: &str = "/api/v1/admin/snapshots";

/// Take, look at, fetch and restore snapshots of the graph
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: SnapshotCommand,
}

#[derive(Subcommand)]
enum SnapshotCommand {
    Create(create::Options),
    List(list::Options),
    Verify(verify::Options),
    Download(download::Options),
    Restore(restore::Options),
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    match &options.command {
        SnapshotCommand::Create(options) => create::run(options, console),
        SnapshotCommand::List(options) => list::run(options, console),
        SnapshotCommand::Verify(options) => verify::run(options, console),
        SnapshotCommand::Download(options) => download::run(options, console),
        SnapshotCommand::Restore(options) => restore::run(options, console),
    }
}

/// A snapshot as the API shows it.
#[derive(Debug, Deserialize, Serialize)]
struct Item {
    snapshot_id: String,
    version: u64,
    bytes: u64,
    nodes: u64,
    edges: u64,
    duration_ms: u64,
    created_at: String,
}

impl From<&Entry> for Item {
    fn from(entry: &Entry) -> Self {
        Self {
            snapshot_id: entry.id.to_string(),
            version: entry.version,
            bytes: entry.bytes,
            nodes: entry.services.into(),
            edges: entry.dependencies,
            duration_ms: entry.duration_ms.into(),
            created_at: entry.created_at.to_string(),
        }
    }
}

/// The newest snapshot of a server.
pub(super) struct Newest {
    pub(super) id: Uuid,
    pub(super) version: u64,
}

/// The newest snapshot that a server keeps, if there is one.
pub(super) fn newest(client: &Client) -> Result<Option<Newest>, ClientError> {
    #[derive(Deserialize)]
    struct Page {
        items: Vec<Item>,
    }
    let body = client.get(PATH)?;
    let page: Page = client.understand(&body)?;
    page.items.first().map(|item| Ok(Newest { id: id_of(client, item)?, version: item.version })).transpose()
}

/// The id of a snapshot as a server shows it.
fn id_of(client: &Client, item: &Item) -> Result<Uuid, ClientError> {
    Uuid::try_parse(&item.snapshot_id).map_err(|error| client.foreign(error.to_string()))
}

/// Snapshots for a person.
fn render(items: &[Item]) -> String {
    let rows = items.iter().map(|item| {
        [
            item.snapshot_id.clone(),
            item.version.to_string(),
            item.nodes.to_string(),
            item.edges.to_string(),
            HumanBytes(item.bytes).to_string(),
            format!("{} ms", item.duration_ms),
            item.created_at.clone(),
        ]
    });
    table(["SNAPSHOT", "VERSION", "SERVICES", "DEPENDENCIES", "SIZE", "TOOK", "CREATED"], rows)
}

/// A snapshot of a directory that was read with every check.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    pub(super) snapshot_id: String,
    pub(super) version: u64,
    pub(super) valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    file: String,
}

impl Checked {
    /// Why it does not hold, with the file.
    pub(super) fn fault(&self) -> Option<String> {
        self.error.as_ref().map(|error| format!("snapshots/{}: {error}", self.file))
    }
}

/// Reads all snapshots that count with every check.
pub(super) fn check_all(directory: &Offline<Fs>, sink: Sink) -> Result<Vec<Checked>, Failure> {
    let check = |entry: &Entry| {
        let file = file_name(entry.version, entry.id).to_string();
        let progress = Progress::bar(&format!("snapshot of version {}", entry.version), sink);
        let error = directory
            .verify_snapshot(entry, |done, total| progress.bytes(done, Some(total)))
            .map_err(offline::start_failure)?
            .map(|error| error.to_string());
        let (snapshot_id, version) = (entry.id.to_string(), entry.version);
        Ok(Checked { snapshot_id, version, valid: error.is_none(), error, file })
    };
    directory.snapshots().iter().map(check).collect()
}
