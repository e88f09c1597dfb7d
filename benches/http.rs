//! What a caller gets over HTTP, beside the least that hyper and the disk take on the same machine.
//!
//! ```text
//! cargo bench --bench http                                    S and M, 5 rounds of 3 s
//! cargo bench --bench http -- --seconds 1 --graphs M          quicker
//! cargo bench --bench http -- --graphs S,M,L --rounds 7
//! ```
//!
//! - Ours and the floor take turns in every round under the same client, so that noise meets both.
//! - Before anything is measured, every start gives the answer that the generator computed; while it
//!   is measured, status and length of every answer are checked.
//! - The client runs on the same machine and takes its share of it: ratios are the result.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod load;
mod support;

use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use load::disk::Room;
use load::drive::{Sample, drive, drive_each};
use load::process::Server;
use load::requests::Asks;
use load::{disk, floor, requests, table};
use support::Workload;

/// The binary's allocator, for the floor.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const READERS: usize = 16;
/// With a key each.
const USERS: usize = 200;
/// Between two requests of a user who does not ask as fast as it can.
const USER_PACE: Duration = Duration::from_millis(10);
const ADMIN_KEY: &str = "the-admin-key-of-the-benchmark-0123456789";

#[derive(Parser)]
struct Options {
    /// What cargo says to a benchmark
    #[arg(long, hide = true)]
    bench: bool,
    /// Serve as the floor with a body of so many bytes
    #[arg(long, hide = true)]
    floor: Option<usize>,
    /// Threads of each server; the number of cores unless set
    #[arg(long)]
    workers: Option<usize>,
    /// Length of a round on each side
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Graphs of benches/gen.py
    #[arg(long, value_delimiter = ',', default_value = "S,M")]
    graphs: Vec<String>,
}

/// How to measure.
#[derive(Clone, Copy)]
struct Plan {
    workers: usize,
    rounds: usize,
    time: Duration,
}

fn main() -> Result<()> {
    // A test run builds the benchmarks and calls them without either.
    if !std::env::args().any(|argument| argument == "--bench" || argument == "--floor") {
        return Ok(());
    }
    let options = Options::parse();
    let workers = options.workers.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    if let Some(body_bytes) = options.floor {
        return floor::run(body_bytes, workers);
    }
    let time = Duration::try_from_secs_f64(options.seconds).context("--seconds")?;
    let plan = Plan { workers, rounds: options.rounds.max(1), time };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for graph in &options.graphs {
        runtime.block_on(measure(graph, plan)).with_context(|| format!("graph {graph}"))?;
    }
    Ok(())
}

async fn measure(graph: &str, plan: Plan) -> Result<()> {
    let workload = Workload::load(graph)?;
    // In the build directory: what is temporary elsewhere may have no disk below it.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let data_dir = directory.path().join("data");
    let server = Server::watershed(&data_dir, plan.workers, &[("LOG_LEVEL", "info")]).await?;
    requests::fill(server.address, &workload).await?;
    let asks = requests::verified(server.address, &workload).await?;
    let mean = asks.iter().filter_map(|ask| ask.body_bytes).sum::<usize>() / asks.len();
    let (services, dependencies) = (workload.nodes.len(), workload.edges.len());
    println!(
        "\n{graph}: {services} services, {dependencies} dependencies, answers of {mean} bytes on average"
    );
    let Plan { workers, rounds, time } = plan;
    println!("process {}, {workers} workers, {rounds} rounds of {time:?}", server.id());

    reads(&server, &asks, mean, plan).await?;
    conditional_reads(&server, &workload, plan).await?;
    writes(&server, &workload, directory.path(), plan).await?;
    reads_during_writes(&server, &workload, &asks, plan).await?;
    let quiet =
        Server::watershed(&directory.path().join("quiet"), plan.workers, &[("LOG_LEVEL", "warn")]).await?;
    requests::fill(quiet.address, &workload).await?;
    reads_by_log_level([&server, &quiet], &asks, plan).await?;
    through_the_door(&server, &workload, &directory.path().join("closed"), &asks, plan).await
}

async fn reads(server: &Server, asks: &Asks, mean: usize, plan: Plan) -> Result<()> {
    let floor = Server::floor(mean, plan.workers)?;
    table::heading("3 hops downstream");
    for connections in [1, READERS] {
        let rounds =
            compare([server, &floor], [asks, &requests::of_floor(asks, mean)], connections, plan).await?;
        let name = format!("watershed, connections: {connections}");
        table::pair([&name, "floor"], &rounds);
    }
    Ok(())
}

