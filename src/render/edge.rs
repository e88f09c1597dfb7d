//! A dependency as answers show it.

use std::num::NonZeroU32;
use std::sync::LazyLock;

use crate::graph::{Graph, Traits};
use crate::json::{TimestampWriter, push_bool, push_integer, push_list, push_optional_string, push_plain};
use crate::types::{Attributes, BackoffStrategy, Dependency, DiscoverySource, RetryConfig};

/// `["manual","kubernetes"]` for every set of sources, by [`Traits::source_mask`].
static SOURCE_LISTS: LazyLock<[Vec<u8>; 16]> = LazyLock::new(|| std::array::from_fn(source_list));

fn source_list(mask: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let sources = DiscoverySource::ALL.iter().filter(|source| mask >> **source as usize & 1 == 1);
    push_list(&mut text, sources, |out, source| push_plain(out, source.as_str()));
    text
}

/// Writes the list of sources that a dependency has observations of.
pub(super) fn push_sources(out: &mut Vec<u8>, traits: Traits) {
    out.extend_from_slice(&SOURCE_LISTS[usize::from(traits.source_mask())]);
}

/// Writes one dependency as an object.
pub(super) fn push_edge(
    out: &mut Vec<u8>,
    graph: &Graph,
    (source, target): (u32, u32),
    dependency: &Dependency,
    traits: Traits,
    timestamps: &mut TimestampWriter,
) {
    out.extend_from_slice(b"{\"source\":");
    out.extend_from_slice(graph.node(source).name_json());
    out.extend_from_slice(b",\"target\":");
    out.extend_from_slice(graph.node(target).name_json());
    out.push(b',');
    push_details(out, dependency, traits, timestamps);
    out.push(b'}');
}

/// Writes the members of one dependency that follow its ends, without braces.
#[inline]
pub(super) fn push_details(
    out: &mut Vec<u8>,
    dependency: &Dependency,
    traits: Traits,
    timestamps: &mut TimestampWriter,
) {
    let shown = dependency.shown();
    push_attributes(out, &shown.attributes);
    out.extend_from_slice(b",\"confidence_score\":");
    out.extend_from_slice(traits.confidence_text().as_bytes());
    out.extend_from_slice(b",\"discovery_source\":\"");
    out.extend_from_slice(shown.source.as_str().as_bytes());
    out.extend_from_slice(b"\",\"sources\":");
    push_sources(out, traits);
    out.extend_from_slice(b",\"last_observed_at\":");
    timestamps.push(out, shown.last_observed_at);
    out.extend_from_slice(b",\"is_stale\":");
    push_bool(out, traits.is_stale());
}

fn push_attributes(out: &mut Vec<u8>, attributes: &Attributes) {
    out.extend_from_slice(b"\"communication_mode\":\"");
    out.extend_from_slice(attributes.communication_mode.as_str().as_bytes());
    out.extend_from_slice(b"\",\"criticality\":\"");
    out.extend_from_slice(attributes.criticality.as_str().as_bytes());
    out.extend_from_slice(b"\",\"protocol\":");
    push_optional_string(out, attributes.protocol.as_deref());
    out.extend_from_slice(b",\"timeout_ms\":");
    push_timeout(out, attributes.timeout_ms);
    out.extend_from_slice(b",\"retry_config\":");
    push_retry_config(out, attributes.retry_config);
}

/// Writes how long a caller waits, or `null`.
pub(super) fn push_timeout(out: &mut Vec<u8>, timeout_ms: Option<NonZeroU32>) {
    match timeout_ms {
        Some(milliseconds) => push_integer(out, milliseconds.get()),
        None => out.extend_from_slice(b"null"),
    }
}

/// Writes how a caller tries again, or `null`.
pub(super) fn push_retry_config(out: &mut Vec<u8>, retry_config: Option<RetryConfig>) {
    let Some(retry_config) = retry_config else { return out.extend_from_slice(b"null") };
    out.extend_from_slice(b"{\"max_retries\":");
    match retry_config.max_retries {
        Some(retries) => push_integer(out, retries),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"backoff_strategy\":");
    push_optional_string(out, retry_config.backoff_strategy.map(BackoffStrategy::as_str));
    out.push(b'}');
}
