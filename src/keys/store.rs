//! The file of the keys in its directory: read, and replaced as a whole.

use std::io;
use std::sync::Arc;

use uuid::Uuid;

use super::file::{self, FileError};
use super::record::Record;
use super::set::{KeySet, NoRoom};
use crate::limits;
use crate::storage::{self, FileName, Storage, StorageFile};
use crate::types::Timestamp;

const NAME: &str = "api-keys";

/// Why the keys cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file does not hold.
    #[error(
        "{location}/{NAME} {source}. Nothing was changed. Restore the file from a backup, or remove it and make new keys: watershed \
         api-keys create --data-dir {location} NAME"
    )]
    Damaged {
        /// The directory.
        location: String,
        /// What is wrong.
        source: FileError,
    },
    /// The disk did not give it.
    #[error("{location}/{NAME}: {source}")]
    Io {
        /// The directory.
        location: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a change was not made; the keys are as they were.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There are too many.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// There is no such key, or it is revoked already.
    #[error("no key has this id, or it is revoked")]
    Unknown,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The disk failed. Whether the change is there after a restart is not known.
    #[error("the keys could not be written: {0}")]
    Io(io::Error),
}

/// The keys of a directory that this process holds.
pub struct Store<S> {
    storage: S,
    set: KeySet,
}

fn name() -> FileName {
    FileName::parse(NAME).expect("letters and a hyphen")
}

/// Reads the keys of a directory; none where there is no file.
pub fn read<S: Storage>(storage: &S) -> Result<KeySet, ReadError> {
    let io = |source| ReadError::Io { location: storage.location(), source };
    let damaged = |source| ReadError::Damaged { location: storage.location(), source };
    let file = match storage.open(&name()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(KeySet::default()),
        Err(error) => return Err(io(error)),
    };
    let size = file.size().map_err(io)?;
    if size > limits::API_KEYS_FILE_BYTES_MAX {
        return Err(damaged(FileError::NotKeys));
    }
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(0, &mut bytes).map_err(io)?;
    let text = String::from_utf8(bytes).map_err(|_| damaged(FileError::NotKeys))?;
    file::decode(&text).map_err(damaged)
}

impl<S: Storage> Store<S> {
    /// The keys of a directory whose lock this process holds.
    pub fn open(storage: S) -> Result<Self, ReadError> {
        storage::remove_temporaries(&storage, NAME)
            .map_err(|source| ReadError::Io { location: storage.location(), source })?;
        let set = read(&storage)?;
        Ok(Self { storage, set })
    }

    /// The keys as they are on the disk.
    pub fn keys(&self) -> &KeySet {
        &self.set
    }

    /// Takes the keys of another directory in, durably, in place of those that are here.
    pub fn adopt(&mut self, set: KeySet) -> Result<(), ChangeError> {
        self.install(set)
    }

    /// Adds a key, durably.
    pub fn create(&mut self, record: Record, now: Timestamp) -> Result<(), ChangeError> {
        self.install(self.set.clone().with(record, now)?)
    }

    /// Revokes a key, durably.
    pub fn revoke(&mut self, id: Uuid, at: Timestamp, by: Arc<str>) -> Result<(), ChangeError> {
        self.install(self.set.clone().without(id, at, by).ok_or(ChangeError::Unknown)?)
    }

    /// Writes down when keys were last used, if that is news.
    pub fn note_use(&mut self, used: impl Fn(Uuid) -> Option<Timestamp>) -> Result<(), ChangeError> {
        let mut set = self.set.clone();
        if set.use_at(used) { self.install(set) } else { Ok(()) }
    }

    /// Puts a set in the place of the one that is there.
    fn install(&mut self, set: KeySet) -> Result<(), ChangeError> {
        let text = file::encode(&set);
        let written =
            storage::install(&self.storage, &name(), |file: &S::File| file.write_all_at(0, text.as_bytes()));
        written.map_err(
            |error| if storage::is_full(&error) { ChangeError::Full } else { ChangeError::Io(error) },
        )?;
        self.set = set;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::{at, record};
    use crate::storage::{Fault, Sim};

    fn ids<S: Storage>(storage: &S) -> Vec<(u128, bool)> {
        let set = read(storage).expect("what is there can be read");
        set.records().iter().map(|record| (record.id.as_u128(), record.revoked.is_some())).collect()
    }

    #[test]
    fn a_change_is_there_for_the_next_process() {
        let disk = Sim::new(1);
        assert!(read(&disk).unwrap().is_empty());
        let mut store = Store::open(disk.clone()).unwrap();
        store.create(record(1), at(1)).unwrap();
        store.create(record(2), at(1)).unwrap();
        store.revoke(Uuid::from_u128(1), at(5), "me".into()).unwrap();
        store.note_use(|id| (id == Uuid::from_u128(2)).then(|| at(9))).unwrap();
        disk.crash();
        assert_eq!(ids(&disk), [(1, true), (2, false)]);
        assert_eq!(read(&disk).unwrap().records()[1].last_used_at, Some(at(9)));
        assert!(matches!(
            Store::open(disk).unwrap().revoke(Uuid::from_u128(1), at(6), "me".into()),
            Err(ChangeError::Unknown)
        ));
    }

    #[test]
    fn whatever_call_fails_the_keys_are_as_before_or_after_and_what_was_acknowledged_stays() {
        let mut failures = 0;
        for seed in 0..40 {
            for (fault, later) in Fault::OF_ANY_CALL {
                for call in 0..12 {
                    let disk = Sim::new(seed);
                    let mut store = Store::open(disk.clone()).unwrap();
                    store.create(record(1), at(1)).unwrap();
                    disk.fail_at(disk.operations() + call + later, fault);
                    let created = store.create(record(2), at(1)).is_ok();
                    let revoked = created && store.revoke(Uuid::from_u128(1), at(5), "me".into()).is_ok();
                    failures += u32::from(!created);
                    disk.crash();
                    let found = ids(&disk);
                    let allowed: &[&[(u128, bool)]] = match (created, revoked) {
                        (_, true) => &[&[(1, true), (2, false)]],
                        (true, false) => &[&[(1, false), (2, false)], &[(1, true), (2, false)]],
                        (false, false) => &[&[(1, false)], &[(1, false), (2, false)]],
                    };
                    assert!(allowed.contains(&&*found), "seed {seed} {fault:?} at {call}: {found:?}");
                    Store::open(disk).unwrap().create(record(3), at(1)).unwrap();
                }
            }
        }
        assert!(failures > 500, "{failures}");
    }

    #[test]
    fn a_full_disk_is_told_from_a_failed_one() {
        for (fault, is_full) in [(Fault::NoSpace, true), (Fault::Io, false)] {
            let disk = Sim::new(3);
            let mut store = Store::open(disk.clone()).unwrap();
            disk.fail_at(disk.operations() + 2, fault);
            let error = store.create(record(1), at(1)).unwrap_err();
            assert_eq!(matches!(error, ChangeError::Full), is_full, "{error}");
            assert!(store.keys().is_empty());
        }
    }

    #[test]
    fn damage_is_named_with_its_file_and_what_mends_it() {
        let disk = Sim::new(4);
        Store::open(disk.clone()).unwrap().create(record(1), at(1)).unwrap();
        disk.open(&name()).unwrap().write_all_at(40, b"?").unwrap();
        let Err(error @ ReadError::Damaged { .. }) = read(&disk) else { panic!("damage was not noticed") };
        let text = error.to_string();
        assert!(
            text.contains("/api-keys offset 26: crc mismatch") && text.contains("api-keys create"),
            "{text}"
        );
    }
}
