//! All keys of a data directory, as a value.

use std::sync::Arc;

use uuid::Uuid;

use super::record::Record;
use crate::limits;
use crate::types::Timestamp;

/// The keys, in the order in which they were made. At most [`limits::API_KEYS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    pub(super) records: Vec<Record>,
}

/// There are as many keys as there may be, and all of them work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {} keys already, and all of them work; revoke one first", limits::API_KEYS_MAX)]
pub struct NoRoom;

impl KeySet {
    /// The keys, the oldest first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether there never was a key.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// With a key more. Where there is no room, the oldest one goes that does not work any more.
    pub fn with(mut self, record: Record, now: Timestamp) -> Result<Self, NoRoom> {
        if self.records.len() >= limits::API_KEYS_MAX {
            let useless = self.records.iter().position(|held| !held.is_good(now)).ok_or(NoRoom)?;
            self.records.remove(useless);
        }
        self.records.push(record);
        Ok(self)
    }

    /// With a key revoked; `None` when there is no such key, or it is revoked already.
    pub fn without(mut self, id: Uuid, at: Timestamp, by: Arc<str>) -> Option<Self> {
        let record = self.records.iter_mut().find(|record| record.id == id && record.revoked.is_none())?;
        record.revoked = Some((at, by));
        Some(self)
    }

    /// With keys used; nothing is taken back. Says whether anything changed.
    pub fn use_at(&mut self, used: impl Fn(Uuid) -> Option<Timestamp>) -> bool {
        let mut changed = false;
        for record in &mut self.records {
            let later = used(record.id).filter(|at| record.last_used_at.is_none_or(|held| held < *at));
            if later.is_some() {
                record.last_used_at = later;
                changed = true;
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::{at, record};

    #[test]
    fn a_key_works_until_it_expires_or_is_revoked() {
        let set = KeySet::default().with(record(1), at(1)).unwrap().with(record(2), at(2)).unwrap();
        let good = |set: &KeySet, now| set.records().iter().filter(|record| record.is_good(now)).count();
        assert_eq!((good(&set, at(999_999)), good(&set, at(1_000_000))), (2, 1));
        let set = set.without(Uuid::from_u128(1), at(5), "me".into()).unwrap();
        assert_eq!((good(&set, at(6)), set.records().len()), (1, 2));
        assert_eq!(set.clone().without(Uuid::from_u128(1), at(6), "me".into()), None);
        assert_eq!(set.without(Uuid::from_u128(9), at(6), "me".into()), None);
    }

    #[test]
    fn a_full_set_lets_go_of_what_is_of_no_use() {
        let mut set = KeySet { records: (1..=limits::API_KEYS_MAX as u128).map(record).collect() };
        let next = limits::API_KEYS_MAX as u128 + 1;
        assert_eq!(set.clone().with(record(next), at(0)), Err(NoRoom));
        set = set.without(Uuid::from_u128(7), at(5), "me".into()).unwrap();
        let set = set.with(record(next), at(0)).unwrap();
        assert_eq!(set.records().len(), limits::API_KEYS_MAX);
        assert!(set.records().iter().all(|record| record.id != Uuid::from_u128(7)));
    }

    #[test]
    fn use_only_grows() {
        let mut set = KeySet::default().with(record(1), at(1)).unwrap();
        assert!(set.use_at(|_| Some(at(9))) && !set.use_at(|_| Some(at(8))) && !set.use_at(|_| None));
        assert_eq!(set.records()[0].last_used_at, Some(at(9)));
    }
}
