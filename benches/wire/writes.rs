//! Writes beside the disk alone, and readers beside a writer.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use watershed::clock;

use super::Plan;
use super::marks::Marks;
use super::reads::{Closed, READERS, VARIANTS};
use crate::load::client::Connection;
use crate::load::disk::{self, Room};
use crate::load::drive::{Sample, drive};
use crate::load::process::Server;
use crate::load::requests::{self, Asks};
use crate::load::table;
use crate::support::Workload;

/// Ten dependencies, acknowledged and visible: one writer. `more` is what it may take beside the disk, in
/// milliseconds.
pub(crate) async fn small(
    closed: Closed<'_>,
    (workload, admin_key): (&Workload, &str),
    directory: &Path,
    plan: Plan,
    (marks, more): (&mut Marks, f64),
) -> Result<()> {
    let changes = requests::with_key(&requests::changes(workload), admin_key);
    let frame_bytes = requests::frame_bytes(workload)?;
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let ours = drive(closed.server.address, &changes, 1, plan.time).await?;
        rounds.push([ours, disk::append_and_sync(directory, frame_bytes, plan.time, Room::Allocated)?]);
    }
    table::heading("10 dependencies seen again, acknowledged");
    table::pair(["watershed, 1 connection", &format!("append of {frame_bytes} B + fdatasync")], &rounds);
    let beyond = table::median(rounds.iter().map(|[ours, disk]| table::p50(ours) - table::p50(disk))) / 1e3;
    marks.at_most("a write of 10 dependencies: p50 beyond an fdatasync's", (beyond, "ms"), more);
    Ok(())
}

/// Readers while somebody writes as fast as it is acknowledged.
pub(crate) async fn beside_readers(
    closed: Closed<'_>,
    (workload, admin_key): (&Workload, &str),
    asks: &Asks,
    plan: Plan,
    marks: &mut Marks,
) -> Result<()> {
    let (asks, changes) =
        (requests::of_any_length(asks), requests::with_key(&requests::changes(workload), admin_key));
    let (mut rounds, mut writes): (Vec<[Sample; 2]>, Vec<Sample>) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let reading = drive(closed.server.address, &asks, READERS, plan.time);
        let writing = drive(closed.server.address, &changes, 1, plan.time);
        let (during, writer) = tokio::try_join!(reading, writing)?;
        // What nobody can find kept is held against what nobody can find kept.
        let fresh = requests::never_asked(&asks, VARIANTS, 100 + rounds.len());
        rounds.push([during, drive(closed.server.address, &fresh, READERS, plan.time).await?]);
        writes.push(writer);
    }
    table::heading("3 hops downstream, beside a writer at full rate");
    table::pair(["16 readers, 1 writer", "16 readers alone, none answer kept"], &rounds);
    table::single("the writer", &writes);
    marks.at_most(
        "readers' p99 beside a writer, of that without",
        (table::ratio(&rounds, table::p99), ""),
        1.5,
    );
    Ok(())
}

/// All of a graph in one request, each to a new server.
pub(crate) async fn whole_report(directory: &Path, plan: Plan, marks: &mut Marks) -> Result<()> {
    let workload = Workload::load("S")?;
    let report = requests::post(&workload.whole(clock::now()));
    let mut took = Vec::new();
    for number in 0..plan.rounds.max(3) {
        let data_dir = directory.join(format!("whole-{number}"));
        let server = Server::watershed(&data_dir, plan.workers, &[("LOG_LEVEL", "info")]).await?;
        let mut connection = Connection::open(server.address).await?;
        let begun = clock::monotonic();
        let reply = connection.exchange(&report).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(reply.status == 202, "the report was refused with {}", reply.status);
    }
    let median = table::median(took.iter().copied());
    let (services, dependencies) = (workload.nodes.len(), workload.edges.len());
    let slowest = took.iter().copied().reduce(f64::max).context("there are rounds")?;
    println!(
        "\na report of {services} services and {dependencies} dependencies: median {median:.1} ms, slowest {slowest:.1} ms"
    );
    marks.at_most("POST of S to an empty server: median", (median, "ms"), 20.0);
    Ok(())
}
