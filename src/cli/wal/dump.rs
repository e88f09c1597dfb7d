//! `watershed wal dump`: the commands of a log as JSON, one a line.
//!
//! - The words are those of the API. What is printed is what a start would read, and nothing is changed.
//! - A log that breaks is printed up to the break, and the exit code says so.

use std::fmt::Display;

use uuid::Uuid;

use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::offline::{self, DataDirOption};
use crate::json::{push_integer, push_list, push_optional_string, push_plain, push_string};
use crate::types::{
    Attributes, BackoffStrategy, Change, Command, DiscoverySource, EdgeReport, Metadata, Mode, NodeReport,
    RetryConfig, Sweep, Upsert, Withdrawal,
};

/// Lines are written when so many bytes have come together.
const BUFFER_BYTES: usize = 64 * 1024;

const EXAMPLES: &str = "\
Examples:
  watershed wal dump --data-dir /var/lib/watershed | tail -n 1 | jq .
  watershed wal dump | jq -c 'select(.change.nodes[]?.service_id == \"checkout\") | [.lsn, .at]'

What snapshots made superfluous is no longer in the log. Exit codes: 0 all of it was printed; 3 the
log breaks behind the last line; 4 a server holds the directory.";

/// Print the commands of a log as JSON, one a line
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    data_dir: DataDirOption,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let offline = offline::open(&options.data_dir.path)?;
    let mut lines = Vec::new();
    // The log is read to its end even if nobody reads on: there is no way out of the reading.
    let mut printed = Ok(());
    let end = offline.dump(|lsn, command| {
        if printed.is_err() {
            return;
        }
        push_command(&mut lines, lsn, &command);
        if lines.len() >= BUFFER_BYTES {
            printed = console.print(&lines);
            lines.clear();
        }
    });
    printed.and_then(|()| console.print(&lines))?;
    end.map(drop).map_err(offline::log_failure)
}

fn push_command(out: &mut Vec<u8>, lsn: u64, command: &Command) {
    out.extend_from_slice(b"{\"lsn\":");
    push_integer(out, lsn);
    out.extend_from_slice(b",\"id\":");
    push_plain(out, command.id);
    out.extend_from_slice(b",\"at\":");
    push_plain(out, command.at);
    out.extend_from_slice(b",\"actor\":");
    push_optional_string(out, command.actor.as_deref());
    out.extend_from_slice(b",\"change\":{\"kind\":");
    push_change(out, &command.change);
    out.extend_from_slice(b"}}\n");
}

/// The kind of a change and its members.
fn push_change(out: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Upsert(upsert) => push_upsert(out, upsert),
        Change::Register(report) => {
            out.extend_from_slice(b"\"register\",\"node\":");
            push_node(out, report);
        }
        Change::Withdraw(withdrawal) => push_withdrawal(out, withdrawal),
        Change::RemoveService(service_id) => {
            out.extend_from_slice(b"\"remove_service\",\"service_id\":");
            push_string(out, service_id.as_str());
        }
        Change::SetAvailabilityTarget { service_id, percent } => {
            out.extend_from_slice(b"\"set_availability_target\",\"service_id\":");
            push_string(out, service_id.as_str());
            out.extend_from_slice(b",\"availability_target\":");
            push_optional_number(out, *percent);
        }
        Change::Sweep(sweep) => push_sweep(out, sweep),
        Change::Acknowledge { alert_id, by } => {
            push_alert_change(out, "acknowledge", *alert_id, ("acknowledged_by", by));
        }
        Change::Resolve { alert_id, notes } => {
            push_alert_change(out, "resolve", *alert_id, ("resolution_notes", notes));
        }
    }
}

fn push_alert_change(out: &mut Vec<u8>, kind: &str, alert_id: Uuid, (member, text): (&str, &str)) {
    push_plain(out, kind);
    out.extend_from_slice(b",\"alert_id\":");
    push_plain(out, alert_id);
    out.push(b',');
    push_plain(out, member);
    out.push(b':');
    push_string(out, text);
}

fn push_withdrawal(out: &mut Vec<u8>, withdrawal: &Withdrawal) {
    out.extend_from_slice(b"\"withdraw\",\"source\":");
    push_optional_string(out, withdrawal.source.map(DiscoverySource::as_str));
    out.extend_from_slice(b",\"edges\":");
    push_list(out, &withdrawal.edges, |out, (source, target)| {
        out.extend_from_slice(b"{\"source\":");
        push_string(out, source.as_str());
        out.extend_from_slice(b",\"target\":");
        push_string(out, target.as_str());
        out.push(b'}');
    });
}

fn push_sweep(out: &mut Vec<u8>, sweep: &Sweep) {
    out.extend_from_slice(b"\"sweep\",\"stale_after_microseconds\":{");
    for (place, source) in DiscoverySource::ALL.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_plain(out, source.as_str());
        out.push(b':');
        push_optional_number(out, sweep.stale_after[place]);
    }
    out.extend_from_slice(b"},\"purge_after_microseconds\":");
    push_optional_number(out, sweep.purge_after);
    out.extend_from_slice(b",\"audit_retain_microseconds\":");
    push_optional_number(out, sweep.audit_retain);
}

