//! What an import would change: asked of the server, piece by piece, and put together.
//!
//! Not a simulation of the whole: each piece is compared with the graph as it is now, not with what the pieces
//! before it would have left.
//!
//! - What each source's files would do is told apart: which of two sources is shown is seen only when both are in.
//! - What several pieces of one source would do to one service or dependency is told once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::document::{Document, DocumentError};
use super::progress::Progress;
use super::reading::Reading;
use super::request;
use super::send::{self, PATH};
use crate::cli::client::{Client, ClientError};
use crate::cli::console::{Console, printable};
use crate::clock;

/// What the server says that one piece would do.
#[derive(Deserialize)]
struct Rehearsed {
    version: u64,
    services: Rows<Service>,
    dependencies: Rows<Dependency>,
    observations_refreshed: u64,
    observations_withdrawn: u64,
    circular_dependencies_detected: Vec<Cycle>,
    conflicts_resolved: Vec<Value>,
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Rows<T> {
    added: Vec<T>,
    changed: Vec<T>,
    #[serde(default = "Vec::new")]
    removed: Vec<T>,
}

#[derive(Deserialize)]
struct Service {
    service_id: String,
    #[serde(flatten)]
    members: Map<String, Value>,
}

#[derive(Deserialize)]
struct Dependency {
    source: String,
    target: String,
    #[serde(flatten)]
    members: Map<String, Value>,
}

#[derive(Deserialize)]
struct Cycle {
    cycle_path: Vec<String>,
}

type Members = Map<String, Value>;

/// What all pieces would do, by the source that they report as.
#[derive(Default)]
pub(super) struct DryRun {
    files: u64,
    by_source: BTreeMap<String, Changes>,
}

/// What the pieces of one source would do.
#[derive(Default)]
struct Changes {
    version: u64,
    services_added: BTreeMap<String, Members>,
    services_changed: BTreeMap<String, Members>,
    dependencies_added: BTreeMap<(String, String), Members>,
    dependencies_changed: BTreeMap<(String, String), Members>,
    dependencies_removed: BTreeMap<(String, String), Members>,
    refreshed: u64,
    withdrawn: u64,
    cycles: BTreeSet<Vec<String>>,
    conflicts: usize,
    warnings: Vec<String>,
}

/// Asks what a document would do.
pub(super) fn document(
    document: &Document<'_>,
    source: Option<&str>,
    client: &Client,
    run: &mut DryRun,
    console: &mut Console,
    progress: &Progress,
) -> Result<(), ClientError> {
    let said = document.source.and_then(|source| serde_json::from_str::<String>(source.get()).ok());
    let source_name = source.map_or(said.unwrap_or_default(), str::to_owned);
    let changes = run.by_source.entry(source_name).or_default();
    let path = format!("{PATH}?dry_run=true");
    let mut sent = 0;
    for (body, entries) in request::bodies(document, source) {
        let attempt = || client.post(&path, body.clone(), clock::new_id());
        let answer = send::patiently(client, progress, console, attempt)?;
        changes.add(client.understand(&answer)?);
        sent += entries;
        progress.stands_at(sent);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    node: Option<&'a RawValue>,
    #[serde(borrow)]
    edge: Option<&'a RawValue>,
}

/// The document that says what a stream says: `first` is its head, `rest` its lines.
pub(super) fn of_stream(mut first: Members, rest: &[u8]) -> Result<Bytes, DocumentError> {
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    for (place, line) in rest.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(Line { node: Some(node), edge: None }) => nodes.push(node.get()),
            Ok(Line { node: None, edge: Some(edge) }) => edges.push(edge.get()),
            // The head is the first line.
            Ok(_) | Err(_) => return Err(DocumentError::Line(place as u64 + 2)),
        }
    }
    first.shift_remove("nodes");
    first.shift_remove("edges");
    let mut text = Value::Object(first).to_string();
    // The head is an object; its entries go before its end.
    text.pop();
    let comma = if text.len() > 1 { "," } else { "" };
    write!(text, "{comma}\"nodes\":[{}],\"edges\":[{}]}}", nodes.join(","), edges.join(","))
        .expect("a String takes all that is written");
    Ok(text.into())
}

