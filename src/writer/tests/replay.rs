//! digest(snapshot + log) = digest(log from the start) = digest(live), at every sequence of random logs.

use super::store::Store;
use super::*;
use crate::apply;
use crate::campaign::{Random, report, seeds};
use crate::graph::Graph;
use crate::snapshot::{self, Stamp, file_name};
use crate::types::{BackoffStrategy, CommunicationMode, DependencyCriticality, Metadata, Mode, RetryConfig};

/// Commands over a few services by all sources: placeholders, registrations, conflicts, old and new
/// observations, cycles made and changed.
fn commands(seed: u64, count: u64) -> Vec<Command> {
    let mut random = Random::new(seed);
    (1..=count).map(|number| any_command(number, &mut random)).collect()
}

fn any_of<T: Copy>(all: &[T], random: &mut Random) -> T {
    all[random.below(all.len() as u64) as usize]
}

fn any_command(number: u64, random: &mut Random) -> Command {
    let names = ["a", "b", "c", "d", "e", "größe", "日本語"];
    let mut pairs = std::collections::BTreeSet::new();
    for _ in 0..random.below(6) {
        pairs.insert((any_of(&names, random), any_of(&names, random)));
    }
    let edges = pairs.into_iter().filter(|(source, target)| source != target);
    let edges = edges.map(|(source, target)| EdgeReport {
        source: id(source),
        target: id(target),
        attributes: any_attributes(random),
    });
    let edges = edges.collect();
    let mut reported = std::collections::BTreeSet::new();
    for _ in 0..random.below(3) {
        reported.insert(any_of(&names, random));
    }
    let nodes = reported.into_iter().map(|name| NodeReport {
        service_id: id(name),
        metadata: (random.below(3) > 0).then(|| {
            let json = format!(r#"{{"team":"t{}","tier":{}}}"#, random.below(3), random.below(9));
            Metadata::from_json(&json).unwrap()
        }),
    });
    let nodes = nodes.collect();
    let source = any_of(DiscoverySource::ALL, random);
    let observed_at = at().plus_microseconds(random.below(1_000_000_000).cast_signed());
    let upsert = Upsert { source, observed_at, mode: Mode::Upsert, nodes, edges };
    let at = at().plus_microseconds(number.cast_signed());
    Command::new(Uuid::from_u128(u128::from(number)), at, Change::Upsert(upsert))
}

fn any_attributes(random: &mut Random) -> Attributes {
    Attributes {
        communication_mode: any_of(CommunicationMode::ALL, random),
        criticality: any_of(DependencyCriticality::ALL, random),
        protocol: (random.below(2) == 0).then(|| any_of(&["grpc", "http"], random).into()),
        timeout_ms: std::num::NonZeroU32::new(random.below(3) as u32),
        retry_config: (random.below(3) == 0).then(|| RetryConfig {
            max_retries: Some(random.below(100) as u8),
            backoff_strategy: Some(any_of(BackoffStrategy::ALL, random)),
        }),
    }
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
                if replayed.digest() != graphs[later].digest() {
                    return Err(format!("seed {seed}: snapshot {version}, version {later}"));
                }
                replayed = apply::apply(&replayed, command).0;
                cases += 1;
            }
            let last = &graphs[commands.len()];
            if (replayed.version(), replayed.digest()) != (last.version(), last.digest()) {
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
        // A command that changes nothing is not logged, so versions may differ; the content may not.
        if found.digest() != last.digest() {
            return Err(format!("seed {seed}: another digest after the restart"));
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
