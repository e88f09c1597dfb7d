//! `watershed services`: the services of the graph, filtered, page by page.
//!
//! Not a search of its own: filters and order are the server's.
//!
//! - One page is asked for at a time; with `--all` the next one follows its cursor.
//! - For programs each page is passed on as it came, a JSON document per page.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, or_dash, table};
use super::failure::Failure;
use super::pages::{self, PageOption};
use super::url;
use crate::types::{Criticality, ServiceType};

const EXAMPLES: &str = "\
Examples:
  watershed services --team payments --criticality critical
  watershed services --query cart                 ids that contain \"cart\"
  watershed services --discovered true            known only because something calls them
  watershed services --all --format json | jq -r '.items[].service_id'

With --all and json there is one JSON document per page, which jq reads one after the other.
Exit codes: 0 done, 1 failed, 2 bad usage.";

/// List services, sorted by their id
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Only those of this team
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// Only those of this criticality
    #[arg(long, value_name = "CRITICALITY",
        value_parser = clap::builder::PossibleValuesParser::new(Criticality::NAMES))]
    criticality: Option<String>,
    /// Only those that the organisation runs itself, or does not
    #[arg(long = "type", value_name = "TYPE",
        value_parser = clap::builder::PossibleValuesParser::new(ServiceType::NAMES))]
    service_type: Option<String>,
    /// Only those that a dependency named and nobody registered (true), or the others (false)
    #[arg(long, value_name = "true|false")]
    discovered: Option<bool>,
    /// Only those whose id contains this text; case does not matter
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    #[command(flatten)]
    pages: PageOption,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

/// What a table needs of a service.
#[derive(Deserialize)]
pub(super) struct Item {
    service_id: String,
    team: Option<String>,
    criticality: String,
    service_type: String,
    discovered: bool,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    pages::show(&client, console, options.format, options.pages, |cursor| path(options, cursor), render)
}

fn path(options: &Options, cursor: Option<String>) -> String {
    let query = url::query(&[
        ("cursor", cursor),
        ("limit", options.pages.limit()),
        ("team", options.team.clone()),
        ("criticality", options.criticality.clone()),
        ("discovered", options.discovered.map(|discovered| discovered.to_string())),
        ("service_type", options.service_type.clone()),
        ("q", options.query.clone()),
    ]);
    format!("/api/v1/services{query}")
}

/// Services for a person.
pub(super) fn render(services: &[Item]) -> String {
    let rows = services.iter().map(|service| {
        [
            service.service_id.clone(),
            or_dash(service.team.as_deref()),
            service.criticality.clone(),
            service.service_type.clone(),
            if service.discovered { "discovered" } else { "registered" }.to_owned(),
        ]
    });
    table(["SERVICE", "TEAM", "CRITICALITY", "TYPE", "STATE"], rows)
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json};

    fn page(id: &str, cursor: &str) -> String {
        format!(
            r#"{{"items":[{{"service_id":"{id}","team":null,"criticality":"low","service_type":"internal","discovered":true}}],"next_cursor":{cursor}}}"#
        )
    }

    fn typed(pages: &[String], sink: Sink, line: &str) -> (u8, String, String, Vec<String>) {
        ask(pages.iter().map(|page| json(page)).collect(), sink, &format!("services{line}"))
    }

    #[test]
    fn all_follows_the_cursors() {
        let pages = [page("a", "\"c/1\""), page("b", "null")];
        let (code, out, err, requests) = typed(&pages, Sink::Pipe, " --all");
        assert_eq!((code, out, err.as_str()), (0, format!("{}\n{}\n", pages[0], pages[1]), ""));
        assert!(requests[0].starts_with("GET /api/v1/services?limit=100 HTTP"), "{requests:?}");
        assert!(requests[1].starts_with("GET /api/v1/services?cursor=c%2F1&limit=100 HTTP"), "{requests:?}");
    }

    #[test]
    fn one_page_says_that_there_are_more() {
        let (code, out, err, requests) = typed(&[page("a", "\"c\"")], Sink::Terminal, " --limit 1 --query A");
        assert_eq!((code, requests.len()), (0, 1));
        assert!(requests[0].starts_with("GET /api/v1/services?limit=1&q=A HTTP"), "{requests:?}");
        let row: Vec<&str> = out.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row, ["a", "-", "low", "internal", "discovered"]);
        assert!(err.contains("--all"), "{err}");
    }

    #[test]
    fn every_filter_is_a_parameter() {
        let line = " --team a&b --criticality high --type external --discovered false";
        let (_, _, _, requests) = typed(&[page("a", "null")], Sink::Pipe, line);
        let expected = "?team=a%26b&criticality=high&discovered=false&service_type=external HTTP";
        assert!(requests[0].contains(expected), "{requests:?}");
    }

    #[test]
    fn foreign_pages_end_the_listing() {
        let (code, _, err, _) = typed(&[page("a", "\"c\""), page("b", "\"c\"")], Sink::Pipe, " --all");
        assert_eq!(code, 1, "{err}");
        assert!(err.contains("a page leads to itself"), "{err}");
        let (code, out, err, _) = typed(&["[]".to_owned()], Sink::Pipe, "");
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
    }
}
