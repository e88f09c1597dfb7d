//! `watershed export csv|ndjson`: the graph as a directory of tables.
//!
//! - The directory is there with all of it or not at all.
//! - Where the graph comes from makes no difference to the bytes.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::directory::{Target, Unfinished};
use super::origin::{Origin, OriginOption};
use crate::cli::console::{Console, Sink};
use crate::cli::failure::Failure;
use crate::cli::offline::at;
use crate::cli::progress::Progress;
use crate::files::{Form, Manifest, Table, rows, write};
use crate::graph::Graph;

const EXAMPLES: &str = "\
DIR will hold services, dependencies (one row for each source that observed one) and cycles, and manifest.json. In CSV a
text that a spreadsheet could take for a formula has ' before it. The audit trail is not in it; a snapshot holds that.

Examples:
  watershed export csv tables                              of a running server; needs an admin key
  watershed export ndjson tables --data-dir /var/lib/watershed
  watershed export csv tables --snapshot backup.snapshot
  watershed import tables                                  what a report can carry, into a running server
  watershed import tables --data-dir /var/lib/new          all of it, into a new data directory

Exit codes: 0 done; 1 DIR is not empty, or cannot be written; 2 bad usage; 3 the data is damaged; 4 a server
holds the data directory.";

/// `watershed export csv` and `ndjson`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The directory to make, missing or empty
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    origin: OriginOption,
}

pub(super) fn run(form: Form, options: &Options, console: &mut Console) -> Result<(), Failure> {
    let target = Target::check(&options.directory)?;
    let Origin { graph, directory_created_at } = options.origin.read(target.parent(), console)?;
    let manifest = Manifest::of(&graph, form, directory_created_at);
    let unfinished = Unfinished::begin(&target)?;
    for table in Table::ALL {
        write_table(&graph, table, form, unfinished.path(), console.err_sink())
            .map_err(|error| at(&target.path().join(table.file(form)), error))?;
    }
    write_file(&unfinished.path().join(Manifest::FILE), &manifest.to_json())
        .map_err(|error| at(&target.path().join(Manifest::FILE), error))?;
    unfinished.finish(&target)?;
    let Manifest { version, digest, services, observations, cycles, .. } = manifest;
    let text = format!(
        "{} holds version {version}: {services} services, {observations} observations, {cycles} cycles, digest {digest}",
        options.directory.display()
    );
    console.print_line(text.as_bytes())
}

fn write_table(graph: &Graph, table: Table, form: Form, directory: &Path, sink: Sink) -> io::Result<()> {
    let (total, mut done) = (rows(graph, table), 0);
    let progress = Progress::rows(&format!("writing {}", table.name()), sink);
    let out = BufWriter::new(File::create_new(directory.join(table.file(form)))?);
    let out = write(graph, table, form, out, || {
        done += 1;
        progress.stands_at(done, Some(total));
    })?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
