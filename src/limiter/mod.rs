//! How often who may ask: token buckets on a clock that never goes back.
//!
//! What it is not: the settings, the headers of an answer, or the sharing of buckets between servers (`http`).
//!
//! A bucket is one number: when it will be full again (the generic cell rate algorithm, ITU-T I.371; a token
//! bucket of as many tokens as come in a minute, without a timer). From that follow what is left, when the
//! bucket is full, and when the next request is allowed.
//!
//! - Memory is bounded ([`limits::BUCKETS_MAX`]), and forgetting never refills: only buckets that are full again
//!   are forgotten, which is what an unknown client has. Where nothing can be forgotten, those who come new share
//!   one bucket.
//! - An IPv6 client is its /64: whoever has one address of it has all.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use uuid::Uuid;

use crate::limits;
use crate::types::LimitClass;

const MINUTE: Duration = Duration::from_mins(1);

/// Who is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// The holder of a key.
    Key(Uuid),
    /// Somebody without one.
    Address(IpAddr),
    /// All who come while there is no room to tell them apart.
    Others,
}

impl Client {
    /// The client at an address.
    pub fn at(address: IpAddr) -> Self {
        const NETWORK: u128 = !(u64::MAX as u128);
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & NETWORK);
                Self::Address(network.into())
            }
            address @ IpAddr::V4(_) => Self::Address(address),
        }
    }
}

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Requests of a class.
    Requests(LimitClass),
    /// Credentials that were refused.
    Failures,
}

/// What a bucket said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Tokens of a full bucket.
    pub limit: u32,
    /// Whole tokens that are left.
    pub remaining: u32,
    /// Until the bucket is full, rounded up.
    pub reset_seconds: u64,
    /// Until enough tokens are there for what was refused, rounded up, at least 1; `None` when it was allowed.
    pub retry_after_seconds: Option<u64>,
}

impl Verdict {
    /// From how long the bucket takes to be full again; `refused` is how many tokens it could not give.
    pub fn new(rate: NonZeroU32, until_full: Duration, refused: Option<u32>) -> Self {
        let interval = interval(rate);
        let missing = until_full.as_nanos().div_ceil(u128::from(interval));
        let left = u128::from(rate.get()).saturating_sub(missing) as u32;
        let wait = |tokens: u32| {
            let room = u64::from(rate.get() - tokens) * interval;
            seconds_up(until_full.saturating_sub(Duration::from_nanos(room))).max(1)
        };
        Self {
            limit: rate.get(),
            remaining: left,
            reset_seconds: seconds_up(until_full),
            retry_after_seconds: refused.map(|tokens| wait(tokens.min(rate.get()))),
        }
    }
}

/// Between two tokens, in nanoseconds.
pub fn interval(rate: NonZeroU32) -> u64 {
    MINUTE.as_nanos() as u64 / u64::from(rate.get())
}

fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// The buckets of all clients. Times are since any one moment.
#[derive(Default)]
pub struct Buckets {
    /// When each is full, in nanoseconds.
    full_at: DashMap<(Client, Kind), u64>,
    count: AtomicUsize,
    /// When nothing could be forgotten, so that not every newcomer looks again.
    swept_at: AtomicU64,
}

impl Buckets {
    /// No buckets: all are full.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes `tokens` from a bucket that gets `rate` a minute and holds as many; all of them or none.
    pub fn take(&self, client: Client, kind: Kind, rate: NonZeroU32, tokens: u32, now: Duration) -> Verdict {
        let now_nanos = now.as_nanos() as u64;
        let (interval, tokens) = (interval(rate), tokens.min(rate.get()));
        let room = interval * u64::from(rate.get());
        let take = |full_at: &mut u64| {
            let from = (*full_at).max(now_nanos);
            let then = from + interval * u64::from(tokens);
            let is_allowed = then <= now_nanos + room;
            if is_allowed {
                *full_at = then;
            }
            let until_full = Duration::from_nanos((*full_at).max(now_nanos) - now_nanos);
            Verdict::new(rate, until_full, (!is_allowed).then_some(tokens))
        };
        if let Some(mut full_at) = self.full_at.get_mut(&(client, kind)) {
            return take(&mut full_at);
        }
        let has_room = self.count.load(Ordering::Relaxed) < limits::BUCKETS_MAX || self.forget(now_nanos);
        match self.full_at.entry((if has_room { client } else { Client::Others }, kind)) {
            Entry::Occupied(mut full_at) => take(full_at.get_mut()),
            Entry::Vacant(place) => {
                self.count.fetch_add(1, Ordering::Relaxed);
                take(&mut place.insert(0))
            }
        }
    }

    /// Gives back what was taken for something that turned out not to count.
    pub fn give_back(&self, client: Client, kind: Kind, rate: NonZeroU32, tokens: u32) {
        if let Some(mut full_at) = self.full_at.get_mut(&(client, kind)) {
            *full_at = full_at.saturating_sub(interval(rate) * u64::from(tokens.min(rate.get())));
        }
    }

    /// Forgets the buckets that are full, at most once a second; says whether there is room then.
    fn forget(&self, now_nanos: u64) -> bool {
        const AGAIN_AFTER: u64 = 1_000_000_000;
        let swept_at = self.swept_at.load(Ordering::Relaxed);
        let is_due = swept_at == 0 || now_nanos >= swept_at + AGAIN_AFTER;
        let is_mine = is_due
            && self
                .swept_at
                .compare_exchange(swept_at, now_nanos.max(1), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_mine {
            self.full_at.retain(|_, full_at| {
                let is_kept = *full_at > now_nanos;
                if !is_kept {
                    self.count.fetch_sub(1, Ordering::Relaxed);
                }
                is_kept
            });
        }
        self.count.load(Ordering::Relaxed) < limits::BUCKETS_MAX
    }
}

#[cfg(test)]
mod tests;
