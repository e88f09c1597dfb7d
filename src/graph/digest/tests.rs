//! The digest says all that is durable, nothing else, and is the documented number.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::graph::Component;
use crate::types::{
    Attributes, BackoffStrategy, CommunicationMode, Dependency, DependencyCriticality, DiscoverySource,
    Metadata, RetryConfig, ServiceReport,
};

fn instant(second: i64) -> Timestamp {
    Timestamp::from_microseconds(second * 1_000_000).unwrap()
}

fn report(source: DiscoverySource, json: &str) -> ServiceReport {
    ServiceReport { source, metadata: Metadata::from_json(json).unwrap() }
}

fn service(name: &str, id: u128, created: i64, updated: i64, reports: Vec<ServiceReport>) -> Service {
    let name = ServiceId::parse(name).unwrap();
    Service::from_reports(name, Uuid::from_u128(id), instant(created), instant(updated), reports)
}

fn full() -> Observation {
    Observation {
        source: DiscoverySource::Kubernetes,
        attributes: Attributes {
            communication_mode: CommunicationMode::Async,
            criticality: DependencyCriticality::Soft,
            protocol: Some("grpc".into()),
            timeout_ms: NonZeroU32::new(250),
            retry_config: Some(RetryConfig {
                max_retries: Some(3),
                backoff_strategy: Some(BackoffStrategy::Linear),
            }),
        },
        last_observed_at: instant(1),
        times_observed: 7,
        stale_since: Some(instant(2)),
    }
}

fn plain() -> Observation {
    Observation::first(DiscoverySource::Manual, Attributes::hard_sync(), instant(1))
}

fn dependency_digest(observations: &[Observation]) -> Digest {
    let [source, target] = ["a", "b"].map(|name| ServiceId::parse(name).unwrap());
    Elements::default().dependency(&source, &target, observations)
}

fn all_distinct(digests: &[Digest]) -> bool {
    digests.iter().enumerate().all(|(place, digest)| !digests[..place].contains(digest))
}

