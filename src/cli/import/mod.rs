//! `watershed import`: files in the ingest form, or of other tools, sent to a server.
//!
//! Not a transaction over a file: a request is atomic, and so is a batch of a stream; a file that goes as a stream
//! is not. Sending a file again is safe, for ingesting the same twice leaves the same graph.
//!
//! - A document goes in one request where it fits into one, else line by line, as an NDJSON file does.
//! - Files go one after the other, those of other tools together at the end, what `watershed export` wrote behind them;
//!   the first that fails ends the import.
//! - Nothing of a document is sent before it has been read as a whole. An NDJSON file is never held, but for a dry
//!   run.

mod document;
mod dry_run;
mod exported;
mod files;
mod foreign;
mod forms;
mod lines;
mod progress;
mod reading;
mod request;
mod send;
#[cfg(test)]
mod tests;
mod totals;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::PathBuf;

use bytes::Bytes;

use super::client::{Client, ClientError, ServerOption};
use super::console::{Console, Format, FormatOption};
use super::failure::Failure;
use super::problem::Outcome;
use crate::files::{ReadError, Table};
use crate::sources::formats::Detected;
use crate::sources::{Naming, Template, aliases};
use crate::types::DiscoverySource;
use document::{Document, DocumentError};
use dry_run::DryRun;
use exported::Exported;
use foreign::{Foreign, ForeignError};
use forms::Form;
use progress::Progress;
use totals::Totals;

