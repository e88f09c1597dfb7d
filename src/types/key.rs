//! A key that somebody asks for.

use std::sync::Arc;

use super::{Role, Timestamp};

/// What a key is to be; checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// How people and the audit log name it; not unique.
    pub name: Arc<str>,
    /// What it may do.
    pub role: Role,
    /// Requests a minute by `LimitClass`: `None` is what the server's settings say, 0 is unlimited.
    pub rate_limits: [Option<u32>; 3],
    /// When it stops working; `None` for never.
    pub expires_at: Option<Timestamp>,
}
