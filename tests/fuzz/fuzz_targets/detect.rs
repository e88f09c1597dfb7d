//! Fuzzes the detection of formats: the first text of an input is a path, the second one stands there. What a text is
//! taken for then reads it.
#![no_main]

use watershed_fuzz::sources::formats::{Detected, compose, csv, detect, jaeger, kiali};
use watershed_fuzz::sources::{Document, backstage, kubernetes};
use watershed_fuzz::{check, fuzz};

fuzz!(|input| {
    let texts = check::texts(input);
    let [path, text] = [0, 1].map(|index| texts.get(index).map_or("", String::as_str));
    let detected = detect(path, text);
    assert_eq!(detect(path, text), detected, "asked twice");
    assert_eq!(detect(path, &format!("\u{feff}{text}")), detected, "behind a byte order mark");
    let parse = match detected {
        None | Some(Detected::Own) => return,
        Some(Detected::Kubernetes) => kubernetes::of_documents,
        Some(Detected::Backstage) => backstage::parse,
        Some(Detected::Compose) => compose::parse,
        Some(Detected::Jaeger) => jaeger::parse,
        Some(Detected::Kiali) => kiali::parse,
        Some(Detected::Csv) => csv::parse,
    };
    check::reported(&parse(&[Document { path, text }]));
});
