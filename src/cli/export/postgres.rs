//! `watershed export postgres`: has a server bring its copy in PostgreSQL up to date, and waits until it is.

use std::time::Duration;

use anyhow::anyhow;
use hyper::StatusCode;
use serde::Deserialize;

use crate::cli::client::{Client, ClientError, ServerOption};
use crate::cli::console::{Console, FormatOption, show};
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;

const EXAMPLES: &str = "\
Examples:
  watershed export postgres
  watershed export postgres --format json | jq .rows

The server does so by itself every EXPORT_INTERVAL_SECONDS; its DATABASE_URL says where the database is. A run that is
under way is waited for. Exit codes: 0 done, 1 failed, 2 bad usage.";

const PATH: &str = "/api/v1/admin/exports/postgres";

/// Between two looks at a run: at first, and at most. Few looks, for they are counted as requests of whoever asks.
const LOOK_FIRST: Duration = Duration::from_millis(200);
const LOOK_LAST: Duration = Duration::from_secs(5);

/// Bring a server's copy of the graph in PostgreSQL up to date now
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Run {
    run_id: String,
    state: String,
    mode: Option<String>,
    version: u64,
    rows: u64,
    error: Option<String>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let progress = Progress::spinner("exporting", console.err_sink());
    let mut body = client.work(PATH)?;
    let mut look = LOOK_FIRST;
    loop {
        let run: Run = client.understand(&body)?;
        match run.state.as_str() {
            "running" => {
                progress.note(|| format!("{} rows", run.rows));
                client.wait(look);
                look = LOOK_LAST.min(look * 2);
                match client.get(&format!("{PATH}/{}", run.run_id)) {
                    Ok(looked) => body = looked,
                    // The run goes on, however often others with the same key ask.
                    Err(ClientError::Refused(problem)) if problem.status == StatusCode::TOO_MANY_REQUESTS => {
                        client.wait(problem.retry_after.unwrap_or(LOOK_LAST));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            "succeeded" => break,
            _ => {
                let error = run.error.unwrap_or_else(|| run.state.clone());
                return Err(Failure::failed(anyhow!("the export failed: {error}")));
            }
        }
    }
    drop(progress);
    show(console, options.format, &client, &body, |run: &Run| {
        let mode = run.mode.as_deref().unwrap_or("an");
        format!("{mode} export of version {}: {} rows are others now\n", run.version, run.rows)
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json, problem};

    fn run(state: &str, rows: u64, error: &str) -> String {
        format!(
            r#"{{"run_id":"0198","state":"{state}","mode":"full","version":7,"rows":{rows},"started_at":"2026-02-14T10:00:00Z","finished_at":null,"error":{error}}}"#
        )
    }

    #[test]
    fn it_waits_for_the_end_and_says_what_was_done() {
        let (under_way, done) = (run("running", 0, "null"), run("succeeded", 40, "null"));
        let answers = || vec![json(&under_way), json(&under_way), json(&done)];
        let (code, out, err, requests) = ask(answers(), Sink::Pipe, "export postgres");
        assert_eq!((code, out, err.as_str()), (0, format!("{done}\n"), ""));
        assert!(requests[0].starts_with("POST /api/v1/admin/exports/postgres HTTP"), "{requests:?}");
        assert!(requests[2].starts_with("GET /api/v1/admin/exports/postgres/0198 HTTP"), "{requests:?}");
        let (_, out, _, _) = ask(answers(), Sink::Terminal, "export postgres");
        assert_eq!(out, "full export of version 7: 40 rows are others now\n");
    }

    #[test]
    fn a_limit_on_looks_is_waited_out() {
        let limited = problem("429 Too Many Requests", "retry-after: 0\r\n", r#"{"detail":"later"}"#);
        let answers = vec![json(&run("running", 0, "null")), limited, json(&run("succeeded", 40, "null"))];
        let (code, _, err, requests) = ask(answers, Sink::Pipe, "export postgres");
        assert_eq!((code, err.as_str(), requests.len()), (0, "", 3));
    }

    #[test]
    fn a_run_that_fails_is_a_failure_and_so_is_none() {
        let failed = run("failed", 0, r#""no such host""#);
        let (code, out, err, _) = ask(vec![json(&failed)], Sink::Pipe, "export postgres");
        assert_eq!(
            (code, out.as_str(), err.as_str()),
            (1, "", "watershed: the export failed: no such host\n")
        );
        let refused = problem("409 Conflict", "", r#"{"title":"Conflict","detail":"not set up"}"#);
        let (code, _, err, _) = ask(vec![refused], Sink::Pipe, "export postgres");
        assert_eq!((code, err.as_str()), (1, "watershed: 409 Conflict: not set up\n"));
    }
}
