//! What the tests of parsers share: what was found as lines, held against a golden file.

use std::fmt::Write as _;
use std::path::Path;

use super::found::Found;
use super::naming::{Known, Naming};
use super::report::Report;

/// A file of `tests/fixtures`.
pub(super) fn fixture(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What was found, a line each, in order.
pub(super) fn lines(found: &Found) -> String {
    let report = Report::of(found, &Naming::default(), &|_, _| Known::No);
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("a String takes all");
    for node in &report.nodes {
        let metadata = node.metadata.as_ref().map_or("{}", |metadata| metadata.json());
        line(format_args!("service {} {metadata}", node.service_id.as_str()));
    }
    for edge in &report.edges {
        let (mode, criticality) = (edge.attributes.communication_mode, edge.attributes.criticality);
        let protocol = edge.attributes.protocol.as_deref().unwrap_or("-");
        let (from, on) = (edge.source.as_str(), edge.target.as_str());
        line(format_args!("dependency {from} -> {on} {} {} {protocol}", mode.as_str(), criticality.as_str()));
    }
    for (what, count) in &report.left_out {
        line(format_args!("left out: {count} {what}"));
    }
    for note in &report.notes {
        line(format_args!("note: {note}"));
    }
    text
}

/// Holds what was found against the golden file of that name in `tests/fixtures/sources`; with `WATERSHED_RENEW=1`
/// it is written anew.
#[track_caller]
pub(super) fn check_golden(name: &str, found: &Found) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources").join(name);
    let actual = lines(found);
    if std::env::var_os("WATERSHED_RENEW").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file stands in a directory")).unwrap();
        std::fs::write(&path, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{name}: run with WATERSHED_RENEW=1 and read the difference\n{actual}");
}
