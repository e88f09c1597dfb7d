//! Files of other tools: read together, named together, and made documents of our own form.
//!
//! - All files of one form are read as one: what one of them provides another may consume.
//! - What was not understood is said, and costs nothing else; where nothing was understood, nothing is sent.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;

use super::forms::usual_source;
use super::progress::Progress;
use super::send;
use crate::cli::client::{Client, ClientError};
use crate::cli::console::Console;
use crate::cli::url;
use crate::clock;
use crate::limits::PAGE_ITEMS_MAX;
use crate::sources::formats::{Detected, compose, csv, jaeger, kiali};
use crate::sources::{Document, Found, Known, Naming, Report, backstage, kubernetes};
use crate::types::{DiscoverySource, ServiceId};

/// Notes that are printed; more are counted.
const NOTES_SHOWN_MAX: usize = 20;

/// Files of other tools.
#[derive(Default)]
pub(super) struct Foreign {
    files: BTreeMap<Detected, Vec<(String, String)>>,
}

/// What the files of one source came to.
pub(super) struct Made {
    /// A document of our own form.
    pub(super) text: Bytes,
    /// What to call it: the forms of its files.
    pub(super) name: String,
    /// Its files.
    pub(super) files: u64,
    /// How much was left out, by reason.
    pub(super) left_out: BTreeMap<&'static str, u64>,
    /// How much was not understood.
    pub(super) notes: u64,
}

/// Why the files came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ForeignError {
    /// Nothing in them was understood; the reasons are told.
    #[error("nothing in it was understood")]
    Nothing,
    /// The server could not be asked which ids it knows.
    #[error(transparent)]
    Ask(#[from] ClientError),
}

impl Foreign {
    /// Adds a file.
    pub(super) fn add(&mut self, form: Detected, path: String, text: String) {
        self.files.entry(form).or_default().push((path, text));
    }

    /// Reads them all. `source` is as whom they report, unless each form reports as itself.
    pub(super) fn make(
        &self,
        source: Option<DiscoverySource>,
        naming: &Naming,
        client: &Client,
        console: &mut Console,
    ) -> Result<Vec<(DiscoverySource, Made)>, (String, ForeignError)> {
        let mut by_source: BTreeMap<DiscoverySource, (Found, Vec<&str>, u64)> = BTreeMap::new();
        for (form, files) in &self.files {
            let found = parse(*form, files);
            let reports_as = source.unwrap_or_else(|| usual_source(*form));
            let (all, names, count) = by_source.entry(reports_as).or_default();
            all.extend(found);
            names.push(form.name());
            *count += files.len() as u64;
        }
        let made = by_source.into_iter().map(|(source, (found, names, files))| {
            let name = match &self.only_file() {
                Some(path) => (*path).to_owned(),
                None => format!("{files} files ({})", names.join(", ")),
            };
            let known =
                known(&found, naming, client, console).map_err(|error| (name.clone(), error.into()))?;
            let knows = |id: &str, namespace: Option<&str>| match known.get(id) {
                None => Known::No,
                Some(home) if home.is_some() && home.as_deref() == namespace => Known::Here,
                // As which source the graph has another namespace is not told, and they mean different things by it.
                Some(_) => Known::Perhaps,
            };
            let report = Report::of(&found, naming, &knows);
            tell(&report.notes, console);
            if report.is_empty() && !report.notes.is_empty() {
                return Err((name, ForeignError::Nothing));
            }
            let text = report.document(source, clock::now()).to_string().into();
            let (left_out, notes) = (report.left_out, report.notes.len() as u64);
            Ok((source, Made { text, name, files, left_out, notes }))
        });
        made.collect()
    }

    fn only_file(&self) -> Option<&str> {
        let mut files = self.files.values().flatten();
        files.next().filter(|_| files.next().is_none()).map(|(path, _)| path.as_str())
    }
}

fn parse(form: Detected, files: &[(String, String)]) -> Found {
    let documents: Vec<Document<'_>> = files.iter().map(|(path, text)| Document { path, text }).collect();
    match form {
        Detected::Kubernetes => kubernetes::of_documents(&documents),
        Detected::Backstage => backstage::parse(&documents),
        Detected::Compose => compose::parse(&documents),
        Detected::Jaeger => jaeger::parse(&documents),
        Detected::Kiali => kiali::parse(&documents),
        Detected::Csv => csv::parse(&documents),
        // Our own form is sent as it is.
        Detected::Own => Found::default(),
    }
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    service_id: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    namespace: Option<serde_json::Value>,
}

/// Which of the ids that names with a namespace may have are in the graph, and in which namespace they are.
fn known(
    found: &Found,
    naming: &Naming,
    client: &Client,
    console: &mut Console,
) -> Result<BTreeMap<String, Option<String>>, ClientError> {
    let mut known = BTreeMap::new();
    if naming.template.is_some() {
        return Ok(known);
    }
    let candidates: Vec<ServiceId> =
        found.spellings().iter().filter_map(|name| ServiceId::parse(name).ok()).collect();
    let progress = Progress::start("asking for known ids", None, console.err_sink());
    for ids in candidates.chunks(PAGE_ITEMS_MAX) {
        let ids: Vec<String> = ids.iter().map(|id| url::encode(id.as_str())).collect();
        let path = format!("/api/v1/services?limit={PAGE_ITEMS_MAX}&ids={}", ids.join(","));
        let answer = send::patiently(client, &progress, console, || client.get(&path))?;
        let page: Page = client.understand(&answer)?;
        known.extend(page.items.into_iter().map(|item| {
            let namespace =
                item.metadata.namespace.and_then(|namespace| namespace.as_str().map(str::to_owned));
            (item.service_id, namespace)
        }));
    }
    progress.end();
    Ok(known)
}

fn tell(notes: &[String], console: &mut Console) {
    for note in notes.iter().take(NOTES_SHOWN_MAX) {
        console.say(&format!("watershed: {note}"));
    }
    if notes.len() > NOTES_SHOWN_MAX {
        console.say(&format!("watershed: {} more like these", notes.len() - NOTES_SHOWN_MAX));
    }
}
