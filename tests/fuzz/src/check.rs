//! What must hold of whatever is given: a target hands over its bytes and its parser.
//!
//! - It returns: a panic, ten seconds and two gigabytes are failures.
//! - Asked twice it says the same; the order in which documents are given changes nothing.
//! - What is reported is what ingestion takes, as it is: sorted, nothing twice, nothing that the graph refuses.

use serde_json::Value;

use crate::ingest::{parse_json, upsert};
use crate::limits;
use crate::sources::prometheus::{Answer, Source, answer};
use crate::sources::{Document, Found, Known, Knows, Naming, Report, Template};
use crate::types::{DiscoverySource, ServiceId, Timestamp};

/// Stands between the texts of an input; it is no byte of UTF-8.
const BETWEEN: u8 = 0xFF;
/// Texts of one input; what follows belongs to the last.
const TEXTS_MAX: usize = 32;

/// The texts of an input.
pub fn texts(input: &[u8]) -> Vec<String> {
    let parts = input.splitn(TEXTS_MAX, |byte| *byte == BETWEEN);
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// Gives every text of an input to a parser of documents. Files are read in the order of their paths, so it is given
/// other paths to see that this decides nothing.
pub fn parser(input: &[u8], parse: fn(&[Document<'_>]) -> Found) {
    let mut texts = texts(input);
    let parse_all = |texts: &[String]| {
        let paths: Vec<String> = (10..10 + texts.len()).map(|number| number.to_string()).collect();
        let documents = paths.iter().zip(texts).map(|(path, text)| Document { path, text });
        parse(&documents.collect::<Vec<_>>())
    };
    let found = parse_all(&texts);
    texts.reverse();
    let other = parse_all(&texts);
    same_graph(&other, &found);
    assert_eq!(other.notes().len(), found.notes().len(), "notes under other paths");
    reported(&found);
}

/// Gives the texts of an input to a reader, as the answers to its queries.
pub fn reader(input: &[u8], source: &Source) {
    let parsed = texts(input).into_iter().map(|text| answer::parse(text.as_bytes()));
    let mut answers: Vec<Answer> = parsed.map(Result::unwrap_or_default).collect();
    let found = source.read(&answers);
    for answer in &mut answers {
        answer.series.reverse();
        answer.warnings.reverse();
    }
    same(&source.read(&answers), &found);
    reported(&found);
}

/// That two answers say the same; only the order of what they note may differ.
pub fn same(one: &Found, other: &Found) {
    same_graph(one, other);
    let notes = |found: &Found| {
        let mut notes = found.notes().to_vec();
        notes.sort();
        notes
    };
    assert_eq!(notes(one), notes(other), "notes in another order");
}

/// That two answers say the same of services and dependencies.
fn same_graph(one: &Found, other: &Found) {
    assert_eq!(one.services(), other.services(), "services in another order");
    assert_eq!(one.dependencies(), other.dependencies(), "dependencies in another order");
    assert_eq!(one.left_out(), other.left_out(), "left out in another order");
}

/// Reports what was found under several ways to give names, and holds each report to what must hold.
pub fn reported(found: &Found) {
    let ends = found.dependencies().keys().flat_map(|(from, on)| [from, on]);
    for name in found.services().keys().chain(ends) {
        let parts = [Some(&name.name), name.namespace.as_ref(), name.cluster.as_ref()];
        assert!(parts.into_iter().flatten().all(|part| !part.is_empty()), "an empty name: {name:?}");
    }
    let template = Template::parse("{cluster}/{namespace}/{name}").expect("it is one");
    let whole = Naming { template: Some(template), ..Naming::default() };
    report(found, &Naming::default());
    report(found, &whole);
}

/// Reports what was found to an empty graph, to one that has every id, and to one that has some.
pub fn report(found: &Found, naming: &Naming) {
    let some = |id: &str, namespace: Option<&str>| {
        let bytes = id.bytes().chain(namespace.unwrap_or_default().bytes());
        let sum: usize = bytes.map(usize::from).sum();
        [Known::No, Known::Perhaps, Known::Here, Known::Elsewhere][sum % 4]
    };
    report_to(found, naming, &|_, _| Known::No);
    report_to(found, naming, &|_, _| Known::Perhaps);
    report_to(found, naming, &some);
}

fn report_to(found: &Found, naming: &Naming, knows: &Knows<'_>) {
    let report = Report::of(found, naming, knows);
    assert_eq!(Report::of(found, naming, knows), report, "asked twice");
    let ids: Vec<&ServiceId> = report.nodes.iter().map(|node| &node.service_id).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "nodes are sorted and distinct: {ids:?}");
    let ends: Vec<_> = report.edges.iter().map(|edge| (&edge.source, &edge.target)).collect();
    assert!(ends.is_sorted_by(|one, next| one < next), "edges are sorted and distinct: {ends:?}");
    assert!(ends.iter().all(|(source, target)| source != target), "a self-loop: {ends:?}");
    for node in &report.nodes {
        let bytes = node.metadata.as_ref().map_or(0, |metadata| metadata.json().len());
        assert!(bytes <= limits::METADATA_BYTES_MAX, "{} has too much", node.service_id);
    }
    assert!(report.left_out.values().all(|count| *count > 0), "{:?}", report.left_out);
    ingested(report);
}

/// That ingestion takes the report, and nothing else than it.
fn ingested(report: Report) {
    let at = Timestamp::parse("2026-01-01T00:00:00Z").expect("it is one");
    let text = report.document(DiscoverySource::Kubernetes, at).to_string();
    let json = parse_json(text.as_bytes()).expect("a document is JSON");
    let checked = upsert(&json, at).expect("a report is valid");
    assert_eq!(checked.received.warnings, [] as [&str; 0]);
    assert_eq!(checked.upsert, report.upsert(DiscoverySource::Kubernetes, at));
}

/// The values of a text that is one JSON document; `None` for others, and where a key stands twice.
pub fn json(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    // It lets the last of two keys count, and its numbers are those of the text only if nothing is lost.
    parse_json(text.as_bytes()).is_ok().then_some(value)
}
