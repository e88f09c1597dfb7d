//! A client that keeps its connection over a server's restarts, and the rule by which a request of it has
//! failed.
//!
//! HTTP/1.1 has one race that no server can win: it closes an idle connection while a request is on its way.
//! RFC 9112 §9.3.1 therefore lets a client send a request again when a connection ended without a byte of an
//! answer, if that is safe. So:
//!
//! - *Answered*: a whole answer with the expected status. Any other status, and an answer cut short, is a
//!   failure.
//! - *Refused*: no connection could be made: the server is down, it is sent again.
//! - *Not ready*: sent after the end of the old process and before the new one was first seen ready, and
//!   answered with 503 and a `Retry-After`: the contract's answer while the log is replayed, so the server is
//!   still down; it is sent again.
//! - *Unanswered*: sent, and the connection ended without one byte of an answer. It is sent again, reads and
//!   writes alike, because the server must not have begun it: its log, which has a line for every request that
//!   reached it, even for one whose client left, must not have this one's correlation id, and a write of it
//!   must not be there (it would be one version too many). Both are checked after the end of the process.
//! - An answer that announces `Connection: close` is the connection's last: the next request uses another.
//! - A server that shuts down may leave a client unanswered on the connection that it had, and once more on one
//!   that it made while the listener closed: more than these two in one restart are a failure.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Connection, Reply, within};

/// How often one client may be left without an answer in one restart.
const UNANSWERED_MAX: usize = 2;

/// One client.
pub(crate) struct Client<'a> {
    name: String,
    address: SocketAddr,
    connection: Option<Connection>,
    stop: &'a AtomicBool,
    seen: &'a Seen,
    sent: usize,
    unanswered: Vec<String>,
}

/// What all clients have seen together, and what they are told.
#[derive(Default)]
pub(crate) struct Seen {
    /// Counted up at the end of a process and again when the next is ready: odd while the server is down.
    pub(crate) changes: AtomicUsize,
    pub(crate) answered: AtomicUsize,
    pub(crate) refused: AtomicUsize,
    pub(crate) not_ready: AtomicUsize,
}

impl Seen {
    fn times_down(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }

    /// Whether the server was down at any time since it was looked at.
    fn was_down_since(&self, before: usize) -> bool {
        !before.is_multiple_of(2) || self.times_down() != before
    }
}

/// How an attempt ended.
enum Attempt {
    Answered(Reply),
    Refused,
    Unanswered,
}

impl<'a> Client<'a> {
    /// A client that has not connected yet; it gives up when `stop` is set.
    pub(crate) fn new(name: String, address: SocketAddr, stop: &'a AtomicBool, seen: &'a Seen) -> Self {
        Self { name, address, connection: None, stop, seen, sent: 0, unanswered: Vec::new() }
    }

    /// True until the client is told to stop.
    pub(crate) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// Sends a request until it is answered, and the answer, which must have this status; none when told to
    /// stop.
    pub(crate) fn request(&mut self, method: &str, target: &str, body: &[u8], status: u16) -> Option<Reply> {
        while self.goes_on() {
            let before = self.seen.times_down();
            match self.attempt(method, target, body) {
                Attempt::Answered(reply) if reply.status == 503 && self.seen.was_down_since(before) => {
                    assert!(reply.header("retry-after").is_some(), "{method} {target}: {}", reply.text());
                    self.seen.not_ready.fetch_add(1, Ordering::Relaxed);
                    pause();
                }
                Attempt::Answered(reply) => {
                    assert_eq!(reply.status, status, "{method} {target}: {}", reply.text());
                    self.seen.answered.fetch_add(1, Ordering::Relaxed);
                    return Some(reply);
                }
                Attempt::Refused => {
                    self.seen.refused.fetch_add(1, Ordering::Relaxed);
                    pause();
                }
                Attempt::Unanswered => {
                    let times = self.unanswered.len();
                    assert!(
                        times <= UNANSWERED_MAX,
                        "{method} {target}: unanswered {times} times in one restart"
                    );
                }
            }
        }
        None
    }

    /// The correlation ids of the requests that were not answered.
    pub(crate) fn into_unanswered(self) -> Vec<String> {
        self.unanswered
    }

    fn attempt(&mut self, method: &str, target: &str, body: &[u8]) -> Attempt {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match Connection::open(self.address) {
                Ok(connection) => connection,
                Err(_) => return Attempt::Refused,
            },
        };
        let id = format!("{}-{}", self.name, self.sent);
        self.sent += 1;
        // A failed write means the same as a missing answer: which of the two comes is chance.
        let _ = connection.send(method, target, &[("X-Correlation-ID", &id)], body);
        if !connection.answers() {
            self.unanswered.push(id);
            return Attempt::Unanswered;
        }
        let reply =
            connection.reply(method).unwrap_or_else(|error| panic!("{id}: an answer cut short: {error}"));
        assert_eq!(reply.header("x-correlation-id"), Some(id.as_str()), "the answer to this request");
        let last = reply.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.connection = (!last).then_some(connection);
        Attempt::Answered(reply)
    }
}

/// Before a request is sent again to a server that is down.
fn pause() {
    let _ = within(Duration::from_millis(2), || None::<()>);
}
