//! Those who only want an answer while something else goes on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Connection, Server};

/// Lets time pass.
pub(super) fn pause(duration: Duration) {
    let end = Instant::now() + duration;
    while let Some(rest) = end.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
        thread::park_timeout(rest);
    }
}

/// How late answers were, in 99 of 100 cases.
pub(super) struct Watch {
    pub(super) health: Duration,
    pub(super) worker: Duration,
}

impl Watch {
    /// Asks for as long as something goes on.
    pub(super) fn over(server: &Server, attack: impl FnOnce()) -> Self {
        let (stop, address) = (AtomicBool::new(false), server.address());
        thread::scope(|scope| {
            let health = scope.spawn(|| ask(address, "/api/v1/health", &stop));
            let worker = scope.spawn(|| ask(address, "/api/v1/services/small/dependencies", &stop));
            let ended = Ended(&stop);
            attack();
            drop(ended);
            Self { health: late(health.join().unwrap()), worker: late(worker.join().unwrap()) }
        })
    }
}

/// Ends the watch, even where the attack panics.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks every few milliseconds over a connection that is kept, as long as it holds.
fn ask(address: SocketAddr, target: &str, stop: &AtomicBool) -> Vec<Duration> {
    let (mut latencies, mut connection) = (Vec::new(), None);
    while !stop.load(Ordering::Relaxed) || latencies.len() < 20 {
        let begun = Instant::now();
        let held = connection.get_or_insert_with(|| Connection::open(address).unwrap());
        match held.exchange("GET", target, &[], &[]) {
            Ok(reply) => {
                assert_eq!(reply.status, 200, "{target}: {}", reply.text());
                latencies.push(begun.elapsed());
            }
            // It rested too long; who comes again gets a new one.
            Err(_) => connection = None,
        }
        pause(Duration::from_millis(5));
    }
    latencies
}

fn late(mut latencies: Vec<Duration>) -> Duration {
    latencies.sort_unstable();
    latencies[latencies.len() * 99 / 100]
}
