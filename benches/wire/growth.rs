//! How query, publication, memory and start grow with the graph, five dependencies a service.

use std::path::Path;

use anyhow::{Context, Result};

use super::Plan;
use super::whole::{import, start, start_from_snapshot};
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
    let import = import(&server, &size).await?;
    let resident = server.memory()?.resident as f64 / 1e6;
    // Without keys nobody's credentials are looked at.
    let asks = requests::verified(server.address, &workload, "none").await?;
    let queries = drive(server.address, &requests::never_asked(&asks, 500, 0), 1, plan.time).await?;
    let writes = drive(server.address, &requests::changes(&workload), 1, plan.time).await?;
    drop(server);
    let (server, from_log) = start(&data_dir, plan).await?;
    let from_snapshot = start_from_snapshot(server, &data_dir, plan).await?;
    std::fs::remove_dir_all(&data_dir)?;
    Ok(format!(
        "| {services} | {:.0} µs | {} B | {:.0} µs | {import:.2} s | {resident:.0} MB | {from_log:.2} s | {from_snapshot:.3} s |",
        table::p50(&queries),
        requests::mean_bytes(&asks),
        table::p50(&writes),
    ))
}
