//! Every call of a write fails in every way: the snapshot is there whole, or it is not there.

use super::campaign::is_long;
use super::fixture::{bytes_of, graph, stamp};
use super::*;
use crate::limits;
use crate::storage::{Fault, StorageFile, begin, finish, temporary};

/// What is to leave a snapshot behind.
type Writer = fn(&Sim, &Graph) -> Result<(), WriteError>;

fn writer(sim: &Sim, graph: &Graph) -> Result<(), WriteError> {
    write(sim, graph, &stamp()).map(drop)
}

/// Writes with a fault at one call; `None` when there were fewer calls. What the writer said.
fn write_with(
    (writer, graph): (Writer, &Graph),
    seed: u64,
    operation: u64,
    fault: Fault,
) -> Option<(Sim, Result<(), WriteError>)> {
    let sim = Sim::new(seed);
    sim.fail_at(operation, fault);
    let written = writer(&sim, graph);
    (sim.operations() > operation).then_some((sim, written))
}

/// Every `step`-th call fails in every way, with each seed.
fn campaign(writer: Writer, graph: &Graph, seeds: u64, step: usize) -> Result<u64, String> {
    let name = name_of(graph);
    let mut cases = 0;
    for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite, Fault::Sync, Fault::PowerCut] {
        for (operation, seed) in
            (0..).step_by(step).flat_map(|operation| (0..seeds).map(move |seed| (operation, seed)))
        {
            let Some((sim, written)) = write_with((writer, graph), seed, operation, fault) else { break };
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
    let cases = campaign(writer, &graph(14, 3), 8, 1).unwrap() + campaign(writer, &large, 1, step).unwrap();
    println!("{cases} failures of a write");
    assert!(cases > 400, "{cases}");
}

#[test]
fn a_full_disk_is_told_from_a_failing_one_and_leaves_nothing() {
    let graph = graph(14, 3);
    let (sim, full) = write_with((writer, &graph), 1, 2, Fault::NoSpace).unwrap();
    assert!(matches!(full, Err(WriteError::DiskFull(_))), "{full:?}");
    assert_eq!(sim.list().unwrap(), []);
    let (sim, failed) = write_with((writer, &graph), 1, 2, Fault::Io).unwrap();
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
        let Some((sim, written)) = write_with((writer, &graph), 1, operation, Fault::Io) else { break };
        if let Err(WriteError::Verification(error)) = written {
            assert_eq!(sim.list().unwrap(), [], "{error}");
            verifications += 1;
        }
    }
    assert!(verifications > 8, "{verifications}");
}

/// A writer that leaves out the sync of the content.
fn without_sync(sim: &Sim, graph: &Graph) -> Result<(), WriteError> {
    let name = name_of(graph);
    begin(sim, &name)?.write_all_at(0, &bytes_of(graph))?;
    Ok(finish(sim, &name)?)
}

/// A writer that gives the file its name first.
fn in_place(sim: &Sim, graph: &Graph) -> Result<(), WriteError> {
    let file = sim.create(&name_of(graph))?;
    file.write_all_at(0, &bytes_of(graph))?;
    file.sync().map_err(|poisoned| poisoned.0)?;
    Ok(sim.sync_dir()?)
}

/// A writer that leaves out the sync of the name.
fn without_sync_of_the_name(sim: &Sim, graph: &Graph) -> Result<(), WriteError> {
    let name = name_of(graph);
    let file = begin(sim, &name)?;
    file.write_all_at(0, &bytes_of(graph))?;
    file.sync().map_err(|poisoned| poisoned.0)?;
    Ok(sim.rename(&temporary(&name), &name)?)
}

#[test]
fn a_careless_writer_is_caught() {
    let graph = graph(10, 3);
    for (careless, writer) in [
        ("no sync", without_sync as Writer),
        ("in place", in_place),
        ("no sync of the name", without_sync_of_the_name),
    ] {
        assert!(campaign(writer, &graph, 8, 1).is_err(), "{careless}");
    }
}
