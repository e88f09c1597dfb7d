//! Where the graph comes from: a running server, a data directory that no server holds, or a snapshot's file.
//!
//! - Of a server it is a snapshot, for only that is all of one version: the newest one if nothing changed since, else
//!   one that the server takes now and keeps among its own. The copy here goes with the command.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::client::{Client, ServerOption};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::offline;
use crate::cli::progress::Progress;
use crate::cli::snapshot;
use crate::graph::Graph;
use crate::types::Timestamp;

/// At most one of them; a running server unless another one is said.
#[derive(clap::Args)]
pub(super) struct OriginOption {
    /// Read this data directory instead of asking a server; none may be running on it
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["url", "snapshot"])]
    data_dir: Option<PathBuf>,
    /// Read this snapshot instead of asking a server; its name does not matter
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    snapshot: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOption,
}

/// A graph and the birth of its data directory.
pub(super) struct Origin {
    pub(super) graph: Graph,
    pub(super) directory_created_at: Option<Timestamp>,
}

impl OriginOption {
    /// Reads the graph. What has to be put on the disk meanwhile lies in `scratch`.
    pub(super) fn read(&self, scratch: &Path, console: &mut Console) -> Result<Origin, Failure> {
        match (&self.data_dir, &self.snapshot) {
            (Some(path), _) => of_directory(path, console),
            (None, Some(file)) => of_snapshot(file, console),
            (None, None) => of_server(&self.server, scratch, console),
        }
    }
}

fn of_directory(path: &Path, console: &mut Console) -> Result<Origin, Failure> {
    let source = offline::open(path)?;
    for bad in source.bad_snapshots() {
        console.say(&format!("watershed: a snapshot does not hold and is passed over: {bad}"));
    }
    let progress = Progress::spinner("reading", console.err_sink());
    let (graph, directory_created_at) = source.graph().map_err(offline::start_failure)?;
    drop(progress);
    Ok(Origin { graph, directory_created_at })
}

fn of_snapshot(file: &Path, console: &Console) -> Result<Origin, Failure> {
    let (header, graph) = snapshot::load(file, console)?;
    Ok(Origin { graph, directory_created_at: Some(header.directory_created_at) })
}

#[derive(Deserialize)]
struct Stats {
    version: u64,
}

fn of_server(server: &ServerOption, scratch: &Path, console: &Console) -> Result<Origin, Failure> {
    let client = Client::new(server)?;
    let stats = client.get("/api/v1/graph/stats")?;
    let Stats { version } = client.understand(&stats)?;
    let id = match snapshot::newest(&client)? {
        Some(newest) if newest.version == version => newest.id,
        Some(_) | None => snapshot::take(&client, console)?,
    };
    let copy = snapshot::fetch(&client, id, scratch, console)?;
    of_snapshot(copy.path(), console)
}
