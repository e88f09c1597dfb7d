//! digest(snapshot + log) = digest(log from the start) = digest(live), at every sequence of random logs.

use std::sync::Arc;

use super::store::Store;
use super::*;
use crate::apply;
use crate::apply::testing::history;
use crate::campaign::{report, seeds};
use crate::graph::{Alert, Graph, Standing};
use crate::ledger::AuditEntry;
use crate::snapshot::{self, Stamp, file_name};
use crate::types::{Remembered, Timestamp};

/// Commands of every kind, each of which is taken.
fn commands(seed: u64, count: u64) -> Vec<Command> {
    history(seed, count)
}

/// What a graph holds besides what its digest is of, and when its alerts were detected.
fn rest(graph: &Graph) -> (Vec<AuditEntry>, Vec<Arc<Remembered>>, Option<Timestamp>, Vec<Alert>) {
    let ledger = graph.ledger();
    // Which component an alert stands for is told by a key that no snapshot keeps.
    let alert = |alert: &Alert| match alert.standing {
        Standing::Component(_) => Alert { standing: Standing::Component(0), ..alert.clone() },
        Standing::Gone { .. } => alert.clone(),
    };
    let audit = ledger.audit().entries().cloned().collect();
    let memory = ledger.memory().iter().map(Arc::clone).collect();
    (audit, memory, ledger.swept_at(), graph.cycles().alerts().map(alert).collect())
}

fn is_same(a: &Graph, b: &Graph) -> bool {
    (a.version(), a.digest()) == (b.version(), b.digest()) && rest(a) == rest(b)
}

/// The graph at every version, by applying one command after the other.
fn live(commands: &[Command]) -> Vec<Graph> {
    let mut graphs = vec![Graph::default()];
    for command in commands {
        graphs.push(apply::apply(&graphs[graphs.len() - 1], command).0);
    }
    graphs
}

/// From a snapshot at every version, and the commands behind it, to every later version.
fn from_every_snapshot(seeds: std::ops::Range<u64>) -> Result<u64, String> {
    let mut cases = 0;
    for seed in seeds {
        let commands = commands(seed, 12);
        let graphs = live(&commands);
        for (version, graph) in graphs.iter().enumerate() {
            let sim = Sim::new(seed);
            let id = Uuid::from_u128(9);
            let stamp = Stamp { id, directory_id: Uuid::nil(), directory_created_at: at(), created_at: at() };
            snapshot::write(&sim, graph, &stamp).map_err(|error| error.to_string())?;
            let loaded = snapshot::load(&sim, &file_name(graph.version(), id));
            let (_, mut replayed) = loaded.map_err(|error| error.to_string())?;
            for (later, command) in commands.iter().enumerate().skip(version) {
                if !is_same(&replayed, &graphs[later]) {
                    return Err(format!("seed {seed}: snapshot {version}, version {later}"));
                }
                replayed = apply::apply(&replayed, command).0;
                cases += 1;
            }
            let last = &graphs[commands.len()];
            if !is_same(&replayed, last) {
                return Err(format!("seed {seed}: snapshot {version}, at the end"));
            }
            replayed.check().map_err(|violation| violation.to_string())?;
        }
    }
    Ok(cases)
}

/// Through the store: a log from its start, and the same with a snapshot in its midst.
fn through_the_store(seeds: std::ops::Range<u64>) -> Result<u64, String> {
    let mut cases = 0;
    for seed in seeds {
        let commands = commands(seed, 12);
        let graphs = live(&commands);
        let snapshot_at = seed as usize % commands.len();
        let sim = Sim::new(seed);
        let mut store = Store::open(&sim, Durability::Sync).map_err(|error| error.to_string())?;
        for (place, command) in commands.iter().enumerate() {
            if place == snapshot_at && place % 2 == 1 {
                store.keeper.create().map_err(|error| error.to_string())?;
            }
            store.write(std::slice::from_ref(command)).remove(0).map_err(|error| error.to_string())?;
        }
        drop(store);
        sim.crash();
        let store = Store::open(&sim, Durability::Sync).map_err(|error| error.to_string())?;
        let (found, last) = (store.published.load(), &graphs[commands.len()]);
        if !is_same(&found, last) {
            return Err(format!("seed {seed}: another graph after the restart"));
        }
        cases += 1;
    }
    Ok(cases)
}

#[test]
fn a_snapshot_and_the_log_behind_it_are_the_log_from_the_start() {
    report("replay: from every snapshot", from_every_snapshot(seeds(300)), 23_000);
    report("replay: through the store", through_the_store(seeds(1_000)), 1_000);
}
