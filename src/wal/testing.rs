//! What the tests of this room share: commands, and a log's parts put together.

use std::num::NonZeroU32;

use proptest::prelude::*;
use uuid::Uuid;

use super::segment::SEGMENT_HEADER_BYTES;
use super::{Batch, Birth, Options};
use crate::types::{
    Attributes, BackoffStrategy, Change, Command, CommunicationMode, DependencyCriticality, DiscoverySource,
    EdgeReport, Metadata, Mode, NodeReport, Once, Received, RetryConfig, ServiceId, Sweep, Timestamp, Upsert,
    Withdrawal,
};

pub(super) fn birth() -> Birth {
    let at = Timestamp::parse("2026-02-14T10:00:00Z").unwrap();
    Birth { directory_id: Uuid::from_u128(7), salt: 0x5eed_0000_1234_5678, at }
}

/// Segments that are full after a few commits.
pub(super) const SMALL: Options = Options { segment_bytes: SEGMENT_HEADER_BYTES as u64 + 1024 };

/// A small command that tells its number: one service with metadata and one dependency.
pub(super) fn command(number: u64) -> Command {
    let at = Timestamp::from_microseconds(1_771_063_200_000_000 + i64::try_from(number).unwrap()).unwrap();
    let id = |name: &str| ServiceId::parse(&format!("{name}-{number}")).unwrap();
    let metadata = Metadata::from_json(&format!(r#"{{"team":"t","number":{number}}}"#)).unwrap();
    let attributes = Attributes {
        communication_mode: CommunicationMode::Sync,
        criticality: DependencyCriticality::Hard,
        protocol: Some("grpc".into()),
        timeout_ms: NonZeroU32::new(250),
        retry_config: None,
    };
    let upsert = Upsert {
        source: DiscoverySource::Kubernetes,
        observed_at: at,
        mode: Mode::Upsert,
        nodes: vec![NodeReport { service_id: id("a"), metadata: Some(metadata) }],
        edges: vec![EdgeReport { source: id("a"), target: id("b"), attributes }],
    };
    Command::new(Uuid::from_u128(number.into()), at, Change::Upsert(upsert))
}

/// The batch of `command(first)` to `command(first + count - 1)`.
pub(super) fn batch(first: u64, count: u64) -> Batch {
    let mut batch = Batch::starting_at(first);
    for number in first..first + count {
        batch.push(&command(number)).unwrap();
    }
    batch
}

pub(super) fn any_command() -> impl Strategy<Value = Command> {
    let actor = prop::option::of("[ -~]{1,255}");
    let once = prop::option::of(any_once());
    (any::<u128>(), any_timestamp(), actor, once, any_change()).prop_map(|(id, at, actor, once, change)| {
        Command {
            id: Uuid::from_u128(id),
            at,
            actor: actor.map(Into::into),
            once: once.map(Box::new),
            change,
        }
    })
}

fn any_once() -> impl Strategy<Value = Once> {
    let warnings = prop::collection::vec("[ -~]{0,20}", 0..3);
    (any::<[u8; 32]>(), any::<[u8; 32]>(), any::<u32>(), any::<u32>(), warnings).prop_map(
        |(key, body, nodes, edges, warnings)| Once {
            key,
            body,
            received: Received { nodes, edges, warnings },
        },
    )
}

/// Every kind of change, reports the most often.
fn any_change() -> impl Strategy<Value = Change> {
    let pair = (any_service_id(), any_service_id());
    let withdrawal = (prop::option::of(any_of(DiscoverySource::ALL)), prop::collection::vec(pair, 0..4))
        .prop_map(|(source, edges)| Change::Withdraw(Withdrawal { source, edges }));
    let target = (any_service_id(), prop::option::of(0.001..=100.0))
        .prop_map(|(service_id, percent)| Change::SetAvailabilityTarget { service_id, percent });
    let threshold = || prop::option::of(any::<i64>());
    let sweep = ([threshold(), threshold(), threshold(), threshold()], threshold(), threshold()).prop_map(
        |(stale_after, purge_after, audit_retain)| {
            Change::Sweep(Sweep { stale_after, purge_after, audit_retain })
        },
    );
    let (by, notes) = ((any::<u128>(), "[ -~]{1,40}"), (any::<u128>(), "[ -~]{1,40}"));
    prop_oneof![
        4 => any_upsert().prop_map(Change::Upsert),
        1 => any_node().prop_map(Change::Register),
        1 => withdrawal,
        1 => any_service_id().prop_map(Change::RemoveService),
        1 => target,
        1 => sweep,
        1 => by.prop_map(|(id, by)| Change::Acknowledge { alert_id: Uuid::from_u128(id), by: by.into() }),
        1 => notes.prop_map(|(id, text)| Change::Resolve { alert_id: Uuid::from_u128(id), notes: text.into() }),
    ]
}

fn any_upsert() -> impl Strategy<Value = Upsert> {
    let parts = (
        any_of(DiscoverySource::ALL),
        any_timestamp(),
        any_of(&[Mode::Upsert, Mode::Replace]),
        prop::collection::vec(any_node(), 0..6),
        prop::collection::vec(any_edge(), 0..12),
    );
    parts.prop_map(|(source, observed_at, mode, nodes, edges)| Upsert {
        source,
        observed_at,
        mode,
        nodes,
        edges,
    })
}

fn any_of<T: Copy + std::fmt::Debug>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>()
        .prop_filter_map("years 0 to 9999", |at| Timestamp::from_microseconds(at % 200_000_000_000_000_000))
}

/// Few names, so that they meet; the last ones at the limits.
fn any_service_id() -> impl Strategy<Value = ServiceId> {
    let texts = ["a", "b", "größe 7", "日本語"].map(str::to_owned).into_iter().chain(["x".repeat(255)]);
    prop::sample::select(texts.collect::<Vec<_>>()).prop_map(|text| ServiceId::parse(&text).unwrap())
}

fn any_node() -> impl Strategy<Value = NodeReport> {
    let metadata = (any::<f64>(), any::<i64>(), "[ -~]{0,20}").prop_map(|(float, integer, text)| {
        let json = serde_json::json!({ "float": float, "integer": integer, "nested": { "text": text, "nil": null } });
        Metadata::from_object(json.as_object().unwrap()).unwrap()
    });
    (any_service_id(), prop::option::of(metadata))
        .prop_map(|(service_id, metadata)| NodeReport { service_id, metadata })
}

fn any_edge() -> impl Strategy<Value = EdgeReport> {
    let retry = (prop::option::of(0..=100u8), prop::option::of(any_of(BackoffStrategy::ALL)))
        .prop_map(|(max_retries, backoff_strategy)| RetryConfig { max_retries, backoff_strategy });
    let attributes = (
        any_of(CommunicationMode::ALL),
        any_of(DependencyCriticality::ALL),
        prop::option::of("[a-z]{1,50}"),
        prop::option::of(1..=86_400_000u32),
        prop::option::of(retry),
    )
        .prop_map(|(communication_mode, criticality, protocol, timeout_ms, retry_config)| Attributes {
            communication_mode,
            criticality,
            protocol: protocol.map(Into::into),
            timeout_ms: timeout_ms.and_then(NonZeroU32::new),
            retry_config,
        });
    (any_service_id(), any_service_id(), attributes).prop_map(|(source, target, attributes)| EdgeReport {
        source,
        target,
        attributes,
    })
}
