//! What is kept of a key.

use std::sync::Arc;

use uuid::Uuid;

use super::token::{KeyId, Token};
use crate::types::{NewKey, Role, Timestamp};

/// A key as the file has it: everything but its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How the API names it.
    pub id: Uuid,
    /// What it is found by when it is presented.
    pub key_id: KeyId,
    /// How people and the audit log name it; not unique.
    pub name: Arc<str>,
    /// What it may do.
    pub role: Role,
    /// Requests a minute by `LimitClass`: `None` is what the server's settings say, 0 is unlimited.
    pub rate_limits: [Option<u32>; 3],
    /// bcrypt of its secret.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Arc<str>,
    /// When it stops working; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, and by whom.
    pub revoked: Option<(Timestamp, Arc<str>)>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<Timestamp>,
}

impl Record {
    /// What is kept of a key once it is made: `made` is its id, when, and by whom. Hashes, so never on an async thread.
    pub fn new(wanted: NewKey, token: &Token, salt: [u8; 16], made: (Uuid, Timestamp, Arc<str>)) -> Self {
        let (id, created_at, created_by) = made;
        Self {
            id,
            key_id: token.key_id(),
            name: wanted.name,
            role: wanted.role,
            rate_limits: wanted.rate_limits,
            hash: token.hash(salt),
            created_at,
            created_by,
            expires_at: wanted.expires_at,
            revoked: None,
            last_used_at: None,
        }
    }

    /// Whether it works at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
