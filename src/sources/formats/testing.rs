//! What the tests of formats share: graphs to compare with, and damage.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::sources::testing::fixture;
use crate::sources::{Document, Found, Naming, Report};

/// Holds what was found against a graph of the fixtures: services, dependencies, and what it says of the services.
/// `id` makes of an id there one of ours; services in `without` are not ours; members in `unsaid` are not said by us.
#[track_caller]
pub(in crate::sources) fn check_graph(
    found: &Found,
    graph: &str,
    id: impl Fn(&str) -> String,
    without: &[&str],
    unsaid: &[&str],
) {
    check_graph_under(&Naming::default(), found, graph, id, without, unsaid);
}

/// The same, with names given in another way.
#[track_caller]
pub(in crate::sources) fn check_graph_under(
    naming: &Naming,
    found: &Found,
    graph: &str,
    id: impl Fn(&str) -> String,
    without: &[&str],
    unsaid: &[&str],
) {
    let graph: Value = serde_json::from_str(&fixture(graph)).unwrap();
    let ours = |value: &Value| {
        let text = value.as_str().unwrap();
        (!without.contains(&text)).then(|| id(text))
    };
    let nodes: BTreeMap<String, &Value> = graph["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|node| Some((ours(&node["service_id"])?, &node["metadata"])))
        .collect();
    let edges: BTreeSet<(String, String)> = graph["edges"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|edge| Some((ours(&edge["source"])?, ours(&edge["target"])?)))
        .collect();
    let report = Report::of(found, naming, &|_, _| crate::sources::Known::No);
    let actual: BTreeSet<(String, String)> = report
        .edges
        .iter()
        .map(|edge| (edge.source.as_str().to_owned(), edge.target.as_str().to_owned()))
        .collect();
    assert_eq!(actual, edges);
    let actual: BTreeMap<String, Value> = report
        .nodes
        .iter()
        .map(|node| {
            let metadata = node.metadata.as_ref().map_or("{}", |metadata| metadata.json());
            let metadata = serde_json::from_str(metadata).unwrap();
            (node.service_id.as_str().to_owned(), metadata)
        })
        .collect();
    assert_eq!(actual.keys().collect::<Vec<_>>(), nodes.keys().collect::<Vec<_>>());
    for (id, metadata) in nodes {
        for (member, value) in
            metadata.as_object().unwrap().iter().filter(|(name, _)| !unsaid.contains(&name.as_str()))
        {
            assert_eq!(&actual[&id][member], value, "{id}: {member}");
        }
    }
}

/// Damages files of the fixtures in many ways, and parses.
pub(in crate::sources) fn mutate(cases: u64, files: &[&str], parse: fn(&[Document<'_>]) -> Found) {
    let texts: Vec<String> = files.iter().map(|file| fixture(file)).collect();
    mutate_texts(cases, &texts.iter().map(String::as_str).collect::<Vec<_>>(), parse);
}

/// Damages texts in many ways, and parses.
pub(in crate::sources) fn mutate_texts(cases: u64, texts: &[&str], parse: fn(&[Document<'_>]) -> Found) {
    const PIECES: [&str; 12] =
        ["{", "}", "[", "]", "\"", ":", "---\n", "\n", "null", "&a ", "*a", "\u{feff}é"];
    let mut state: u64 = 1;
    let mut chance = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    for case in 0..cases {
        let text = texts[chance(texts.len())];
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=chance(4) {
            let at = chance(bytes.len());
            let end = (at + 1 + chance(20)).min(bytes.len());
            match chance(5) {
                0 => bytes.truncate(at),
                1 => bytes[at..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << (case % 8)),
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let again = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, again));
                }
                _ => drop(bytes.splice(at..at, PIECES[chance(PIECES.len())].bytes())),
            }
        }
        let damaged = String::from_utf8_lossy(&bytes);
        let found = parse(&[Document { path: "a", text: &damaged }]);
        let _ = Report::of(&found, &Naming::default(), &|_, _| crate::sources::Known::No);
    }
}
