//! The load: some connections that each ask as soon as they were answered, for a while.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;
use watershed::clock;

use super::client::Connection;
use super::requests::Asks;

/// What came of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Sample {
    /// Of how long each of some steps took, one after the other or side by side within `elapsed`.
    pub(crate) fn of(mut latencies: Vec<Duration>, elapsed: Duration) -> Result<Self> {
        latencies.sort_unstable();
        let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied();
        let (p50, p99) = at(50).zip(at(99)).context("nothing was answered in time")?;
        Ok(Self { per_second: f64::from(latencies.len() as u32) / elapsed.as_secs_f64(), p50, p99 })
    }
}

/// Asks for `time` over so many connections.
pub(crate) async fn drive(
    address: SocketAddr,
    asks: &Asks,
    connections: usize,
    time: Duration,
) -> Result<Sample> {
    drive_each(address, &vec![Arc::clone(asks); connections], None, time).await
}

/// The same with requests of its own for each connection, and, where there is a pace, one request each so often.
pub(crate) async fn drive_each(
    address: SocketAddr,
    asks: &[Asks],
    pace: Option<Duration>,
    time: Duration,
) -> Result<Sample> {
    let mut opened = Vec::new();
    for _ in asks {
        opened.push(Connection::open(address).await?);
    }
    let begun = clock::monotonic();
    let mut tasks = JoinSet::new();
    for (place, (connection, own)) in opened.into_iter().zip(asks).enumerate() {
        // Each begins elsewhere, so that they do not all ask the same at the same time.
        let first = place * own.len() / asks.len();
        let pace = pace.map(|pace| Pace { every: pace, first: pace * place as u32 / asks.len() as u32 });
        tasks.spawn(ask_on(connection, Arc::clone(own), first, pace, time));
    }
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task.context("a connection's task broke down")??);
    }
    Sample::of(latencies, begun.elapsed())
}

/// When a connection asks.
#[derive(Clone, Copy)]
struct Pace {
    every: Duration,
    first: Duration,
}

impl Pace {
    /// Waits until the request of this number is due, and says from when its latency counts: from when it was due, if
    /// the answer before it came too late for that. How exactly a timer wakes us is not the server's doing.
    async fn wait(self, number: u32, begun: Instant) -> Duration {
        let (due, now) = (self.first + self.every * number, begun.elapsed());
        let early = due.saturating_sub(now);
        if early.is_zero() {
            return due;
        }
        tokio::time::sleep(early).await;
        begun.elapsed()
    }
}

async fn ask_on(
    mut connection: Connection,
    asks: Asks,
    first: usize,
    pace: Option<Pace>,
    time: Duration,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let begun = clock::monotonic();
    for (number, ask) in (0..).zip(asks.iter().cycle().skip(first)) {
        let sent = match pace {
            Some(pace) => pace.wait(number, begun).await,
            None => begun.elapsed(),
        };
        if sent >= time {
            break;
        }
        let reply = connection.exchange(&ask.request).await?;
        latencies.push(begun.elapsed().saturating_sub(sent));
        if reply.status != ask.status || ask.body_bytes.is_some_and(|bytes| bytes != reply.body_bytes) {
            let request = String::from_utf8_lossy(&ask.request).into_owned();
            bail!("{reply:?}, not {} with {:?} bytes, to {request:.200}", ask.status, ask.body_bytes);
        }
    }
    Ok(latencies)
}
