//! `watershed diverge`: what runs and was never declared, and the reverse.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, Format, FormatOption, table};
use super::failure::Failure;
use super::pages::{self, Listed, PageOption};
use super::url;
use crate::query::Divergence;

const EXAMPLES: &str = "\
Examples:
  watershed diverge                              both kinds
  watershed diverge --kind undeclared --all      every dependency that only telemetry knows
  watershed diverge --kind unobserved --format json | jq -r '.items[] | [.source, .target] | @tsv'

For a program each kind is a JSON document of its own, undeclared first. Exit codes: 0 done, 1 failed, 2 bad usage.";

/// List dependencies that run but were never declared, or were declared and never seen
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// undeclared: seen at run time only; unobserved: declared only [default: both]
    #[arg(long, value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(Divergence::NAMES))]
    kind: Option<String>,
    #[command(flatten)]
    pages: PageOption,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Item {
    source: String,
    target: String,
    sources: Vec<String>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let kinds: Vec<&str> = match &options.kind {
        Some(kind) => vec![kind],
        None => Divergence::NAMES.to_vec(),
    };
    kinds.into_iter().try_for_each(|kind| run_kind(kind, options, &client, console))
}

/// For a program one page after the other, each a line.
fn run_kind(kind: &str, options: &Options, client: &Client, console: &mut Console) -> Result<(), Failure> {
    let format = console.format(options.format);
    let path = |cursor| {
        let limit = options.pages.limit();
        let query = url::query(&[("kind", Some(kind.to_owned())), ("limit", limit), ("cursor", cursor)]);
        format!("/api/v1/graph/divergence{query}")
    };
    let Listed::<Item> { items, more } = pages::list(client, console, format, options.pages, path)?;
    if format == Format::Table {
        let more = if more { "; there are more, --all lists them" } else { "" };
        let rows =
            items.iter().map(|item| [item.source.clone(), item.target.clone(), item.sources.join(", ")]);
        let table = table(["FROM", "TO", "SEEN BY"], rows);
        console.print(format!("{kind}: {}{more}\n{table}\n", items.len()).as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json, problem, rows};

    fn page(kind: &str, cursor: &str) -> String {
        let item = r#"{"source":"a","target":"b\u0007","sources":["manual","kubernetes"]}"#;
        format!(r#"{{"kind":"{kind}","items":[{item}],"next_cursor":{cursor}}}"#)
    }

    #[test]
    fn both_kinds_are_asked_for_unless_one_is_named() {
        let pages = [page("undeclared", "null"), page("unobserved", "null")];
        let (code, out, _, requests) =
            ask(pages.iter().map(|page| json(page)).collect(), Sink::Pipe, "diverge");
        assert_eq!((code, out), (0, format!("{}\n{}\n", pages[0], pages[1])));
        for (request, kind) in requests.iter().zip(["undeclared", "unobserved"]) {
            assert!(request.contains(&format!("/api/v1/graph/divergence?kind={kind} HTTP")), "{request}");
        }
        let line = "diverge --kind unobserved --limit 7";
        let (_, out, _, requests) = ask(vec![json(&page("unobserved", "\"c\""))], Sink::Terminal, line);
        let shown = [
            "unobserved: 1; there are more, --all lists them",
            "FROM TO SEEN BY",
            "a b\u{fffd} manual, kubernetes",
            "",
        ];
        assert_eq!(rows(&out), shown);
        assert!(requests.len() == 1 && requests[0].contains("?kind=unobserved&limit=7 HTTP"), "{requests:?}");
    }

    #[test]
    fn the_second_kind_may_fail_too() {
        let refusal =
            problem("429 Too Many Requests", "", r#"{"title":"Too Many Requests","detail":"wait"}"#);
        for broken in [refusal, json(r#"{"items":[{}],"next_cursor":null}"#)] {
            let (code, _, err, _) =
                ask(vec![json(&page("undeclared", "null")), broken], Sink::Terminal, "diverge");
            assert_eq!((code, err.lines().count()), (1, 1), "{err}");
        }
        let again = json(&page("undeclared", "\"c\""));
        let (code, _, err, _) = ask(vec![again.clone(), again], Sink::Pipe, "diverge --all");
        assert_eq!((code, err.contains("a page leads to itself")), (1, true), "{err}");
    }
}
