//! What durability costs: writes acknowledged per second beside the bare disk, what a snapshot does to them, and
//! how long a start takes.
//!
//! ```text
//! cargo bench --bench durability                                 graph L, 5 rounds of 2 s
//! cargo bench --bench durability -- --graph M --seconds 1        quicker
//! ```
//!
//! - The disk is measured in every round beside the server, with frames of the same length.
//! - A snapshot is taken beside a writer at full rate; what counts is the slowest acknowledgement.
//! - A start is measured from the start of the process to its first "ready".

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod load;
#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod support;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use load::client::Connection;
use load::disk::{self, Room};
use load::drive::drive;
use load::process::Server;
use load::{requests, table};
use support::Workload;
use watershed::clock;

const WORKERS: usize = 2;
/// Only the snapshots that are asked for.
const NONE_BY_ITSELF: [(&str, &str); 2] = [("SNAPSHOT_INTERVAL_SECONDS", "0"), ("LOG_LEVEL", "warn")];
const SNAPSHOTS: &str = "/api/v1/admin/snapshots";

#[derive(Parser)]
struct Options {
    /// What cargo says to a benchmark
    #[arg(long, hide = true)]
    bench: bool,
    /// Length of a round on each side
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A graph of benches/gen.py
    #[arg(long, default_value = "L")]
    graph: String,
}

fn main() -> Result<()> {
    // A test run builds the benchmarks and calls them without it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let options = Options::parse();
    let time = Duration::try_from_secs_f64(options.seconds).context("--seconds")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&options.graph, options.rounds.max(1), time))
}

async fn measure(graph: &str, rounds: usize, time: Duration) -> Result<()> {
    let workload = Workload::load(graph)?;
    // In the build directory: what is temporary elsewhere may have no disk below it.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let data_dir = directory.path().join("data");
    let server = Server::watershed(&data_dir, WORKERS, &NONE_BY_ITSELF).await?;
    requests::fill(server.address, &workload).await?;
    println!("{graph}: {} services, {} dependencies", workload.nodes.len(), workload.edges.len());
    drop(server);
    let from_log = starts(&data_dir, rounds).await?;
    let server = Server::watershed(&data_dir, WORKERS, &NONE_BY_ITSELF).await?;
    writers(&server, &workload, directory.path(), rounds, time).await?;
    beside_snapshots(&server, &workload, rounds).await?;
    drop(server);
    let with_log = starts(&data_dir, rounds).await?;
    let server = Server::watershed(&data_dir, WORKERS, &NONE_BY_ITSELF).await?;
    snapshot(&server).await?;
    drop(server);
    let from_snapshot = starts(&data_dir, rounds).await?;
    println!("\nfrom the start of a process, after a kill, to ready: median and slowest of {rounds}");
    for (what, starts) in [
        ("from the log alone", from_log),
        ("from a snapshot", from_snapshot),
        ("from a snapshot and the writes of the last round above", with_log),
    ] {
        let (median, slowest) = (starts[starts.len() / 2], starts[starts.len() - 1]);
        println!("{what:<56}{:>8.0} ms{:>8.0} ms", milliseconds(&median), milliseconds(&slowest));
    }
    Ok(())
}

/// Acknowledged writes of 1, 8 and 64 writers, beside appends that are synced one by one.
async fn writers(
    server: &Server,
    workload: &Workload,
    directory: &Path,
    rounds: usize,
    time: Duration,
) -> Result<()> {
    let changes = requests::changes(workload);
    let frame_bytes = requests::frame_bytes(workload)?;
    table::heading("10 dependencies seen again, acknowledged and durable");
    for connections in [1, 8, 64] {
        let mut sides = Vec::new();
        for _ in 0..rounds {
            let ours = drive(server.address, &changes, connections, time).await?;
            let floor = disk::append_and_sync(directory, frame_bytes, time / 2, Room::Allocated)?;
            sides.push([ours, floor]);
        }
        let names = [format!("writers: {connections}"), format!("{frame_bytes} B + fdatasync, allocated")];
        table::pair([&names[0], &names[1]], &sides);
    }
    let mut growing = Vec::new();
    for _ in 0..rounds {
        growing.push(disk::append_and_sync(directory, frame_bytes, time / 2, Room::Growing)?);
    }
    table::single("the same in a growing file", &growing);
    Ok(())
}

/// The slowest acknowledgements while a snapshot is taken, and in as long a time without one.
async fn beside_snapshots(server: &Server, workload: &Workload, rounds: usize) -> Result<()> {
    let changes = requests::changes(workload);
    println!("\none writer at full rate, ms        without    beside a snapshot    snapshot took");
    for _ in 0..rounds {
        let begun = clock::monotonic();
        let taking = async {
            snapshot(server).await?;
            Ok(begun.elapsed())
        };
        let (took, beside) = until(server, &changes, taking).await?;
        let (_, without) = until(server, &changes, async {
            tokio::time::sleep(took).await;
            Ok(took)
        })
        .await?;
        let worst = |latencies: &[Duration]| latencies.iter().max().map_or(f64::NAN, milliseconds);
        let (before, during) = (worst(&without), worst(&beside));
        println!(
            "slowest acknowledgement        {before:>11.2}    {during:>17.2}    {:>13.0}",
            milliseconds(&took)
        );
    }
    Ok(())
}

async fn snapshot(server: &Server) -> Result<()> {
    let mut connection = Connection::open(server.address).await?;
    let reply = connection.exchange(&requests::act("POST", SNAPSHOTS)).await?;
    ensure!(reply.status == 201, "a snapshot was answered with {}", reply.status);
    Ok(())
}

/// Writes until something has ended; that, and how long each write took.
async fn until<T>(
    server: &Server,
    changes: &requests::Asks,
    end: impl Future<Output = Result<T>>,
) -> Result<(T, Vec<Duration>)> {
    let mut connection = Connection::open(server.address).await?;
    let mut latencies = Vec::new();
    tokio::pin!(end);
    for ask in changes.iter().cycle() {
        let before = clock::monotonic();
        tokio::select! {
            reply = connection.exchange(&ask.request) => {
                let reply = reply?;
                ensure!(reply.status == 202, "a write was answered with {}", reply.status);
                latencies.push(before.elapsed());
            }
            ended = &mut end => return Ok((ended?, latencies)),
        }
    }
    unreachable!("the changes go round")
}

/// From the start of a process that was killed before to its first "ready", in order of length.
async fn starts(data_dir: &Path, rounds: usize) -> Result<Vec<Duration>> {
    let mut taken = Vec::new();
    for _ in 0..rounds {
        let begun = clock::monotonic();
        let server = Server::watershed(data_dir, WORKERS, &NONE_BY_ITSELF).await?;
        taken.push(begun.elapsed());
        drop(server);
    }
    taken.sort_unstable();
    Ok(taken)
}

fn milliseconds(duration: &Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
