//! `watershed services`: the services of the graph, filtered, page by page.
//!
//! Not a search of its own: filters and order are the server's.
//!
//! - One page is asked for at a time; with `--all` the next one follows its cursor.
//! - For programs each page is passed on as it came, a JSON document per page.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, Format, FormatOption, table};
use super::failure::Failure;
use super::pages::{self, Listed};
use super::url;
use crate::limits;
use crate::types::{Criticality, ServiceType};

const EXAMPLES: &str = "\
Examples:
  watershed services --team payments --criticality critical
  watershed services --query cart                 ids that contain \"cart\"
  watershed services --discovered true            known only because something calls them
  watershed services --all --format json | jq -r '.items[].service_id'

With --all and json there is one JSON document per page, which jq reads one after the other.";

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
    /// How many services in one page, 1 to 100 [default: 20, with --all 100]
    #[arg(long, value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(1..=limits::PAGE_ITEMS_MAX as i64))]
    limit: Option<u16>,
    /// Every page, not only the first one
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

/// What a table needs of an item.
#[derive(Deserialize)]
struct Item {
    service_id: String,
    team: Option<String>,
    criticality: String,
    service_type: String,
    discovered: bool,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let format = console.format(options.format);
    let Listed { items, more } =
        pages::list(&client, console, format, options.all, |cursor| path(options, cursor))?;
    if format == Format::Table {
        console.print(render(&items).as_bytes())?;
        if more {
            console.say(
                "There are more services: --all lists them, --query and the other filters narrow them down.",
            );
        }
    }
    Ok(())
}

fn path(options: &Options, cursor: Option<String>) -> String {
    let limit = options.limit.map(usize::from).or(options.all.then_some(limits::PAGE_ITEMS_MAX));
    let query = url::query(&[
        ("cursor", cursor),
        ("limit", limit.map(|limit| limit.to_string())),
        ("team", options.team.clone()),
        ("criticality", options.criticality.clone()),
        ("discovered", options.discovered.map(|discovered| discovered.to_string())),
        ("service_type", options.service_type.clone()),
        ("q", options.query.clone()),
    ]);
    format!("/api/v1/services{query}")
}

fn render(services: &[Item]) -> String {
    let rows = services.iter().map(|service| {
        [
            service.service_id.clone(),
            service.team.clone().unwrap_or_else(|| "-".to_owned()),
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
    use crate::cli::testing::{StubServer, capture, json};

    fn page(id: &str, cursor: &str) -> String {
        format!(
            r#"{{"items":[{{"service_id":"{id}","team":null,"criticality":"low","service_type":"internal","discovered":true}}],"next_cursor":{cursor}}}"#
        )
    }

    fn typed(pages: &[String], sink: Sink, line: &str) -> (u8, String, String, Vec<String>) {
        let server = StubServer::start(pages.iter().map(|page| json(page)).collect());
        let (mut console, captured) = capture(sink);
        let line = format!("watershed services --url {}{line}", server.url);
        let code = crate::cli::run(line.split(' ').map(Into::into), &mut console);
        (code, captured.out(), captured.err(), server.requests())
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