#[test]
fn an_element_is_hashed_as_documented() {
    let report = report(DiscoverySource::ServiceMesh, r#"{"x":1}"#);
    let digest = Elements::default().service(&service("ab", 0x0102, 1, 2, vec![report]));
    let id = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2];
    let microseconds = [1_000_000i64.to_le_bytes(), 2_000_000i64.to_le_bytes()].concat();
    let bytes = [b"\x01\x02ab", &id[..], &microseconds, b"\x01\x01\x07\0\0\0", br#"{"x":1}"#].concat();
    assert_eq!(digest.to_string(), blake3::hash(&bytes).to_hex().as_str());

    let mut bytes = b"\x02\x01a\x01b\x02\x00\x00\x00\x00\0\0\0\0\x00".to_vec();
    bytes.extend([&1_000_000i64.to_le_bytes()[..], b"\x01\0\0\0\x00"].concat());
    bytes.extend(b"\x03\x01\x02\x01\x04grpc\xfa\0\0\0\x01\x01\x03\x01\x01");
    bytes.extend([&1_000_000i64.to_le_bytes()[..], b"\x07\0\0\0\x01", &2_000_000i64.to_le_bytes()].concat());
    assert_eq!(dependency_digest(&[plain(), full()]).to_string(), blake3::hash(&bytes).to_hex().as_str());

    let members = ["a", "bc"].map(|name| ServiceId::parse(name).unwrap());
    let digest = Elements::default().component(Uuid::from_u128(0x0102), members.iter());
    let bytes = [b"\x03", &id[..], b"\x02\0\0\0\x01a\x02bc"].concat();
    assert_eq!(digest.to_string(), blake3::hash(&bytes).to_hex().as_str());
}

#[test]
fn every_field_matters() {
    let some = || vec![report(DiscoverySource::Manual, "{}")];
    let services = [
        service("a", 1, 1, 1, vec![]),
        service("b", 1, 1, 1, vec![]),
        service("a", 2, 1, 1, vec![]),
        service("a", 1, 2, 1, vec![]),
        service("a", 1, 1, 2, vec![]),
        service("a", 1, 1, 1, some()),
        service("a", 1, 1, 1, vec![report(DiscoverySource::Kubernetes, "{}")]),
        service("a", 1, 1, 1, vec![report(DiscoverySource::Manual, r#"{"x":1}"#)]),
        service("a", 1, 1, 1, [some(), vec![report(DiscoverySource::Kubernetes, "{}")]].concat()),
    ];
    let digests: Vec<_> = services.iter().map(|each| Elements::default().service(each)).collect();
    assert!(all_distinct(&digests));

    let changes: [fn(&mut Observation); 14] = [
        |_| {},
        |each| each.source = DiscoverySource::Manual,
        |each| each.attributes.communication_mode = CommunicationMode::Sync,
        |each| each.attributes.criticality = DependencyCriticality::Hard,
        |each| each.attributes.protocol = None,
        |each| each.attributes.protocol = Some("http".into()),
        |each| each.attributes.timeout_ms = None,
        |each| each.attributes.retry_config = None,
        |each| each.attributes.retry_config.as_mut().unwrap().max_retries = None,
        |each| each.attributes.retry_config.as_mut().unwrap().backoff_strategy = None,
        |each| each.last_observed_at = instant(9),
        |each| each.times_observed = 8,
        |each| each.stale_since = None,
        |each| each.stale_since = Some(instant(3)),
    ];
    let changed = changes.map(|change| {
        let mut observation = full();
        change(&mut observation);
        dependency_digest(&[observation])
    });
    assert!(all_distinct(&changed));
    let [a, b] = ["a", "b"].map(|name| ServiceId::parse(name).unwrap());
    let mut elements = Elements::default();
    let components = [
        elements.component(Uuid::from_u128(1), [&a, &b].into_iter()),
        elements.component(Uuid::from_u128(2), [&a, &b].into_iter()),
        elements.component(Uuid::from_u128(1), std::iter::once(&a)),
        elements.dependency(&b, &a, &[full()]),
        elements.dependency(&a, &b, &[full()]),
        elements.dependency(&a, &b, &[plain(), full()]),
    ];
    assert!(all_distinct(&components));
}

/// Services and dependencies created in some order; the pair `a`, `b` is a cycle.
fn graph(names: [&str; 3], pairs: &[(&str, &str)]) -> Graph {
    let empty = Graph::default();
    let mut edit = empty.edit();
    for name in names {
        edit.create(service(name, u128::from(name.as_bytes()[0]), 1, 1, vec![]));
    }
    let (mut graph, _) = edit.finish(1);
    for (source, target) in pairs {
        let index = |name: &str| graph.find(name).unwrap();
        let mut edit = graph.edit();
        edit.set_dependency(index(source), index(target), Some(Dependency::of(plain())));
        graph = edit.finish(graph.version() + 1).0;
    }
    let mut members = vec![graph.find("a").unwrap(), graph.find("b").unwrap()];
    let path = vec![members[0], members[1], members[0]];
    members.sort_unstable();
    let cycle = Component { alert_id: Uuid::from_u128(9), members, path };
    graph.replace_cycles(&Graph::default(), &[], vec![cycle], instant(1)).0
}

#[test]
fn the_order_of_creation_does_not_matter() {
    let pairs = [("a", "b"), ("b", "a"), ("c", "a")];
    let one = graph(["a", "b", "c"], &pairs);
    let other = graph(["c", "b", "a"], &[pairs[2], pairs[0], pairs[1]]);
    assert_eq!((one.check(), other.check()), (Ok(()), Ok(())));
    assert_eq!(one.digest(), other.digest());
    assert_ne!(one.digest(), graph(["a", "b", "c"], &pairs[..2]).digest());
}

#[test]
fn what_goes_is_subtracted() {
    let graph = graph(["a", "b", "c"], &[("a", "b"), ("b", "a")]);
    let key = graph.cycles().key_of(0).unwrap();
    let (graph, _) = graph.clone().replace_cycles(&graph, &[key], vec![], instant(2));
    let mut edit = graph.edit();
    edit.set_dependency(0, 1, None);
    edit.set_dependency(1, 0, None);
    let (graph, _) = edit.finish(9);
    assert_eq!(graph.check(), Ok(()));
    let mut services = Digest::default();
    for node in 0..3 {
        services += Elements::default().service(graph.node(node).service());
    }
    let alert = graph.cycles().alert(Uuid::from_u128(9)).unwrap();
    assert!(!alert.is_active());
    services += alert.digest();
    assert_eq!(graph.digest(), services, "the alert outlives its cycle");
    assert_eq!(Graph::default().digest().to_string(), "0".repeat(64));
}

proptest! {
    #[test]
    fn the_sum_wraps_and_undoes_itself(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
        let (a, b) = (Digest::from_bytes(a), Digest::from_bytes(b));
        let (mut left, mut right) = (a, b);
        left += b;
        right += a;
        prop_assert_eq!(left, right);
        left -= b;
        prop_assert_eq!(left, a);
        prop_assert_eq!(Digest::from_bytes(a.to_bytes()), a);
        let (mut zero, mut most) = (a, Digest::from_bytes([0xff; 32]));
        zero -= a;
        prop_assert_eq!(zero, Digest::default());
        let mut one = [0; 32];
        one[0] = 1;
        most += Digest::from_bytes(one);
        prop_assert_eq!(most, Digest::default());
    }
}