impl Changes {
    fn add(&mut self, piece: Rehearsed) {
        self.version = self.version.max(piece.version);
        for Service { service_id, members } in piece.services.added {
            // Named by an edge of one piece and described by another, it is what is described.
            let is_placeholder = members.get("discovered") == Some(&Value::Bool(true));
            if !(is_placeholder && self.services_added.contains_key(&service_id)) {
                self.services_added.insert(service_id, members);
            }
        }
        let changed = piece.services.changed.into_iter();
        self.services_changed.extend(changed.map(|row| (row.service_id, row.members)));
        let by_pair = |row: Dependency| ((row.source, row.target), row.members);
        self.dependencies_added.extend(piece.dependencies.added.into_iter().map(by_pair));
        self.dependencies_changed.extend(piece.dependencies.changed.into_iter().map(by_pair));
        self.dependencies_removed.extend(piece.dependencies.removed.into_iter().map(by_pair));
        self.refreshed += piece.observations_refreshed;
        self.withdrawn += piece.observations_withdrawn;
        self.cycles.extend(piece.circular_dependencies_detected.into_iter().map(|cycle| cycle.cycle_path));
        self.conflicts += piece.conflicts_resolved.len();
        self.warnings.extend(piece.warnings);
    }

    fn json(&self, source: &str) -> Value {
        let services = |rows: &BTreeMap<String, Members>| -> Vec<Value> {
            rows.iter().map(|(id, members)| with([("service_id", id)], members)).collect()
        };
        let dependencies = |rows: &BTreeMap<(String, String), Members>| -> Vec<Value> {
            let row = |((from, on), members): (&(String, String), &Members)| {
                with([("source", from), ("target", on)], members)
            };
            rows.iter().map(row).collect()
        };
        json!({
            "source": source,
            "version": self.version,
            "services": {"added": services(&self.services_added), "changed": services(&self.services_changed)},
            "dependencies": {
                "added": dependencies(&self.dependencies_added),
                "changed": dependencies(&self.dependencies_changed),
                "removed": dependencies(&self.dependencies_removed),
            },
            "observations_refreshed": self.refreshed,
            "observations_withdrawn": self.withdrawn,
            "circular_dependencies_detected": self.cycles,
            "conflicts_resolved": self.conflicts,
            "warnings": self.warnings,
        })
    }

    /// What is added, changed and removed, a line each.
    fn lines(&self, source: &str) -> Vec<String> {
        let mut lines = vec![format!("as {source}, compared with version {}:", self.version)];
        for (id, members) in &self.services_added {
            lines.push(format!("+ {id}  {}", members.get("metadata").unwrap_or(&Value::Null)));
        }
        for (id, members) in &self.services_changed {
            lines.push(format!("~ {id}  {}", moved(members)));
        }
        for ((from, on), members) in &self.dependencies_added {
            let said = members.get("attributes").and_then(Value::as_object);
            let said = said.into_iter().flat_map(Map::values).filter_map(Value::as_str);
            lines.push(format!("+ {from} -> {on}  {}", said.collect::<Vec<_>>().join(" ")));
        }
        for ((from, on), members) in &self.dependencies_changed {
            lines.push(format!("~ {from} -> {on}  {}", moved(members)));
        }
        lines.extend(self.dependencies_removed.keys().map(|(from, on)| format!("- {from} -> {on}")));
        lines.extend(self.cycles.iter().map(|path| format!("cycle: {}", path.join(" -> "))));
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        let count = |what: &str, [added, changed, removed]: [usize; 3]| {
            format!("{what}: {added} added, {changed} changed, {removed} removed")
        };
        lines.push(count("services", [self.services_added.len(), self.services_changed.len(), 0]));
        let dependencies =
            [self.dependencies_added.len(), self.dependencies_changed.len(), self.dependencies_removed.len()];
        lines.push(format!("{}, {} seen again", count("dependencies", dependencies), self.refreshed));
        lines
    }
}

impl DryRun {
    /// Counts files whose pieces are all through.
    pub(super) fn end_files(&mut self, files: u64) {
        self.files += files;
    }

    /// How many files are through.
    pub(super) fn files(&self) -> u64 {
        self.files
    }

