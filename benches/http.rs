//! What a caller gets over HTTP, beside the least that hyper and the disk take on the same machine.
//!
//! ```text
//! cargo bench --bench http                                    M and L, 5 rounds of 2 s
//! cargo bench --bench http -- --seconds 1 --graphs M          quicker
//! cargo bench --bench http -- --growth                        how figures grow to 1,000,000 services
//! cargo bench --bench http -- --door                          what a key, a limit and log lines cost, too
//! ```
//!
//! - Ours and the floor take turns in every round under the same client, so that noise meets both.
//! - Before anything is measured, every start gives the answer that the generator computed; while it
//!   is measured, status and length of every answer are checked.
//! - The client runs on the same machine and takes its share of it: ratios are the result.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]
#![expect(clippy::cast_precision_loss, reason = "a figure has three digits")]

mod load;
#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod loaded;
mod support;
mod wire;

use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use load::drive::drive_each;
use load::process::Server;
use load::requests::Asks;
use load::{floor, requests, table};
use support::Workload;
use wire::marks::Marks;
use wire::reads::{Closed, READERS, ReadMarks, compare};
use wire::{Plan, growth, reads, whole, writes};

/// The binary's allocator, for the floor.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Graphs of benches/gen.py
    #[arg(long, value_delimiter = ',', default_value = "M,L")]
    graphs: Vec<String>,
    /// Only how figures grow from 1,000 services to 1,000,000
    #[arg(long)]
    growth: bool,
    /// What a key, a limit and log lines cost, too
    #[arg(long)]
    door: bool,
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
    if options.growth {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        return runtime.block_on(growth::measure(directory.path(), plan));
    }
    let mut marks = Marks::default();
    for graph in &options.graphs {
        marks.about(graph);
        let measuring = measure(graph, options.door, plan, &mut marks);
        runtime.block_on(measuring).with_context(|| format!("graph {graph}"))?;
    }
    marks.print();
    Ok(())
}

async fn measure(graph: &str, door: bool, plan: Plan, marks: &mut Marks) -> Result<()> {
    let workload = Workload::load(graph)?;
    // In the build directory: what is temporary elsewhere may have no disk below it.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (is_large, directory) = (graph == "L", directory.path());
    let settings = [
        ("LOG_LEVEL", "info"),
        ("ADMIN_API_KEY", ADMIN_KEY),
        // High enough not to be reached: what is measured is looking, not refusing.
        ("RATE_LIMIT_QUERY", "100000000"),
        ("MAX_CONNECTIONS", "20000"),
    ];
    let server = Server::watershed(&directory.join("data"), plan.workers, &settings).await?;
    requests::fill_with(server.address, &workload, Some(ADMIN_KEY)).await?;
    let key = requests::new_key(server.address, ADMIN_KEY).await?;
    let asks = requests::verified(server.address, &workload, &key).await?;
    let (services, dependencies) = (workload.nodes.len(), workload.edges.len());
    let mean = requests::mean_bytes(&asks);
    println!(
        "\n{graph}: {services} services, {dependencies} dependencies, answers of {mean} bytes on average"
    );
    let Plan { workers, rounds, time } = plan;
    println!("process {}, {workers} workers, {rounds} rounds of {time:?}", server.id());

    let closed = Closed { server: &server, key: &key };
    let (throughput, latency) = if is_large { (0.7, 1.6) } else { (0.85, 1.3) };
    reads::three_hops(closed, &asks, plan, (marks, ReadMarks { throughput, latency })).await?;
    reads::not_modified(closed, &asks, plan, marks).await?;
    reads::hubs(closed, &workload, plan, marks).await?;
    if is_large {
        reads::impact_of_hub(closed, &workload, &asks, plan, marks).await?;
    }
    reads::beside_idle(&server, &asks, plan, marks).await?;
    let more = if is_large { 0.5 } else { 0.15 };
    writes::small(closed, (&workload, ADMIN_KEY), directory, plan, (marks, more)).await?;
    writes::beside_readers(closed, (&workload, ADMIN_KEY), &asks, plan, marks).await?;
    if door {
        at_the_door(closed, &workload, directory, plan).await?;
    }
    drop(server);
    if is_large {
        whole::in_and_back(graph, directory, plan, marks).await?;
        whole::cycles(graph, plan, marks)
    } else {
        writes::whole_report(directory, plan, marks).await
    }
}

/// What a key, a limit and log lines cost.
async fn at_the_door(closed: Closed<'_>, workload: &Workload, directory: &Path, plan: Plan) -> Result<()> {
    let open = Server::watershed(&directory.join("open"), plan.workers, &[("LOG_LEVEL", "info")]).await?;
    requests::fill(open.address, workload).await?;
    let asks = requests::starts(workload);
    let quiet = Server::watershed(&directory.join("quiet"), plan.workers, &[("LOG_LEVEL", "warn")]).await?;
    requests::fill(quiet.address, workload).await?;
    reads_by_log_level([&open, &quiet], &asks, plan).await?;
    through_the_door(&open, closed.server, &asks, plan).await
}

async fn reads_by_log_level(servers: [&Server; 2], asks: &Asks, plan: Plan) -> Result<()> {
    let asks = requests::of_any_length(asks);
    let rounds = compare(servers, [&asks, &asks], READERS, plan).await?;
    table::heading("3 hops downstream, with and without a log line for each request, 16 connections");
    table::pair(["watershed, LOG_LEVEL=info", "watershed, LOG_LEVEL=warn"], &rounds);
    Ok(())
}

/// The same queries with a key and a limit, and what many users with a key each get.
async fn through_the_door(open: &Server, closed: &Server, asks: &Asks, plan: Plan) -> Result<()> {
    let asks = requests::of_any_length(asks);
    let keyed = requests::with_key(&asks, &requests::new_key(closed.address, ADMIN_KEY).await?);
    for connections in [1, READERS] {
        let rounds = compare([closed, open], [&keyed, &asks], connections, plan).await?;
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