const EXAMPLES: &str = "\
A file in the ingest form is a JSON object:
  {\"source\":\"manual\",\"timestamp\":\"2026-02-14T10:00:00Z\",
   \"nodes\":[{\"service_id\":\"checkout\",\"metadata\":{\"team\":\"payments\",\"criticality\":\"high\"}}],
   \"edges\":[{\"source\":\"checkout\",\"target\":\"payment\",\"attributes\":{\"communication_mode\":\"sync\"}}]}
or NDJSON: a line {\"source\":…,\"timestamp\":…}, then one {\"node\":{…}} or {\"edge\":{…}} a line.
One of up to 5000 entries and 4 MiB goes in one request, applied as a whole or not at all; when the server
asks to wait (429, 503) it is sent up to 10 times. A larger one goes as a stream and is applied in batches.
With \"mode\":\"replace\" all else that the source reported is withdrawn, at the end. Running an import again
is safe.

Files of other tools, told by what stands in them or said with --format:
  kubernetes  manifests                                        as source kubernetes
  backstage   catalog-info.yaml                                as source manual
  compose     docker-compose.yml                               as source manual
  jaeger      dependencies or traces, JSON                     as source otel_service_graph
  kiali       a graph, JSON                                    as source service_mesh
  csv         a table: source,target,… or service_id,team,…    as source manual
In a directory all *.yaml, *.yml, *.json, *.ndjson, *.jsonl and *.csv are looked at; what is none of these forms
is passed over. All files of one form are read together. Ids are bare names, namespace/name where two namespaces
have the name; --alias and --id-template say otherwise. A file of another tool is at most 16 MiB.

A directory that `watershed export` made, edited or not, is sent as what each source reports: metadata and
dependencies that are not stale. With --data-dir it becomes a new data directory with all that was exported, and
has to be as it was written: the digest is compared.

Examples:
  watershed import graph.json
  watershed import teams/*.json --source manual
  watershed import k8s/ --dry-run
  watershed import catalog/ --format backstage --alias payments-api=payments
  zcat edges.ndjson.gz | watershed import -
  watershed import tables --data-dir /var/lib/watershed-2";

/// Add services and dependencies from files to a running server
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Files and directories to send, in this order; - is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// As whom they report, instead of what files say and what is usual for their form
    #[arg(long, value_name = "SOURCE",
        value_parser = clap::builder::PossibleValuesParser::new(DiscoverySource::NAMES))]
    source: Option<String>,
    /// How to print the answer (table, json) [default: table on a terminal, json when piped], or in which form the
    /// files are [default: told by what stands in them]; can be given for both
    #[arg(long = "format", value_name = "FORMAT", value_parser = formats())]
    formats: Vec<String>,
    /// Tell what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// How ids are made of the names in files of other tools, such as {namespace}/{name}; {cluster} can stand in it too
    #[arg(long, value_name = "TEMPLATE", value_parser = Template::parse)]
    id_template: Option<Template>,
    /// The id of a service that files of other tools call otherwise; NAME can be namespace/name
    #[arg(long = "alias", value_name = "NAME=ID", value_parser = aliases)]
    aliases: Vec<Aliases>,
    /// Make this data directory, missing or empty, of the one that `watershed export` made, instead of asking a server
    #[arg(long, value_name = "DIRECTORY",
        conflicts_with_all = ["url", "source", "formats", "dry_run", "id_template", "aliases"])]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOption,
}

type Aliases = BTreeMap<String, String>;

/// How answers are printed, and names that our own form goes by.
const OUTPUT_FORMATS: [&str; 2] = ["table", "json"];
const OWN_FORMATS: [&str; 1] = ["ndjson"];

fn formats() -> clap::builder::PossibleValuesParser {
    let all = OUTPUT_FORMATS.into_iter().chain(Detected::NAMES).chain(OWN_FORMATS);
    clap::builder::PossibleValuesParser::new(all)
}

impl Options {
    fn output(&self) -> FormatOption {
        FormatOption::of(self.formats.iter().rev().find_map(|format| match format.as_str() {
            "table" => Some(Format::Table),
            "json" => Some(Format::Json),
            _ => None,
        }))
    }

    /// The form of all files, if it was said.
    fn form(&self) -> Result<Option<Detected>, Failure> {
        let mut forms = self.formats.iter().filter_map(|format| match format.as_str() {
            "ndjson" => Some(Detected::Own),
            format => Detected::parse(format),
        });
        let form = forms.next();
        if forms.any(|other| Some(other) != form) {
            return Err(Failure::Usage(
                "--format names two forms of files; import them one after the other".to_owned(),
            ));
        }
        Ok(form)
    }

    fn naming(&self) -> Naming {
        let aliases = self.aliases.iter().flatten().map(|(name, id)| (name.clone(), id.clone())).collect();
        Naming { aliases, template: self.id_template.clone() }
    }
}

/// Why a file is not in the graph, or not all of it.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    /// The file is no ingest request.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Files of another tool came to nothing.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// What `watershed export` wrote cannot be read.
    #[error(transparent)]
    Exported(#[from] ReadError),
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
    if let Some(data_dir) = &options.data_dir {
        return exported::restore(&options.paths, data_dir, console);
    }
    let (form, client) = (options.form()?, Client::new(&options.server)?);
    let (mut paths, mut exported) = (options.paths.clone(), Vec::new());
    if form.is_none() {
        exported = exported::named(&mut paths);
    }
    let mut files = files::choose(&paths).map_err(Failure::failed)?;
    if form.is_none() {
        exported::in_trees(&mut files, &mut exported)?;
    }
    let source = options.source.as_deref();
    let mut import = Import {
        client,
        console,
        source,
        dry_run: options.dry_run.then(DryRun::default),
        totals: Totals::default(),
    };
    let mut foreign = Foreign::default();
    for file in &files {
        let at = |error, import: &Import<'_>| failure(&file.path, error, import.files_done(), files.len());
        let told = open(&file.path).and_then(|input| forms::tell(&file.path, file.is_named, form, input));
        match told.map_err(|error| at(error.into(), &import))? {
            Form::Foreign(form, text) => foreign.add(form, file.path.clone(), text),
            Form::Unknown => import.totals.reading.pass_over(),
            own => import.own(&file.path, own).map_err(|error| at(error, &import))?,
        }
    }
    let as_source = source.and_then(DiscoverySource::parse);
    let made = foreign.make(as_source, &options.naming(), &import.client, import.console);
    for (source, made) in
        made.map_err(|(name, error)| failure(&name, error.into(), import.files_done(), files.len()))?
    {
        import.totals.reading.add(&made.left_out, made.notes);
        import
            .document(&made.name, Some(source.as_str()), &made.text, made.files)
            .map_err(|error| failure(&made.name, error, import.files_done(), files.len()))?;
    }
    for exported in &exported {
        let at = |error, import: &Import<'_>| {
            failure(&exported.name(), error, import.files_done(), files.len() + Table::ALL.len())
        };
        import.exported(exported).map_err(|error| at(error, &import))?;
    }
    let Import { console, dry_run, totals, .. } = import;
    let format = console.format(options.output());
    match (format, dry_run) {
        (Format::Json, None) => console.print_line(&totals.json()),
        (Format::Table, None) => console.print(totals.render().as_bytes()),
        (Format::Json, Some(run)) => console.print_line(&run.json(&totals.reading)),
        (Format::Table, Some(run)) => console.print(run.render(&totals.reading).as_bytes()),
    }
}

/// An import under way.
struct Import<'c> {
    client: Client,
    console: &'c mut Console,
    /// As whom files report, whatever they say.
    source: Option<&'c str>,
    /// What would change, where nothing is to.
    dry_run: Option<DryRun>,
    totals: Totals,
}

impl Import<'_> {
    fn files_done(&self) -> u64 {
        self.dry_run.as_ref().map_or(self.totals.files(), DryRun::files)
    }

    /// Sends a file of our own form.
    fn own(&mut self, path: &str, form: Form) -> Result<(), ImportError> {
        let source = self.source;
        match form {
            Form::Stream(first, rest) if self.dry_run.is_some() => {
                let lines = document::read_on(Vec::new(), rest)?;
                self.document(path, source, &dry_run::of_stream(first, &lines)?, 1)
            }
            Form::Stream(first, rest) => {
                let progress = Progress::start(path, None, self.console.err_sink());
                let pieces = lines::of_stream(first, source, rest);
                send::stream(&self.client, pieces, &progress, &mut self.totals)?;
                self.totals.end_files(1);
                Ok(())
            }
            Form::Document(text) => self.document(path, source, &text, 1),
            Form::Foreign(..) | Form::Unknown => Ok(()),
        }
    }

    /// Sends what `watershed export` wrote, a document for each source.
    fn exported(&mut self, exported: &Exported) -> Result<(), ImportError> {
        let (reports, left_out) = exported.reports(self.console.err_sink())?;
        self.totals.reading.add(&left_out, 0);
        let last = reports.len().saturating_sub(1);
        for (place, (source, text)) in reports.iter().enumerate() {
            let files = if place == last { Table::ALL.len() as u64 } else { 0 };
            let name = format!("{} ({})", exported.name(), source.as_str());
            self.document(&name, self.source, text, files)?;
        }
        Ok(())
    }

    /// Sends a document, which stands for so many files.
    fn document(
        &mut self,
        name: &str,
        source: Option<&str>,
        text: &Bytes,
        files: u64,
    ) -> Result<(), ImportError> {
        let document = Document::parse(text)?;
        let entries = document.nodes().len() + document.edges().len();
        let progress = Progress::start(name, Some(entries), self.console.err_sink());
        if let Some(run) = &mut self.dry_run {
            if document.replaces() && !request::fits(&document) {
                return Err(DocumentError::PartOfReplace.into());
            }
            let told = dry_run::document(&document, source, &self.client, run, self.console, &progress);
            progress.end();
            told.map_err(|cause| ImportError::Send { cause })?;
            run.end_files(files);
            return Ok(());
        }
        if request::fits(&document) {
            let body = request::body(&document, source);
            let outcome = send::request(&self.client, &body, &progress, self.console);
            progress.end();
            self.totals.add(outcome.map_err(|cause| ImportError::Send { cause })?);
        } else {
            send::stream(
                &self.client,
                lines::of_document(&document, source, text),
                &progress,
                &mut self.totals,
            )
            .map_err(|error| placed(error, &document))?;
        }
        self.totals.end_files(files);
        Ok(())
    }
}

fn open(file: &str) -> Result<Box<dyn BufRead + Send>, DocumentError> {
    // The lock of standard input cannot go to another thread; a reader of its own can.
    if file == files::STDIN {
        Ok(Box::new(BufReader::new(stdin())))
    } else {
        Ok(Box::new(BufReader::new(File::open(file)?)))
    }
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
        | ClientError::Key(_)
        | ClientError::Authorities(_) => true,
    };
    if known { "" } else { "; it may have been applied all the same: importing the file again is safe" }
}

fn line_note(line: Option<u64>) -> String {
    line.map_or(String::new(), |line| format!(" (line {line})"))
}

fn applied_note(applied: u64) -> String {
    if applied == 0 { String::new() } else { format!("; {applied} entries before it are in the graph") }
}

fn failure(file: &str, error: ImportError, done: u64, files: usize) -> Failure {
    let name = if file == "-" { "standard input" } else { file };
    let mut place = name.to_owned();
    if files > 1 {
        place = format!("{name} ({done} of {files} files were imported before it)");
    }
    Failure::Failed(anyhow::Error::new(error).context(place))
}
