//! `watershed import`: files in the ingest form, sent to a server.
//!
//! Not a transaction over a file: a request is atomic, and so is a batch of a stream; a file that goes as a stream
//! is not. Sending a file again is safe, for ingesting the same twice leaves the same graph.
//!
//! - A document goes in one request where it fits into one, else line by line, as an NDJSON file does.
//! - Files go one after the other; the first that fails ends the import.
//! - Nothing of a document is sent before it has been read as a whole. An NDJSON file is never held.

mod document;
mod lines;
mod progress;
mod request;
mod send;
#[cfg(test)]
mod tests;
mod totals;

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};

use bytes::Bytes;

use super::client::{Client, ClientError, ServerOption};
use super::console::{Console, Format, FormatOption};
use super::failure::Failure;
use super::problem::Outcome;
use crate::types::DiscoverySource;
use document::{Document, DocumentError};
use lines::Input;
use progress::Progress;
use totals::Totals;

const EXAMPLES: &str = "\
A file is a JSON object:
  {\"source\":\"manual\",\"timestamp\":\"2026-02-14T10:00:00Z\",
   \"nodes\":[{\"service_id\":\"checkout\",\"metadata\":{\"team\":\"payments\",\"criticality\":\"high\"}}],
   \"edges\":[{\"source\":\"checkout\",\"target\":\"payment\",\"attributes\":{\"communication_mode\":\"sync\"}}]}
or NDJSON: a line {\"source\":…,\"timestamp\":…}, then one {\"node\":{…}} or {\"edge\":{…}} a line.

A file of up to 5000 entries and 4 MiB goes in one request, applied as a whole or not at all; when the server
asks to wait (429, 503) it is sent up to 10 times. A larger one goes as a stream and is applied in batches.
With \"mode\":\"replace\" all else that the source reported is withdrawn, at the end. Running an import again
is safe.

Examples:
  watershed import graph.json
  watershed import teams/*.json --source manual
  zcat edges.ndjson.gz | watershed import -";

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
    /// The request was not taken.
    #[error("{cause}{}", outcome_note(.cause))]
    Send {
        /// Why it was not.
        cause: ClientError,
    },
    /// The stream was not taken to its end.
    #[error("{cause}{}{}{}", line_note(*.line), applied_note(*.applied), outcome_note(.cause))]
    Stream {
        /// The line at fault.
        line: Option<u64>,
        /// Entries that are in the graph all the same.
        applied: u64,
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
    match lines::look(open(file)?).map_err(DocumentError::from)? {
        Input::Stream(first, rest) => {
            let progress = Progress::start(file, None, console.err_sink());
            send::stream(client, lines::of_stream(first, source, rest), &progress, totals)
        }
        Input::Text(read, rest) => {
            let text: Bytes = document::read_on(read, rest)?.into();
            import_document(file, source, &text, client, totals, console)
        }
    }
}

fn open(file: &str) -> Result<Box<dyn BufRead + Send>, DocumentError> {
    // The lock of standard input cannot go to another thread; a reader of its own can.
    if file == "-" {
        Ok(Box::new(BufReader::new(stdin())))
    } else {
        Ok(Box::new(BufReader::new(File::open(file)?)))
    }
}

fn import_document(
    file: &str,
    source: Option<&str>,
    text: &Bytes,
    client: &Client,
    totals: &mut Totals,
    console: &mut Console,
) -> Result<(), ImportError> {
    let document = Document::parse(text)?;
    let entries = document.nodes().len() + document.edges().len();
    let progress = Progress::start(file, Some(entries), console.err_sink());
    if request::fits(&document) {
        let outcome = send::request(client, &request::body(&document, source), &progress, console);
        progress.end();
        totals.add(outcome.map_err(|cause| ImportError::Send { cause })?);
        return Ok(());
    }
    send::stream(client, lines::of_document(&document, source, text), &progress, totals)
        .map_err(|error| placed(error, &document))
}

/// A refusal names a line of the stream and a place in it; a person looks for them in the file.
fn placed(error: ImportError, document: &Document<'_>) -> ImportError {
    let ImportError::Stream { line: Some(line), applied, cause: ClientError::Refused(problem) } = error
    else {
        return error;
    };
    let place = lines::place_in_document(document, line, problem.field().unwrap_or_default());
    let cause = ClientError::Refused(Box::new(problem.with_field(place)));
    ImportError::Stream { line: None, applied, cause }
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

fn line_note(line: Option<u64>) -> String {
    line.map_or(String::new(), |line| format!(" (line {line})"))
}

fn applied_note(applied: u64) -> String {
    if applied == 0 { String::new() } else { format!("; {applied} entries before it are in the graph") }
}

fn failure(file: &str, error: ImportError, totals: &Totals, files: usize) -> Failure {
    let name = if file == "-" { "standard input" } else { file };
    let mut place = name.to_owned();
    if files > 1 {
        place = format!("{name} ({} of {files} files were imported before it)", totals.files());
    }
    Failure::Failed(anyhow::Error::new(error).context(place))
}
