//! Fuzzes the reader of YAML and JSON: JSON is read as the JSON it is, and nothing is deeper or more than it may be.
#![no_main]

use serde_json::Value;
use watershed_fuzz::sources::Document;
use watershed_fuzz::sources::yaml::documents;
use watershed_fuzz::{check, fuzz, limits};

fuzz!(|input| {
    let text = String::from_utf8_lossy(input);
    let document = Document { path: "f", text: &text };
    let parsed = documents(document);
    assert_eq!(documents(document), parsed, "asked twice");
    let mut values = 0;
    for document in &parsed {
        assert!(document.place.starts_with('f'), "{}", document.place);
        match &document.value {
            Ok(value) => values += count(value, 0),
            Err(reason) => assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}"),
        }
    }
    assert!(values <= limits::YAML_VALUES_MAX, "{values} values");
    if let (Some(json), [document]) = (check::json(&text), parsed.as_slice())
        && let Ok(value) = &document.value
        && (json.is_object() || json.is_array())
    {
        assert_eq!(*value, json);
    }
});

/// How many values there are.
fn count(value: &Value, depth: usize) -> usize {
    assert!(depth <= limits::YAML_DEPTH_MAX, "nested too deep");
    1 + match value {
        Value::Array(items) => items.iter().map(|item| count(item, depth + 1)).sum(),
        Value::Object(members) => members.values().map(|item| count(item, depth + 1)).sum(),
        _ => 0,
    }
}
