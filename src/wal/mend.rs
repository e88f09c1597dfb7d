//! What an operator does about a damaged log: look at the damage, then give up what cannot be read.
//!
//! - Nothing happens by itself and nothing without the lsn that is given up: a start refuses, a look
//!   changes nothing, and a cut asks for the very lsn that the look named.
//! - What is cut goes to `quarantine/` first.
//! - A segment whose header does not hold cannot be mended here: its salt is gone.

use super::OpenError;
use super::reader::Reader;
use super::recovery::{TornTail, open_error, read_header, rewrite};
use super::segment::{self, FIRST_SEGMENT};
use super::survey::{Damage, Refusal, survey};
use crate::storage::Storage;

/// What a look at a log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A start takes it.
    Sound {
        /// The version of its last command.
        last_version: u64,
        /// Bytes of a write that was never acknowledged, which a start cuts.
        torn_bytes: u64,
    },
    /// A start refuses it.
    Damaged {
        /// Where, and what.
        damage: Damage,
        /// Bytes from there to the end of the file.
        bytes_behind: u64,
    },
}

/// Why a log was not cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The log cannot be looked at.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// There is nothing to give up.
    #[error("the log is sound up to lsn {last_version}; there is nothing to cut")]
    Sound {
        /// The version of its last command.
        last_version: u64,
    },
    /// The cut would be elsewhere than the damage.
    #[error("the first lsn that cannot be read is {damaged}, not {asked}")]
    OtherLsn {
        /// The one that a look names.
        damaged: u64,
        /// The one that was given.
        asked: u64,
    },
}

/// Looks at a log and changes nothing.
pub fn inspect<S: Storage>(storage: &S) -> Result<Verdict, OpenError> {
    let _lock = lock(storage)?;
    look(storage).map(|(verdict, _)| verdict)
}

/// Gives up the commands of a damaged log from `lsn` on, which is the first that cannot be read.
pub fn cut<S: Storage>(storage: &S, lsn: u64) -> Result<Option<TornTail>, CutError> {
    let _lock = lock(storage)?;
    let (verdict, file) = look(storage)?;
    match verdict {
        Verdict::Sound { last_version, torn_bytes: _ } => Err(CutError::Sound { last_version }),
        Verdict::Damaged { damage, .. } if damage.lsn != lsn => {
            Err(CutError::OtherLsn { damaged: damage.lsn, asked: lsn })
        }
        Verdict::Damaged { damage, bytes_behind } => {
            let end = damage.offset + bytes_behind;
            Ok(rewrite(storage, &file, damage.offset, end)?.1)
        }
    }
}

fn lock<S: Storage>(storage: &S) -> Result<S::Lock, OpenError> {
    storage.try_lock().map_err(|source| OpenError::Lock { location: storage.location(), source })
}

fn look<S: Storage>(storage: &S) -> Result<(Verdict, S::File), OpenError> {
    let file = storage.open(&segment::name(FIRST_SEGMENT)).map_err(OpenError::io("open the log"))?;
    let mut reader = Reader::new(&file).map_err(OpenError::io("read the log"))?;
    let header = read_header(storage, &mut reader)?;
    let surveyed = survey(&mut reader, &header, |_, _| {});
    let len = reader.len();
    let verdict = match surveyed {
        Ok(survey) => {
            Verdict::Sound { last_version: survey.tail.next_lsn - 1, torn_bytes: len - survey.tail.offset }
        }
        Err(Refusal::Damage(damage)) => Verdict::Damaged { bytes_behind: len - damage.offset, damage },
        Err(refusal @ (Refusal::Io(_) | Refusal::UnknownKind { .. })) => {
            return Err(open_error(storage, refusal));
        }
    };
    Ok((verdict, file))
}
