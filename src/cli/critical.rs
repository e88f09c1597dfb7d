//! `watershed critical`: single points of failure.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, show, table};
use super::failure::Failure;
use super::url;
use crate::limits;

const EXAMPLES: &str = "\
Examples:
  watershed critical
  watershed critical --limit 100 --format json | jq -r '.items[].service_id'

ONLY WAY TO counts the services that can be reached from where requests come in only through this one;
DEPENDENTS all that call it, over any number of hops. Exit codes: 0 done, 1 failed, 2 bad usage.";

/// List services that are the only way to others, the worst first
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// How many, 1 to 100 [default: 20]
    #[arg(long, value_name = "NUMBER", 
        value_parser = clap::value_parser!(u16).range(1..=limits::PAGE_ITEMS_MAX as i64))]
    limit: Option<u16>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    service_id: String,
    sole_path_for: u64,
    dependents: u64,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let query = url::query(&[("limit", options.limit.map(|limit| limit.to_string()))]);
    let body = client.get(&format!("/api/v1/graph/critical{query}"))?;
    show(console, options.format, &client, &body, |answer: &Answer| {
        let rows = answer.items.iter().map(|item| {
            [item.service_id.clone(), item.sole_path_for.to_string(), item.dependents.to_string()]
        });
        table(["SERVICE", "ONLY WAY TO", "DEPENDENTS"], rows)
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json, problem, rows};

    #[test]
    fn the_order_is_the_servers() {
        let body = r#"{"items":[{"service_id":"z\u001b","sole_path_for":9,"dependents":2},{"service_id":"a","sole_path_for":1,"dependents":5}]}"#;
        let (code, out, _, requests) = ask(vec![json(body)], Sink::Terminal, "critical --limit 100");
        assert_eq!((code, &rows(&out)[1..]), (0, &["z\u{fffd} 9 2".to_owned(), "a 1 5".to_owned()][..]));
        assert!(requests[0].starts_with("GET /api/v1/graph/critical?limit=100 HTTP"), "{requests:?}");
        assert_eq!(ask(vec![json(body)], Sink::Pipe, "critical").1, format!("{body}\n"));
    }

    #[test]
    fn what_is_no_answer_fails() {
        let refusal = problem("503 Service Unavailable", "", r#"{"detail":"not ready"}"#);
        for (answer, expected) in [(refusal, "not ready"), (json(r#"{"items":{}}"#), "is not understood")] {
            let (code, out, err, _) = ask(vec![answer], Sink::Terminal, "critical");
            assert_eq!((code, out.as_str(), err.contains(expected)), (1, "", true), "{err}");
        }
    }
}
