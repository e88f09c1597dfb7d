//! SIGTERM and restart on the same port under keep-alive load: no request fails but by a refused connection.
//!
//! - What counts as failed is written down in `keep_alive`.
//! - A round: four readers and two writers at work, SIGTERM, exit 0 in time, the log found sound and complete,
//!   a new process, load for a while longer, then a comparison: each acknowledged write is there and is one
//!   version.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::keep_alive::{Client, Seen};
use crate::support::{Server, command, dependencies, run as run_command, upsert, within};
use crate::{Extent, Report};

const ROUNDS: usize = 20;
const READERS: usize = 4;
const WRITERS: usize = 2;
/// The longest the load runs on either side of a restart, in milliseconds, after the first answer.
const LOAD_MAX: u64 = 300;
/// How soon a server that was told to stop is gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// How long it may take until the load sees the restarted server; far above what it takes.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// Runs the rounds on one data directory.
pub(crate) fn run(extent: Extent) -> Report {
    let mut chance = Chance::new(extent.seed, "restart");
    let port = free_port(&mut chance).to_string();
    let mut server = Server::start_with(&[("API_PORT", &port)], &[]);
    for writer in 0..WRITERS {
        server.ingest(&upsert("manual").edge(&name(writer), &target(writer, 0)));
    }
    let mut rounds = Rounds {
        rounds: 0,
        written: [1; WRITERS],
        answered: 0,
        refused: 0,
        not_ready: 0,
        unanswered: 0,
        slowest: Duration::ZERO,
    };
    for _ in 0..ROUNDS * extent.factor {
        rounds.round(&mut server, &mut chance);
        rounds.check(&server);
    }
    let Rounds { answered, refused, not_ready, unanswered, slowest, .. } = rounds;
    let remark = format!(
        "{answered} requests answered, {unanswered} sent again because the connection ended before the server \
         began them, {refused} connections refused and {not_ready} requests answered 503 while it was down, \
         slowest exit {} ms",
        slowest.as_millis()
    );
    Report { cases: ROUNDS * extent.factor, remark }
}

/// A port below those that the system gives to outgoing connections: one of these could connect to itself while
/// the server is down.
fn free_port(chance: &mut Chance) -> u16 {
    let free = |port: &u16| TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, *port)).is_ok();
    (0..100).map(|_| 20_000 + chance.below(10_000) as u16).find(free).expect("one of a hundred ports is free")
}

/// What is known after some rounds.
struct Rounds {
    rounds: usize,
    /// For each writer, how many of its writes were acknowledged.
    written: [usize; WRITERS],
    answered: usize,
    refused: usize,
    not_ready: usize,
    unanswered: usize,
    slowest: Duration,
}

impl Rounds {
    fn round(&mut self, server: &mut Server, chance: &mut Chance) {
        let (stop, seen, address) = (AtomicBool::new(false), Seen::default(), server.address());
        let load = [chance.up_to(LOAD_MAX), chance.up_to(LOAD_MAX)];
        self.rounds += 1;
        let mut unanswered = Vec::new();
        let (gone, log) = thread::scope(|scope| {
            let client = |kind: &str, index| {
                // A process serves two rounds; its log must tell their requests apart.
                let name = format!("round-{}-{kind}-{index}", self.rounds);
                Client::new(name, address, &stop, &seen)
            };
            let mut readers = Vec::new();
            for reader in 0..READERS {
                let client = client("reader", reader);
                readers.push(scope.spawn(move || read(client)));
            }
            let mut writers = Vec::new();
            for (writer, next) in self.written.into_iter().enumerate() {
                let client = client("writer", writer);
                writers.push(scope.spawn(move || write(client, writer, next)));
            }
            // Whatever goes wrong, the clients must end.
            let outcome = catch_unwind(AssertUnwindSafe(|| restart(server, &seen, load)));
            stop.store(true, Ordering::Relaxed);
            for reader in readers {
                unanswered.extend(reader.join().expect("no read fails"));
            }
            for (written, writer) in self.written.iter_mut().zip(writers) {
                let (next, ids) = writer.join().expect("no write fails");
                *written = next;
                unanswered.extend(ids);
            }
            outcome.unwrap_or_else(|panic| resume_unwind(panic))
        });
        for id in &unanswered {
            let line = log.iter().find(|line| line.contains(&format!("\"{id}\"")));
            assert_eq!(line, None, "begun and never answered");
        }
        self.slowest = self.slowest.max(gone);
        self.unanswered += unanswered.len();
        self.answered += seen.answered.into_inner();
        self.refused += seen.refused.into_inner();
        self.not_ready += seen.not_ready.into_inner();
    }

    /// Exactly the acknowledged writes are there, each as one version.
    fn check(&self, server: &Server) {
        assert_eq!(server.version(), self.written.iter().sum::<usize>() as u64, "one version for each write");
        for (writer, written) in self.written.into_iter().enumerate() {
            let answer =
                dependencies(server, &name(writer), "direction=downstream&depth=1&max_nodes=1000000");
            let expected: BTreeSet<String> = (0..written).map(|number| target(writer, number)).collect();
            assert_eq!(answer.others(), expected, "{}", name(writer));
        }
    }
}

/// The restart, with load for so long before and after it; how long the server took to stop, and the log of
/// that process.
fn restart(server: &mut Server, seen: &Seen, load: [Duration; 2]) -> (Duration, Vec<String>) {
    run_load(&seen.answered, load[0]);
    let begin = Instant::now();
    server.stop();
    let gone = begin.elapsed();
    assert!(gone < GONE_WITHIN, "it took {gone:?} to stop");
    let log = server.log_to_the_end();
    let verified = run_command(command(["wal", "verify", "--data-dir"]).arg(server.data()));
    assert_eq!(verified.code, Some(0), "the log it left is sound: {verified:?}");
    seen.changes.fetch_add(1, Ordering::SeqCst);
    server.start_again();
    seen.changes.fetch_add(1, Ordering::SeqCst);
    run_load(&seen.answered, load[1]);
    (gone, log)
}

/// Waits until the load is seen to be served, and then for so long.
fn run_load(answered: &AtomicUsize, time: Duration) {
    let before = answered.load(Ordering::Relaxed);
    let served = || (answered.load(Ordering::Relaxed) > before + READERS + WRITERS).then_some(());
    within(BACK_WITHIN, served).expect("the clients are served");
    let _ = within(time, || None::<()>);
}

fn read(mut client: Client) -> Vec<String> {
    let targets = ["/api/v1/services?limit=3", "/api/v1/services/writer-0", "/api/v1/health"];
    let mut version = 0;
    for target in targets.into_iter().cycle() {
        let Some(reply) = client.request("GET", target, &[], 200) else { break };
        if reply.header("x-graph-version").is_some() {
            assert!(reply.version() >= version, "{target}: the version never goes back");
            version = reply.version();
        }
    }
    client.into_unanswered()
}

/// Writes from number `next` on; the number after the last acknowledged one, and what was not answered.
fn write(mut client: Client, writer: usize, mut next: usize) -> (usize, Vec<String>) {
    while client.goes_on() {
        let body = upsert("manual").edge(&name(writer), &target(writer, next)).json().to_string();
        if client.request("POST", "/api/v1/services/dependencies", body.as_bytes(), 202).is_some() {
            next += 1;
        }
    }
    (next, client.into_unanswered())
}

fn name(writer: usize) -> String {
    format!("writer-{writer}")
}

fn target(writer: usize, number: usize) -> String {
    format!("writer-{writer}-{number:06}")
}
