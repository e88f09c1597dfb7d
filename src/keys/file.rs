//! The file `api-keys` of a data directory.
//!
//! ```text
//! watershed-keys 1 9c1e07b2        format version, crc32c of all that follows in hexadecimal
//! {"id":"…","key_id":"…",…}        a key a line, the oldest first
//! ```
//!
//! Text, so that an operator can see who has what without a running server; the checksum is against damage and
//! against edits by hand that would go unnoticed, not against somebody who may write the directory.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::Record;
use super::set::KeySet;
use super::token::{KeyId, is_hash};
use crate::types::{LimitClass, Role, Timestamp};

const MAGIC: &str = "watershed-keys";
const FORMAT: u32 = 1;

/// Why a file of keys is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It does not begin as one does.
    #[error("offset 0: no file of API keys")]
    NotKeys,
    /// A later program wrote it.
    #[error("format version {found} is newer than {FORMAT}, which is the newest this program knows")]
    Newer {
        /// Its version.
        found: u32,
    },
    /// It was damaged, or edited.
    #[error("offset {offset}: crc mismatch (stored {stored:08x}, computed {computed:08x})")]
    Checksum {
        /// Where the bytes begin that do not fit.
        offset: usize,
        /// What the first line says.
        stored: u32,
        /// What the rest gives.
        computed: u32,
    },
    /// A key is not one, although the checksum holds.
    #[error("line {line}: {reason}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// The mirror of a [`Record`].
#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    key_id: String,
    name: String,
    role: String,
    rate_limits: [Option<u32>; 3],
    hash: String,
    created_at: String,
    created_by: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    revoked_by: Option<String>,
    last_used_at: Option<String>,
}

const _: () = assert!(LimitClass::ALL.len() == 3);

/// The text of a file.
pub(super) fn encode(set: &KeySet) -> String {
    let mut lines = String::new();
    for record in set.records() {
        let line = serde_json::to_string(&line(record)).expect("strings and numbers can be written");
        writeln!(lines, "{line}").expect("a String takes all that is written");
    }
    format!("{MAGIC} {FORMAT} {:08x}\n{lines}", crc32c::crc32c(lines.as_bytes()))
}

/// Reads the text of a file.
pub(super) fn decode(text: &str) -> Result<KeySet, FileError> {
    let (head, lines) = text.split_once('\n').ok_or(FileError::NotKeys)?;
    let rest = head.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(' ')).ok_or(FileError::NotKeys)?;
    let (format, crc) = rest.split_once(' ').ok_or(FileError::NotKeys)?;
    let found: u32 = format.parse().map_err(|_| FileError::NotKeys)?;
    if found == 0 {
        return Err(FileError::NotKeys);
    }
    if found > FORMAT {
        return Err(FileError::Newer { found });
    }
    let computed = crc32c::crc32c(lines.as_bytes());
    if crc != format!("{computed:08x}") {
        let stored = u32::from_str_radix(crc, 16).map_err(|_| FileError::NotKeys)?;
        return Err(FileError::Checksum { offset: head.len() + 1, stored, computed });
    }
    let read = |(place, text): (usize, &str)| {
        record(text).map_err(|reason| FileError::Line { line: place + 2, reason })
    };
    Ok(KeySet { records: lines.lines().enumerate().map(read).collect::<Result<_, _>>()? })
}

fn line(record: &Record) -> Line {
    let (revoked_at, revoked_by) = record.revoked.clone().unzip();
    let text = |at: Timestamp| at.to_string();
    Line {
        id: record.id.to_string(),
        key_id: record.key_id.as_str().to_owned(),
        name: record.name.as_ref().to_owned(),
        role: record.role.as_str().to_owned(),
        rate_limits: record.rate_limits,
        hash: record.hash.clone(),
        created_at: record.created_at.to_string(),
        created_by: record.created_by.as_ref().to_owned(),
        expires_at: record.expires_at.map(text),
        revoked_at: revoked_at.map(text),
        revoked_by: revoked_by.map(|by| by.as_ref().to_owned()),
        last_used_at: record.last_used_at.map(text),
    }
}

fn record(text: &str) -> Result<Record, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let time = |text: String| Timestamp::parse(&text).map_err(|_| format!("{text:?} is no time"));
    let optional = |text: Option<String>| text.map(time).transpose();
    if !is_hash(&line.hash) {
        return Err("hash is not one of bcrypt at a cost from 8 to 14".to_owned());
    }
    Ok(Record {
        id: Uuid::try_parse(&line.id).map_err(|_| "id is no UUID")?,
        key_id: KeyId::parse(&line.key_id).ok_or("key_id is not one")?,
        name: line.name.into(),
        role: Role::parse(&line.role).ok_or("role is none that there is")?,
        rate_limits: line.rate_limits,
        hash: line.hash,
        created_at: time(line.created_at)?,
        created_by: line.created_by.into(),
        expires_at: optional(line.expires_at)?,
        revoked: match optional(line.revoked_at)? {
            Some(at) => Some((at, line.revoked_by.unwrap_or_default().into())),
            None => None,
        },
        last_used_at: optional(line.last_used_at)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::{at, record as sample};

    fn set() -> KeySet {
        let mut set = KeySet { records: (1..=3).map(sample).collect() };
        set.records[1].last_used_at = Some(at(77));
        set.without(Uuid::from_u128(3), at(99), "ops".into()).unwrap()
    }

    #[test]
    fn reads_what_it_writes() {
        for set in [KeySet::default(), set()] {
            assert_eq!(decode(&encode(&set)), Ok(set));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let text = encode(&set());
        for place in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[place] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(decode(&changed).is_err(), "byte {place} bit {bit}");
            }
        }
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert!(decode(&text[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn refuses_what_is_no_key_although_the_checksum_holds() {
        let good = encode(&set());
        let lines = good.split_once('\n').unwrap().1;
        let cases = [
            ("\"role\":\"admin\"", "\"role\":\"root\"", "role is none"),
            ("$2b$12$", "$2b$04$", "hash is not one"),
            ("0000000000000001", "000000000000000_", "key_id is not one"),
            ("1970-01-01T00:00:01Z", "yesterday", "is no time"),
            ("{\"id\"", "{\"di\"", "missing field `id`"),
        ];
        for (from, to, expected) in cases {
            assert!(lines.contains(from), "{from}");
            let lines = lines.replace(from, to);
            let text = format!("{MAGIC} 1 {:08x}\n{lines}", crc32c::crc32c(lines.as_bytes()));
            let Err(FileError::Line { reason, .. }) = decode(&text) else { panic!("{to} was taken") };
            assert!(reason.contains(expected), "{reason}");
        }
        assert_eq!(decode("watershed-keys 2 00000000\n"), Err(FileError::Newer { found: 2 }));
        for text in ["", "watershed-keys", "watershed-keys 1\n", "watershed-keys 1 x\n", "{}\n"] {
            assert_eq!(decode(text), Err(FileError::NotKeys), "{text:?}");
        }
    }
}
