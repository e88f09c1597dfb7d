//! `watershed deps`: what a service calls, and who calls it.
//!
//! Not a traversal: the server does that. For programs its answer is passed on as it came; for
//! people it becomes two tables and a line of numbers.
//!
//! - A parameter that was not given is not sent: the defaults are the server's.
//! - Tables read only what they show, so that the server may add fields.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, Format, FormatOption, table};
use super::failure::Failure;
use super::url;
use crate::limits;
use crate::types::{Direction, ServiceId};

const EXAMPLES: &str = "\
Examples:
  watershed deps checkoutservice                        three hops both ways
  watershed deps redis-cart --direction upstream        who breaks when it breaks
  watershed deps frontend --depth 10 --max-nodes 500    far, but not too much
  watershed deps frontend --graph dot | dot -Tsvg > frontend.svg
  watershed deps frontend --format json | jq '.statistics'

Exit codes: 0 done, 1 failed (there is no such service, for one), 2 bad usage.";

/// Show what a service depends on (downstream) and what depends on it (upstream)
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The id of the service, as `watershed services` lists it
    #[arg(value_parser = ServiceId::parse)]
    service: ServiceId,
    /// Which way to go: downstream is what it calls, upstream who calls it [default: both]
    #[arg(long, value_name = "DIRECTION", value_parser = clap::builder::PossibleValuesParser::new(Direction::NAMES))]
    direction: Option<String>,
    /// How many hops to follow, 1 to 10 [default: 3]
    #[arg(long, value_name = "HOPS",
        value_parser = clap::value_parser!(u8).range(1..=i64::from(limits::QUERY_DEPTH_MAX)))]
    depth: Option<u8>,
    /// Follow dependencies too that no source has seen for a while
    #[arg(long)]
    include_stale: bool,
    /// Leave out dependencies with a confidence below this, 0 to 1 [default: 0]
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    min_confidence: Option<f64>,
    /// Print the answer for a program that draws graphs, instead of tables or JSON
    #[arg(long, value_name = "FORMAT", value_parser = clap::builder::PossibleValuesParser::new(crate::render::Format::NAMES),
        conflicts_with = "format")]
    graph: Option<String>,
    /// Stop after this many services; the answer then says that it is cut [default: 10000]
    #[arg(long, value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::QUERY_NODES_MAX)))]
    max_nodes: Option<u32>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

/// What a table needs of the answer.
#[derive(Deserialize)]
struct Answer {
    version: u64,
    nodes: Vec<Node>,
    edges: Vec<Dependency>,
    statistics: Statistics,
}

#[derive(Deserialize)]
struct Node {
    service_id: String,
    team: Option<String>,
    criticality: String,
    service_type: String,
    distance: u32,
}

#[derive(Deserialize)]
struct Dependency {
    source: String,
    target: String,
    communication_mode: String,
    criticality: String,
    confidence_score: f64,
    sources: Vec<String>,
    is_stale: bool,
}

#[derive(Deserialize)]
struct Statistics {
    upstream_services: u64,
    downstream_services: u64,
    has_circular_dependencies: bool,
    truncated: bool,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let unknown = |error| Failure::about(&options.service, error);
    if options.graph.is_some() {
        return console.print(&client.get_text(&path(options)).map_err(unknown)?);
    }
    let body = client.get(&path(options)).map_err(unknown)?;
    match console.format(options.format) {
        Format::Json => console.print_line(&body),
        Format::Table => console.print(render(&client.understand(&body)?).as_bytes()),
    }
}

fn path(options: &Options) -> String {
    let query = url::query(&[
        ("direction", options.direction.clone()),
        ("depth", options.depth.map(|depth| depth.to_string())),
        ("include_stale", options.include_stale.then(|| "true".to_owned())),
        ("min_confidence", options.min_confidence.map(|ratio| ratio.to_string())),
        ("max_nodes", options.max_nodes.map(|number| number.to_string())),
        ("format", options.graph.clone()),
    ]);
    format!("/api/v1/services/{}/dependencies{query}", url::encode(options.service.as_str()))
}

