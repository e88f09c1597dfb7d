//! What is kept of a key.

use std::sync::Arc;

use uuid::Uuid;

use super::token::{KeyId, Token};
use crate::types::{Role, Timestamp};

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
    /// Whether it works at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// What somebody asks for who wants a key; checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// How people name it.
    pub name: Arc<str>,
    /// What it may do.
    pub role: Role,
    /// Requests a minute, as in [`Record`].
    pub rate_limits: [Option<u32>; 3],
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

impl NewKey {
    /// What is kept of the key once it is made. Hashes, so never on an async thread.
    pub fn into_record(
        self,
        token: &Token,
        salt: [u8; 16],
        (id, at, by): (Uuid, Timestamp, Arc<str>),
    ) -> Record {
        Record {
            id,
            key_id: token.key_id(),
            name: self.name,
            role: self.role,
            rate_limits: self.rate_limits,
            hash: token.hash(salt),
            created_at: at,
            created_by: by,
            expires_at: self.expires_at,
            revoked: None,
            last_used_at: None,
        }
    }
}
