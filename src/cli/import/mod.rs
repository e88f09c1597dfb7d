//! `watershed import`: files in the ingest form, sent to a server in batches.
//!
//! Not a transaction over a file: each request is atomic, the file is not. Sending a file again is
//! safe, for ingesting the same twice leaves the same graph.
//!
//! - Files go one after the other; the first that fails ends the import.
//! - Nothing of a file is sent before it has been read and cut as a whole.

mod batch;
mod document;
mod progress;
mod send;
#[cfg(test)]
mod tests;
mod totals;

use super::client::{Client, ClientError, ServerOption};
use super::console::{Console, Format, FormatOption};
use super::failure::Failure;
use super::problem::Outcome;
use crate::types::DiscoverySource;
use batch::{Batch, PlanError};
use document::{Document, DocumentError};
use progress::Progress;
use totals::Totals;

const EXAMPLES: &str = "\
A file is a JSON object:
  {\"source\":\"manual\",\"timestamp\":\"2026-02-14T10:00:00Z\",
   \"nodes\":[{\"service_id\":\"checkout\",\"metadata\":{\"team\":\"payments\",\"criticality\":\"high\"}}],
   \"edges\":[{\"source\":\"checkout\",\"target\":\"payment\",\"attributes\":{\"communication_mode\":\"sync\"}}]}

A large file is sent in batches of at most 5000 entries and 4 MiB, services first. Each batch is
applied as a whole or not at all; the file is not. Running an import again is safe. When
the server asks to wait (429, 503), a batch is sent up to 10 times.

Examples:
  watershed import graph.json
  watershed import teams/*.json --source manual
  kubectl get configmap graph -o jsonpath='{.data.graph}' | watershed import -";

/// Add services and dependencies from files to a running server
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Files to send, in this order; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Where the entries come from, instead of what the files say
    #[arg(long, value_name = "SOURCE",
        value_parser = clap::builder::PossibleValuesParser::new(DiscoverySource::NAMES))]
    source: Option<String>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

/// Why a file is not in the graph, or not all of it.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    /// The file is no ingest request.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The file cannot be cut into requests.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A request was not taken.
    #[error("{cause}{}{}", batch_note(*.sent, *.batches), outcome_note(.cause))]
    Send {
        /// Requests of this file that were taken before.
        sent: usize,
        /// Requests of this file.
        batches: usize,
        /// Why it was not.
        cause: ClientError,
    },
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let mut totals = Totals::default();
    for file in &options.files {
        import(file, options.source.as_deref(), &client, &mut totals, console)
            .map_err(|error| failure(file, error, &totals, options.files.len()))?;
        totals.end_file();
    }
    match console.format(options.format) {
        Format::Json => console.print_line(&totals.json()),
        Format::Table => console.print(totals.render().as_bytes()),
    }
}

fn import(
    file: &str,
    source: Option<&str>,
    client: &Client,
    totals: &mut Totals,
    console: &mut Console,
) -> Result<(), ImportError> {
    let text = document::read(file)?;
    let document = Document::parse(&text)?;
    let batches = batch::plan(&document)?;
    let progress = Progress::start(file, batches.iter().map(Batch::entries).sum(), console.err_sink());
    for (sent, batch) in batches.iter().enumerate() {
        let outcome = send::send(client, &batch.body(&document, source), &progress, console);
        let receipt = outcome.map_err(|cause| {
            progress.end();
            ImportError::Send { sent, batches: batches.len(), cause: placed(cause, batch) }
        })?;
        totals.add(receipt);
        progress.advance(batch.entries());
    }
    progress.end();
    Ok(())
}

/// A refusal names places in the request; a person looks for them in the file.
fn placed(cause: ClientError, batch: &Batch) -> ClientError {
    let ClientError::Refused(problem) = cause else { return cause };
    let field = problem.field().map(|field| batch.place_in_file(field));
    ClientError::Refused(match field {
        Some(field) => Box::new(problem.with_field(field)),
        None => problem,
    })
}

/// What is to be done where nobody knows whether a request was applied.
fn outcome_note(cause: &ClientError) -> &'static str {
    let known = match cause {
        ClientError::Refused(problem) => problem.outcome == Outcome::NotApplied,
        ClientError::TimedOut { .. }
        | ClientError::Broken { .. }
        | ClientError::TooLarge { .. }
        | ClientError::Foreign { .. } => false,
        ClientError::Unreachable { .. }
        | ClientError::Runtime(_)
        | ClientError::Keep(_)
        | ClientError::Url(_)
        | ClientError::Key(_) => true,
    };
    if known { "" } else { "; it may have been applied all the same: importing the file again is safe" }
}

fn batch_note(sent: usize, batches: usize) -> String {
    match (sent, batches) {
        (_, 1) => String::new(),
        (0, _) => format!(" (batch 1 of {batches})"),
        (_, _) => format!(" (batch {} of {batches}; those before it are in the graph)", sent + 1),
    }
}

fn failure(file: &str, error: ImportError, totals: &Totals, files: usize) -> Failure {
    let name = if file == "-" { "standard input" } else { file };
    let mut place = name.to_owned();
    if files > 1 {
        place = format!("{name} ({} of {files} files were imported before it)", totals.files());
    }
    Failure::Failed(anyhow::Error::new(error).context(place))
}
