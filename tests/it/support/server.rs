//! A server process of the test's own: started, watched through its log, killed, started again.
//!
//! - Port 0 and a temporary data directory; the address comes from the log.
//! - Dropping it kills the process before the directory goes.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Connection, DEADLINE, Finished, Payload, Reply, command, eventually, run, within};

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    log: Log,
    settings: Vec<(String, String)>,
    arguments: Vec<String>,
    directory: TempDir,
}

impl Server {
    /// Starts one with the default settings.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// Starts one with more environment variables and more arguments of `serve`.
    pub(crate) fn start_with(settings: &[(&str, &str)], arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings, arguments)
    }

    /// Starts one whose data lie, or will lie, in `data` below this directory.
    pub(crate) fn start_in(directory: TempDir, settings: &[(&str, &str)], arguments: &[&str]) -> Self {
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let (child, address, log) = launch(directory.path(), &settings, &arguments);
        let server = Self { child, address, log, settings, arguments, directory };
        server.wait_ready();
        server
    }

    /// Starts one that is not waited for: it listens, and that is all that is known.
    pub(crate) fn start_unready(settings: &[(&str, &str)], arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let (child, address, log) = launch(directory.path(), &settings, &arguments);
        Self { child, address, log, settings, arguments, directory }
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Starts again on the same data directory; the process must have ended.
    pub(crate) fn start_again(&mut self) {
        assert!(self.child.try_wait().unwrap().is_some(), "the server still runs");
        let (child, address, log) = launch(self.directory.path(), &self.settings, &self.arguments);
        (self.child, self.address, self.log) = (child, address, log);
        self.wait_ready();
    }

    /// Starts again on the same data directory with other settings.
    pub(crate) fn start_again_with(&mut self, settings: &[(&str, &str)]) {
        self.settings =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.start_again();
    }

    /// Starts it on the same data directory and kills it so long after, ready or not.
    #[allow(dead_code, reason = "the campaigns use it")]
    pub(crate) fn start_and_kill(&mut self, after: Duration) {
        assert!(self.child.try_wait().unwrap().is_some(), "the server still runs");
        let (child, log) = spawn(self.directory.path(), &self.settings, &self.arguments);
        (self.child, self.log) = (child, log);
        let ended = within(after, || self.child.try_wait().unwrap());
        assert!(ended.is_none(), "it refused to start: {ended:?} {:#?}", self.log_to_the_end());
        self.kill();
    }

    /// The most memory that the process had so far, in KiB.
    pub(crate) fn memory_peak_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    /// The memory that the process has, in KiB.
    #[allow(dead_code, reason = "the campaigns use it")]
    pub(crate) fn memory_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    fn status_kib(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// SIGTERM, and waits for the end, which must be a good one.
    pub(crate) fn stop(&mut self) {
        self.terminate();
        assert_eq!(self.wait().code(), Some(0), "{:#?}", self.log_so_far().last());
    }

    /// Kills it without warning and starts it again.
    pub(crate) fn crash_and_restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, without waiting.
    pub(crate) fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        eventually("the server ends", || child.try_wait().unwrap())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for commands.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        data(self.directory.path())
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address).unwrap_or_else(|error| {
            let lines = self.log_so_far();
            panic!("{error}; the server's last words: {:#?}", &lines[lines.len().saturating_sub(5)..])
        })
    }

    /// One request on a connection of its own.
    pub(crate) fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.connect()
            .exchange(method, target, headers, body)
            .unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    /// A GET, whatever its outcome.
    pub(crate) fn get(&self, target: &str) -> Reply {
        self.request("GET", target, &[], &[])
    }

    /// A GET that must be a 200 with JSON.
    pub(crate) fn get_json(&self, target: &str) -> Value {
        let reply = self.get(target);
        assert_eq!(reply.status, 200, "{target}: {}", reply.text());
        reply.json()
    }

    /// One request with a JSON body, whatever its outcome.
    pub(crate) fn send(&self, method: &str, target: &str, body: &Value) -> Reply {
        self.request(method, target, &[], body.to_string().as_bytes())
    }

    /// One request with a JSON body that must have this outcome.
    pub(crate) fn sent(&self, method: &str, target: &str, body: &Value, status: u16) -> Reply {
        let reply = self.send(method, target, body);
        assert_eq!(reply.status, status, "{method} {target}: {}", reply.text());
        reply
    }

    /// A DELETE, whatever its outcome.
    pub(crate) fn delete(&self, target: &str) -> Reply {
        self.request("DELETE", target, &[], &[])
    }

    /// A DELETE that must have done it.
    pub(crate) fn deleted(&self, target: &str) {
        let reply = self.delete(target);
        assert_eq!(reply.status, 204, "{target}: {}", reply.text());
        assert!(reply.body.is_empty());
    }

    /// Posts a payload, whatever the outcome.
    pub(crate) fn post(&self, payload: &Payload) -> Reply {
        self.request("POST", "/api/v1/services/dependencies", &[], payload.json().to_string().as_bytes())
    }

    /// Posts a payload that must be accepted; its answer.
    pub(crate) fn ingest(&self, payload: &Payload) -> Value {
        let reply = self.post(payload);
        assert_eq!(reply.status, 202, "{}", reply.text());
        reply.json()
    }

    /// The graph's version, as a read shows it.
    pub(crate) fn version(&self) -> u64 {
        self.get("/api/v1/services?limit=1").version()
    }

    /// The first line of the log, past or to come, that `wanted` accepts.
    pub(crate) fn log_line(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.log.find(what, wanted)
    }

    /// All lines of the log that have arrived.
    pub(crate) fn log_so_far(&self) -> Vec<String> {
        self.log.drain();
        self.log.seen.borrow().clone()
    }

    /// All lines of the log of a process that ended.
    pub(crate) fn log_to_the_end(&self) -> Vec<String> {
        self.log.seen.borrow_mut().extend(self.log.lines.iter());
        self.log.seen.borrow().clone()
    }

    fn wait_ready(&self) {
        eventually("the server is ready", || {
            let reply = Connection::open(self.address)
                .ok()?
                .exchange("GET", "/api/v1/health/ready", &[], &[])
                .ok()?;
            (reply.status == 200).then_some(())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // What a failed test leaves on the disk is the evidence; it is kept on request.
        let keep = thread::panicking() && std::env::var_os("WATERSHED_KEEP").is_some();
        if keep {
            self.directory.disable_cleanup(true);
            let path = self.directory.path().display();
            let _ = writeln!(io::stderr(), "kept: {path}");
        }
    }
}

/// Where in the temporary directory the data lies; it does not exist before the first start.
fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// Starts on a directory or with settings that must be refused, and returns what it said.
pub(crate) fn refused(data: &Path, settings: &[(&str, &str)]) -> Finished {
    let mut command = command(["serve", "--api-port", "0", "--data-dir"]);
    run(command.arg(data).envs(settings.iter().copied()))
}

/// Starts the process and collects its log.
fn spawn(directory: &Path, settings: &[(String, String)], arguments: &[String]) -> (Child, Log) {
    let mut command = command(["serve", "--data-dir"]);
    command.arg(data(directory)).args(arguments).current_dir(directory);
    // Any free port, unless the settings name one.
    // Nor any limit: tests send more than people do.
    for class in ["INGESTION", "QUERY", "DEFAULT"] {
        command.env(format!("RATE_LIMIT_{class}"), "0");
    }
    command.env("API_PORT", "0").envs(settings.iter().map(|(name, value)| (name, value)));
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                // Nobody listens any more; keep the pipe empty so that the server never blocks on it.
            }
        }
    });
    (child, Log { lines, seen: RefCell::new(Vec::new()) })
}

fn launch(directory: &Path, settings: &[(String, String)], arguments: &[String]) -> (Child, SocketAddr, Log) {
    let (child, log) = spawn(directory, settings, arguments);
    let line = log
        .find("listening", |line| line["message"] == "listening" || line["fields"]["message"] == "listening");
    let address = line["address"].as_str().or_else(|| line["fields"]["address"].as_str()).unwrap();
    (child, address.parse().unwrap(), log)
}

/// The lines a server wrote to standard error.
struct Log {
    lines: Receiver<String>,
    seen: RefCell<Vec<String>>,
}

impl Log {
    fn drain(&self) {
        self.seen.borrow_mut().extend(self.lines.try_iter());
    }

    fn find(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        let mut next = 0;
        loop {
            self.drain();
            while let Some(line) = self.seen.borrow().get(next) {
                next += 1;
                if let Some(line) = serde_json::from_str(line).ok().filter(&wanted) {
                    return line;
                }
            }
            let rest = DEADLINE.saturating_sub(begin.elapsed());
            match self.lines.recv_timeout(rest) {
                Ok(line) => self.seen.borrow_mut().push(line),
                Err(error) => panic!("no log line {what:?} ({error}) in {:#?}", self.seen.borrow()),
            }
        }
    }
}
