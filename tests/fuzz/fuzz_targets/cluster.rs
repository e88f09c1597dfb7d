//! Fuzzes the objects of a cluster: in lists or out of them, in whatever order, they say the same.
#![no_main]

use serde_json::Value;
use watershed_fuzz::sources::kubernetes::{items, parse};
use watershed_fuzz::sources::{Document, yaml};
use watershed_fuzz::{check, fuzz};

fuzz!(|input| {
    let texts = check::texts(input);
    let documents = texts.iter().flat_map(|text| yaml::documents(Document { path: "", text }));
    let values: Vec<Value> = documents.filter_map(|parsed| parsed.value.ok()).collect();
    let found = parse(&values);
    let mut objects: Vec<Value> = values.iter().flat_map(items).collect();
    objects.reverse();
    check::same(&parse(&objects), &found);
    check::reported(&found);
});
