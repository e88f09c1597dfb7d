//! `watershed snapshot create`: has a server write its graph to a file now.

use bytes::Bytes;
use uuid::Uuid;

use super::{Item, PATH, id_of, render};
use crate::cli::client::{Client, ClientError, ServerOption};
use crate::cli::console::{Console, Format, FormatOption};
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;

const EXAMPLES: &str = "\
Examples:
  watershed snapshot create
  watershed snapshot create --format json | jq -r .snapshot_id";

/// Have a running server take a snapshot now
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let body = work(&client, console)?;
    match console.format(options.format) {
        Format::Json => console.print_line(&body),
        Format::Table => {
            let item: Item = client.understand(&body)?;
            console.print(render(&[item]).as_bytes())
        }
    }
}

/// Has a server take a snapshot; its id.
pub(in crate::cli) fn take(client: &Client, console: &Console) -> Result<Uuid, Failure> {
    let body = work(client, console)?;
    let item: Item = client.understand(&body)?;
    Ok(id_of(client, &item)?)
}

fn work(client: &Client, console: &Console) -> Result<Bytes, ClientError> {
    let _progress = Progress::spinner("taking a snapshot", console.err_sink());
    client.work(PATH)
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{StubServer, answer, capture, problem};

    #[test]
    fn the_answer_is_passed_on_or_made_a_table() {
        let body = r#"{"snapshot_id":"0198","version":7,"bytes":2048,"nodes":3,"edges":2,"duration_ms":4,"created_at":"2026-02-14T10:00:00Z"}"#;
        let created = answer("201 Created", "content-type: application/json\r\n", body);
        let refused = problem("409 Conflict", "", r#"{"title":"Conflict","detail":"not now"}"#);
        let server = StubServer::start(vec![created.clone(), created, refused]);
        for (sink, expected) in [
            (Sink::Pipe, format!("{body}\n")),
            (Sink::Terminal, "0198 7 3 2 2.00 KiB 4 ms 2026-02-14T10:00:00Z".to_owned()),
        ] {
            let (mut console, captured) = capture(sink);
            let line = format!("watershed snapshot create --url {}", server.url);
            assert_eq!(crate::cli::run(line.split(' ').map(Into::into), &mut console), 0);
            let out = captured.out();
            let row = out.lines().last().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(out == expected || row == expected, "{out}");
        }
        let (mut console, captured) = capture(Sink::Pipe);
        let line = format!("watershed snapshot create --url {}", server.url);
        assert_eq!(crate::cli::run(line.split(' ').map(Into::into), &mut console), 1);
        assert_eq!(captured.err(), "watershed: 409 Conflict: not now\n");
        for request in server.requests() {
            assert!(request.starts_with("POST /api/v1/admin/snapshots HTTP/1.1\r\n"), "{request}");
        }
    }
}
