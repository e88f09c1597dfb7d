//! Graphs whose dependencies differ in strength and whose services differ in what is known of them.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::campaign::Random;
use crate::graph::Graph;
use crate::types::{
    Attributes, CommunicationMode, Dependency, DependencyCriticality, DiscoverySource, Metadata, Observation,
    Service, ServiceId, Timestamp,
};

/// How a caller uses what it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bond {
    pub(super) sync: bool,
    pub(super) criticality: DependencyCriticality,
    pub(super) stale: bool,
}

impl Bond {
    pub(super) const STRONG: Self =
        Self { sync: true, criticality: DependencyCriticality::Hard, stale: false };
    pub(super) const SOFT: Self = Self { criticality: DependencyCriticality::Soft, ..Self::STRONG };
    pub(super) const ASYNC: Self = Self { sync: false, ..Self::STRONG };
    pub(super) const STALE: Self = Self { stale: true, ..Self::STRONG };

    pub(super) fn is_strong(self) -> bool {
        !self.stale && self.sync && self.criticality == DependencyCriticality::Hard
    }

    /// Whether an impact query follows it.
    pub(super) fn is_followed(self, include_soft: bool) -> bool {
        !self.stale && (include_soft || self.criticality == DependencyCriticality::Hard)
    }
}

/// By caller and callee.
pub(super) type Bonds = BTreeMap<(u32, u32), Bond>;

fn at() -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000).unwrap()
}

/// Services `s0`, `s1`, … with metadata, and their dependencies.
pub(super) fn graph(metadata: &[&str], bonds: &Bonds) -> Graph {
    let empty = Graph::default();
    let mut edit = empty.edit();
    for (node, json) in metadata.iter().enumerate() {
        let id = ServiceId::parse(&format!("s{node}")).unwrap();
        let service = Service::placeholder(id, Uuid::from_u128(node as u128), at());
        let metadata = Metadata::from_json(json).unwrap();
        edit.create(service.reported(DiscoverySource::Manual, Some(metadata), at()));
    }
    for ((source, target), bond) in bonds {
        edit.set_dependency(*source, *target, Some(dependency(*bond)));
    }
    edit.finish(1).0
}

fn dependency(bond: Bond) -> Dependency {
    let communication_mode = if bond.sync { CommunicationMode::Sync } else { CommunicationMode::Async };
    let attributes =
        Attributes { communication_mode, criticality: bond.criticality, ..Attributes::hard_sync() };
    let observation = Observation::first(DiscoverySource::Manual, attributes, at());
    Dependency::of(Observation { stale_since: bond.stale.then(at), ..observation })
}

/// Up to seven services and whatever is between them; most dependencies are strong.
pub(super) fn random(random: &mut Random) -> (u32, Bonds) {
    let nodes = 2 + random.below(6) as u32;
    let density = 1 + random.below(5);
    let mut bonds = Bonds::new();
    for source in 0..nodes {
        for target in (0..nodes).filter(|target| *target != source) {
            if random.below(10) < density {
                let criticality = match random.below(4) {
                    0 => DependencyCriticality::Soft,
                    1 => DependencyCriticality::Degraded,
                    _ => DependencyCriticality::Hard,
                };
                let bond = Bond { sync: random.below(4) > 0, criticality, stale: random.below(6) == 0 };
                bonds.insert((source, target), bond);
            }
        }
    }
    (nodes, bonds)
}

/// The fewest hops between any two services over some of the dependencies: Floyd and Warshall.
pub(super) fn hops(nodes: u32, pairs: impl Iterator<Item = (u32, u32)>) -> BTreeMap<(u32, u32), u32> {
    let mut hops: BTreeMap<(u32, u32), u32> = pairs.map(|pair| (pair, 1)).collect();
    for through in 0..nodes {
        for from in 0..nodes {
            for to in 0..nodes {
                let Some(first) = hops.get(&(from, through)).copied() else { continue };
                let Some(second) = hops.get(&(through, to)).copied() else { continue };
                let known = hops.entry((from, to)).or_insert(u32::MAX);
                *known = (*known).min(first + second);
            }
        }
    }
    hops
}