async fn conditional_reads(server: &Server, workload: &Workload, plan: Plan) -> Result<()> {
    let floor = Server::floor(0, plan.workers)?;
    let asks = requests::conditional(server.address, workload).await?;
    let rounds = compare([server, &floor], [&asks, &requests::of_floor(&asks, 0)], READERS, plan).await?;
    table::heading("3 hops downstream, not modified");
    table::pair(["watershed, connections: 16", "floor with an empty body"], &rounds);
    Ok(())
}

async fn writes(server: &Server, workload: &Workload, directory: &Path, plan: Plan) -> Result<()> {
    let changes = requests::changes(workload);
    let frame_bytes = requests::frame_bytes(workload)?;
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let ours = drive(server.address, &changes, 1, plan.time).await?;
        let floor = disk::append_and_sync(directory, frame_bytes, plan.time, Room::Allocated)?;
        rounds.push([ours, floor]);
    }
    table::heading("10 dependencies seen again, acknowledged");
    table::pair(["watershed, connections: 1", &format!("append of {frame_bytes} B + fdatasync")], &rounds);
    Ok(())
}

async fn reads_during_writes(server: &Server, workload: &Workload, asks: &Asks, plan: Plan) -> Result<()> {
    let (asks, changes) = (requests::of_any_length(asks), requests::changes(workload));
    let (mut rounds, mut writes) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let reading = drive(server.address, &asks, READERS, plan.time);
        let writing = drive(server.address, &changes, 1, plan.time);
        let (during, writer) = tokio::try_join!(reading, writing)?;
        let without = drive(server.address, &asks, READERS, plan.time).await?;
        rounds.push([during, without]);
        writes.push(writer);
    }
    table::heading("3 hops downstream, beside a writer at full rate");
    table::pair(["16 readers, 1 writer", "16 readers alone"], &rounds);
    table::single("the writer", &writes);
    Ok(())
}

async fn reads_by_log_level(servers: [&Server; 2], asks: &Asks, plan: Plan) -> Result<()> {
    let asks = requests::of_any_length(asks);
    let rounds = compare(servers, [&asks, &asks], READERS, plan).await?;
    table::heading("3 hops downstream, with and without a log line for each request, 16 connections");
    table::pair(["watershed, LOG_LEVEL=info", "watershed, LOG_LEVEL=warn"], &rounds);
    Ok(())
}

/// The same queries with a key and a limit, and what many users with a key each get.
async fn through_the_door(
    open: &Server,
    workload: &Workload,
    data_dir: &Path,
    asks: &Asks,
    plan: Plan,
) -> Result<()> {
    let settings = [
        ("LOG_LEVEL", "info"),
        ("ADMIN_API_KEY", ADMIN_KEY),
        // High enough not to be reached: what is measured is looking, not refusing.
        ("RATE_LIMIT_QUERY", "100000000"),
    ];
    let closed = Server::watershed(data_dir, plan.workers, &settings).await?;
    requests::fill_with(closed.address, workload, Some(ADMIN_KEY)).await?;
    let asks = requests::of_any_length(asks);
    let keyed = requests::with_key(&asks, &requests::new_key(closed.address, ADMIN_KEY).await?);
    for connections in [1, READERS] {
        let rounds = compare([&closed, open], [&keyed, &asks], connections, plan).await?;
        table::heading("3 hops downstream, with a key and a limit, and open");
        table::pair([&format!("keyed, limited, connections: {connections}"), "open"], &rounds);
    }
    let mut users = Vec::new();
    for _ in 0..USERS {
        users.push(requests::with_key(&asks, &requests::new_key(closed.address, ADMIN_KEY).await?));
    }
    table::heading(&format!("3 hops downstream, {USERS} users with a key each"));
    let time = plan.time * plan.rounds as u32;
    for pace in [Some(USER_PACE), None] {
        let sample = drive_each(closed.address, &users, pace, time).await?;
        let name = pace.map_or("without a pause".to_owned(), |pace| format!("a request each {pace:?}"));
        table::single(&format!("{name}, {time:?}"), &[sample]);
    }
    Ok(())
}

/// Both sides in turn, after a moment to warm up.
async fn compare(
    servers: [&Server; 2],
    asks: [&Asks; 2],
    connections: usize,
    plan: Plan,
) -> Result<Vec<[Sample; 2]>> {
    for (server, asks) in servers.iter().zip(asks) {
        drive(server.address, asks, connections, plan.time.min(Duration::from_millis(300))).await?;
    }
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let ours = drive(servers[0].address, asks[0], connections, plan.time).await?;
        let floor = drive(servers[1].address, asks[1], connections, plan.time).await?;
        rounds.push([ours, floor]);
    }
    Ok(rounds)
}
