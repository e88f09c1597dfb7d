//! Who asks, and whether they may.
//!
//! ```text
//! headers ─▶ credentials ─▶ key id ─▶ known keys ─┬─▶ its verified HMAC ──────────────▶ caller
//!                                                 └─▶ budget ─▶ single flight ─▶ bcrypt ┘
//! ```
//!
//! - bcrypt takes a quarter of a second, so a key passes it once in the life of a process: then the HMAC of the
//!   key, under a secret that was drawn at the start, stands in. It needs no end of its own, since what a key may do,
//!   until when, and whether it was revoked is looked up at every request.
//! - Bad keys cannot starve good ones. An unknown key id, and a wrong secret of a key that was verified, cost a
//!   lookup. Others wait for one of few bcrypts, after a budget per address; nobody else waits for them.
//! - Whatever is wrong with credentials, the answer is the same.

mod credentials;
mod judge;
mod known;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hyper::StatusCode;
use hyper::header::HeaderMap;
use uuid::Uuid;

use super::caller::Caller;
use super::problem::Problem;
use crate::config::Secret;
use crate::keys::{KeyId, KeySet, Record, Token};
use crate::limiter::{Buckets, Client, Kind};
use crate::limits;
use crate::types::{Role, Timestamp};
use credentials::Credentials;
use judge::{Judge, NoTurn};
pub(super) use known::Known;
use known::{Keys, Seal, Tag};

/// What a failure costs of an address's budget, which is a hundred a minute: one that took a bcrypt, any other.
const COST_BCRYPT: u32 = 10;
const COST_LOOKUP: u32 = 1;

/// All that is known about who may ask.
pub(super) struct Auth {
    seal: Seal,
    /// The key of the settings.
    settings_key: Option<(Tag, Arc<Known>)>,
    keys: Keys,
    /// Whether a key was ever made here.
    had_keys: AtomicBool,
    judge: Judge,
    failures: Buckets,
    hits: AtomicU64,
}

impl Auth {
    /// `cores` is how many threads there are, of which bcrypt may have half.
    pub(super) fn new(settings_key: Option<&Secret>, keys: &KeySet, cores: usize) -> Self {
        let seal = Seal::draw();
        let settings_key =
            settings_key.map(|secret| (seal.tag(secret.expose()), Arc::new(Known::of_the_settings())));
        Self {
            seal,
            settings_key,
            keys: Keys::new(keys),
            had_keys: AtomicBool::new(!keys.is_empty()),
            judge: Judge::new((cores / 2).max(1)),
            failures: Buckets::new(),
            hits: AtomicU64::new(0),
        }
    }

    /// Whether everybody may do everything: there is no key, and never was one.
    pub(super) fn is_open(&self) -> bool {
        self.settings_key.is_none() && !self.had_keys.load(Ordering::Acquire)
    }

    /// Knows the keys of a data directory, in place of those that were known.
    pub(super) fn replace(&self, keys: &KeySet) {
        self.keys.replace(keys);
        self.had_keys.fetch_or(!keys.is_empty(), Ordering::AcqRel);
    }

    /// Knows a key that was just made.
    pub(super) fn add(&self, record: &Record, token: &Token) {
        self.keys.add(record, Some(self.seal.tag(token.expose())));
        self.had_keys.store(true, Ordering::Release);
    }

    /// From the next request on, a key is none.
    pub(super) fn revoke(&self, id: Uuid) {
        self.keys.revoke(id);
    }

    /// When a key was last used since the start.
    pub(super) fn last_used(&self, id: Uuid) -> Option<Timestamp> {
        self.keys.last_used(id)
    }

    /// Keys so far that were verified before, and those that took a bcrypt.
    pub(super) fn lookups(&self) -> [u64; 2] {
        [self.hits.load(Ordering::Relaxed), self.judge.checks()]
    }

    /// Who asks; a 401, or a 429 where an address has tried too much.
    pub(super) async fn identify(
        &self,
        headers: &HeaderMap,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Caller, Problem> {
        if self.is_open() {
            return Ok(Caller::unknown(address));
        }
        let text = match Credentials::of(headers) {
            Credentials::None => return Err(unauthorized()),
            Credentials::Unusable => return Err(self.refused(address, COST_LOOKUP)),
            Credentials::Key(text) => text,
        };
        let tag = self.seal.tag(text);
        if let Some((expected, known)) = &self.settings_key
            && *expected == tag
        {
            return Ok(Caller::with_key(address, Arc::clone(known)));
        }
        let Some(known) = KeyId::named_in(text).and_then(|key_id| self.keys.find(key_id)) else {
            return Err(self.refused(address, COST_LOOKUP));
        };
        let is_good = known.is_good(now)
            && match known.verified() {
                Some(verified) => {
                    self.hits.fetch_add(1, Ordering::Relaxed);
                    *verified == tag
                }
                // Only now is it worth reading all of it.
                None => match Token::parse(text) {
                    Some(token) => self.verify(&known, token, tag, address).await?,
                    None => false,
                },
            };
        if !is_good {
            return Err(self.refused(address, COST_LOOKUP));
        }
        known.note_use(now);
        Ok(Caller::with_key(address, known))
    }

    /// Whether a secret is that of a key, found out the slow way.
    async fn verify(
        &self,
        known: &Arc<Known>,
        token: Token,
        tag: Tag,
        address: IpAddr,
    ) -> Result<bool, Problem> {
        let client = Client::at(address);
        if !self.judge.knows_bad(&tag) {
            self.spend(client, COST_BCRYPT)?;
        }
        let known = Arc::clone(known);
        let is_good = self.judge.judge(tag, known, token).await.map_err(|NoTurn| {
            self.failures.give_back(client, Kind::Failures, limits::AUTH_FAILURES_PER_MINUTE, COST_BCRYPT);
            Problem::unavailable("too many keys are being checked for the first time; try again", 1)
        })?;
        if is_good {
            self.failures.give_back(client, Kind::Failures, limits::AUTH_FAILURES_PER_MINUTE, COST_BCRYPT);
        }
        Ok(is_good)
    }

    /// What somebody is told whose credentials are no good.
    fn refused(&self, address: IpAddr, cost: u32) -> Problem {
        self.spend(Client::at(address), cost).err().unwrap_or_else(unauthorized)
    }

    fn spend(&self, client: Client, cost: u32) -> Result<(), Problem> {
        let (rate, now) = (limits::AUTH_FAILURES_PER_MINUTE, super::limit::now());
        match self.failures.take(client, Kind::Failures, rate, cost, now).retry_after_seconds {
            None => Ok(()),
            Some(seconds) => {
                let detail = "too many failed credentials came from this address; wait, and send a valid key";
                Err(Problem::too_many_requests(detail, seconds))
            }
        }
    }
}

/// Whether a caller's role is enough.
pub(super) fn authorize(caller: &Caller, needed: Role) -> Result<(), Problem> {
    if caller.role() >= needed {
        return Ok(());
    }
    let detail = format!(
        "this needs a key of role {}, and the role of this key is {}",
        needed.as_str(),
        caller.role().as_str()
    );
    Err(Problem::new(StatusCode::FORBIDDEN, detail))
}

fn unauthorized() -> Problem {
    let detail = "send a valid API key as Authorization: Bearer <key> or as X-API-Key: <key>";
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

#[cfg(test)]
mod tests;
