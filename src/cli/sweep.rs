//! `watershed sweep`: has a server judge now what is stale.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, show};
use super::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  watershed sweep
  watershed sweep --format json | jq .marked

The server does so by itself once a day; its settings say what counts as stale, and whether what has been stale for
long is removed. Exit codes: 0 done, 1 failed, 2 bad usage.";

/// Mark as stale now what no source has reported for a while
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Swept {
    marked: u64,
    #[serde(default)]
    dependencies_purged: u64,
    #[serde(default)]
    services_purged: u64,
    version: u64,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let body = client.work("/api/v1/admin/staleness/run")?;
    show(console, options.format, &client, &body, |swept: &Swept| {
        format!(
            "{} observations are stale that were not; removed: {} dependencies, {} services; graph version {}\n",
            swept.marked, swept.dependencies_purged, swept.services_purged, swept.version
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json, problem};

    #[test]
    fn it_says_what_was_done() {
        let body = r#"{"marked":3,"dependencies_purged":2,"services_purged":1,"version":9}"#;
        let (code, out, _, requests) = ask(vec![json(body)], Sink::Pipe, "sweep");
        assert_eq!((code, out), (0, format!("{body}\n")));
        assert!(requests[0].starts_with("POST /api/v1/admin/staleness/run HTTP"), "{requests:?}");
        let (_, out, _, _) = ask(vec![json(body)], Sink::Terminal, "sweep");
        let expected =
            "3 observations are stale that were not; removed: 2 dependencies, 1 services; graph version 9\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn what_is_no_answer_fails() {
        let refusal = problem("403 Forbidden", "", r#"{"title":"Forbidden","detail":"admin only"}"#);
        for (answer, expected) in
            [(refusal, "403 Forbidden"), (json(r#"{"marked":-1}"#), "is not understood")]
        {
            let (code, out, err, _) = ask(vec![answer], Sink::Terminal, "sweep");
            assert_eq!((code, out.as_str(), err.contains(expected)), (1, "", true), "{err}");
        }
    }
}
