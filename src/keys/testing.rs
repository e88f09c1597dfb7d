//! Records of keys for tests.

use uuid::Uuid;

use super::record::Record;
use super::token::KeyId;
use crate::types::{Role, Timestamp};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds(seconds * 1_000_000).expect("a time there is")
}

pub(super) fn record(number: u128) -> Record {
    Record {
        id: Uuid::from_u128(number),
        key_id: KeyId::parse(&format!("{number:016}")).expect("16 digits"),
        name: "deploy \"bot\" ⚙".into(),
        role: Role::ALL[number as usize % 3],
        rate_limits: [None, Some(0), Some(7)],
        hash: "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZabcde".to_owned(),
        created_at: at(number as i64),
        created_by: "127.0.0.1".into(),
        expires_at: number.is_multiple_of(2).then(|| at(1_000_000)),
        revoked: None,
        last_used_at: None,
    }
}
