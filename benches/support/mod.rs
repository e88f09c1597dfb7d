//! The graphs that are measured: made by `gen.py` on first use, read as texts.
//!
//! What it is not: a way into the graph. `core` applies the batches, `http` posts them.
//!
//! - The same size is always the same graph, so numbers of two runs can be compared.
//! - What is read lives as long as the process: a benchmark is one.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use watershed::types::Timestamp;

/// Services or dependencies in one request.
pub(crate) const BATCH_ENTRIES: usize = 5_000;

/// A graph as the requests that build it, and what is known of it beforehand.
pub(crate) struct Workload {
    /// Services as JSON objects.
    pub(crate) nodes: Vec<&'static str>,
    /// Dependencies as JSON objects.
    pub(crate) edges: Vec<&'static str>,
    /// Services to query, with the answers.
    pub(crate) starts: Vec<Start>,
    /// The services with most callers.
    pub(crate) hubs: Vec<Hub>,
}

/// A service to query.
pub(crate) struct Start {
    /// Which.
    pub(crate) service_id: &'static str,
    /// Services within three hops downstream, itself among them.
    pub(crate) nodes: usize,
    /// Dependencies on the way.
    pub(crate) edges: usize,
}

/// A service that many call.
pub(crate) struct Hub {
    /// Which.
    pub(crate) service_id: &'static str,
    /// How many call it.
    pub(crate) callers: usize,
}

impl Workload {
    /// Reads a graph by its name among those of `gen.py`; makes it first where it is missing.
    pub(crate) fn load(size: &str) -> Result<Self> {
        let file = |extension: &str| file(size, extension);
        // The generator writes the hubs last: where they are, the others are whole.
        if !file("hubs").exists() {
            generate(size)?;
        }
        let (mut nodes, mut edges) = (Vec::new(), Vec::new());
        for line in read(&file("ndjson"))?.lines().skip(1) {
            if let Some(node) = member(line, "{\"node\":") {
                nodes.push(node);
            } else if let Some(edge) = member(line, "{\"edge\":") {
                edges.push(edge);
            } else {
                bail!("a line of {size}.ndjson is neither a node nor an edge: {line}");
            }
        }
        let starts = rows(&file("expected"), start)?;
        let names: Vec<_> = read(&file("starts"))?.lines().collect();
        ensure!(names == starts.iter().map(|start| start.service_id).collect::<Vec<_>>(), "other starts");
        Ok(Self { nodes, edges, starts, hubs: rows(&file("hubs"), hub)? })
    }

    /// Where a graph's NDJSON lies, once it was loaded.
    pub(crate) fn file(size: &str) -> PathBuf {
        file(size, "ndjson")
    }

    /// One request body with all of the graph.
    pub(crate) fn whole(&self, observed_at: Timestamp) -> String {
        body(observed_at, &self.nodes, &self.edges)
    }

    /// Request bodies that build the graph: services first, then dependencies.
    pub(crate) fn batches(&self, observed_at: Timestamp) -> impl Iterator<Item = String> {
        let nodes = self.nodes.chunks(BATCH_ENTRIES).map(move |nodes| body(observed_at, nodes, &[]));
        nodes.chain(self.edges.chunks(BATCH_ENTRIES).map(move |edges| body(observed_at, &[], edges)))
    }

    /// Request bodies that report ten dependencies each, all of which the graph has.
    pub(crate) fn changes(&self, observed_at: Timestamp) -> impl Iterator<Item = String> {
        // Ten callers each time: the dependencies of one caller stand next to each other.
        let stride = self.edges.len() / 10;
        let ten = move |first: usize| (0..10).map(move |i| self.edges[first + i * stride]);
        (0..stride).map(move |first| body(observed_at, &[], &ten(first).collect::<Vec<_>>()))
    }
}

/// A request of `POST /api/v1/services/dependencies`. Its source reports at `observed_at`, not at the
/// generator's time, so that nothing is in the future or stale.
pub(crate) fn body(observed_at: Timestamp, nodes: &[&str], edges: &[&str]) -> String {
    let (nodes, edges) = (nodes.join(","), edges.join(","));
    format!(r#"{{"source":"manual","timestamp":"{observed_at}","nodes":[{nodes}],"edges":[{edges}]}}"#)
}

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

fn file(size: &str, extension: &str) -> PathBuf {
    benches().join("graphs").join(format!("{}.{extension}", size.replace(':', "x")))
}

/// The real graph comes from what is there, all others from the generator.
fn generate(size: &str) -> Result<()> {
    let script = benches().join(if size == "apt" { "packages.py" } else { "gen.py" });
    let status =
        Command::new("python3").arg(script).arg("--out").arg(benches().join("graphs")).arg(size).status();
    let status = status.map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            anyhow!("the graphs are made by benches/gen.py and benches/packages.py, and there is no python3 to run them")
        }
        _ => anyhow!("cannot run python3: {error}"),
    })?;
    ensure!(status.success(), "{size} could not be made: {status}");
    Ok(())
}

fn read(path: &PathBuf) -> Result<&'static str> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.leak())
}

fn member(line: &'static str, key: &str) -> Option<&'static str> {
    line.strip_prefix(key)?.strip_suffix('}')
}

fn rows<T>(path: &PathBuf, parse: fn(&'static str) -> Option<T>) -> Result<Vec<T>> {
    let parse = |line| parse(line).with_context(|| format!("{}: {line}", path.display()));
    read(path)?.lines().map(parse).collect()
}

fn start(line: &'static str) -> Option<Start> {
    let mut columns = line.split('\t');
    let service_id = columns.next()?;
    Some(Start { service_id, nodes: columns.next()?.parse().ok()?, edges: columns.next()?.parse().ok()? })
}

fn hub(line: &'static str) -> Option<Hub> {
    let (service_id, callers) = line.split_once('\t')?;
    Some(Hub { service_id, callers: callers.parse().ok()? })
}
