//! Every call of a write fails in every way: the snapshot is there whole, or it is not there.

use super::campaign::is_long;
use super::fixture::{graph, stamp};
use super::*;
use crate::limits;
use crate::storage::Fault;

/// Writes with a fault at one call; `None` when there were fewer calls. Whether the write said yes.
fn write_with(
    graph: &Graph,
    seed: u64,
    operation: u64,
    fault: Fault,
) -> Option<(Sim, Result<Header, WriteError>)> {
    let sim = Sim::new(seed);
    sim.fail_at(operation, fault);
    let written = write(&sim, graph, &stamp());
    (sim.operations() > operation).then_some((sim, written))
}

/// Every `step`-th call fails in every way, with each seed.
fn campaign(graph: &Graph, seeds: u64, step: usize) -> Result<u64, String> {
    let name = name_of(graph);
    let mut cases = 0;
    for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite, Fault::Sync, Fault::PowerCut] {
        for (operation, seed) in
            (0..).step_by(step).flat_map(|operation| (0..seeds).map(move |seed| (operation, seed)))
        {
            let Some((sim, written)) = write_with(graph, seed, operation, fault) else { break };
            let case = format!("{fault:?} at call {operation}, seed {seed}");
            if fault != Fault::PowerCut {
                judge(&sim, &name, graph, written.is_ok()).map_err(|what| format!("{case}: {what}"))?;
            }
            sim.crash();
            judge(&sim, &name, graph, written.is_ok()).map_err(|what| format!("{case}, crashed: {what}"))?;
            cases += 1;
        }
    }
    Ok(cases)
}

/// The directory holds the whole snapshot under its name, or nothing under it if the write failed.
fn judge(sim: &Sim, name: &FileName, graph: &Graph, said_yes: bool) -> Result<(), String> {
    if !sim.list().map_err(|error| error.to_string())?.contains(name) {
        return if said_yes { Err("said yes, and there is nothing".to_owned()) } else { Ok(()) };
    }
    let (_, loaded) = load(sim, name).map_err(|error| error.to_string())?;
    if loaded.digest() == graph.digest() { Ok(()) } else { Err("another graph".to_owned()) }
}

#[test]
fn a_snapshot_is_whole_or_not_there() {
    // Large enough for a sync between its blocks.
    let (large, step) = (graph(3_000, 12), if is_long() { 1 } else { 5 });
    assert!(written(&large).1.file_bytes > 2 * limits::SNAPSHOT_SYNC_BYTES);
    let cases = campaign(&graph(14, 3), 8, 1).unwrap() + campaign(&large, 1, step).unwrap();
    println!("{cases} failures of a write");
    assert!(cases > 400, "{cases}");
}

#[test]
fn a_full_disk_is_told_from_a_failing_one_and_leaves_nothing() {
    let graph = graph(14, 3);
    let (sim, full) = write_with(&graph, 1, 2, Fault::NoSpace).unwrap();
    assert!(matches!(full, Err(WriteError::DiskFull(_))), "{full:?}");
    assert_eq!(sim.list().unwrap(), []);
    let (sim, failed) = write_with(&graph, 1, 2, Fault::Io).unwrap();
    assert!(matches!(failed, Err(WriteError::Io(_))), "{failed:?}");
    assert_eq!(sim.list().unwrap(), []);
    let quota = WriteError::from(std::io::Error::from(std::io::ErrorKind::QuotaExceeded));
    assert!(matches!(quota, WriteError::DiskFull(_)));
}

/// What the disk gives back is not what was written: such a file never gets its name.
#[test]
fn what_does_not_read_back_is_not_finished() {
    let graph = graph(14, 3);
    let mut verifications = 0;
    for operation in 0.. {
        let Some((sim, written)) = write_with(&graph, 1, operation, Fault::Io) else { break };
        if let Err(WriteError::Verification(error)) = written {
            assert_eq!(sim.list().unwrap(), [], "{error}");
            verifications += 1;
        }
    }
    assert!(verifications > 8, "{verifications}");
}
