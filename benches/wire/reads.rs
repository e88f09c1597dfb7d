//! Reads of a server that wants a key and limits it, beside the floor.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Plan;
use super::marks::Marks;
use crate::load::client::Connection;
use crate::load::drive::{Sample, drive};
use crate::load::process::{Memory, Server};
use crate::load::requests::{self, Ask, Asks};
use crate::load::table;
use crate::support::Workload;

pub(crate) const READERS: usize = 16;
/// Different questions to each start, so that none is asked twice in a round.
pub(crate) const VARIANTS: usize = 1_000;
/// Connections on which nothing is asked.
const IDLE: usize = 10_000;
/// Beside them.
const ACTIVE: usize = 200;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What holds for reads of a graph.
#[derive(Clone, Copy)]
pub(crate) struct ReadMarks {
    /// Of the floor's requests a second, over 16 connections.
    pub(crate) throughput: f64,
    /// Of the floor's latency, over one.
    pub(crate) latency: f64,
}

/// A server and who may ask it.
#[derive(Clone, Copy)]
pub(crate) struct Closed<'a> {
    pub(crate) server: &'a Server,
    pub(crate) key: &'a str,
}

/// Three hops downstream from each start: again and again, each for the first time, and over one connection.
pub(crate) async fn three_hops(
    closed: Closed<'_>,
    asks: &Asks,
    plan: Plan,
    (marks, wanted): (&mut Marks, ReadMarks),
) -> Result<()> {
    let mean = requests::mean_bytes(asks);
    let floor = Server::floor(mean, plan.workers)?;
    let floor_asks = requests::of_floor(asks, mean);
    let servers = [closed.server, &floor];
    table::heading("3 hops downstream, keyed and limited");
    let rounds = compare(servers, [asks, &floor_asks], READERS, plan).await?;
    table::pair(["asked again, 16 connections", "floor"], &rounds);
    let ratio = table::ratio(&rounds, table::per_second);
    marks.at_least(
        "3 hops, 16 connections: requests a second, of the floor's",
        (ratio, ""),
        wanted.throughput,
    );

    let rounds = never_asked(servers, [asks, &floor_asks], READERS, plan, 0).await?;
    table::pair(["asked for the first time, 16", "floor"], &rounds);
    let ratio = table::ratio(&rounds, table::per_second);
    let work = "the same, each question for the first time: of the floor's";
    marks.at_least(work, (ratio, ""), wanted.throughput);

    let rounds = compare(servers, [asks, &floor_asks], 1, plan).await?;
    table::pair(["asked again, 1 connection", "floor"], &rounds);
    one_connection(&rounds, "", (marks, wanted));
    let rounds = never_asked(servers, [asks, &floor_asks], 1, plan, plan.rounds).await?;
    table::pair(["asked for the first time, 1", "floor"], &rounds);
    one_connection(&rounds, ", for the first time", (marks, wanted));
    Ok(())
}

/// Both sides in turn, ours with questions that nobody asked before; `first` is the number of the first round.
async fn never_asked(
    servers: [&Server; 2],
    asks: [&Asks; 2],
    connections: usize,
    plan: Plan,
    first: usize,
) -> Result<Vec<[Sample; 2]>> {
    let mut rounds = Vec::new();
    for round in first..first + plan.rounds {
        let fresh = requests::never_asked(asks[0], VARIANTS, round);
        let ours = drive(servers[0].address, &fresh, connections, plan.time).await?;
        rounds.push([ours, drive(servers[1].address, asks[1], connections, plan.time).await?]);
    }
    Ok(rounds)
}

fn one_connection(rounds: &[[Sample; 2]], how: &str, (marks, wanted): (&mut Marks, ReadMarks)) {
    for (name, of) in [("p50", table::p50 as fn(&Sample) -> f64), ("p99", table::p99)] {
        let work = format!("3 hops, 1 connection{how}: {name}, of the floor's");
        marks.at_most(&work, (table::ratio(rounds, of), ""), wanted.latency);
    }
    let p99 = table::median(rounds.iter().map(|[ours, _]| table::p99(ours))) / 1e3;
    marks.at_most(&format!("3 hops, 1 connection{how}: p99"), (p99, "ms"), 1.0);
}

/// The same questions by a client that has the answers.
pub(crate) async fn not_modified(
    closed: Closed<'_>,
    asks: &Asks,
    plan: Plan,
    marks: &mut Marks,
) -> Result<()> {
    let floor = Server::floor(0, plan.workers)?;
    let asks = requests::conditional(closed.server.address, asks).await?;
    let rounds =
        compare([closed.server, &floor], [&asks, &requests::of_floor(&asks, 0)], READERS, plan).await?;
    table::heading("3 hops downstream, not modified");
    table::pair(["watershed, 16 connections", "floor with an empty body"], &rounds);
    let ratio = table::ratio(&rounds, table::per_second);
    marks.at_least("a 304, 16 connections: requests a second, of the floor's", (ratio, ""), 0.95);
    Ok(())
}

