//! `watershed api-keys`: keys of a running server, or of a data directory that no server holds.
//!
//! One command, one file. What a directory is asked is printed in the shape in which a server answers.

mod create;
mod list;
mod revoke;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;

use super::console::Console;
use super::failure::Failure;
use super::offline;
use crate::keys::Store;
use crate::storage::{Fs, Storage as _};

const PATH: &str = "/api/v1/admin/api-keys";

/// Make, list and revoke API keys
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    Create(create::Options),
    List(list::Options),
    Revoke(revoke::Options),
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    match &options.command {
        KeysCommand::Create(options) => create::run(options, console),
        KeysCommand::List(options) => list::run(options, console),
        KeysCommand::Revoke(options) => revoke::run(options, console),
    }
}

/// `--data-dir` of these commands.
#[derive(clap::Args)]
struct Place {
    /// Work on this data directory instead of asking a server; none may be running on it
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "url")]
    data_dir: Option<PathBuf>,
}

/// The keys of a directory, which is this process's for as long as it has them.
fn open(path: &Path) -> Result<(Store<Fs>, impl Sized), Failure> {
    let storage = Fs::at(path).map_err(|error| offline::at(path, error))?;
    let lock = storage.try_lock().map_err(|error| offline::lock_failure(&storage.location(), &error))?;
    let store = Store::open(storage).map_err(offline::keys_failure)?;
    Ok((store, lock))
}

/// Who does something on the machine itself, as the records of keys name it.
fn operator() -> Arc<str> {
    "the command line".into()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, capture, json, problem, rows};

    fn typed(line: &str) -> (u8, String, String) {
        let (mut console, captured) = capture(Sink::Pipe);
        let code = crate::cli::run(line.split(' ').map(Into::into), &mut console);
        (code, captured.out(), captured.err())
    }

    #[test]
    fn a_directory_that_is_not_there_yet_gets_its_first_key() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data").display().to_string();
        let (code, out, err) =
            typed(&format!("watershed api-keys create ci --role writer --query 0 --data-dir {data}"));
        assert_eq!(code, 0, "{err}");
        let made: Value = serde_json::from_str(&out).unwrap();
        let key = made["key"].as_str().unwrap();
        assert!(key.starts_with(made["prefix"].as_str().unwrap()) && key.len() == 70, "{out}");
        assert_eq!((&made["role"], &made["rate_limits"]["query"]), (&"writer".into(), &0.into()));
        let (code, out, _) = typed(&format!("watershed api-keys list --data-dir {data}"));
        assert!(code == 0 && !out.contains(key) && out.contains("\"name\":\"ci\""), "{out}");
        let id = made["id"].as_str().unwrap();
        for (expected, said) in [(0, ""), (1, "no key has this id, or it is revoked")] {
            let (code, out, err) = typed(&format!("watershed api-keys revoke {id} --data-dir {data}"));
            assert_eq!((code, out.as_str()), (expected, ""), "{err}");
            assert!(err.contains(said), "{err}");
        }
        let (_, out, _) = typed(&format!("watershed api-keys list --data-dir {data} --format table"));
        assert!(rows(&out)[1].contains("ci writer") && rows(&out)[1].ends_with("the command line"), "{out}");
    }

    #[test]
    fn a_held_or_damaged_directory_is_left_alone() {
        use crate::storage::{Fs, Storage as _};

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().display().to_string();
        std::fs::write(directory.path().join("api-keys"), "something else\n").unwrap();
        for line in ["create a", "list", "revoke 3901a22c-220f-5858-beed-88230c7d5c68"] {
            let (code, out, err) = typed(&format!("watershed api-keys {line} --data-dir {path}"));
            assert_eq!((code, out.as_str()), (3, ""), "{line}");
            assert!(err.contains("api-keys offset 0: no file of API keys"), "{err}");
        }
        assert_eq!(std::fs::read(directory.path().join("api-keys")).unwrap(), b"something else\n");
        let _held = Fs::at(directory.path()).unwrap().try_lock().unwrap();
        assert_eq!(typed(&format!("watershed api-keys list --data-dir {path}")).0, 4);
    }

    #[test]
    fn a_server_is_asked() {
        let made =
            r#"{"id":"7","name":"ci","role":"reader","key":"ws_k","created_at":"t","expires_at":null}"#;
        let line = "api-keys create ci --role reader --expires-at 2027-01-01T00:00:00Z --ingestion 5";
        let (code, out, _, requests) = ask(vec![json(made)], Sink::Pipe, line);
        assert_eq!((code, out), (0, format!("{made}\n")));
        assert!(requests[0].starts_with("POST /api/v1/admin/api-keys "), "{requests:?}");
        let body: Value = serde_json::from_str(requests[0].split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(body["rate_limits"], serde_json::json!({"ingestion": 5}));
        assert_eq!(body["expires_at"], "2027-01-01T00:00:00Z");
        let (_, out, _, _) = ask(vec![json(made)], Sink::Terminal, "api-keys create ci");
        assert!(out.contains("ws_k\n") && out.contains("not shown again"), "{out}");

        let page = r#"{"items":[{"id":"7","name":"a\u0007b","role":"admin","prefix":"ws_p","created_at":"t1","created_by":"me",
            "expires_at":null,"last_used_at":"t2","revoked_at":null,"revoked_by":null,"rate_limits":{}}],"next_cursor":null}"#;
        let (code, out, _, _) = ask(vec![json(page)], Sink::Terminal, "api-keys list");
        assert_eq!((code, rows(&out)[1].as_str()), (0, "7 a\u{fffd}b admin ws_p works t1 - t2 me"));

        let gone = "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n".to_owned();
        let id = "3901a22c-220f-5858-beed-88230c7d5c68";
        let (code, _, _, requests) = ask(vec![gone], Sink::Pipe, &format!("api-keys revoke {id}"));
        assert_eq!(code, 0);
        assert!(requests[0].starts_with(&format!("DELETE /api/v1/admin/api-keys/{id} ")), "{requests:?}");
        let no = problem(
            "403 Forbidden",
            "",
            r#"{"title":"Forbidden","detail":"this needs a key of role admin"}"#,
        );
        for line in ["api-keys create ci", "api-keys list", &format!("api-keys revoke {id}")] {
            let (code, out, err, _) = ask(vec![no.clone()], Sink::Pipe, line);
            assert_eq!((code, out.as_str()), (1, ""), "{line}");
            assert!(err.contains("role admin"), "{err}");
        }
    }
}
