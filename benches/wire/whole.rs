//! A whole graph: how it comes in, what it takes, and how a start gets it back.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tokio::task::spawn_blocking;
use watershed::clock;
use watershed::graph::{Graph, strongly_connected};

use super::Plan;
use super::marks::Marks;
use crate::load::client::Connection;
use crate::load::process::{Memory, Server};
use crate::load::{requests, table};
use crate::loaded::{self, Loaded};
use crate::support::Workload;

const MEGABYTE: f64 = 1e6;

/// Import, memory, and starts from the log and from a snapshot.
pub(crate) async fn in_and_back(graph: &str, directory: &Path, plan: Plan, marks: &mut Marks) -> Result<()> {
    let data_dir = directory.join("imported");
    let settings = [("LOG_LEVEL", "info")];
    let server = Server::watershed(&data_dir, plan.workers, &settings).await?;
    let empty = server.memory()?.resident;
    let took = import(&server, graph).await?;
    let Memory { resident, peak } = server.memory()?;
    println!(
        "\nimport of {graph}: {took:.2} s; resident {:.0} MB, {:.0} MB at most; {:.0} MB when it was empty",
        resident as f64 / MEGABYTE,
        peak as f64 / MEGABYTE,
        empty as f64 / MEGABYTE
    );
    marks.at_most("NDJSON import", (took, "s"), 6.0);
    marks.at_most(
        "the most memory during the import, of that after",
        (peak as f64 / resident as f64, ""),
        1.3,
    );
    marks.at_most("resident memory", (resident as f64 / MEGABYTE, "MB"), 400.0);
    drop(server);

    let mut starts = Vec::new();
    for _ in 0..plan.rounds.min(3) {
        starts.push(start(&data_dir, plan).await?.1);
    }
    marks.at_most("start from the log", (table::median(starts.iter().copied()), "s"), 5.0);
    let (server, _) = start(&data_dir, plan).await?;
    let from_snapshot = start_from_snapshot(server, &data_dir, plan).await?;
    marks.at_most("start from a snapshot", (from_snapshot, "s"), 0.7);
    Ok(())
}

/// Sends all of a graph as a stream; how long it took, in seconds.
pub(crate) async fn import(server: &Server, graph: &str) -> Result<f64> {
    let (address, file) = (server.address, Workload::file(graph));
    let begun = clock::monotonic();
    let last =
        spawn_blocking(move || requests::import(address, &file)).await.context("the import broke down")??;
    ensure!(last["done"] == true, "the import ended with {last}");
    Ok(begun.elapsed().as_secs_f64())
}

/// Has the server take a snapshot, and starts others from it; the median, in seconds.
pub(crate) async fn start_from_snapshot(server: Server, data_dir: &Path, plan: Plan) -> Result<f64> {
    let mut connection = Connection::open(server.address).await?;
    let status = connection.exchange(&requests::act("POST", "/api/v1/admin/snapshots")).await?.status;
    ensure!(status == 201, "the snapshot was refused with {status}");
    drop(server);
    let mut starts = Vec::new();
    for _ in 0..plan.rounds {
        starts.push(start(data_dir, plan).await?.1);
    }
    Ok(table::median(starts.into_iter()))
}

/// From the start of the process to its being ready, in seconds.
pub(crate) async fn start(data_dir: &Path, plan: Plan) -> Result<(Server, f64)> {
    let begun = clock::monotonic();
    let server = Server::watershed(data_dir, plan.workers, &[("LOG_LEVEL", "info")]).await?;
    Ok((server, begun.elapsed().as_secs_f64()))
}

/// Circular dependencies: all of them anew, and what a write of ten dependencies costs with their upkeep.
pub(crate) fn cycles(graph: &str, plan: Plan, marks: &mut Marks) -> Result<()> {
    let Loaded { graph, changes, .. } = loaded::load(graph)?;
    let all = || strongly_connected(&*graph, 0..graph.node_count(), |_| true).len();
    let found = all();
    ensure!(found == graph.cycles().len(), "{found} components, and {} are kept", graph.cycles().len());
    let milliseconds = |work: &mut dyn FnMut()| {
        let begun = clock::monotonic();
        work();
        begun.elapsed().as_secs_f64() * 1e3
    };
    let scratch = (0..plan.rounds.max(3)).map(|_| milliseconds(&mut || assert_eq!(all(), found)));
    let scratch = table::median(scratch);
    let upkeep = |commands: &[watershed::types::Command]| {
        table::median(
            commands
                .iter()
                .map(|command| milliseconds(&mut || drop(watershed::apply::apply(&graph, command)))),
        )
    };
    let (seen, new) = (upkeep(&changes), upkeep(&shortcuts(&graph)?));
    println!(
        "\ncycles: {found} from scratch in {scratch:.1} ms; a write of 10 dependencies seen again applied in \
         {seen:.3} ms, of 10 new ones in {new:.3} ms (medians)"
    );
    marks.at_most("all cycles from scratch", (scratch, "ms"), 60.0);
    marks.at_most("cycles after 10 dependencies seen again, the whole write", (seen, "ms"), 1.0);
    marks.at_most("cycles after 10 new dependencies, the whole write", (new, "ms"), 1.0);
    Ok(())
}

/// Reports of ten new dependencies each, of services on what their callees call.
fn shortcuts(graph: &Graph) -> Result<Vec<watershed::types::Command>> {
    let mut pairs = Vec::new();
    for source in (0..graph.node_count()).step_by(7) {
        let further = graph.outgoing(source).iter().flat_map(|link| graph.outgoing(link.node));
        let new = further
            .map(|link| link.node)
            .find(|target| *target != source && graph.dependency(source, *target).is_none());
        pairs.extend(new.map(|target| (graph.name(source).as_str(), graph.name(target).as_str())));
        if pairs.len() == 1_000 {
            break;
        }
    }
    let edge = |(source, target): &(&str, &str)| {
        let attributes = serde_json::json!({"communication_mode": "sync", "criticality": "hard"});
        serde_json::json!({"source": source, "target": target, "attributes": attributes}).to_string()
    };
    let edges: Vec<String> = pairs.iter().map(edge).collect();
    let report = |edges: &[String]| {
        let edges: Vec<&str> = edges.iter().map(String::as_str).collect();
        loaded::command(&crate::support::body(clock::now(), &[], &edges))
    };
    edges.chunks_exact(10).map(report).collect()
}