/// Three hops upstream of the services with most callers, in full and as ids; and what that takes of memory.
pub(crate) async fn hubs(
    closed: Closed<'_>,
    workload: &Workload,
    plan: Plan,
    marks: &mut Marks,
) -> Result<()> {
    let mut means = Vec::new();
    for view in ["full", "ids"] {
        let asks = requests::with_key(&requests::upstream(workload, view), closed.key);
        let asks = requests::measured(closed.server.address, &asks).await?;
        let mean = requests::mean_bytes(&asks);
        means.push(mean as f64);
        let floor = Server::floor(mean, plan.workers)?;
        let of_floor = requests::of_floor(&asks, mean);
        table::heading(&format!("3 hops upstream of the 10 largest hubs, view={view}, {mean} bytes"));
        let never_kept = requests::never_kept(&asks);
        for (how, asks) in [("asked again", &asks), ("for the first time", &never_kept)] {
            let rounds = compare([closed.server, &floor], [asks, &of_floor], 1, plan).await?;
            table::pair([&format!("{how}, 1 connection"), "floor"], &rounds);
            let work = format!("3 hops upstream of hubs, view={view}, {how}: p50, of the floor's");
            marks.at_most(&work, (table::ratio(&rounds, table::p50), ""), 1.5);
        }
        streamed_memory(closed.server, &never_kept, view, marks).await?;
    }
    marks.at_most("bytes of view=ids, of those of view=full", (means[1] / means[0], ""), 0.1);
    Ok(())
}

/// Four at once, and by how much the process grew at its largest.
async fn streamed_memory(server: &Server, asks: &Asks, view: &str, marks: &mut Marks) -> Result<()> {
    const AT_ONCE: usize = 4;
    server.forget_peak()?;
    let before = server.memory()?.resident;
    drive(server.address, asks, AT_ONCE, Duration::from_secs(1)).await?;
    let Memory { peak, .. } = server.memory()?;
    let each = peak.saturating_sub(before) as f64 / AT_ONCE as f64 / MEBIBYTE;
    marks.at_most(&format!("memory of such a request, view={view}"), (each, "MiB"), 8.0);
    Ok(())
}

/// How much breaks with the service that most others call, and what others notice of that.
pub(crate) async fn impact_of_hub(
    closed: Closed<'_>,
    workload: &Workload,
    asks: &Asks,
    plan: Plan,
    marks: &mut Marks,
) -> Result<()> {
    let hub = workload.hubs.iter().max_by_key(|hub| hub.callers).context("there are hubs")?;
    let path = format!("/api/v1/services/{}/impact?summary=true&depth=100", hub.service_id);
    let ask = Ask { request: requests::get(&path), status: 200, body_bytes: None };
    let impacts = requests::never_kept(&requests::with_key(&[ask].into(), closed.key));
    let (mut alone, mut rounds) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        alone.push(drive(closed.server.address, &impacts, 1, plan.time).await?);
        let others = drive(closed.server.address, asks, 1, plan.time);
        let impacts = drive(closed.server.address, &impacts, 1, plan.time);
        let (beside, _) = tokio::try_join!(others, impacts)?;
        rounds.push([beside, drive(closed.server.address, asks, 1, plan.time).await?]);
    }
    table::heading("impact summary of the largest hub");
    table::single("impact, 1 connection", &alone);
    table::pair(["3 hops beside it, 1 connection", "3 hops alone"], &rounds);
    let p50 = table::median(alone.iter().map(table::p50)) / 1e3;
    marks.at_most("impact summary of the largest hub: p50", (p50, "ms"), 8.0);
    let ratio = table::ratio(&rounds, table::p99);
    marks.at_most("others' p99 meanwhile, of that without", (ratio, ""), 2.0);
    Ok(())
}

/// Readers beside connections on which nothing is asked.
pub(crate) async fn beside_idle(server: &Server, asks: &Asks, plan: Plan, marks: &mut Marks) -> Result<()> {
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let without = drive(server.address, asks, ACTIVE, plan.time).await?;
        let mut idle = Vec::new();
        for _ in 0..IDLE {
            let mut connection = Connection::open(server.address).await?;
            // One on which nothing was ever asked is closed after a few seconds.
            connection.exchange(&requests::get("/api/v1/health")).await?;
            idle.push(connection);
        }
        until(server, |open| open > IDLE).await.context("not all idle connections are there")?;
        rounds.push([drive(server.address, asks, ACTIVE, plan.time).await?, without]);
        drop(idle);
        until(server, |open| open < IDLE / 10).await.context("idle connections stay open")?;
    }
    table::heading(&format!("3 hops downstream, {ACTIVE} connections beside {IDLE} idle ones"));
    table::pair(["with the idle ones", "without"], &rounds);
    marks.at_most(
        "p99 of 200 beside 10,000 idle, of that without",
        (table::ratio(&rounds, table::p99), ""),
        2.0,
    );
    Ok(())
}

/// Waits until the server has so many files open.
async fn until(server: &Server, holds: impl Fn(usize) -> bool) -> Result<()> {
    for _ in 0..200 {
        if holds(server.open_files()?) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("{} files are open", server.open_files()?)
}

/// Both sides in turn, after a moment to warm up.
pub(crate) async fn compare(
    servers: [&Server; 2],
    asks: [&Asks; 2],
    connections: usize,
    plan: Plan,
) -> Result<Vec<[Sample; 2]>> {
    let warm = |address: SocketAddr, asks: &Asks| {
        let asks = Arc::clone(asks);
        async move { drive(address, &asks, connections, plan.time.min(Duration::from_millis(300))).await }
    };
    for (server, asks) in servers.iter().zip(asks) {
        warm(server.address, asks).await?;
    }
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let ours = drive(servers[0].address, asks[0], connections, plan.time).await?;
        let floor = drive(servers[1].address, asks[1], connections, plan.time).await?;
        rounds.push([ours, floor]);
    }
    Ok(rounds)
}
