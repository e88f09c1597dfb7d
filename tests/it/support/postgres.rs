//! A PostgreSQL of the test's own, on a free port of loopback, in a directory that goes with it.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{eventually, free_port};

/// A running PostgreSQL; the user `watershed` may do everything, without a password.
pub(crate) struct Postgres {
    child: Child,
    port: u16,
    settings: Vec<String>,
    directory: TempDir,
}

impl Postgres {
    /// Starts one.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], |_| {})
    }

    /// Starts one with settings, `name=value`, after something was put into its data directory.
    pub(crate) fn start_with(settings: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        if is_root() {
            // PostgreSQL does not run as root.
            assert!(Command::new("chown").arg("postgres").arg(directory.path()).status().unwrap().success());
        }
        let mut command = program("initdb");
        command.arg("--pgdata").arg(&data).args(["--username", "watershed", "--auth", "trust", "--no-sync"]);
        let output = command.args(["--encoding", "UTF8", "--locale", "C"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        prepare(&data);
        let (port, settings) = (free_port(), settings.iter().map(|&each| each.to_owned()).collect());
        let child = launch(directory.path(), port, &settings);
        let postgres = Self { child, port, settings, directory };
        postgres.wait();
        postgres
    }

    /// Starts one on a file system of so many megabytes, in a mount namespace that goes with it.
    pub(crate) fn start_on_small_disk(megabytes: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (port, data) = (free_port(), directory.path().join("disk"));
        std::fs::create_dir(&data).unwrap();
        // Whoever may mount is root, of a namespace at least, as whom PostgreSQL does not run.
        let (namespace, owner, other): (&[&str], _, _) = if is_root() {
            (&["--mount"], "uid=postgres,", "setpriv --reuid=postgres --regid=postgres --clear-groups --")
        } else {
            (
                &["--user", "--map-root-user", "--mount"],
                "",
                "unshare --user --map-user=1000 --map-group=1000 --",
            )
        };
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m,{owner}mode=0700 tmpfs {disk} && cd / && \
             {other} {bin}/initdb -D {disk}/data -U watershed -A trust --no-sync -E UTF8 --locale C && \
             exec {other} {bin}/postgres -D {disk}/data -p {port} -c listen_addresses=localhost \
             -c unix_socket_directories= -c fsync=off -c max_connections=20 -c client_connection_check_interval=100ms",
            disk = data.display(),
            bin = newest().display(),
        );
        let mut command = Command::new("unshare");
        command.args(namespace).args(["--", "sh", "-c", &script]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let postgres = Self { child, port, settings: Vec::new(), directory };
        postgres.wait();
        postgres
    }

    /// Where it is, as the setting wants it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://watershed@localhost:{}/postgres", self.port)
    }

    /// The one row and column that a question has, as text.
    pub(crate) fn one(&self, sql: &str) -> String {
        self.try_one(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same, or what `psql` said.
    pub(crate) fn try_one(&self, sql: &str) -> Result<String, String> {
        let output =
            self.psql(sql).output().unwrap_or_else(|error| panic!("psql: {error}; tests/run installs it"));
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The rows of a question as objects, in its order.
    pub(crate) fn rows(&self, sql: &str) -> Vec<Value> {
        let text =
            self.one(&format!("SELECT coalesce(json_agg(row_to_json(each)), '[]') FROM ({sql}) AS each"));
        serde_json::from_str(&text).unwrap()
    }

    /// A session that carries out statements and then stays as it is.
    pub(crate) fn session(&self, sql: &str) -> Session {
        let mut command = self.psql(&format!("{sql}; SELECT pg_sleep(50)"));
        Session(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Ends it and all its sessions without warning, in the middle of what they do.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        self.child.wait().unwrap();
    }

    /// Starts it again on the same data and port.
    pub(crate) fn start_again(&mut self) {
        self.child = launch(self.directory.path(), self.port, &self.settings);
        self.wait();
    }

    /// Has it and all its sessions hang, or go on (`STOP`, `CONT`).
    pub(crate) fn signal(&self, name: &str) {
        let server = self.child.id();
        // The server first: it would start others for those that end.
        let all: Vec<String> =
            std::iter::once(server).chain(children(server)).map(|id| id.to_string()).collect();
        // One that ended meanwhile is no failure.
        Command::new("kill").args(["-s", name, "--"]).args(all).stderr(Stdio::null()).status().unwrap();
    }

    fn psql(&self, sql: &str) -> Command {
        let mut command = Command::new("psql");
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        command.arg(self.url()).args(["--command", sql]).env("PGCONNECT_TIMEOUT", "10");
        command.env("PGOPTIONS", "-c statement_timeout=60s");
        command
    }

    fn wait(&self) {
        eventually("PostgreSQL listens", || TcpStream::connect(("127.0.0.1", self.port)).ok());
        eventually("PostgreSQL answers", || self.try_one("SELECT 1").ok());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.signal("KILL");
        let _ = self.child.wait();
    }
}

/// A session that holds what it holds until it is dropped.
pub(crate) struct Session(Child);

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn launch(directory: &Path, port: u16, settings: &Vec<String>) -> Child {
    let data = directory.join("data");
    // What a killed one left; the port is ours, and so is the directory.
    let _ = std::fs::remove_file(data.join("postmaster.pid"));
    let mut command = program("postgres");
    command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=localhost"]);
    command.args(["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=20"]);
    // A session whose client is gone lets go of what it holds.
    command.args(["-c", "client_connection_check_interval=100ms"]);
    for setting in settings {
        command.args(["-c", setting]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A program of the server, as a user that may run it.
fn program(name: &str) -> Command {
    let path = newest().join(name);
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(path).current_dir("/");
    command
}

/// Where Debian keeps the programs of the newest version.
fn newest() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let versions = versions.unwrap_or_else(|error| panic!("no PostgreSQL: {error}; tests/run installs it"));
    let number = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = versions.flatten().map(|entry| entry.path()).max_by_key(number);
    newest.expect("tests/run installs one").join("bin")
}

/// The processes that a process started.
fn children(of: u32) -> Vec<u32> {
    let parent = |id: u32| {
        let line = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name, in parentheses, can hold anything.
        line.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| parent(*id) == Some(of)).collect()
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}
