//! The same questions to `PostgreSQL`, with recursive CTEs and without HTTP, and to watershed over HTTP.
//!
//! ```text
//! benches/postgres/run                     starts a PostgreSQL of its own and measures S, M and L
//! benches/postgres/run --graphs M --seconds 1
//! ```
//!
//! - Both hold the same graph, and both give the answers that the generator computed before anything is measured.
//! - `PostgreSQL` makes one JSON document of services and dependencies in the database, as watershed does; statements
//!   are prepared, its tables are indexed both ways and analyzed, and all fits into its memory.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

#[path = "../load/mod.rs"]
mod load;
#[allow(dead_code, reason = "each benchmark uses what it needs")]
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use clap::Parser;
use futures_util::SinkExt;
use load::drive::{Sample, drive};
use load::process::Server;
use load::requests::{self, Ask, Asks};
use load::table;
use serde_json::Value;
use support::Workload;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};
use watershed::clock;

/// The binary's allocator, for the client.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const READERS: usize = 16;

const SCHEMA: &str = "
    DROP TABLE IF EXISTS dependencies, services;
    CREATE TABLE services (id int PRIMARY KEY, service_id text UNIQUE NOT NULL, metadata jsonb NOT NULL);
    CREATE TABLE dependencies (
        source int NOT NULL, target int NOT NULL, attributes jsonb NOT NULL, PRIMARY KEY (source, target)
    );
";

const THREE_HOPS: &str = "
    WITH RECURSIVE reached (node, distance) AS (
        SELECT id, 0 FROM services WHERE service_id = $1
        UNION
        SELECT d.target, r.distance + 1 FROM reached r JOIN dependencies d ON d.source = r.node
        WHERE r.distance < 3
    ), nearest AS MATERIALIZED (
        SELECT node, min(distance) AS distance FROM reached GROUP BY node
    )
    SELECT json_build_object(
        'nodes', (
            SELECT json_agg(json_build_object(
                'service_id', s.service_id, 'distance', n.distance, 'metadata', s.metadata))
            FROM nearest n JOIN services s ON s.id = n.node
        ),
        'edges', (
            SELECT coalesce(json_agg(json_build_object(
                'source', a.service_id, 'target', b.service_id, 'attributes', d.attributes)), '[]')
            FROM nearest n JOIN dependencies d ON d.source = n.node
            JOIN services a ON a.id = d.source JOIN services b ON b.id = d.target
            WHERE n.distance < 3
        )
    )::text
";

const ALL_CALLERS: &str = "
    WITH RECURSIVE reached (node) AS (
        SELECT id FROM services WHERE service_id = $1
        UNION
        SELECT d.source FROM reached r JOIN dependencies d ON d.target = r.node
    )
    SELECT (count(*) - 1)::text FROM reached
";

#[derive(Parser)]
struct Options {
    /// What cargo says to a benchmark
    #[arg(long, hide = true)]
    bench: bool,
    /// Where the database is, as libpq takes it
    #[arg(long)]
    database: Option<String>,
    /// Length of a round on each side
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Graphs of benches/gen.py
    #[arg(long, value_delimiter = ',', default_value = "S,M,L")]
    graphs: Vec<String>,
}

fn main() -> Result<()> {
    // A test run builds the benchmarks and calls them without this.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let options = Options::parse();
    let Some(database) = &options.database else {
        println!("start it with benches/postgres/run, which starts a PostgreSQL");
        return Ok(());
    };
    let time = Duration::try_from_secs_f64(options.seconds).context("--seconds")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for graph in &options.graphs {
        let measuring = measure(graph, database, options.rounds.max(1), time);
        runtime.block_on(measuring).with_context(|| format!("graph {graph}"))?;
    }
    Ok(())
}

