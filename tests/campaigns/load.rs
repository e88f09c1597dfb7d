//! The process that writes while a server is killed, and the log of what it saw acknowledged.
//!
//! - Client i writes its own numbered sequence and waits for each answer; it ends with its connection.
//! - An acknowledgement counts once its line `client number version durable` is synced. One thread writes the
//!   lines, so that acknowledgements that come together share one sync.
//! - The process ends by itself when the last client has ended; any answer but 202 is a failure.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Connection, Payload, eventually, upsert, within};

/// The first argument that makes this program the load.
pub(crate) const ARGUMENT: &str = "__load";

/// The load from outside: a process under way.
pub(crate) struct Load {
    child: Child,
    log: PathBuf,
}

/// One acknowledged write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Acknowledged {
    pub(crate) client: usize,
    pub(crate) number: usize,
    pub(crate) version: u64,
    pub(crate) durable: bool,
}

impl Load {
    /// Starts it: one client for each of `starts`, the numbers of their first writes.
    pub(crate) fn start(address: SocketAddr, log: &Path, starts: &[usize]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(ARGUMENT).arg(address.to_string()).arg(log);
        command.args(starts.iter().map(usize::to_string)).stdin(Stdio::null());
        Self { child: command.spawn().unwrap(), log: log.to_owned() }
    }

    /// Lets it run for so long; how it ended, if it did before.
    pub(crate) fn ended_within(&mut self, time: Duration) -> Option<ExitStatus> {
        within(time, || self.child.try_wait().unwrap())
    }

    /// Waits for its end, which comes with the server's, and reads the log, which it removes.
    pub(crate) fn finish(mut self) -> Vec<Acknowledged> {
        let status = eventually("the clients end", || self.child.try_wait().unwrap());
        assert!(status.success(), "the clients saw something wrong: {status}");
        let text = fs::read_to_string(&self.log).unwrap();
        fs::remove_file(&self.log).unwrap();
        text.lines().map(Acknowledged::read).collect()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Acknowledged {
    fn line(self) -> String {
        format!("{} {} {} {}\n", self.client, self.number, self.version, self.durable)
    }

    fn read(line: &str) -> Self {
        let fields: Vec<&str> = line.split(' ').collect();
        let [client, number, version, durable] = fields[..] else { panic!("the log says {line:?}") };
        Self {
            client: client.parse().unwrap(),
            number: number.parse().unwrap(),
            version: version.parse().unwrap(),
            durable: durable.parse().unwrap(),
        }
    }
}

/// The service that a client's writes hang on.
pub(crate) fn name(client: usize) -> String {
    format!("client-{client}")
}

/// The service that a write makes.
pub(crate) fn target(client: usize, number: usize) -> String {
    format!("client-{client}-{number:06}")
}

/// The metadata of that service; its size varies from write to write.
pub(crate) fn metadata(client: usize, number: usize) -> Value {
    json!({"team": name(client), "number": number, "text": "x".repeat(number * 37 % 257)})
}

/// The time-out of the dependency of a write, as a second witness of its content.
pub(crate) fn timeout(number: usize) -> usize {
    number + 1
}

fn payload(client: usize, number: usize) -> Payload {
    let target = target(client, number);
    let attributes =
        json!({"communication_mode": "sync", "criticality": "hard", "timeout_ms": timeout(number)});
    upsert("manual").node(&target, metadata(client, number)).edge_with(&name(client), &target, attributes)
}

/// The load from inside: address, log file, first numbers.
pub(crate) fn main(arguments: &[String]) {
    let address: SocketAddr = arguments[0].parse().unwrap();
    let log = File::create_new(&arguments[1]).unwrap();
    let (sender, lines) = mpsc::channel();
    thread::scope(|scope| {
        for (client, start) in arguments[2..].iter().enumerate() {
            let (start, sender) = (start.parse().unwrap(), sender.clone());
            scope.spawn(move || write(address, client, start, &sender));
        }
        drop(sender);
        record(log, &lines);
    });
}

fn write(address: SocketAddr, client: usize, start: usize, log: &Sender<Acknowledged>) {
    let Ok(mut connection) = Connection::open(address) else { return };
    for number in start.. {
        let body = payload(client, number).json().to_string();
        let Ok(reply) = connection.exchange("POST", "/api/v1/services/dependencies", &[], body.as_bytes())
        else {
            return;
        };
        assert_eq!(reply.status, 202, "{}", reply.text());
        let answer = reply.json();
        let (version, durable) = (answer["version"].as_u64().unwrap(), answer["durable"].as_bool().unwrap());
        log.send(Acknowledged { client, number, version, durable }).unwrap();
    }
}

fn record(mut log: File, lines: &Receiver<Acknowledged>) {
    while let Ok(first) = lines.recv() {
        let together: String =
            std::iter::once(first).chain(lines.try_iter()).map(Acknowledged::line).collect();
        log.write_all(together.as_bytes()).unwrap();
        log.sync_data().unwrap();
    }
}
