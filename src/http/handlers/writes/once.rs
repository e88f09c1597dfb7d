//! `Idempotency-Key`: what tells a request that is sent again from a new one.

use hyper::header::{HeaderMap, HeaderName};

use crate::http::caller::Caller;
use crate::ingest::Invalid;
use crate::limits;
use crate::types::Hash;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The hash of the key that a request came with, of its client and of its route; `None` when it has no key. Only
/// a hash is kept: a key may tell something that is not ours to know.
pub(super) fn key(headers: &HeaderMap, caller: &Caller, route: &str) -> Result<Option<Hash>, Invalid> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = given.next() else { return Ok(None) };
    let is_visible = key.as_bytes().iter().all(u8::is_ascii_graphic);
    let length = 1..=limits::IDEMPOTENCY_KEY_CHARS_MAX;
    if !is_visible || !length.contains(&key.len()) || given.next().is_some() {
        let reason = "expected one key of 1 to 255 visible ASCII characters";
        return Err(Invalid::new("Idempotency-Key", key.to_str().ok(), reason));
    }
    let mut hasher = blake3::Hasher::new();
    // A key has no line feed, nor has an identity or a route.
    for part in [caller.identity().as_bytes(), b"\n", route.as_bytes(), b"\n", key.as_bytes()] {
        hasher.update(part);
    }
    Ok(Some(*hasher.finalize().as_bytes()))
}
