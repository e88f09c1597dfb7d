//! Rate limits of requests: which bucket, here or in Redis, and what the answer says about it.

mod forwarded;
mod shared;

use std::num::NonZeroU32;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use hyper::header::{HeaderMap, HeaderName};

use super::caller::Caller;
use super::problem::Problem;
use crate::clock;
use crate::config::Secret;
use crate::limiter::{Buckets, Kind, Verdict};
use crate::types::LimitClass;
pub(super) use forwarded::client_address;
pub(super) use shared::RedisState;
use shared::Shared;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Steady time since this was first asked.
pub(super) fn now() -> Duration {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let now = clock::monotonic();
    now.duration_since(*ORIGIN.get_or_init(|| now))
}

/// The limits that hold, and the buckets.
pub(super) struct Limiter {
    /// Requests a minute by class; `None` is any number.
    rates: [Option<NonZeroU32>; 3],
    buckets: Buckets,
    shared: Option<Shared>,
}

impl Limiter {
    pub(super) fn new(rates: [Option<NonZeroU32>; 3], redis_url: Option<&Secret>) -> Self {
        Self { rates, buckets: Buckets::new(), shared: redis_url.map(Shared::new) }
    }

    /// Keeps up the connection to Redis; there is nothing to do without one. Ends with its runtime.
    pub(super) fn keep_up(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        self.shared.as_ref().map(Shared::keep_up)
    }

    /// How Redis is, where there is one.
    pub(super) fn redis(&self) -> Option<RedisState> {
        self.shared.as_ref().map(Shared::state)
    }

    /// Takes a token; `None` where the caller is not limited.
    pub(super) async fn take(&self, caller: &Caller, class: LimitClass) -> Option<Verdict> {
        let rate = caller.rate(class, self.rates[class as usize])?;
        let client = caller.client();
        if let Some(shared) = &self.shared
            && let Some(verdict) = shared.take(client, class, rate).await
        {
            return Some(verdict);
        }
        Some(self.buckets.take(client, Kind::Requests(class), rate, 1, now()))
    }
}

/// Why a request is not answered now, where that is so.
pub(super) fn refusal(verdict: &Verdict) -> Option<Problem> {
    let detail =
        || format!("more than {} requests of this kind a minute; wait and send it again", verdict.limit);
    verdict.retry_after_seconds.map(|seconds| Problem::too_many_requests(detail(), seconds))
}

/// What every limited answer says.
pub(super) fn describe(verdict: &Verdict, headers: &mut HeaderMap) {
    headers.insert(LIMIT, verdict.limit.into());
    headers.insert(REMAINING, verdict.remaining.into());
    headers.insert(RESET, verdict.reset_seconds.into());
}
