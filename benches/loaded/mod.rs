//! A graph in memory, for what is measured in process.
//!
//! - Every start gives the answer that the generator computed before anything is measured: a wrong answer
//!   cannot be fast.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use watershed::apply::apply;
use watershed::clock;
use watershed::graph::Graph;
use watershed::ingest::{parse_json, upsert};
use watershed::limits::{QUERY_HEAVY_EDGES_MAX, QUERY_NODES_DEFAULT};
use watershed::query::{DependencyFilter, Scratch, Traversal, TraverseQuestion, traverse};
use watershed::types::{Change, Command, Direction};

use crate::support::Workload;

/// A graph in memory, and the commands that made it.
pub(crate) struct Loaded {
    pub(crate) graph: Arc<Graph>,
    pub(crate) commands: Vec<Command>,
    pub(crate) changes: Vec<Command>,
    pub(crate) roots: Vec<u32>,
    /// The service with most callers.
    pub(crate) hub: u32,
}

/// Reads a graph by its name and makes it.
pub(crate) fn load(size: &str) -> Result<Loaded> {
    let workload = Workload::load(size)?;
    let now = clock::now();
    let commands = workload.batches(now).map(|body| command(&body)).collect::<Result<Vec<_>>>()?;
    let changes = workload.changes(now).take(100).map(|body| command(&body)).collect::<Result<Vec<_>>>()?;
    let graph = Arc::new(build(&commands));
    let roots = verify(&graph, &workload)?;
    let hub = workload.hubs.iter().max_by_key(|hub| hub.callers).context("there are hubs")?;
    let hub = graph.find(hub.service_id).context("the hub was looked up before")?;
    Ok(Loaded { graph, commands, changes, roots, hub })
}

/// A report as a command.
pub(crate) fn command(body: &str) -> Result<Command> {
    let at = clock::now();
    let checked = upsert(&parse_json(body.as_bytes())?, at)?;
    Ok(Command::new(clock::new_id(), at, Change::Upsert(checked.upsert)))
}

/// The whole graph out of its commands.
pub(crate) fn build(commands: &[Command]) -> Graph {
    commands.iter().fold(Graph::default(), |graph, command| apply(&graph, command).0)
}

/// The starts by index, once their answers are those that the generator computed.
fn verify(graph: &Arc<Graph>, workload: &Workload) -> Result<Vec<u32>> {
    let find = |service_id| graph.find(service_id).with_context(|| format!("{service_id} is missing"));
    for hub in &workload.hubs {
        let callers = graph.incoming(find(hub.service_id)?).len();
        ensure!(callers == hub.callers, "{} has {callers} callers, not {}", hub.service_id, hub.callers);
    }
    let mut roots = Vec::new();
    for start in &workload.starts {
        let root = find(start.service_id)?;
        let traversal = three_hops(graph, root, Scratch::default());
        let edges = (0..traversal.edge_groups()).map(|group| traversal.edges(graph, group, 0).count()).sum();
        let found = (traversal.nodes().len(), edges);
        let expected = (start.nodes, start.edges);
        ensure!(found == expected, "{}: {found:?} services and edges, not {expected:?}", start.service_id);
        roots.push(root);
    }
    Ok(roots)
}

/// Three hops downstream.
pub(crate) fn three_hops(graph: &Graph, root: u32, scratch: Scratch) -> Traversal {
    let filter = DependencyFilter { include_stale: false, include_external: true, min_confidence: 0.0 };
    let (direction, depth, max_nodes) = (Direction::Downstream, 3, QUERY_NODES_DEFAULT);
    let question = TraverseQuestion { root, direction, depth, filter, max_nodes };
    let answer = traverse(graph, question, scratch, QUERY_HEAVY_EDGES_MAX);
    answer.unwrap_or_else(|(error, _)| panic!("three hops of a benchmark: {error}"))
}
