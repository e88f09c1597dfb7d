//! Histories of every kind of command, for the tests of all rooms that have to carry them.
//!
//! - Few names and few sources, so that commands meet: components come, grow, split and go; alerts are
//!   acknowledged and resolved; observations turn stale and are purged.
//! - What a command is follows from its number, the graph it is for, and the numbers drawn.

use uuid::Uuid;

use super::{admit, apply, recall, without_effect};
use crate::campaign::Random;
use crate::graph::Graph;
use crate::types::{
    Attributes, BackoffStrategy, Change, Command, CommunicationMode, DependencyCriticality, DiscoverySource,
    EdgeReport, Metadata, Mode, NodeReport, Once, Received, RetryConfig, ServiceId, Sweep, Timestamp, Upsert,
    Withdrawal,
};

/// Names in another order than they come, some beyond ASCII.
const NAMES: [&str; 9] = ["g", "a", "größe", "e", "c", "日本語", "h", "b", "f"];
const HOUR: i64 = 3_600_000_000;

/// An instant so many hours after an arbitrary one.
pub(crate) fn hour(hour: i64) -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000 + hour * HOUR).unwrap()
}

/// So many commands that are taken, and logged, one after the other by a graph that begins empty.
pub(crate) fn history(seed: u64, count: u64) -> Vec<Command> {
    let mut random = Random::new(seed);
    let mut graph = Graph::default();
    let mut commands = Vec::new();
    for number in 1.. {
        if commands.len() as u64 == count {
            break;
        }
        let command = any_command(number, &graph, &mut random);
        let is_new = recall(&graph, &command) == Ok(None) && without_effect(&command).is_none();
        if is_new && admit(&graph, &command).is_ok() {
            graph = apply(&graph, &command).0;
            commands.push(command);
        }
    }
    commands
}

/// A command of any kind, about an hour after the one before; the graph may refuse it, or remember it.
pub(crate) fn any_command(number: u64, graph: &Graph, random: &mut Random) -> Command {
    // Now and then the clock goes back.
    let at = hour(number.cast_signed() + random.below(4).cast_signed() - 2);
    let change = any_change(at, graph, random);
    let once = match &change {
        Change::Upsert(upsert) if random.below(3) == 0 => Some(Box::new(any_once(upsert, random))),
        _ => None,
    };
    let actor = (random.below(4) > 0).then(|| any_of(&["admin", "key größe"], random).into());
    Command { actor, once, ..Command::new(Uuid::from_u128(u128::from(number)), at, change) }
}

fn any_of<T: Copy>(all: &[T], random: &mut Random) -> T {
    all[random.below(all.len() as u64) as usize]
}

fn service_id(text: &str) -> ServiceId {
    ServiceId::parse(text).unwrap()
}

fn any_name(random: &mut Random) -> ServiceId {
    service_id(any_of(&NAMES, random))
}

fn any_change(at: Timestamp, graph: &Graph, random: &mut Random) -> Change {
    match random.below(20) {
        0 => Change::Register(any_node(random)),
        1 | 2 => Change::Withdraw(any_withdrawal(graph, random)),
        3 => Change::RemoveService(any_name(random)),
        4 => Change::SetAvailabilityTarget {
            service_id: any_name(random),
            percent: any_of(&[None, Some(99.9), Some(100.0)], random),
        },
        5 | 6 => Change::Sweep(any_sweep(random)),
        7 => Change::Acknowledge { alert_id: any_alert(graph, random), by: "somebody".into() },
        8 | 9 => Change::Resolve { alert_id: any_alert(graph, random), notes: "größer gemacht".into() },
        _ => Change::Upsert(any_upsert(at, random)),
    }
}

fn any_upsert(at: Timestamp, random: &mut Random) -> Upsert {
    let mut pairs = std::collections::BTreeSet::new();
    for _ in 0..random.below(5) {
        pairs.insert((any_of(&NAMES, random), any_of(&NAMES, random)));
    }
    let edges = pairs.into_iter().filter(|(source, target)| source != target);
    let edges = edges.map(|(source, target)| EdgeReport {
        source: service_id(source),
        target: service_id(target),
        attributes: any_attributes(random),
    });
    let edges = edges.collect();
    let mut nodes: Vec<NodeReport> = (0..random.below(3)).map(|_| any_node(random)).collect();
    nodes.dedup_by(|a, b| a.service_id == b.service_id);
    Upsert {
        source: any_of(DiscoverySource::ALL, random),
        observed_at: at.plus_microseconds(-HOUR * random.below(6).cast_signed()),
        mode: if random.below(4) == 0 { Mode::Replace } else { Mode::Upsert },
        nodes,
        edges,
    }
}

fn any_node(random: &mut Random) -> NodeReport {
    let metadata = (random.below(3) > 0).then(|| {
        let json = format!(r#"{{"team":"t{}","k{}":{}}}"#, random.below(3), random.below(2), random.below(9));
        Metadata::from_json(&json).unwrap()
    });
    NodeReport { service_id: any_name(random), metadata }
}

pub(crate) fn any_attributes(random: &mut Random) -> Attributes {
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

/// One to three dependencies, most of them there.
fn any_withdrawal(graph: &Graph, random: &mut Random) -> Withdrawal {
    let known: Vec<(ServiceId, ServiceId)> = graph
        .in_order(None)
        .flat_map(|(node, _)| graph.outgoing(node).iter().map(move |link| (node, link.node)))
        .map(|(source, target)| (graph.name(source).clone(), graph.name(target).clone()))
        .collect();
    let mut edges = std::collections::BTreeSet::new();
    for _ in 0..=random.below(3) {
        edges.insert(if known.is_empty() || random.below(5) == 0 {
            (any_name(random), any_name(random))
        } else {
            known[random.below(known.len() as u64) as usize].clone()
        });
    }
    let source = (random.below(3) == 0).then(|| any_of(DiscoverySource::ALL, random));
    Withdrawal { source, edges: edges.into_iter().collect() }
}

fn any_sweep(random: &mut Random) -> Sweep {
    let mut hours = |most: u64| (random.below(3) > 0).then(|| HOUR * random.below(most).cast_signed());
    Sweep {
        stale_after: [hours(6), hours(6), hours(6), hours(6)],
        purge_after: hours(8),
        audit_retain: hours(20),
    }
}

/// An alert of the graph, or none's id.
fn any_alert(graph: &Graph, random: &mut Random) -> Uuid {
    let known: Vec<Uuid> = graph.cycles().alerts().map(|alert| alert.id).collect();
    match random.below(known.len() as u64 + 1) as usize {
        0 => Uuid::from_u128(0xdead),
        place => known[place - 1],
    }
}

fn any_once(upsert: &Upsert, random: &mut Random) -> Once {
    let (nodes, edges) = (upsert.nodes.len() as u32 + 1, upsert.edges.len() as u32);
    Once {
        key: [random.below(3) as u8 * 100; 32],
        body: [random.below(2) as u8; 32],
        received: Received { nodes, edges, warnings: vec!["services named twice: größe".to_owned()] },
    }
}
