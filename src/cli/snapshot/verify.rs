//! `watershed snapshot verify`: a snapshot of a server, or all of a directory that no server holds.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use uuid::Uuid;

use super::{Checked, PATH, check_all};
use crate::cli::client::{Client, ServerOption};
use crate::cli::console::{Console, Format, FormatOption, table};
use crate::cli::failure::Failure;
use crate::cli::offline;
use crate::cli::progress::Progress;

const EXAMPLES: &str = "\
Examples:
  watershed snapshot verify 0198c1de-7b1c-7c5e-9a1b-3a5a7e8f2d10
  watershed snapshot verify --data-dir /var/lib/watershed     all of a server that does not run

Exit codes: 0 it holds; 3 it does not; 4 a server holds the directory.";

/// Read a snapshot with every check
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Which one of a running server, by its id
    #[arg(value_name = "ID", required_unless_present = "data_dir")]
    id: Option<Uuid>,
    /// All snapshots of this data directory; no server may be running on it
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["url", "id"])]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

/// What a server says of a snapshot.
#[derive(Deserialize)]
struct Verified {
    snapshot_id: String,
    valid: bool,
    error: Option<String>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    match (&options.data_dir, options.id) {
        (Some(path), _) => verify_directory(options, path, console),
        (None, Some(id)) => ask(options, id, console),
        (None, None) => Err(Failure::Usage("which snapshot? give an ID or --data-dir".to_owned())),
    }
}

fn ask(options: &Options, id: Uuid, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let progress = Progress::spinner("verifying", console.err_sink());
    let body = client.work(&format!("{PATH}/{id}/verify"))?;
    drop(progress);
    let Verified { snapshot_id, valid, error } = client.understand(&body)?;
    let error = error.unwrap_or_else(|| "no reason is given".to_owned());
    match console.format(options.format) {
        Format::Json => console.print_line(&body)?,
        Format::Table => console.print(render([(snapshot_id.clone(), valid)]).as_bytes())?,
    }
    if valid {
        Ok(())
    } else {
        Err(Failure::Damaged(format!("snapshot {snapshot_id} does not hold: {error}")))
    }
}

fn verify_directory(options: &Options, path: &Path, console: &mut Console) -> Result<(), Failure> {
    let directory = offline::open(path)?;
    let checked = check_all(&directory, console.err_sink())?;
    match console.format(options.format) {
        Format::Json => {
            let page = serde_json::json!({ "items": checked });
            console.print_line(page.to_string().as_bytes())?;
        }
        Format::Table => {
            let rows = checked.iter().map(|checked| (checked.snapshot_id.clone(), checked.valid));
            console.print(render(rows).as_bytes())?;
        }
    }
    let faults: Vec<String> = checked.iter().filter_map(Checked::fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Failure::Damaged(faults.join("; "))) }
}

fn render(rows: impl IntoIterator<Item = (String, bool)>) -> String {
    let held = |valid| if valid { "yes" } else { "no" }.to_owned();
    table(["SNAPSHOT", "HOLDS"], rows.into_iter().map(|(id, valid)| [id, held(valid)]))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::cli::console::Sink;
    use crate::cli::offline::testing::{Damage, DataDir, flip};
    use crate::cli::testing::{StubServer, capture, json};

    const ID: &str = "0198c1de-7b1c-7c5e-9a1b-3a5a7e8f2d10";

    #[test]
    fn a_server_is_asked_and_the_exit_code_tells() {
        let valid = format!(r#"{{"snapshot_id":"{ID}","valid":true}}"#);
        let broken = format!(r#"{{"snapshot_id":"{ID}","valid":false,"error":"content hash mismatch"}}"#);
        let server = StubServer::start(vec![json(&valid), json(&broken), json(&broken)]);
        for (sink, expected, body) in
            [(Sink::Pipe, 0, &valid), (Sink::Pipe, 3, &broken), (Sink::Terminal, 3, &broken)]
        {
            let (mut console, captured) = capture(sink);
            let line = format!("watershed snapshot verify {ID} --url {}", server.url);
            let code = crate::cli::run(line.split(' ').map(Into::into), &mut console);
            let (out, err) = (captured.out(), captured.err());
            assert_eq!(code, expected, "{err}");
            assert!(out == format!("{body}\n") || out.starts_with("SNAPSHOT"), "{out}");
            assert!(expected == 0 || err.ends_with("does not hold: content hash mismatch\n"), "{err}");
        }
        let expected = format!("POST /api/v1/admin/snapshots/{ID}/verify HTTP/1.1\r\n");
        assert!(server.requests().iter().all(|request| request.starts_with(&expected)));
    }

    #[test]
    fn all_of_a_directory_are_read() {
        let directory = DataDir::with_snapshots(&[2, 4], Damage::None);
        let (code, out, err) = directory.typed("snapshot verify");
        assert_eq!((code, err.as_str()), (0, ""));
        let page: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (page["items"].as_array().unwrap().len(), &page["items"][1]["valid"]),
            (2, &Value::Bool(true))
        );
        for (place, other) in [(1, 0), (0, 1)] {
            let directory = DataDir::with_snapshots(&[2, 4], Damage::None);
            flip(&directory.snapshot(place), 700);
            let (code, out, err) = directory.typed("snapshot verify");
            assert_eq!((code, err.lines().count()), (3, 1), "{err}");
            let name = directory.snapshot(place).file_name().unwrap().to_str().unwrap().to_owned();
            assert!(err.contains(&name), "{err}");
            let page: Value = serde_json::from_str(&out).unwrap();
            assert_eq!(page["items"][place]["valid"], false, "{page}");
            assert_eq!(page["items"][other]["valid"], true, "{page}");
            assert_eq!(directory.typed("wal verify").0, 3);
        }
    }

    #[test]
    fn another_snapshot_under_the_name_is_found_out() {
        let (ours, theirs) =
            (DataDir::with_snapshots(&[2], Damage::None), DataDir::with_snapshots(&[2], Damage::None));
        std::fs::copy(theirs.snapshot(0), ours.snapshot(0)).unwrap();
        assert_eq!(ours.typed("snapshot verify").0, 3);
    }
}
