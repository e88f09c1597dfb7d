//! What `watershed export` wrote, read again: as reports for a running server, or as it was into a new data
//! directory.
//!
//! - A new data directory is the graph that was written, to the digest; files that say another one are refused.
//! - A server gets what a report can carry, and files that were edited: it makes ids, times and cycles itself.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;
use serde_json::json;

use super::files::Chosen;
use crate::cli::console::{Console, Sink};
use crate::cli::failure::Failure;
use crate::cli::offline::{Target, at};
use crate::cli::progress::Progress;
use crate::clock;
use crate::files::{
    DependencyRow, Form, Manifest, ReadError, ServiceRow, Table, read, read_cycles, read_dependencies,
    read_services,
};
use crate::types::{AlertStatus, BackoffStrategy, DiscoverySource, Observation, Timestamp};

/// A file of this name that is longer is not ours.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024;

/// A directory that `watershed export` made.
pub(super) struct Exported {
    path: PathBuf,
    manifest: Vec<u8>,
}

impl Exported {
    /// The directory, if it is one, sound or not.
    pub(super) fn find(path: &str) -> Option<Self> {
        let path = PathBuf::from(path);
        let file = File::open(path.join(Manifest::FILE)).ok()?;
        let mut manifest = Vec::new();
        file.take(MANIFEST_BYTES_MAX).read_to_end(&mut manifest).ok()?;
        Manifest::is_meant(&manifest).then_some(Self { path, manifest })
    }

    /// The directory that a file is part of, if `watershed export` wrote it.
    fn holding(file: &str) -> Option<Self> {
        let path = Path::new(file);
        let name = path.file_name()?.to_str()?;
        let is_table = |form: Form| Table::ALL.iter().any(|table| table.file(form) == name);
        let is_ours = name == Manifest::FILE || Form::ALL.into_iter().any(is_table);
        is_ours.then(|| Self::find(path.parent()?.to_str()?)).flatten()
    }

    /// Its path.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Gives its manifest and what opens its files to `read`, which is seen to go on.
    fn read<T>(
        &self,
        sink: Sink,
        read: impl FnOnce(&Manifest, &dyn Fn(Table) -> io::Result<BufReader<Watched>>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let manifest = Manifest::parse(&self.manifest)?;
        let file = |table: Table| self.path.join(table.file(manifest.form));
        let total = Table::ALL.map(|table| fs::metadata(file(table)).map_or(0, |found| found.len()));
        let progress = Progress::bar("reading", sink);
        let watch = Rc::new(Watch { progress, done: Cell::new(0), total: total.iter().sum() });
        read(&manifest, &|table| {
            Ok(BufReader::new(Watched { file: File::open(file(table))?, watch: Rc::clone(&watch) }))
        })
    }

    /// What each source reports, in the ingest form, and how much a report does not carry.
    pub(super) fn reports(&self, sink: Sink) -> Result<(Reports, BTreeMap<&'static str, u64>), ReadError> {
        self.read(sink, |manifest, open| {
            let file = |table: Table| table.file(manifest.form);
            let open = |table| open(table).map_err(|source| ReadError::Io { file: file(table), source });
            let (mut said, mut left_out) = (BTreeMap::<_, Said>::new(), BTreeMap::new());
            let mut leave_out = |what, count: bool| *left_out.entry(what).or_default() += u64::from(count);
            read_services(manifest.form, open(Table::Services)?, |row| {
                leave_out("SLO targets", row.availability_target.is_some());
                service(&row, &mut said);
                Ok(())
            })?;
            read_dependencies(manifest.form, open(Table::Dependencies)?, |row| {
                leave_out("stale observations", row.observation.is_stale());
                if !row.observation.is_stale() {
                    said.entry(row.observation.source).or_default().dependency(&row);
                }
                Ok(())
            })?;
            read_cycles(manifest.form, open(Table::Cycles)?, |row| {
                leave_out("alerts that somebody looked at", row.alert.status != AlertStatus::Open);
                Ok(())
            })?;
            left_out.retain(|_, count| *count > 0);
            Ok((said.into_iter().map(|(source, said)| (source, said.document(source))).collect(), left_out))
        })
    }
}

/// Takes the directories out of the paths that are one.
pub(super) fn named(paths: &mut Vec<String>) -> Vec<Exported> {
    let mut found = Vec::new();
    paths.retain(|path| Exported::find(path).map(|exported| found.push(exported)).is_none());
    found
}

/// Takes the files of such directories out of those that trees hold, and adds their directories to those found. A
/// table alone, which somebody named, is refused: it would be taken for one of another tool.
pub(super) fn in_trees(files: &mut Vec<Chosen>, found: &mut Vec<Exported>) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for file in files.drain(..) {
        match Exported::holding(&file.path) {
            None => kept.push(file),
            Some(exported) if file.is_named => {
                return Err(Failure::Usage(format!(
                    "{} is one of the files that `watershed export` wrote; import the directory, {}, or say --format",
                    file.path,
                    exported.name()
                )));
            }
            Some(exported) if found.iter().any(|known| known.path == exported.path) => {}
            Some(exported) => found.push(exported),
        }
    }
    *files = kept;
    Ok(())
}

