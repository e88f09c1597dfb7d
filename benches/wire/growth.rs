//! How query, publication, memory and start grow with the graph, five dependencies a service.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tokio::task::spawn_blocking;
use watershed::clock;

use super::Plan;
use super::whole::start;
use crate::load::client::Connection;
use crate::load::drive::drive;
use crate::load::process::Server;
use crate::load::{requests, table};
use crate::support::Workload;

const SERVICES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// One line of the table for each size.
pub(crate) async fn measure(directory: &Path, plan: Plan) -> Result<()> {
    println!(
        "| services | 3 hops, p50 | mean answer | 10 dependencies written, p50 | import | resident | from the log | from a snapshot |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for services in SERVICES {
        println!(
            "{}",
            line(services, directory, plan).await.with_context(|| format!("{services} services"))?
        );
    }
    Ok(())
}

async fn line(services: usize, directory: &Path, plan: Plan) -> Result<String> {
    let size = format!("{services}:{}", services * 5);
    let workload = Workload::load(&size)?;
    let data_dir = directory.join(format!("growth-{services}"));
    let server = Server::watershed(&data_dir, plan.workers, &[("LOG_LEVEL", "info")]).await?;
    let (address, file) = (server.address, Workload::file(&size));
    let begun = clock::monotonic();
    let last =
        spawn_blocking(move || requests::import(address, &file)).await.context("the import broke down")??;
    let import = begun.elapsed().as_secs_f64();
    ensure!(last["done"] == true, "the import ended with {last}");
    let resident = server.memory()?.resident as f64 / 1e6;
    // Without keys nobody's credentials are looked at.
    let asks = requests::verified(server.address, &workload, "none").await?;
    let queries = drive(server.address, &requests::never_asked(&asks, 500, 0), 1, plan.time).await?;
    let writes = drive(server.address, &requests::changes(&workload), 1, plan.time).await?;
    drop(server);
    let (server, from_log) = start(&data_dir, plan).await?;
    let mut connection = Connection::open(server.address).await?;
    let status = connection.exchange(&requests::act("POST", "/api/v1/admin/snapshots")).await?.status;
    ensure!(status == 201, "the snapshot was refused with {status}");
    drop(server);
    let mut starts = Vec::new();
    for _ in 0..plan.rounds.min(3) {
        starts.push(start(&data_dir, plan).await?.1);
    }
    std::fs::remove_dir_all(&data_dir)?;
    Ok(format!(
        "| {services} | {:.0} µs | {} B | {:.0} µs | {import:.2} s | {resident:.0} MB | {from_log:.2} s | {:.3} s |",
        table::p50(&queries),
        requests::mean_bytes(&asks),
        table::p50(&writes),
        table::median(starts.into_iter()),
    ))
}
