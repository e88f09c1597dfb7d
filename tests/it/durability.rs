//! What is acknowledged survives: kill -9 under load, twenty times, on one directory.
//!
//! - Each client writes its own numbered sequence and waits for each answer, so after a crash its services must
//!   be a prefix of what it sent that holds everything it saw acknowledged.
//! - The only write that may be there or not is the one under way when the process died.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::support::{Connection, Payload, Server, dependencies, eventually, service, upsert};

const CLIENTS: usize = 4;
const CRASHES: usize = 20;

/// What one client knows about its own writes.
#[derive(Clone, Default)]
struct Client {
    name: String,
    /// The number of the next write; all before it are known to be durable.
    next: usize,
    /// Whether write `next` was sent and never answered.
    in_flight: bool,
    /// The version of the last acknowledged write.
    version: u64,
    /// The versions of all acknowledged writes.
    versions: Vec<u64>,
}

impl Client {
    fn payload(&self) -> Payload {
        let target = self.target(self.next);
        upsert("manual")
            .node(&target, json!({"team": self.name, "number": self.next}))
            .edge(&self.name, &target)
    }

    fn target(&self, number: usize) -> String {
        format!("{}-{number:06}", self.name)
    }

    /// Writes until the server dies, counting acknowledgements.
    fn write(mut self, address: SocketAddr, acknowledged: &AtomicUsize) -> Self {
        let Ok(mut connection) = Connection::open(address) else { return self };
        loop {
            let body = self.payload().json().to_string();
            self.in_flight = true;
            match connection.exchange("POST", "/api/v1/services/dependencies", &[], body.as_bytes()) {
                Ok(reply) if reply.status == 202 => {
                    let version = reply.json()["version"].as_u64().unwrap();
                    assert!(version > self.version, "versions of one client's writes grow");
                    (self.version, self.in_flight) = (version, false);
                    self.versions.push(version);
                    self.next += 1;
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Ok(reply) => panic!("{}: {}", reply.status, reply.text()),
                Err(_) => return self,
            }
        }
    }

    /// Compares what survived with what is known, and takes over what is found.
    fn check(mut self, server: &Server) -> Self {
        let found = if self.next == 0 && server.get(&format!("/api/v1/services/{}", self.name)).status == 404
        {
            BTreeSet::new()
        } else {
            dependencies(server, &self.name, "direction=downstream&depth=1&max_nodes=1000000").others()
        };
        let mut expected: BTreeSet<String> = (0..self.next).map(|number| self.target(number)).collect();
        if self.in_flight && found.len() == expected.len() + 1 {
            expected.insert(self.target(self.next));
            self.next += 1;
        }
        assert_eq!(found, expected, "{}: acknowledged writes are there, and no phantom", self.name);
        if self.next > 0 {
            let last = service(server, &self.target(self.next - 1));
            assert_eq!(last["metadata"], json!({"team": self.name, "number": self.next - 1}), "content, too");
        }
        assert!(self.version <= server.version(), "the version covers what was acknowledged");
        self.in_flight = false;
        self
    }
}

/// One round: load, crash, restart, comparison.
fn crash(server: &mut Server, clients: Vec<Client>, writes: usize) -> Vec<Client> {
    let acknowledged = AtomicUsize::new(0);
    let address = server.address();
    let clients: Vec<Client> = thread::scope(|scope| {
        let counter = &acknowledged;
        let threads: Vec<_> =
            clients.into_iter().map(|client| scope.spawn(move || client.write(address, counter))).collect();
        eventually("enough writes are acknowledged", || {
            (acknowledged.load(Ordering::Relaxed) >= writes
                || threads.iter().all(thread::ScopedJoinHandle::is_finished))
            .then_some(())
        });
        server.kill();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(acknowledged.load(Ordering::Relaxed) >= writes, "the clients stopped before the crash");
    server.start_again();
    clients.into_iter().map(|client| client.check(server)).collect()
}

#[test]
fn kill_under_load() {
    let mut server = Server::start();
    let name = |index| Client { name: format!("client-{index}"), ..Client::default() };
    let mut clients: Vec<Client> = (0..CLIENTS).map(name).collect();
    for round in 0..CRASHES {
        // From the very first writes to a log of some length.
        let before = server.version();
        clients = crash(&mut server, clients, 1 + round * 5);
        assert!(server.version() > before, "round {round}");
    }
    let written: usize = clients.iter().map(|client| client.next).sum();
    assert_eq!(server.version(), written as u64, "one version for each write, none lost, none made up");
    let versions: Vec<u64> = clients.iter().flat_map(|client| client.versions.clone()).collect();
    assert_eq!(versions.iter().collect::<BTreeSet<_>>().len(), versions.len(), "no version was given twice");
}

#[test]
fn version_and_content_survive_restarts_of_every_kind() {
    let mut server = Server::start();
    server.ingest(&upsert("manual").node("a", json!({"team": "core"})).edges([("a", "b"), ("b", "a")]));
    server.ingest(&upsert("kubernetes").edge("a", "c"));
    let targets =
        ["/api/v1/services?limit=100", "/api/v1/services/a", "/api/v1/services/a/dependencies?depth=10"];
    let before = targets.map(|target| server.get_json(target));
    for graceful in [false, true, false, true] {
        if graceful {
            server.terminate();
            assert_eq!(server.wait().code(), Some(0));
        } else {
            server.kill();
        }
        server.start_again();
        assert_eq!(server.version(), 2);
        for (target, expected) in targets.iter().zip(&before) {
            // Creation times, UUIDs, confidence, order: the whole answer, to the last field.
            assert_eq!(server.get_json(target), *expected, "{target}");
        }
    }
    assert_eq!(server.ingest(&upsert("manual").edge("c", "d"))["version"], 3, "and it goes on from there");
}

#[test]
fn an_empty_directory_survives_too() {
    let mut server = Server::start();
    server.crash_and_restart();
    assert_eq!(server.version(), 0);
    assert_eq!(server.ingest(&upsert("manual").edge("a", "b"))["version"], 1);
}

#[test]
fn refused_writes_leave_nothing_behind() {
    let mut server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    assert_eq!(server.post(&upsert("manual").edges([("a", "phantom"), ("x", "x")])).status, 422);
    server.crash_and_restart();
    assert_eq!(server.version(), 1);
    assert_eq!(server.get("/api/v1/services/phantom").status, 404);
}