fn push_optional_number(out: &mut Vec<u8>, number: Option<impl Display>) {
    match number {
        Some(number) => out.extend_from_slice(number.to_string().as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
}

fn push_upsert(out: &mut Vec<u8>, upsert: &Upsert) {
    push_plain(
        out,
        match upsert.mode {
            Mode::Upsert => "upsert",
            Mode::Replace => "replace",
        },
    );
    out.extend_from_slice(b",\"source\":");
    push_plain(out, upsert.source.as_str());
    out.extend_from_slice(b",\"observed_at\":");
    push_plain(out, upsert.observed_at);
    out.extend_from_slice(b",\"nodes\":");
    push_list(out, &upsert.nodes, push_node);
    out.extend_from_slice(b",\"edges\":");
    push_list(out, &upsert.edges, push_edge);
}

fn push_node(out: &mut Vec<u8>, node: &NodeReport) {
    out.extend_from_slice(b"{\"service_id\":");
    push_string(out, node.service_id.as_str());
    out.extend_from_slice(b",\"metadata\":");
    out.extend_from_slice(node.metadata.as_ref().map_or("null", Metadata::json).as_bytes());
    out.push(b'}');
}

fn push_edge(out: &mut Vec<u8>, edge: &EdgeReport) {
    out.extend_from_slice(b"{\"source\":");
    push_string(out, edge.source.as_str());
    out.extend_from_slice(b",\"target\":");
    push_string(out, edge.target.as_str());
    out.extend_from_slice(b",\"attributes\":");
    push_attributes(out, &edge.attributes);
    out.push(b'}');
}

fn push_attributes(out: &mut Vec<u8>, attributes: &Attributes) {
    out.extend_from_slice(b"{\"communication_mode\":");
    push_plain(out, attributes.communication_mode.as_str());
    out.extend_from_slice(b",\"criticality\":");
    push_plain(out, attributes.criticality.as_str());
    out.extend_from_slice(b",\"protocol\":");
    push_optional_string(out, attributes.protocol.as_deref());
    out.extend_from_slice(b",\"timeout_ms\":");
    push_optional_number(out, attributes.timeout_ms.map(u32::from));
    out.extend_from_slice(b",\"retry_config\":");
    match attributes.retry_config {
        None => out.extend_from_slice(b"null"),
        Some(RetryConfig { max_retries, backoff_strategy }) => {
            out.extend_from_slice(b"{\"max_retries\":");
            push_optional_number(out, max_retries.map(u32::from));
            out.extend_from_slice(b",\"backoff_strategy\":");
            push_optional_string(out, backoff_strategy.map(BackoffStrategy::as_str));
            out.push(b'}');
        }
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::cli::offline::testing::{Damage, DataDir};
    use crate::types::{DiscoverySource, ServiceId, Timestamp};

    #[test]
    fn a_command_is_in_the_words_of_the_api() {
        let id = |text| ServiceId::parse(text).unwrap();
        let mut attributes = Attributes::hard_sync();
        attributes.protocol = Some("grpc".into());
        attributes.timeout_ms = std::num::NonZeroU32::new(250);
        attributes.retry_config =
            Some(RetryConfig { max_retries: Some(3), backoff_strategy: Some(BackoffStrategy::Linear) });
        let at = Timestamp::parse("2026-02-14T10:00:00Z").unwrap();
        let metadata = Metadata::from_json(r#"{"team":"k"}"#).unwrap();
        let upsert = Upsert {
            source: DiscoverySource::ServiceMesh,
            observed_at: at,
            mode: Mode::Upsert,
            nodes: vec![
                NodeReport { service_id: id("a\"b"), metadata: Some(metadata) },
                NodeReport { service_id: id("c"), metadata: None },
            ],
            edges: vec![
                EdgeReport { source: id("c"), target: id("d"), attributes },
                EdgeReport { source: id("c"), target: id("e"), attributes: Attributes::hard_sync() },
            ],
        };
        let command = Command::new(Uuid::nil(), at, Change::Upsert(upsert));
        let mut line = Vec::new();
        push_command(&mut line, 7, &command);
        let attributes = |protocol, timeout: Value, retry: Value| {
            json!({"communication_mode": "sync", "criticality": "hard", "protocol": protocol,
                   "timeout_ms": timeout, "retry_config": retry})
        };
        let retry = json!({"max_retries": 3, "backoff_strategy": "linear"});
        let expected = json!({
            "lsn": 7, "id": Uuid::nil().to_string(), "at": "2026-02-14T10:00:00Z", "actor": null,
            "change": {
                "kind": "upsert", "source": "service_mesh", "observed_at": "2026-02-14T10:00:00Z",
                "nodes": [{"service_id": "a\"b", "metadata": {"team": "k"}}, {"service_id": "c", "metadata": null}],
                "edges": [
                    {"source": "c", "target": "d", "attributes": attributes(json!("grpc"), json!(250), retry)},
                    {"source": "c", "target": "e", "attributes": attributes(Value::Null, Value::Null, Value::Null)},
                ],
            },
        });
        assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), expected);
        assert_eq!(line.last(), Some(&b'\n'));
    }

    #[test]
    fn a_log_is_printed_up_to_its_break() {
        for (damage, expected, lsns) in [(Damage::None, 0, 1..=5), (Damage::Flipped(3), 3, 1..=2)] {
            let (code, out, err) = DataDir::new(damage).typed("wal dump");
            assert_eq!(code, expected, "{err}");
            let printed = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            assert!(printed.map(|line| line["lsn"].as_u64().unwrap()).eq(lsns), "{out}");
            assert_eq!(err.lines().count(), usize::from(expected != 0), "{err}");
        }
    }
}
