//! Records: round trips, every cut, every kind of change, and the records of before.

use proptest::prelude::*;

use super::*;
use crate::types::{BackoffStrategy, CommunicationMode, DependencyCriticality, Timestamp};
use crate::wal::testing::{any_command, command};

#[test]
fn the_numbers_on_disk_are_those_of_every_log_written_so_far() {
    // A value may be added at the end. One that is to rank elsewhere needs a mapping here first.
    assert_eq!(DiscoverySource::NAMES, ["manual", "service_mesh", "otel_service_graph", "kubernetes"]);
    assert_eq!(CommunicationMode::NAMES, ["sync", "async"]);
    assert_eq!(DependencyCriticality::NAMES, ["hard", "degraded", "soft"]);
    assert_eq!(BackoffStrategy::NAMES, ["exponential", "linear", "constant"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn round_trips_and_equal_commands_give_equal_bytes(original in any_command()) {
        let bytes = encode(&original, Vec::new());
        let decoded = decode(&bytes).unwrap();
        prop_assert_eq!(&decoded, &original);
        prop_assert_eq!(encode(&decoded, Vec::new()), bytes);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut record = vec![RECORD_VERSION];
        record.extend(bytes);
        let _ = decode(&record);
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let bytes = encode(&command(3), Vec::new());
    for end in 0..bytes.len() {
        assert_eq!(decode(&bytes[..end]), Err(RecordError::Layout), "cut at {end}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(decode(&longer), Err(RecordError::Layout));
    let newer = [&[3], &bytes[1..]].concat();
    assert_eq!(decode(&newer).unwrap_err().to_string(), "record version 3, this program reads 1 and 2");
}

#[test]
fn a_record_names_the_value_at_fault() {
    let bytes = encode(&command(3), Vec::new());
    let source = 1 + 16 + 8 + 1 + 1 + 1;
    let mut damaged = bytes.clone();
    assert_eq!(damaged[source], DiscoverySource::Kubernetes as u8);
    damaged[source] = 9;
    assert_eq!(decode(&damaged), Err(RecordError::Value("source")));
}

#[test]
fn texts_are_stored_once_and_shared() {
    let text = "a-service-with-a-long-name";
    let bytes = encode(&command_naming_twice(text), Vec::new());
    assert_eq!(bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count(), 1);
    let Change::Upsert(upsert) = decode(&bytes).unwrap().change else { panic!("a report") };
    let (node, edge) = (&upsert.nodes[0].service_id, &upsert.edges[0].source);
    assert!(std::ptr::eq(node.as_str(), edge.as_str()), "one allocation");
}

fn command_naming_twice(text: &str) -> Command {
    let mut command = command(1);
    let Change::Upsert(upsert) = &mut command.change else { panic!("a report") };
    upsert.edges[0].source = ServiceId::parse(text).unwrap();
    upsert.nodes.insert(0, NodeReport { service_id: ServiceId::parse(text).unwrap(), metadata: None });
    command
}

/// What the program before wrote for `command(3)`.
#[test]
fn a_record_of_the_first_version_is_read() {
    let command = command(3);
    let record = FirstCommandRecord {
        id: command.id.into_bytes(),
        at_microseconds: command.at.as_microseconds(),
        change: change_record(&command.change),
    };
    let first = postcard::to_extend(&record, vec![FIRST_RECORD_VERSION]).unwrap();
    assert_eq!(decode(&first).as_ref(), Ok(&command));
    // It knew of reports only.
    let later = Change::RemoveService(ServiceId::parse("a").unwrap());
    let record = FirstCommandRecord { change: change_record(&later), ..record };
    let later = postcard::to_extend(&record, vec![FIRST_RECORD_VERSION]).unwrap();
    assert_eq!(decode(&later), Err(RecordError::Layout));
}

#[test]
fn values_that_no_command_has_are_refused() {
    let id = || ServiceId::parse("a").unwrap();
    let long = || "x".repeat(limits::ALERT_TEXT_BYTES_MAX + 1);
    let target = |percent| Change::SetAvailabilityTarget { service_id: id(), percent: Some(percent) };
    let cases = [
        (target(0.0), "SLO target"),
        (target(100.5), "SLO target"),
        (target(f64::NAN), "SLO target"),
        (Change::Acknowledge { alert_id: Uuid::nil(), by: long().into() }, "acknowledgement"),
        (Change::Resolve { alert_id: Uuid::nil(), notes: long().into() }, "resolution"),
    ];
    for (change, what) in cases {
        let command = Command::new(Uuid::nil(), Timestamp::from_microseconds(0).unwrap(), change);
        assert_eq!(decode(&encode(&command, Vec::new())), Err(RecordError::Value(what)));
    }
    let command = Command::new(Uuid::nil(), Timestamp::from_microseconds(0).unwrap(), target(99.9));
    let by_nobody = command.by("x".repeat(limits::ACTOR_BYTES_MAX + 1));
    assert_eq!(decode(&encode(&by_nobody, Vec::new())), Err(RecordError::Value("actor")));
}
