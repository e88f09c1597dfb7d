//! Graphs that hold a bit of everything, and the bytes of their snapshots.

use std::io;
use std::num::NonZeroU32;

use uuid::Uuid;

use crate::apply::apply;
use crate::graph::Graph;
use crate::snapshot::{Stamp, file_name, write};
use crate::storage::{FileName, Poisoned, Sim, Storage, StorageFile};
use crate::types::{
    Attributes, BackoffStrategy, Change, Command, CommunicationMode, DependencyCriticality, DiscoverySource,
    EdgeReport, Metadata, Mode, NodeReport, RetryConfig, ServiceId, Timestamp, Upsert,
};

pub(super) fn instant(second: i64) -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000 + second * 1_000_000).unwrap()
}

pub(super) fn stamp() -> Stamp {
    let [id, directory_id] = [0xabcd, 7].map(Uuid::from_u128);
    Stamp { id, directory_id, directory_created_at: instant(-5), created_at: instant(90) }
}

fn id(number: u32) -> ServiceId {
    ServiceId::parse(&format!("team-{}/service-{number}", number % 3)).unwrap()
}

pub(super) fn command(
    number: u32,
    source: DiscoverySource,
    nodes: Vec<NodeReport>,
    edges: Vec<EdgeReport>,
) -> Command {
    let at = instant(i64::from(number));
    let change = Change::Upsert(Upsert { source, observed_at: at, mode: Mode::Upsert, nodes, edges });
    Command::new(Uuid::from_u128(u128::from(number) + 1), at, change)
}

fn attributes(number: u32) -> Attributes {
    let pick = |count: usize| (number as usize / 2) % count;
    let retry = |number: u32| RetryConfig {
        max_retries: (!number.is_multiple_of(3)).then_some((number % 101) as u8),
        backoff_strategy: BackoffStrategy::ALL.get(pick(4)).copied(),
    };
    Attributes {
        communication_mode: CommunicationMode::ALL[pick(2)],
        criticality: DependencyCriticality::ALL[pick(3)],
        protocol: [None, Some("grpc"), Some("a protocol of some length")][pick(3)].map(Into::into),
        timeout_ms: NonZeroU32::new(number % 4 * 250),
        retry_config: number.is_multiple_of(4).then(|| retry(number)),
    }
}

/// Services, most of them registered, with `degree` dependencies each; cycles among the first ones; a
/// second source for every third dependency; stale observations.
pub(super) fn graph(services: u32, degree: u32) -> Graph {
    let report = |number: &u32| NodeReport {
        service_id: id(*number),
        metadata: Some(
            Metadata::from_json(&format!(
                r#"{{"team":"t{}","tier":{number},"x":[1.5,null,"é"]}}"#,
                number % 5
            ))
            .unwrap(),
        ),
    };
    let edge = |source: u32, target: u32| EdgeReport {
        source: id(source),
        target: id(target),
        attributes: attributes(source * degree + target),
    };
    let forward = |source: u32| (1..=degree).map(move |step| (source, source + step * step % (services / 2)));
    let all: Vec<(u32, u32)> = (0..services)
        .flat_map(forward)
        .filter(|(source, target)| target > source && *target < services)
        .collect();
    let mut distinct = all;
    distinct.sort_unstable();
    distinct.dedup();
    let edges = |every: usize| distinct.iter().step_by(every).map(|pair| edge(pair.0, pair.1)).collect();
    let registered: Vec<u32> = (0..services).filter(|number| !number.is_multiple_of(4)).collect();
    let cycles = vec![edge(1, 0), edge(services / 2 + 1, services / 2), edge(services - 1, services - 2)];
    let commands = [
        command(1, DiscoverySource::Manual, registered.iter().map(report).collect(), edges(1)),
        command(2, DiscoverySource::Kubernetes, registered.iter().step_by(5).map(report).collect(), edges(3)),
        command(3, DiscoverySource::ServiceMesh, vec![], edges(7)),
        command(4, DiscoverySource::Manual, vec![], edges(2)),
        command(5, DiscoverySource::OtelServiceGraph, vec![], [cycles, edges(11)].concat()),
    ];
    let graph = commands.iter().fold(Graph::default(), |graph, command| apply(&graph, command).0);
    with_stale(&graph)
}

/// The graph with some dependencies that lie on no cycle gone stale, one of several observations or all.
fn with_stale(graph: &Graph) -> Graph {
    let mut edit = graph.edit();
    for source in (0..graph.node_count()).filter(|source| graph.cycles().key_of(*source).is_none()) {
        for (link, dependency) in graph.outgoing(source).iter().zip(graph.dependencies(source)).step_by(5) {
            let mut observation = dependency.observations()[0].clone();
            observation.stale_since = Some(instant(100));
            edit.set_dependency(source, link.node, Some(dependency.with(observation)));
        }
    }
    edit.finish(graph.version() + 1).0
}

/// A snapshot of the graph as bytes.
pub(super) fn bytes_of(graph: &Graph) -> Vec<u8> {
    let sim = Sim::new(1);
    write(&sim, graph, &stamp()).unwrap();
    content(&sim, &file_name(graph.version(), stamp().id))
}

pub(super) fn content(sim: &Sim, name: &FileName) -> Vec<u8> {
    let file = sim.open(name).unwrap();
    let mut bytes = vec![0; file.size().unwrap() as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// A file in memory that can only be read.
pub(super) struct Bytes<'b>(pub(super) &'b [u8]);

impl StorageFile for Bytes<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn allocate(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(self) -> Result<Self, Poisoned> {
        Err(Poisoned(io::ErrorKind::Unsupported.into()))
    }
}
