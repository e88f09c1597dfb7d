//! Who asks: the holder of a key, or, while there are no keys, whoever is at an address.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::auth::Known;
use crate::limiter::Client;
use crate::types::{LimitClass, Role};

/// The client behind a request.
#[derive(Clone)]
pub(super) struct Caller {
    address: IpAddr,
    key: Option<Arc<Known>>,
}

impl Caller {
    /// Somebody without a key, where none is needed.
    pub(super) fn unknown(address: IpAddr) -> Self {
        Self { address, key: None }
    }

    pub(super) fn with_key(address: IpAddr, key: Arc<Known>) -> Self {
        Self { address, key: Some(key) }
    }

    /// As the audit log names it.
    pub(super) fn name(&self) -> Arc<str> {
        match &self.key {
            Some(key) => Arc::clone(&key.name),
            None => self.address.to_string().into(),
        }
    }

    /// What tells it from all other clients: names of keys are not unique.
    pub(super) fn identity(&self) -> String {
        match &self.key {
            Some(key) => format!("key {}", key.id),
            None => self.address.to_string(),
        }
    }

    pub(super) fn role(&self) -> Role {
        self.key.as_ref().map_or(Role::Admin, |key| key.role)
    }

    /// Whose bucket its requests are taken from.
    pub(super) fn client(&self) -> Client {
        self.key.as_ref().map_or_else(|| Client::at(self.address), |key| Client::Key(key.id))
    }

    /// How many requests of a class it may send a minute, where the settings allow `default`; `None` is any number.
    pub(super) fn rate(&self, class: LimitClass, default: Option<NonZeroU32>) -> Option<NonZeroU32> {
        let own = self.key.as_ref().and_then(|key| key.rate_limits[class as usize]);
        own.map_or(default, NonZeroU32::new)
    }
}
