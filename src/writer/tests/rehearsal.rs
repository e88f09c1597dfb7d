//! What a rehearsal says is what the writer then does, and until then nothing is done.

use std::sync::Arc;

use super::*;
use crate::apply::testing::any_command;
use crate::campaign::{Random, seeds};
use crate::types::{Once, Received};

#[test]
fn the_writer_does_what_was_rehearsed() {
    for seed in seeds(6) {
        let (sim, mut random) = (Sim::new(seed), Random::new(seed));
        let Started { reader, handle, .. } = started(&sim);
        for number in 1..60 {
            let command = Command { once: None, ..any_command(number, &reader.load(), &mut random) };
            let (version, digest) = (reader.version(), reader.load().digest());
            let rehearsed = reader.rehearse(&command);
            assert_eq!((reader.version(), reader.load().digest()), (version, digest), "{command:?}");
            match (write(&handle, command.clone()), rehearsed) {
                (Ok(committed), Ok(rehearsal)) => {
                    let Rehearsal { before, after, outcome } = rehearsal;
                    assert_eq!((before.version(), before.digest()), (version, digest), "{command:?}");
                    assert_eq!((outcome, after.version()), (committed.outcome, committed.version));
                    assert_eq!(after.digest(), reader.load().digest(), "{command:?}");
                }
                (Err(refused), Err(rehearsed)) => assert_eq!(rehearsed, refused, "{command:?}"),
                (written, rehearsed) => {
                    panic!("{command:?}: {written:?}, rehearsed {:?}", rehearsed.map(|each| each.outcome))
                }
            }
        }
    }
}

#[test]
fn a_rehearsal_is_not_logged_and_needs_no_writer() {
    let sim = Sim::new(1);
    let Started { reader, handle, stopper, .. } = started(&sim);
    write(&handle, command("a")).unwrap();
    let once = Once { key: [1; 32], body: [2; 32], received: Received::default() };
    let marked = Command { once: Some(Box::new(once)), ..command("c") };
    for _ in 0..2 {
        let rehearsal = reader.rehearse(&marked).unwrap();
        assert!(!matches!(rehearsal.outcome, Outcome::Repeated(_)));
    }
    assert!(stopper.stop());
    assert_eq!(reader.rehearse(&command("d")).unwrap().after.version(), 2);
    let again = started(&sim);
    assert_eq!(again.recovery.log.last_version, 1);
    assert!(again.reader.load().find("c").is_none());
}

#[test]
fn what_is_too_long_for_the_log_is_refused_alike() {
    let Started { reader, .. } = started(&Sim::new(1));
    let metadata = crate::types::Metadata::from_json(&format!(r#"{{"x":"{}"}}"#, "y".repeat(16_000)));
    let metadata = metadata.unwrap();
    let node =
        |number| NodeReport { service_id: id(&format!("n{number}")), metadata: Some(metadata.clone()) };
    let nodes = (0..=limits::RECORD_BYTES_MAX / 16_000).map(node).collect();
    let refused = reader.rehearse(&upsert(nodes, vec![])).map(|rehearsal| rehearsal.outcome);
    assert_eq!(refused, Err(WriteError::TooLarge));
}

#[test]
fn what_has_no_effect_leads_to_the_same_graph() {
    let Started { reader, .. } = started(&Sim::new(1));
    let Rehearsal { before, after, outcome } = reader.rehearse(&upsert(vec![], vec![])).unwrap();
    assert!(Arc::ptr_eq(&before, &after));
    assert_eq!(outcome, Outcome::Upserted(crate::types::Upserted::default()));
}
