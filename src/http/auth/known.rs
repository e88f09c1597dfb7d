//! The keys that are known, by key id, and what stands in for their secrets once they were verified.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::clock;
use crate::keys::{KeyId, KeySet, Record};
use crate::types::{Role, Timestamp};

/// A key that exists, as requests need it.
pub(in crate::http) struct Known {
    pub(in crate::http) id: Uuid,
    pub(in crate::http) name: Arc<str>,
    pub(in crate::http) role: Role,
    /// Requests a minute by class; `None` is what the settings say.
    pub(in crate::http) rate_limits: [Option<u32>; 3],
    pub(super) hash: String,
    expires_at: Option<Timestamp>,
    revoked: AtomicBool,
    /// In microseconds; the smallest number for never.
    used_at: AtomicI64,
    /// Of the whole key, once bcrypt said that it is the one.
    verified: OnceLock<Tag>,
}

impl Known {
    /// The key of the settings, which no file knows.
    pub(super) fn of_the_settings() -> Self {
        Self {
            id: Uuid::nil(),
            name: "ADMIN_API_KEY".into(),
            role: Role::Admin,
            rate_limits: [None; 3],
            hash: String::new(),
            expires_at: None,
            revoked: AtomicBool::new(false),
            used_at: AtomicI64::new(i64::MIN),
            verified: OnceLock::new(),
        }
    }

    fn of(record: &Record) -> Self {
        Self {
            id: record.id,
            name: Arc::clone(&record.name),
            role: record.role,
            rate_limits: record.rate_limits,
            hash: record.hash.clone(),
            expires_at: record.expires_at,
            revoked: AtomicBool::new(record.revoked.is_some()),
            used_at: AtomicI64::new(i64::MIN),
            verified: OnceLock::new(),
        }
    }

    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        !self.revoked.load(Ordering::Acquire) && self.expires_at.is_none_or(|end| now < end)
    }

    pub(super) fn verified(&self) -> Option<&Tag> {
        self.verified.get()
    }

    pub(super) fn verify(&self, tag: Tag) {
        // Only one text has this hash: whoever came first set the same.
        let _ = self.verified.set(tag);
    }

    /// To the second: a line of the cache that all threads write at every request would be the slowest part of it.
    pub(super) fn note_use(&self, now: Timestamp) {
        const SECOND: i64 = 1_000_000;
        let now = now.as_microseconds();
        if now.saturating_sub(self.used_at.load(Ordering::Relaxed)) >= SECOND {
            self.used_at.store(now, Ordering::Relaxed);
        }
    }
}

/// All keys that are known.
pub(super) struct Keys(DashMap<KeyId, Arc<Known>>);

impl Keys {
    pub(super) fn new(keys: &KeySet) -> Self {
        let known = Self(DashMap::new());
        known.replace(keys);
        known
    }

    /// Takes in what a file says, without forgetting in between.
    pub(super) fn replace(&self, keys: &KeySet) {
        for record in keys.records() {
            self.add(record, None);
        }
        self.0.retain(|_, known| keys.records().iter().any(|record| record.id == known.id));
    }

    pub(super) fn add(&self, record: &Record, tag: Option<Tag>) {
        let known = Known::of(record);
        if let Some(tag) = tag {
            known.verify(tag);
        }
        self.0.insert(record.key_id, Arc::new(known));
    }

    pub(super) fn find(&self, key_id: KeyId) -> Option<Arc<Known>> {
        self.0.get(&key_id).map(|known| Arc::clone(&known))
    }

    pub(super) fn revoke(&self, id: Uuid) {
        for known in self.0.iter().filter(|known| known.id == id) {
            known.revoked.store(true, Ordering::Release);
        }
    }

    pub(super) fn last_used(&self, id: Uuid) -> Option<Timestamp> {
        let used_at = self.0.iter().find(|known| known.id == id)?.used_at.load(Ordering::Relaxed);
        Timestamp::from_microseconds(used_at)
    }
}

/// A secret of the process, under which keys are compared without being kept.
pub(super) struct Seal(Hmac<Sha256>);

impl Seal {
    pub(super) fn draw() -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        clock::entropy(&mut secret[..]);
        Self(Hmac::new_from_slice(&secret[..]).expect("a key of any length is one"))
    }

    pub(super) fn tag(&self, text: &str) -> Tag {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        Tag(mac.finalize().into_bytes().into())
    }
}

/// HMAC-SHA-256 of a key. Compared in the same time wherever two differ.
#[derive(Clone, Copy, Debug, Eq)]
pub(super) struct Tag(pub(super) [u8; 32]);

impl PartialEq for Tag {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
