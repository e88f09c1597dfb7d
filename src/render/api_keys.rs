//! API keys as answers show them: everything but the secret, which only the answer that made a key holds.

use serde_json::{Value, json};

use crate::keys::{Record, Token};
use crate::types::{LimitClass, Timestamp};

/// A key that was just made, with its text.
pub fn new_api_key(record: &Record, token: &Token) -> Vec<u8> {
    let mut answer = item(record, None);
    answer["key"] = token.expose().into();
    answer.to_string().into_bytes()
}

/// All keys; `used` is when one was last used beyond what its record says.
pub fn api_keys(records: &[Record], used: impl Fn(&Record) -> Option<Timestamp>) -> Vec<u8> {
    let items: Vec<Value> = records.iter().map(|record| item(record, used(record))).collect();
    json!({"items": items, "next_cursor": null}).to_string().into_bytes()
}

fn item(record: &Record, used: Option<Timestamp>) -> Value {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let rate = |class: LimitClass| record.rate_limits[class as usize];
    json!({
        "id": record.id.to_string(),
        "name": &*record.name,
        "role": record.role.as_str(),
        "prefix": format!("ws_{}", record.key_id.as_str()),
        "created_at": record.created_at.to_string(),
        "created_by": &*record.created_by,
        "expires_at": text(record.expires_at),
        "last_used_at": text(record.last_used_at.max(used)),
        "revoked_at": text(record.revoked.as_ref().map(|(at, _)| *at)),
        "revoked_by": record.revoked.as_ref().map(|(_, by)| &**by),
        "rate_limits": {
            "ingestion": rate(LimitClass::Ingestion),
            "query": rate(LimitClass::Query),
            "default": rate(LimitClass::Default),
        },
    })
}