async fn measure(graph: &str, database: &str, rounds: usize, time: Duration) -> Result<()> {
    let workload = Workload::load(graph)?;
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let workers = available_parallelism().map_or(1, usize::from);
    let server = Server::watershed(&directory.path().join("data"), workers, &[("LOG_LEVEL", "info")]).await?;
    requests::fill(server.address, &workload).await?;
    fill(&connect(database).await?, &workload).await?;
    println!("\n{graph}: {} services, {} dependencies", workload.nodes.len(), workload.edges.len());

    let starts: Vec<&'static str> = workload.starts.iter().map(|start| start.service_id).collect();
    let asks = requests::starts(&workload);
    for connections in [1, READERS] {
        let mut compared = Vec::new();
        for round in 0..rounds {
            let fresh = requests::never_asked(&asks, 500, round + connections * 100);
            let ours = drive(server.address, &fresh, connections, time).await?;
            compared.push([ours, ask(database, THREE_HOPS, &starts, connections, time).await?]);
        }
        table::heading(&format!("3 hops downstream, none asked twice, connections: {connections}"));
        table::pair(["watershed over HTTP", "PostgreSQL, recursive CTE"], &compared);
    }

    let hub = workload.hubs.iter().max_by_key(|hub| hub.callers).context("there are hubs")?.service_id;
    let impact = format!("/api/v1/services/{hub}/impact?depth=100&summary=true");
    let impact = Ask { request: requests::get(&impact), status: 200, body_bytes: None };
    let impacts = requests::never_kept(&Asks::from([impact]));
    let mut compared = Vec::new();
    for _ in 0..rounds {
        let ours = drive(server.address, &impacts, 1, time).await?;
        compared.push([ours, ask(database, ALL_CALLERS, &[hub], 1, time).await?]);
    }
    table::heading("all callers of the largest hub, counted, connections: 1");
    table::pair(["watershed: impact summary", "PostgreSQL: count"], &compared);
    Ok(())
}

async fn connect(database: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await.context("no PostgreSQL")?;
    // It ends with its client.
    tokio::spawn(connection);
    Ok(client)
}

/// Loads the graph and checks what is known of it.
async fn fill(client: &Client, workload: &Workload) -> Result<()> {
    client.batch_execute(SCHEMA).await?;
    let mut places = HashMap::new();
    let (mut services, mut dependencies) = (String::new(), String::new());
    for (place, node) in workload.nodes.iter().enumerate() {
        let node: Value = serde_json::from_str(node)?;
        let name = node["service_id"].as_str().context("a service has a name")?.to_owned();
        writeln!(services, "{place}\t{name}\t{}", node["metadata"])?;
        places.insert(name, place);
    }
    for edge in &workload.edges {
        let edge: Value = serde_json::from_str(edge)?;
        let place =
            |end: &str| edge[end].as_str().and_then(|name| places.get(name)).context("an end is a service");
        writeln!(dependencies, "{}\t{}\t{}", place("source")?, place("target")?, edge["attributes"])?;
    }
    copy(client, "COPY services FROM STDIN", services).await?;
    copy(client, "COPY dependencies FROM STDIN", dependencies).await?;
    // One at a time: what is sent together is a transaction, in which there is no VACUUM.
    for statement in [
        "CREATE INDEX ON dependencies (target, source)",
        "VACUUM ANALYZE services",
        "VACUUM ANALYZE dependencies",
    ] {
        client.batch_execute(statement).await?;
    }
    let statement = client.prepare(THREE_HOPS).await?;
    for start in &workload.starts {
        let text: String = client.query_one(&statement, &[&start.service_id]).await?.get(0);
        let answer: Value = serde_json::from_str(&text)?;
        let count = |list: &str| answer[list].as_array().map(Vec::len);
        let found = (count("nodes"), count("edges"));
        ensure!(found == (Some(start.nodes), Some(start.edges)), "{}: {found:?}", start.service_id);
    }
    Ok(())
}

async fn copy(client: &Client, statement: &str, rows: String) -> Result<()> {
    let sink = client.copy_in(statement).await?;
    tokio::pin!(sink);
    sink.send(Bytes::from(rows)).await?;
    sink.finish().await?;
    Ok(())
}

/// Asks for `time` over so many connections, each service in turn.
async fn ask(
    database: &str,
    statement: &'static str,
    services: &[&'static str],
    connections: usize,
    time: Duration,
) -> Result<Sample> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        let client = connect(database).await?;
        let statement = client.prepare(statement).await?;
        clients.push((client, statement));
    }
    let begun = clock::monotonic();
    let mut tasks = JoinSet::new();
    for (place, (client, statement)) in clients.into_iter().enumerate() {
        let services = services.to_vec();
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            for service in services.iter().cycle().skip(place * services.len() / connections) {
                if begun.elapsed() >= time {
                    break;
                }
                let sent = clock::monotonic();
                client.query_one(&statement, &[service]).await?;
                latencies.push(sent.elapsed());
            }
            anyhow::Ok(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task.context("a connection's task broke down")??);
    }
    Sample::of(latencies, begun.elapsed())
}
