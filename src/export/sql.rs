//! Rows as PostgreSQL takes them in a binary COPY.
//!
//! - PostgreSQL holds no U+0000, in texts or in JSON; it becomes U+FFFD.

use std::borrow::Cow;
use std::error::Error;
use std::pin::Pin;

use bytes::{BufMut, BytesMut};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};
use uuid::Uuid;

use super::rows::{AlertRow, AuditRow, DependencyKey, DependencyRow, ServiceRow, TargetRow};
use crate::ledger::Subject;
use crate::types::{BackoffStrategy, DiscoverySource, Timestamp, confidence};

type Out<'a> = Pin<&'a mut BinaryCopyInWriter>;
type Written = Result<(), tokio_postgres::Error>;

/// A row, or the key of one, with its columns in the order of its table.
pub(super) trait Row {
    async fn write(&self, out: Out<'_>) -> Written;
}

impl Row for ServiceRow<'_> {
    async fn write(&self, out: Out<'_>) -> Written {
        let (service, facts) = (self.0, self.0.facts());
        out.write(&[
            &service.service_id().as_str(),
            &service.id(),
            &service.team().map(text),
            &service.criticality().as_str(),
            &service.service_type().as_str(),
            &service.is_discovered(),
            &facts.published_sla,
            &facts.availability,
            &Json(service.metadata_json()),
            &instant(service.created_at()),
            &instant(service.updated_at()),
        ])
        .await
    }
}

impl Row for DependencyRow<'_> {
    async fn write(&self, out: Out<'_>) -> Written {
        let Self { key, observation, is_shown } = self;
        let attributes = &observation.attributes;
        let retry = attributes.retry_config;
        out.write(&[
            &key.source,
            &key.target,
            &key.discovery_source.as_str(),
            &attributes.communication_mode.as_str(),
            &attributes.criticality.as_str(),
            &attributes.protocol.as_deref().map(text),
            &attributes.timeout_ms.map(|milliseconds| milliseconds.get().cast_signed()),
            &retry.and_then(|retry| retry.max_retries).map(i16::from),
            &retry.and_then(|retry| retry.backoff_strategy).map(BackoffStrategy::as_str),
            &confidence(observation.source, observation.times_observed),
            &i64::from(observation.times_observed),
            &instant(observation.last_observed_at),
            &observation.stale_since.map(instant),
            is_shown,
        ])
        .await
    }
}

impl Row for DependencyKey<'_> {
    async fn write(&self, out: Out<'_>) -> Written {
        out.write(&[&self.source, &self.target, &self.discovery_source.as_str()]).await
    }
}

impl Row for AlertRow<'_> {
    async fn write(&self, out: Out<'_>) -> Written {
        out.write(&[
            &self.id,
            &self.status.as_str(),
            &self.is_active,
            &self.is_strong,
            &self.members,
            &self.cycle_path,
            &instant(self.detected_at),
            &self.acknowledged_by.map(text),
            &self.resolution_notes.map(text),
        ])
        .await
    }
}

impl Row for TargetRow<'_> {
    async fn write(&self, out: Out<'_>) -> Written {
        out.write(&[&self.service_id, &self.availability_target]).await
    }
}

impl Row for AuditRow<'_> {
    async fn write(&self, out: Out<'_>) -> Written {
        let entry = self.0;
        let mut of = Deed::default();
        match &entry.subject {
            Subject::Report { source, nodes, edges } => {
                of.source = Some(*source);
                (of.services, of.dependencies) = (Some(i64::from(*nodes)), Some(i64::from(*edges)));
            }
            Subject::Service(service_id) => of.service_id = Some(service_id.as_str()),
            Subject::Dependencies { source, first: (caller, called), edges } => {
                of.source = *source;
                (of.service_id, of.target) = (Some(caller.as_str()), Some(called.as_str()));
                of.dependencies = Some(i64::from(*edges));
            }
            Subject::Alert(alert_id) => of.alert_id = Some(*alert_id),
            Subject::Graph => {}
        }
        out.write(&[
            &entry.version.cast_signed(),
            &instant(entry.at),
            &entry.actor.as_deref().map(text),
            &entry.action.as_str(),
            &of.source.map(DiscoverySource::as_str),
            &of.service_id,
            &of.target,
            &of.alert_id,
            &of.services,
            &of.dependencies,
        ])
        .await
    }
}

/// What an entry of the audit log says of its subject.
#[derive(Default)]
struct Deed<'a> {
    source: Option<DiscoverySource>,
    service_id: Option<&'a str>,
    target: Option<&'a str>,
    alert_id: Option<Uuid>,
    services: Option<i64>,
    dependencies: Option<i64>,
}

impl Row for &str {
    async fn write(&self, out: Out<'_>) -> Written {
        out.write(&[self]).await
    }
}

impl Row for Uuid {
    async fn write(&self, out: Out<'_>) -> Written {
        out.write(&[self]).await
    }
}

pub(super) fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(at.as_microseconds()).expect("jiff's years are more than ours")
}

pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// JSON text for a column of JSON.
#[derive(Debug)]
struct Json<'a>(&'a str);

impl ToSql for Json<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        // The version of the binary form.
        out.put_u8(1);
        out.put_slice(without_null(self.0).as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSONB);
    to_sql_checked!();
}

/// JSON in which no string has the character U+0000, which stands in none of it but escaped.
fn without_null(json: &str) -> Cow<'_, str> {
    const NULL: &str = "\\u0000";
    if !json.contains(NULL) {
        return json.into();
    }
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        // An escaped backslash is passed over whole, so what follows it is no part of an escape.
        let (taken, put) = if escape.starts_with(NULL) { (NULL.len(), "\\ufffd") } else { (2, &escape[..2]) };
        out.push_str(put);
        rest = &escape[taken..];
    }
    out.push_str(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_goes_and_what_looks_like_it_stays() {
        let cases = [
            (r#"{"a":"b"}"#, r#"{"a":"b"}"#),
            (r#"{"a":"\u0000"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"\u0000":"x\u0000\u0000y"}"#, r#"{"\ufffd":"x\ufffd\ufffdy"}"#),
            (r#"{"a":"\\u0000"}"#, r#"{"a":"\\u0000"}"#),
            (r#"{"a":"\\\u0000"}"#, r#"{"a":"\\\ufffd"}"#),
            (r#"{"a":"\"\u0000\n"}"#, r#"{"a":"\"\ufffd\n"}"#),
        ];
        for (json, expected) in cases {
            assert_eq!(without_null(json), expected, "{json}");
            serde_json::from_str::<serde_json::Value>(expected).unwrap();
        }
        assert_eq!(text("a\0b"), "a\u{fffd}b");
    }
}
