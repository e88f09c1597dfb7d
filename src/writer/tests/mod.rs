//! The writer and its threads over a simulated disk: what callers are told and what readers see. What depends
//! on the order of calls to the disk is in `store`, which has no threads.

mod bugs;
mod making;
mod power;
mod rehearsal;
mod replay;
mod snapshots;
mod store;
mod trouble;

use crossbeam::channel::{Receiver, bounded};
use uuid::Uuid;

use super::testing::settings;
use super::*;
use crate::limits;
use crate::storage::Sim;
use crate::types::{
    Attributes, Change, Command, DiscoverySource, EdgeReport, Mode, NodeReport, ServiceId, Timestamp, Upsert,
};
use crate::wal::Birth;

pub(super) fn at() -> Timestamp {
    Timestamp::parse("2026-02-14T10:00:00Z").unwrap()
}

fn started(sim: &Sim) -> Started {
    let birth = Birth { directory_id: Uuid::from_u128(7), salt: 11, at: at() };
    start(sim, &birth, settings()).unwrap()
}

pub(super) fn id(text: &str) -> ServiceId {
    ServiceId::parse(text).unwrap()
}

/// One dependency of `source` on `b`.
fn command(source: &str) -> Command {
    let attributes = Attributes::hard_sync();
    let edges = vec![EdgeReport { source: id(source), target: id("b"), attributes }];
    upsert(vec![], edges)
}

pub(super) fn upsert(nodes: Vec<NodeReport>, edges: Vec<EdgeReport>) -> Command {
    let upsert =
        Upsert { source: DiscoverySource::Manual, observed_at: at(), mode: Mode::Upsert, nodes, edges };
    Command::new(Uuid::from_u128(1), at(), Change::Upsert(upsert))
}

pub(super) type Answer = Result<Committed, WriteError>;

fn submit(handle: &Handle, command: Command) -> Result<Receiver<Answer>, WriteError> {
    let (sender, answer) = bounded(1);
    handle.submit(command, Box::new(move |result| sender.send(result).unwrap()))?;
    Ok(answer)
}

fn write(handle: &Handle, command: Command) -> Answer {
    submit(handle, command)?.recv().unwrap()
}

#[test]
fn a_write_is_visible_when_it_is_acknowledged_and_there_after_a_crash() {
    let sim = Sim::new(1);
    let Started { reader, handle, .. } = started(&sim);
    for (number, name) in ["a", "c", "d"].into_iter().enumerate() {
        let committed = write(&handle, command(name)).unwrap();
        assert_eq!((committed.version, committed.durable), (number as u64 + 1, true));
        assert!(reader.load().find(name).is_some());
    }
    sim.crash();
    let again = started(&sim);
    assert_eq!(again.recovery.log.last_version, 3);
    assert_eq!((again.reader.load().version(), again.reader.load().counts().dependencies), (3, 3));
    assert_eq!(again.reader.directory_id(), reader.directory_id());
}

#[test]
fn what_changes_nothing_is_not_logged() {
    let sim = Sim::new(1);
    let Started { handle, stopper, .. } = started(&sim);
    let committed = write(&handle, upsert(vec![], vec![])).unwrap();
    assert_eq!(committed.version, 0);
    let Outcome::Upserted(upserted) = committed.outcome else { panic!("{committed:?}") };
    assert_eq!(upserted.nodes_upserted, 0);
    assert!(stopper.stop());
    assert_eq!(started(&sim).recovery.log.last_version, 0);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let Started { handle, .. } = started(&Sim::new(1));
    let (release, wait) = bounded::<()>(0);
    let (entered, inside) = bounded(1);
    let hold = move |_| {
        entered.send(()).unwrap();
        // Ends when the test lets go, or is over.
        let _ = wait.recv();
    };
    handle.submit(command("a"), Box::new(hold)).unwrap();
    inside.recv().unwrap();
    let waiting: Vec<_> =
        (0..limits::WRITER_QUEUE_COMMANDS_MAX).map(|_| submit(&handle, command("c")).unwrap()).collect();
    assert_eq!(submit(&handle, command("d")).unwrap_err(), WriteError::Busy);
    drop(release);
    let versions: Vec<u64> = waiting.iter().map(|answer| answer.recv().unwrap().unwrap().version).collect();
    assert!(versions.is_sorted_by(|a, b| a + 1 == *b), "each is applied once, in the order of the queue");
}

#[test]
fn a_command_too_long_for_the_log_is_refused_alone() {
    let Started { handle, reader, .. } = started(&Sim::new(1));
    let metadata = format!(r#"{{"x":"{}"}}"#, "y".repeat(16_000));
    let metadata = crate::types::Metadata::from_json(&metadata).unwrap();
    let node =
        |number| NodeReport { service_id: id(&format!("n{number}")), metadata: Some(metadata.clone()) };
    let nodes = (0..=limits::RECORD_BYTES_MAX / 16_000).map(node).collect();
    let large = submit(&handle, upsert(nodes, vec![])).unwrap();
    let small = submit(&handle, command("a")).unwrap();
    assert_eq!(large.recv().unwrap(), Err(WriteError::TooLarge));
    assert_eq!(small.recv().unwrap().map(|committed| committed.version), Ok(1));
    assert_eq!(reader.load().counts().services, 2);
}

#[test]
fn a_dead_writer_leaves_the_graph_readable() {
    let Started { reader, handle, stopper, .. } = started(&Sim::new(1));
    write(&handle, command("a")).unwrap();
    handle.submit(command("c"), Box::new(|_| panic!("the panic that this test is about"))).unwrap();
    assert!(!stopper.stop());
    assert_eq!(reader.health(), Health::Failed);
    assert!(reader.load().find("a").is_some());
    assert_eq!(write(&handle, command("d")), Err(WriteError::Stopping));
}

#[test]
fn a_stop_commits_what_is_queued_and_seals() {
    let sim = Sim::new(1);
    let Started { handle, stopper, .. } = started(&sim);
    let waiting: Vec<_> = (0..50).map(|_| submit(&handle, command("a")).unwrap()).collect();
    assert!(stopper.stop());
    assert!(waiting.iter().all(|answer| answer.recv().unwrap().is_ok()));
    let again = started(&sim).recovery.log;
    assert_eq!((again.last_version, again.torn), (50, None));
}
