//! `watershed audit`: who changed what, and when.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, or_dash, table};
use super::failure::Failure;
use super::pages::{self, PageOption};
use super::url;

const EXAMPLES: &str = "\
Examples:
  watershed audit
  watershed audit --limit 100
  watershed audit --all --format json | jq -c '.items[] | select(.action == \"service_removed\")'

Exit codes: 0 done, 1 failed, 2 bad usage.";

/// List who changed what, the newest first
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    pages: PageOption,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

/// An entry; which members it has depends on the action.
#[derive(Deserialize)]
struct Entry {
    at: String,
    actor: Option<String>,
    action: String,
    to_version: u64,
    source: Option<String>,
    service_id: Option<String>,
    target: Option<String>,
    alert_id: Option<String>,
    nodes: Option<u64>,
    edges: Option<u64>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let path = |cursor| {
        let query = url::query(&[("cursor", cursor), ("limit", options.pages.limit())]);
        format!("/api/v1/admin/audit{query}")
    };
    pages::show(&client, console, options.format, options.pages, path, render)
}

fn render(entries: &[Entry]) -> String {
    let rows = entries.iter().map(|entry| {
        [
            entry.at.clone(),
            or_dash(entry.actor.as_deref()),
            entry.action.clone(),
            entry.to_version.to_string(),
            subject(entry),
            or_dash(entry.source.as_deref()),
        ]
    });
    table(["WHEN", "WHO", "ACTION", "VERSION", "WHAT", "SOURCE"], rows)
}

/// What was changed: a name where there is one, else how much.
fn subject(entry: &Entry) -> String {
    let count = |number: Option<u64>, what| number.map(|number| format!("{number} {what}"));
    let counted = || {
        let parts = [count(entry.nodes, "services"), count(entry.edges, "dependencies")];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        or_dash(Some(text.as_str()).filter(|text| !text.is_empty()))
    };
    match (&entry.service_id, &entry.target, &entry.alert_id) {
        (Some(from), Some(to), _) => match entry.edges {
            Some(edges) if edges > 1 => format!("{from} → {to} and {} more", edges - 1),
            _ => format!("{from} → {to}"),
        },
        (Some(service), None, _) => service.clone(),
        (None, _, Some(alert)) => alert.clone(),
        (None, _, None) => counted(),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json, problem, rows};

    const PAGE: &str = r#"{"items":[
        {"at":"t4","actor":null,"action":"staleness_swept","from_version":3,"to_version":4},
        {"at":"t3","actor":"me","action":"dependencies_withdrawn","from_version":2,"to_version":3,"source":null,"service_id":"a","target":"b\u0007","edges":3},
        {"at":"t2","actor":"me","action":"service_registered","from_version":1,"to_version":2,"service_id":"a"},
        {"at":"t2","actor":"me","action":"alert_resolved","from_version":1,"to_version":2,"alert_id":"3901"},
        {"at":"t1","actor":"me","action":"reported","from_version":0,"to_version":1,"source":"manual","nodes":2,"edges":1}
        ],"next_cursor":"c/1"}"#;

    #[test]
    fn each_entry_says_what_it_is_about() {
        let (code, out, err, requests) = ask(vec![json(PAGE)], Sink::Terminal, "audit --limit 5");
        assert_eq!((code, err.as_str()), (0, "There are more: --all lists them.\n"));
        assert_eq!(
            rows(&out)[1..],
            [
                "t4 - staleness_swept 4 - -",
                "t3 me dependencies_withdrawn 3 a → b\u{fffd} and 2 more -",
                "t2 me service_registered 2 a -",
                "t2 me alert_resolved 2 3901 -",
                "t1 me reported 1 2 services, 1 dependencies manual",
            ]
        );
        assert!(requests[0].starts_with("GET /api/v1/admin/audit?limit=5 HTTP"), "{requests:?}");
    }

    #[test]
    fn all_pages_are_followed_and_one_that_leads_to_itself_is_not() {
        let last = r#"{"items":[],"next_cursor":null}"#;
        let (code, out, _, requests) = ask(vec![json(PAGE), json(last)], Sink::Pipe, "audit --all");
        assert_eq!((code, out), (0, format!("{PAGE}\n{last}\n")));
        assert!(requests[1].contains("?cursor=c%2F1&limit=100 HTTP"), "{requests:?}");
        let (code, _, err, _) = ask(vec![json(PAGE), json(PAGE)], Sink::Pipe, "audit --all");
        assert_eq!((code, err.contains("a page leads to itself")), (1, true), "{err}");
    }

    #[test]
    fn a_refusal_prints_nothing_else() {
        let refusal = problem("403 Forbidden", "", r#"{"title":"Forbidden","detail":"admin only"}"#);
        let (code, out, err, _) = ask(vec![refusal], Sink::Terminal, "audit");
        assert_eq!((code, out.as_str(), err.as_str()), (1, "", "watershed: 403 Forbidden: admin only\n"));
    }
}
