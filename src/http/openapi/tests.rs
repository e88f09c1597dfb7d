//! The document against the endpoints, against itself, against a second reader, and against what it was.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::*;

/// Where the document is kept that clients were given.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openapi.json");

#[test]
fn every_endpoint_is_described_and_nothing_else() {
    let described: BTreeSet<_> = operations::all().iter().map(|operation| operation.endpoint).collect();
    let endpoints: BTreeSet<_> =
        ENDPOINTS.iter().map(|endpoint| (endpoint.method, endpoint.template)).collect();
    assert_eq!(described, endpoints);
    let ids: BTreeSet<_> = operations::all().iter().map(|operation| operation.id).collect();
    assert_eq!((ids.len(), operations::all().len()), (endpoints.len(), endpoints.len()));
}

fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                found.insert(target);
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = build();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for target in &found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
    for kind in ["schemas", "responses", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let is_used = found.contains(&*format!("#/components/{kind}/{name}"));
            // The parser of heads answers by itself.
            assert!(is_used || name == "RequestHeaderFieldsTooLarge", "{kind} {name}");
        }
    }
}

#[test]
fn parameters_of_a_path_are_those_of_its_template() {
    for operation in operations::all() {
        let template = operation.endpoint.1;
        let named: BTreeSet<_> = template.split(['{', '}']).skip(1).step_by(2).collect();
        let is_in_path = |parameter: &&Value| parameter["in"] == "path";
        let described: BTreeSet<_> = operation
            .parameters
            .iter()
            .filter(is_in_path)
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(named, described, "{template}");
    }
}

#[test]
fn utoipa_reads_it() {
    let read: OpenApi = serde_json::from_slice(document()).unwrap();
    assert_eq!(read.paths.paths.len(), build()["paths"].as_object().unwrap().len());
    assert_eq!(read.info.title, "watershed");
}

#[test]
fn it_is_as_it_was() {
    let text = serde_json::to_string_pretty(&build()).unwrap() + "\n";
    if std::env::var_os("WATERSHED_RENEW").is_some() {
        std::fs::write(GOLDEN, &text).unwrap();
    }
    let kept = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    assert!(
        kept == text,
        "the document changed: WATERSHED_RENEW=1 cargo test --lib openapi renews {GOLDEN}; read the difference"
    );
}