    /// For a program.
    pub(super) fn json(&self, reading: &Reading) -> Vec<u8> {
        let changes: Vec<Value> =
            self.by_source.iter().map(|(source, changes)| changes.json(source)).collect();
        let mut whole = json!({"dry_run": true, "files": self.files, "changes": changes});
        reading.describe(&mut whole);
        whole.to_string().into_bytes()
    }

    /// For a person.
    pub(super) fn render(&self, reading: &Reading) -> String {
        let changes = self.by_source.iter().flat_map(|(source, changes)| changes.lines(source));
        let last = ["nothing was changed".to_owned()];
        changes.chain(reading.lines()).chain(last).map(|line| printable(&line) + "\n").collect()
    }
}

fn with<const N: usize>(first: [(&str, &String); N], members: &Members) -> Value {
    let mut row: Members = first.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    row.extend(members.clone());
    Value::Object(row)
}

/// What a row that changes has before and after.
fn moved(members: &Members) -> String {
    let side = |name: &str| members.get(name).and_then(Value::as_object);
    let (Some(before), Some(after)) = (side("before"), side("after")) else { return String::new() };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |side: &Members, name: &str| side.get(name).unwrap_or(&Value::Null).to_string();
    let moves =
        names.into_iter().map(|name| format!("{name}: {} -> {}", value(before, name), value(after, name)));
    moves.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_says_what_its_document_says() {
        let Value::Object(first) = json!({"source": "manual", "mode": "replace"}) else {
            panic!("an object")
        };
        let text = of_stream(first, b"{\"node\":{\"n\":1.50}}\n\n{\"edge\":{\"e\":1}}\r\n").unwrap();
        let expected = r#"{"source":"manual","mode":"replace","nodes":[{"n":1.50}],"edges":[{"e":1}]}"#;
        assert_eq!(text, expected);
        assert_eq!(of_stream(Map::new(), b"").unwrap(), r#"{"nodes":[],"edges":[]}"#);
        for bad in ["{", "{\"x\":1}", "{\"node\":{},\"edge\":{}}", "{\"node\":{}} {}"] {
            let refused = of_stream(Map::new(), format!("{{\"node\":{{}}}}\n{bad}\n").as_bytes());
            assert!(refused.unwrap_err().to_string().contains("line 3"), "{bad}");
        }
    }

    #[test]
    fn pieces_are_put_together_and_what_is_described_wins() {
        let piece = |discovered: bool| -> Rehearsed {
            serde_json::from_value(json!({
                "dry_run": true, "version": 4,
                "services": {"added": [{"service_id": "a", "discovered": discovered, "metadata": {"d": discovered}}],
                    "changed": [{"service_id": "b", "before": {"team": null}, "after": {"team": "t"}}]},
                "dependencies": {"added": [{"source": "a", "target": "b", "attributes": {"communication_mode": "sync"}}],
                    "changed": [], "removed": [{"source": "b", "target": "\u{1b}"}]},
                "observations_refreshed": 2, "observations_withdrawn": 0,
                "circular_dependencies_detected": [{"cycle_path": ["a", "b", "a"]}], "conflicts_resolved": [{}], "warnings": ["w"],
            }))
            .unwrap()
        };
        for order in [[false, true], [true, false]] {
            let mut run = DryRun::default();
            for discovered in order {
                run.by_source.entry("manual".to_owned()).or_default().add(piece(discovered));
            }
            let expected = "as manual, compared with version 4:\n+ a  {\"d\":false}\n~ b  team: null -> \"t\"\n+ a -> b  sync\n\
                            - b -> \u{fffd}\ncycle: a -> b -> a\nwarning: w\nwarning: w\n\
                            services: 1 added, 1 changed, 0 removed\n\
                            dependencies: 1 added, 0 changed, 1 removed, 4 seen again\nnothing was changed\n";
            assert_eq!(run.render(&Reading::default()), expected);
            let json: Value = serde_json::from_slice(&run.json(&Reading::default())).unwrap();
            let change = &json["changes"][0];
            assert_eq!(change["services"]["added"][0]["discovered"], false);
            assert_eq!((&change["conflicts_resolved"], &change["version"]), (&json!(2), &json!(4)));
        }
    }
}