fn ratio(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

fn render(answer: &Answer) -> String {
    let services = table(
        ["SERVICE", "HOPS", "TEAM", "CRITICALITY", "TYPE"],
        answer.nodes.iter().map(|node| {
            [
                node.service_id.clone(),
                node.distance.to_string(),
                node.team.clone().unwrap_or_else(|| "-".to_owned()),
                node.criticality.clone(),
                node.service_type.clone(),
            ]
        }),
    );
    let dependencies = table(
        ["FROM", "TO", "MODE", "CRITICALITY", "CONFIDENCE", "SEEN BY", "STATE"],
        answer.edges.iter().map(|edge| {
            [
                edge.source.clone(),
                edge.target.clone(),
                edge.communication_mode.clone(),
                edge.criticality.clone(),
                format!("{:.2}", edge.confidence_score),
                edge.sources.join(", "),
                if edge.is_stale { "stale" } else { "fresh" }.to_owned(),
            ]
        }),
    );
    let dependencies = if answer.edges.is_empty() { String::new() } else { dependencies + "\n" };
    format!("{services}\n{dependencies}{}\n", summary(answer))
}

fn summary(answer: &Answer) -> String {
    let Statistics { upstream_services, downstream_services, .. } = answer.statistics;
    let mut text = format!(
        "{} services ({upstream_services} upstream, {downstream_services} downstream), {} dependencies, \
         graph version {}",
        answer.nodes.len(),
        answer.edges.len(),
        answer.version
    );
    if answer.statistics.has_circular_dependencies {
        text.push_str("; some of them depend on each other in a circle");
    }
    if answer.statistics.truncated {
        text.push_str("; cut: ask for more with --max-nodes");
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, capture, json, problem, rows};

    const ANSWER: &str = r#"{"service_id":"a","direction":"both","depth":3,"version":42,
        "nodes":[{"service_id":"a","id":"i","team":"pay","criticality":"high","service_type":"internal","discovered":false,"distance":0,"metadata":{}},
                 {"service_id":"b/c","id":"j","team":null,"criticality":"medium","service_type":"external","discovered":true,"distance":1,"metadata":{}}],
        "edges":[{"source":"a","target":"b/c","communication_mode":"sync","criticality":"hard","protocol":null,"timeout_ms":null,"retry_config":null,
                  "confidence_score":0.9639,"discovery_source":"manual","sources":["manual","kubernetes"],"last_observed_at":"2026-02-14T09:45:00Z","is_stale":false}],
        "statistics":{"total_nodes":2,"total_edges":1,"upstream_services":0,"downstream_services":1,"max_depth_reached":1,
                      "has_circular_dependencies":true,"truncated":true}}"#;

    #[test]
    fn a_program_gets_the_answer_as_it_came() {
        let (code, out, err, requests) = ask(vec![json(ANSWER)], Sink::Pipe, "deps component:x/y");
        assert_eq!((code, out, err.as_str()), (0, format!("{ANSWER}\n"), ""));
        assert!(
            requests[0].starts_with("GET /api/v1/services/component%3Ax%2Fy/dependencies HTTP"),
            "{requests:?}"
        );
    }

    #[test]
    fn every_option_is_a_parameter() {
        let line =
            "deps a --direction upstream --depth 10 --include-stale --min-confidence 0.5 --max-nodes 7";
        let (_, _, _, requests) = ask(vec![json(ANSWER)], Sink::Pipe, line);
        let expected = "?direction=upstream&depth=10&include_stale=true&min_confidence=0.5&max_nodes=7 HTTP";
        assert!(requests[0].contains(expected), "{requests:?}");
    }

    #[test]
    fn a_person_gets_tables() {
        let (code, out, _, _) = ask(vec![json(ANSWER)], Sink::Terminal, "deps a");
        assert_eq!(code, 0);
        let lines = rows(&out);
        for expected in [
            "a 0 pay high internal",
            "b/c 1 - medium external",
            "a b/c sync hard 0.96 manual, kubernetes fresh",
            "2 services (0 upstream, 1 downstream), 1 dependencies, graph version 42; some of them depend on each \
             other in a circle; cut: ask for more with --max-nodes",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected}\n{out}");
        }
    }

    #[test]
    fn a_refusal_is_one_line_and_exit_code_1() {
        let body = r#"{"title":"Not Found","status":404,"detail":"there is no service \"a\"","correlation_id":"c-1"}"#;
        let cases = [
            (
                problem("404 Not Found", "", body),
                "watershed: a: 404 Not Found: there is no service \"a\" [correlation id c-1]\n",
            ),
            (problem("500 Internal Server Error", "", "{}"), "watershed: 500 Internal Server Error without"),
        ];
        for (answer, expected) in cases {
            let (code, out, err, _) = ask(vec![answer], Sink::Terminal, "deps a");
            assert_eq!((code, out.as_str()), (1, ""));
            assert!(err.starts_with(expected) && err.lines().count() == 1, "{err}");
        }
        let (code, _, err, _) = ask(vec![json("{}")], Sink::Terminal, "deps a");
        assert_eq!(code, 1);
        assert!(err.contains("is not understood: missing field"), "{err}");
    }

    #[test]
    fn an_address_that_is_none_is_bad_usage() {
        for (url, expected) in [("https://a@b", "holds a user name"), ("a:1", "expected an address such as")]
        {
            let (mut console, captured) = capture(Sink::Pipe);
            let line = format!("watershed deps a --url {url}");
            assert_eq!(crate::cli::run(line.split(' ').map(Into::into), &mut console), 2);
            let err = captured.err();
            assert!(err.contains(expected), "{err}");
        }
    }
}
