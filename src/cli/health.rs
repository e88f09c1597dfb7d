//! `watershed health`: whether a server is alive or ready, as an exit code.
//!
//! Not a wait: it asks once, and whoever asked decides what follows.
//!
//! - Without `--ready` only a server that does not answer fails. One that replays its log is alive and not ready;
//!   what restarted it for that would have it begin anew, again and again.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, Format, FormatOption, printable};
use super::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  watershed health                              alive, though perhaps still reading its log
  watershed health --ready --format json | jq .checks

The first is for what restarts a server, the second for what sends requests to it. Neither needs a key.
Exit codes: 0 yes, 1 no, 2 bad usage.";

/// Ask whether a server is alive, or ready
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Whether it answers queries and takes writes, too
    #[arg(long)]
    ready: bool,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    checks: BTreeMap<String, String>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let path = if options.ready { "/api/v1/health/ready" } else { "/api/v1/health" };
    let (is_well, body) = client.probe(path)?;
    // Whatever else listens there has no health to tell.
    let line = line(&client.understand(&body)?);
    match console.format(options.format) {
        Format::Json => console.print_line(&body)?,
        Format::Table if is_well => console.print_line(line.as_bytes())?,
        Format::Table => {}
    }
    if is_well { Ok(()) } else { Err(Failure::Failed(anyhow::Error::msg(line))) }
}

/// `not_ready: database replaying, server healthy`
fn line(answer: &Answer) -> String {
    let mut line = answer.status.clone();
    for (at, (name, state)) in answer.checks.iter().enumerate() {
        line += if at == 0 { ": " } else { ", " };
        line += name;
        line += " ";
        line += state;
    }
    printable(&line)
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{answer, ask, json, problem};

    const ALIVE: &str = r#"{"status":"healthy","service":"watershed","version":"1.2.3"}"#;
    const READY: &str = r#"{"status":"ready","checks":{"database":"healthy","redis":"unavailable"}}"#;
    const REPLAYING: &str = r#"{"status":"not_ready","checks":{"database":"replaying"}}"#;

    fn not_ready() -> String {
        answer("503 Service Unavailable", "content-type: application/json\r\n", REPLAYING)
    }

    #[test]
    fn alive_is_what_is_asked_without_more() {
        let (code, out, err, requests) = ask(vec![json(ALIVE)], Sink::Pipe, "health");
        assert_eq!((code, out, err.as_str()), (0, format!("{ALIVE}\n"), ""));
        assert!(requests[0].starts_with("GET /api/v1/health HTTP"), "{requests:?}");
        assert_eq!(ask(vec![json(ALIVE)], Sink::Terminal, "health").1, "healthy\n");
    }

    #[test]
    fn ready_tells_its_checks() {
        let (code, out, _, requests) = ask(vec![json(READY)], Sink::Terminal, "health --ready");
        assert_eq!((code, out.as_str()), (0, "ready: database healthy, redis unavailable\n"));
        assert!(requests[0].starts_with("GET /api/v1/health/ready HTTP"), "{requests:?}");
    }

    #[test]
    fn not_ready_fails_and_says_why() {
        let (code, out, err, _) = ask(vec![not_ready()], Sink::Terminal, "health --ready");
        assert_eq!((code, out.as_str(), err.as_str()), (1, "", "watershed: not_ready: database replaying\n"));
        let (code, out, err, _) = ask(vec![not_ready()], Sink::Pipe, "health --ready");
        assert_eq!((code, out), (1, format!("{REPLAYING}\n")));
        assert_eq!(err, "watershed: not_ready: database replaying\n");
    }

    #[test]
    fn what_is_no_health_fails() {
        let cases = [
            (problem("429 Too Many Requests", "", r#"{"detail":"later"}"#), "429 Too Many Requests: later"),
            (answer("502 Bad Gateway", "content-type: text/html\r\n", "<html>"), "502 Bad Gateway"),
            (answer("200 OK", "content-type: text/html\r\n", "<html>"), "it is no JSON"),
            (json(r#"{"status":1}"#), "is not understood"),
            (json("{}"), "is not understood"),
            (json(r#"{"status":"up\u001b","checks":[]}"#), "is not understood"),
        ];
        for (answer, expected) in cases {
            let (code, out, err, _) = ask(vec![answer], Sink::Pipe, "health");
            assert_eq!((code, out.as_str(), err.contains(expected)), (1, "", true), "{expected}: {err}");
        }
    }

    #[test]
    fn a_foreign_text_cannot_write_on_the_screen() {
        let body = r#"{"status":"up\u001b[31m","checks":{"a\n":"b"}}"#;
        let (_, out, _, _) = ask(vec![json(body)], Sink::Terminal, "health");
        assert_eq!(out, "up\u{fffd}[31m: a\u{fffd} b\n");
    }
}
