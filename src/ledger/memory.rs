//! Commands that are not to be carried out twice, with what they came to.
//!
//! - One is remembered for [`limits::REMEMBERED_HOURS`] by the timestamps of commands, not by a clock.
//! - Bounded by a hash of the key: each of [`BUCKETS`] buckets keeps at most [`BUCKET_COMMANDS_MAX`] and about
//!   [`BUCKET_BYTES_MAX`], the newest always among them; the oldest go first.

use std::sync::Arc;

use crate::limits;
use crate::types::{Once, Remembered, Timestamp};

const BUCKETS: usize = 256;
const BUCKET_COMMANDS_MAX: usize = limits::REMEMBERED_COMMANDS_MAX / BUCKETS;
const BUCKET_BYTES_MAX: usize = limits::REMEMBERED_BYTES_MAX / BUCKETS;
const LIFETIME_MICROSECONDS: i64 = limits::REMEMBERED_HOURS * 3_600_000_000;

/// What is remembered, by the first byte of its key; in a bucket oldest first.
#[derive(Clone, Default)]
pub struct Memory(Arc<Vec<Bucket>>);

type Bucket = Arc<Vec<Arc<Remembered>>>;

/// A command with the same key was carried out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recalled<'m> {
    /// For the same body.
    Same(&'m Arc<Remembered>),
    /// For another body.
    Other,
}

impl Memory {
    pub(super) fn recall(&self, once: &Once, now: Timestamp) -> Option<Recalled<'_>> {
        let bucket = self.0.get(usize::from(once.key[0]))?;
        let found = bucket.iter().find(|each| each.key == once.key && is_alive(each, now))?;
        Some(if found.body == once.body { Recalled::Same(found) } else { Recalled::Other })
    }

    /// Adds a command; one with the same key is forgotten.
    pub fn remember(&mut self, remembered: Remembered) {
        let buckets = Arc::make_mut(&mut self.0);
        buckets.resize_with(BUCKETS, Bucket::default);
        let bucket = Arc::make_mut(&mut buckets[usize::from(remembered.key[0])]);
        bucket.retain(|each| each.key != remembered.key && is_alive(each, remembered.at));
        bucket.push(Arc::new(remembered));
        let mut bytes: usize = bucket.iter().map(|each| estimate_bytes(each)).sum();
        while bucket.len() > 1 && (bucket.len() > BUCKET_COMMANDS_MAX || bytes > BUCKET_BYTES_MAX) {
            bytes -= estimate_bytes(&bucket.remove(0));
        }
    }

    /// Everything, bucket by bucket.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Remembered>> {
        self.0.iter().flat_map(|bucket| bucket.iter())
    }
}

fn is_alive(remembered: &Remembered, now: Timestamp) -> bool {
    now < remembered.at.plus_microseconds(LIFETIME_MICROSECONDS)
}

/// Memory of one, the ids that it shares with the graph not counted.
fn estimate_bytes(remembered: &Remembered) -> usize {
    let upserted = &remembered.upserted;
    let warnings: usize = remembered.received.warnings.iter().map(String::len).sum();
    let paths: usize = upserted.cycles.iter().map(|cycle| 48 + 16 * cycle.path.len()).sum();
    size_of::<Remembered>() + warnings + 40 * upserted.conflicts.len() + paths
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::types::{CycleFound, Received, ServiceId, Upserted};

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_microseconds((1_000_000 + hours) * 3_600_000_000).unwrap()
    }

    fn once(key: u16, body: u8) -> Once {
        let mut hash = [0; 32];
        hash[1..3].copy_from_slice(&key.to_le_bytes());
        Once { key: hash, body: [body; 32], received: Received::default() }
    }

    fn remembered(key: u16, at: Timestamp) -> Remembered {
        let Once { key, body, received } = once(key, 1);
        let upserted = Upserted::default();
        Remembered { key, body, received, command_id: Uuid::nil(), at, version: 1, upserted }
    }

    #[test]
    fn the_same_is_told_from_another_for_a_day() {
        let mut memory = Memory::default();
        assert_eq!(memory.recall(&once(7, 1), at(0)), None);
        memory.remember(remembered(7, at(0)));
        for hours in [-5, 0, 23] {
            assert!(matches!(memory.recall(&once(7, 1), at(hours)), Some(Recalled::Same(_))), "{hours}");
            assert_eq!(memory.recall(&once(7, 2), at(hours)), Some(Recalled::Other), "{hours}");
        }
        assert_eq!(memory.recall(&once(7, 1), at(24)), None);
        assert_eq!(memory.recall(&once(8, 1), at(0)), None);
        memory.remember(remembered(7, at(30)));
        assert!(memory.recall(&once(7, 1), at(50)).is_some(), "the newer one counts");
        assert_eq!(memory.iter().count(), 1);
    }

    #[test]
    fn the_oldest_go_where_there_are_many() {
        let mut memory = Memory::default();
        let most = BUCKET_COMMANDS_MAX as u16;
        (0..most + 3).for_each(|key| memory.remember(remembered(key, at(0))));
        assert_eq!(memory.iter().count(), BUCKET_COMMANDS_MAX);
        assert_eq!(memory.recall(&once(2, 1), at(0)), None);
        assert!(memory.recall(&once(3, 1), at(0)).is_some());
        memory.remember(remembered(9_999, at(25)));
        assert_eq!(memory.iter().count(), 1, "those of the day before went");
    }

    #[test]
    fn large_ones_crowd_out_older_ones_but_never_themselves() {
        let mut memory = Memory::default();
        memory.remember(remembered(1, at(0)));
        let path = vec![ServiceId::parse("a").unwrap(); BUCKET_BYTES_MAX / 8];
        let mut large = remembered(2, at(0));
        large.upserted.cycles.push(CycleFound { alert_id: Uuid::nil(), path });
        memory.remember(large);
        assert_eq!(memory.recall(&once(1, 1), at(0)), None);
        assert!(memory.recall(&once(2, 1), at(0)).is_some());
    }
}