/// A document for each source.
pub(super) type Reports = Vec<(DiscoverySource, Bytes)>;

/// Makes a new data directory of the only path.
pub(super) fn restore(paths: &[String], data_dir: &Path, console: &mut Console) -> Result<(), Failure> {
    let exported = match paths {
        [path] => Exported::find(path),
        _ => None,
    };
    let exported = exported.ok_or_else(|| {
        let wanted = "--data-dir takes one directory that `watershed export` made, with its manifest.json";
        Failure::Usage(wanted.to_owned())
    })?;
    let target = Target::check(data_dir)?;
    let read = exported.read(console.err_sink(), |manifest, open| {
        Ok((read(manifest, open)?, manifest.directory_created_at))
    });
    let (graph, created_at) = read.map_err(|error| unreadable(&exported, error))?;
    target.make(&graph, created_at.unwrap_or_else(clock::now), &exported.name(), console)
}

fn unreadable(exported: &Exported, error: ReadError) -> Failure {
    if matches!(error, ReadError::Io { .. }) {
        return at(&exported.path, error);
    }
    let name = exported.name();
    let hint = if error.is_of_the_whole() {
        format!(" If they were edited, a running server takes them: `watershed import {name}`.")
    } else {
        String::new()
    };
    Failure::Damaged(format!(
        "{name}: these are not the files that were written: {error}. Nothing was changed.{hint}"
    ))
}

/// What one source says.
#[derive(Default)]
struct Said {
    nodes: String,
    edges: String,
    newest: Option<Timestamp>,
}

fn service(row: &ServiceRow, said: &mut BTreeMap<DiscoverySource, Said>) {
    for report in row.service.reports() {
        let said = said.entry(report.source).or_default();
        let id = json!(row.service.service_id().as_str());
        push(&mut said.nodes, &format!(r#"{{"service_id":{id},"metadata":{}}}"#, report.metadata.json()));
        said.newest = said.newest.max(Some(row.service.updated_at()));
    }
}

impl Said {
    fn dependency(&mut self, row: &DependencyRow<'_>) {
        let Observation { attributes, last_observed_at, .. } = &row.observation;
        let retry = attributes.retry_config.map(|retry| {
            let strategy = retry.backoff_strategy.map(BackoffStrategy::as_str);
            json!({"max_retries": retry.max_retries, "backoff_strategy": strategy})
        });
        let attributes = json!({
            "communication_mode": attributes.communication_mode.as_str(),
            "criticality": attributes.criticality.as_str(),
            "protocol": attributes.protocol.as_deref(),
            "timeout_ms": attributes.timeout_ms,
            "retry_config": retry,
        });
        let edge = json!({"source": row.source, "target": row.target, "attributes": attributes});
        push(&mut self.edges, &edge.to_string());
        self.newest = self.newest.max(Some(*last_observed_at));
    }

    fn document(self, source: DiscoverySource) -> Bytes {
        let Self { nodes, edges, newest } = self;
        let (source, at) = (source.as_str(), newest.unwrap_or_else(clock::now));
        format!(r#"{{"source":"{source}","timestamp":"{at}","nodes":[{nodes}],"edges":[{edges}]}}"#).into()
    }
}

fn push(list: &mut String, item: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(item);
}

/// How far the reading of all files has come.
struct Watch {
    progress: Progress,
    done: Cell<u64>,
    total: u64,
}

/// A file that is seen to be read.
struct Watched {
    file: File,
    watch: Rc<Watch>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        let Watch { progress, done, total } = &*self.watch;
        done.set(done.get() + length as u64);
        progress.bytes(done.get(), Some(*total));
        Ok(length)
    }
}
