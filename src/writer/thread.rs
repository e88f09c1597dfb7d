//! The writer's thread: it takes jobs from the queue and drives the core.
//!
//! - A commit takes what queued while the one before was syncing.
//! - Bytes that nobody waits for are synced at the next tick, however busy the queue is.
//! - In a pause the log notes what is durable; while the disk is full it is tried again and again, since
//!   callers that see "not ready" send nothing.

use std::sync::Arc;
use std::time::Instant;

use crossbeam::channel::{Receiver, RecvTimeoutError, select, tick};

use super::core::Core;
use super::published::{Health, Published};
use super::{Job, WriteError};
use crate::limits;
use crate::storage::Storage;

/// Runs until it is told to stop or nobody can give it jobs any more, then seals the log.
pub(super) fn run<S: Storage>(mut core: Core<S>, jobs: &Receiver<Job>, published: &Arc<Published>) {
    let alive = FailsOnPanic(Arc::clone(published));
    core.look_ahead();
    let ticks = tick(limits::ASYNC_SYNC_INTERVAL);
    while let Some(first) = next(&mut core, jobs, &ticks) {
        if !work(&mut core, jobs, first) {
            break;
        }
    }
    for job in jobs.try_iter() {
        match job {
            Job::Write(_, reply) => reply(Err(WriteError::Stopping)),
            // Who waited has gone.
            Job::Sync(reply) => _ = reply.send(()),
            Job::Stop => {}
        }
    }
    if let Err(error) = core.seal() {
        tracing::warn!(%error, "the log was not sealed; the next start replays it as after a crash");
    }
    drop(alive);
}

/// The next job, and what is to be done before it comes.
fn next<S: Storage>(core: &mut Core<S>, jobs: &Receiver<Job>, ticks: &Receiver<Instant>) -> Option<Job> {
    core.look_ahead();
    while core.has_unsynced() {
        select! {
            recv(jobs) -> job => {
                if ticks.try_recv().is_ok() {
                    // A failure shows in the health, and in what is durable.
                    let _ = core.sync();
                }
                return job.ok();
            }
            recv(ticks) -> _ => {
                let _ = core.sync();
            }
        }
    }
    if let Ok(job) = jobs.try_recv() {
        return Some(job);
    }
    match jobs.recv_timeout(limits::LOG_MARK_IDLE) {
        Ok(job) => return Some(job),
        Err(RecvTimeoutError::Disconnected) => return None,
        Err(RecvTimeoutError::Timeout) => core.pause(),
    }
    while core.is_blocked() {
        match jobs.recv_timeout(limits::STORAGE_PROBE) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => core.probe(),
        }
    }
    jobs.recv().ok()
}

/// Does a job, with the writes that queued behind it; `false` when the writer is to stop.
fn work<S: Storage>(core: &mut Core<S>, jobs: &Receiver<Job>, first: Job) -> bool {
    let mut staged = core.stage();
    let mut goes_on = true;
    let mut waiting_for_sync = Vec::new();
    let mut next = Some(first);
    while let Some(job) = next {
        match job {
            Job::Write(command, reply) => staged.add(&command, reply),
            Job::Sync(reply) => waiting_for_sync.push(reply),
            Job::Stop => goes_on = false,
        }
        next = if staged.is_full() || !goes_on { None } else { jobs.try_recv().ok() };
    }
    core.commit(staged);
    if !waiting_for_sync.is_empty() && core.has_unsynced() {
        // Who waits looks at what is durable, and finds it unchanged when this failed.
        let _ = core.sync();
    }
    for reply in waiting_for_sync {
        // Who waited may have gone.
        let _ = reply.send(());
    }
    goes_on
}

/// Turns readiness off when the writer panics: reads go on, and a supervisor sees it.
struct FailsOnPanic(Arc<Published>);

impl Drop for FailsOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set_health(Health::Failed);
        }
    }
}
