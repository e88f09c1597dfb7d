//! The task of one source: it waits, asks, and hands on what was said, for ever.
//!
//! - One run at a time; whoever asks for one meanwhile gets the next.
//! - A run ends, whatever the source does; nothing that a source does ends the task.
//! - What is empty is not ingested, and nothing is ever taken back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{sleep_until, timeout};

use super::schedule::{Circuit, Schedule};
use super::status::{Run, RunOutcome, Status, Trigger};
use super::submit::{Submitted, submit};
use super::{Plan, RunRefused, Surroundings, last_heard};
use crate::graph::Graph;
use crate::limits;
use crate::sources::clients::{Client, ClientError, Reading};
use crate::sources::{Known, Report};
use crate::types::{DiscoverySource, Timestamp};

/// Who asked for a run, to be told how it ended.
pub(super) type Request = oneshot::Sender<Result<Arc<Run>, RunRefused>>;

pub(super) struct Task<C> {
    plan: Plan,
    client: C,
    around: Surroundings,
    schedule: Schedule,
    status: watch::Sender<Status>,
    requests: mpsc::Receiver<Request>,
    /// When the last run began that got everything.
    last_complete: Option<Instant>,
}

impl<C: Client> Task<C> {
    pub(super) fn new(
        plan: Plan,
        client: C,
        around: Surroundings,
        status: watch::Sender<Status>,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        let schedule = Schedule::new(plan.interval);
        Self { plan, client, around, schedule, status, requests, last_complete: None }
    }

    /// Runs until nobody can ask for a run any more.
    pub(super) async fn run(mut self) {
        let mut due = self.next_in(self.schedule.first_wait((self.around.random)()));
        loop {
            let (trigger, request) = tokio::select! {
                request = self.requests.recv() => match request {
                    Some(request) => (Trigger::Request, Some(request)),
                    None => return,
                },
                () = sleep_until(due.into()) => (Trigger::Schedule, None),
                () = self.client.changed() => (Trigger::Change, None),
            };
            let mut waiting: Vec<Request> = request.into_iter().collect();
            // All who ask before a run begins are answered by it.
            while let Ok(request) = self.requests.try_recv() {
                waiting.push(request);
            }
            let now = (self.around.clock.monotonic)();
            let answer = match self.schedule.circuit(now) {
                Circuit::Open(until) => {
                    Err(RunRefused::CircuitOpen { seconds: (until - now).as_secs() as u32 + 1 })
                }
                Circuit::Closed | Circuit::HalfOpen => {
                    let (run, wait) = self.once(trigger).await;
                    due = self.next_in(wait);
                    Ok(run)
                }
            };
            for request in waiting {
                // Who asked may have gone.
                drop(request.send(answer.clone()));
            }
        }
    }

    async fn once(&mut self, trigger: Trigger) -> (Arc<Run>, Duration) {
        self.status.send_modify(|status| status.is_running = true);
        let begun = (self.around.clock.monotonic)();
        let mut run = Run::new(trigger, (self.around.clock.now)());
        let heard =
            self.last_complete.is_none().then(|| last_heard(&self.around.reader.load(), self.plan.source));
        let heard = heard.flatten();
        let read = timeout(self.plan.timeout, self.client.read(self.window(begun))).await;
        let read = read.unwrap_or_else(|_| {
            let limit = self.plan.timeout.as_secs_f64();
            Err(ClientError::new(format!("it was not read within {limit} s")))
        });
        let is_read = read.is_ok();
        match read {
            Ok(reading) => self.ingest(&mut run, reading).await,
            Err(error) => run.fail(error.to_string()),
        }
        let ended = (self.around.clock.monotonic)();
        run.milliseconds = ended.saturating_duration_since(begun).as_millis() as u64;
        if run.outcome == RunOutcome::Complete {
            self.note_outage(begun, run.started_at, heard);
            self.last_complete = Some(begun);
        }
        let run = Arc::new(run);
        self.tell(&run);
        // That the graph could not be written is no fault of the source.
        (run, self.schedule.after(is_read, ended, (self.around.random)()))
    }

    /// Notes how long nothing complete was heard, where that is longer than usual: for that long nothing grew stale.
    /// Before the first complete run that is since the source was last heard of.
    fn note_outage(&self, begun: Instant, at: Timestamp, heard: Option<Timestamp>) {
        let silence = match (self.last_complete, heard) {
            (Some(last), _) => begun.saturating_duration_since(last),
            (None, Some(heard)) => {
                let silence = at.as_microseconds().saturating_sub(heard.as_microseconds());
                Duration::from_micros(silence.max(0).unsigned_abs())
            }
            (None, None) => return,
        };
        if silence > self.plan.interval * 2 {
            self.status.send_modify(|status| {
                status.outages.push((at, silence));
                if status.outages.len() > limits::DISCOVERY_OUTAGES_MAX {
                    status.outages.remove(0);
                }
            });
        }
    }

    fn next_in(&self, wait: Duration) -> Instant {
        let at = (self.around.clock.now)().plus_microseconds(wait.as_micros() as i64);
        let now = (self.around.clock.monotonic)();
        self.status.send_modify(|status| {
            status.next_run_at = Some(at);
            status.circuit = self.schedule.circuit(now);
        });
        now + wait
    }

    fn tell(&self, run: &Arc<Run>) {
        let source = self.plan.source.as_str();
        let (outcome, trigger) = (run.outcome.as_str(), run.trigger.as_str());
        let (services, dependencies) = (run.services, run.dependencies);
        if let Some(error) = &run.error {
            tracing::warn!(
                source,
                outcome,
                trigger,
                error,
                "a source was not read; the graph stays as it is"
            );
        } else {
            tracing::info!(source, outcome, trigger, services, dependencies, "a source was read");
        }
        self.status.send_modify(|status| {
            status.is_running = false;
            status.last_run = Some(Arc::clone(run));
            status.runs[run.outcome as usize] += 1;
            status.nodes_upserted += run.nodes_upserted;
            status.edges_upserted += run.edges_upserted;
            status.cycles += run.cycles;
            if run.outcome == RunOutcome::Complete {
                status.last_complete_at = Some(run.started_at);
            }
        });
    }

    /// How far back to look: to the last run that got everything, and a little further, so that nothing falls
    /// between two runs.
    fn window(&self, now: Instant) -> Duration {
        let since = self.last_complete.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        since.max(self.plan.interval).min(limits::DISCOVERY_WINDOW_MAX) + limits::DISCOVERY_OVERLAP
    }

    async fn ingest(&self, run: &mut Run, reading: Reading) {
        let (graph, naming, source) = (self.around.reader.load(), self.plan.naming.clone(), self.plan.source);
        let is_partial = reading.is_partial;
        let report = move || {
            Report::of(&reading.found, &naming, &|id, namespace| known(&graph, source, id, namespace))
        };
        // Of a large source that takes longer than a request may wait for its thread.
        let report = match spawn_blocking(report).await {
            Ok(report) => report,
            Err(error) => return run.fail(format!("it was read, but not understood: {error}")),
        };
        run.describe(&report, is_partial);
        if report.is_empty() {
            return;
        }
        let Surroundings { writer, clock, .. } = &self.around;
        let (submitted, written) = submit(writer, *clock, source, &report, run.started_at).await;
        let Submitted { nodes_upserted, edges_upserted, cycles, version } = submitted;
        (run.nodes_upserted, run.edges_upserted) = (nodes_upserted, edges_upserted);
        (run.cycles, run.version) = (cycles, version);
        if let Err(error) = written {
            run.fail(format!("it was read, but not written: {error}"));
        }
    }
}

/// What the graph has of an id, seen from a namespace of this source.
fn known(graph: &Graph, source: DiscoverySource, id: &str, namespace: Option<&str>) -> Known {
    #[derive(Deserialize)]
    struct Home {
        namespace: Option<String>,
    }
    let Some(index) = graph.find(id) else { return Known::No };
    let reports = graph.node(index).service().reports();
    let said = reports.iter().find(|report| report.source == source);
    let home = said.and_then(|report| serde_json::from_str::<Home>(report.metadata.json()).ok());
    match home.and_then(|home| home.namespace) {
        None => Known::Perhaps,
        Some(home) if Some(home.as_str()) == namespace => Known::Here,
        Some(_) => Known::Elsewhere,
    }
}

impl Run {
    fn new(trigger: Trigger, started_at: Timestamp) -> Self {
        Self {
            trigger,
            started_at,
            milliseconds: 0,
            outcome: RunOutcome::Failed,
            services: 0,
            dependencies: 0,
            nodes_upserted: 0,
            edges_upserted: 0,
            cycles: 0,
            left_out: BTreeMap::new(),
            notes: Vec::new(),
            error: None,
            version: None,
        }
    }

    fn fail(&mut self, error: String) {
        (self.outcome, self.error) = (RunOutcome::Failed, Some(error));
    }

    fn describe(&mut self, report: &Report, is_partial: bool) {
        (self.services, self.dependencies) = (report.nodes.len() as u64, report.edges.len() as u64);
        self.left_out.clone_from(&report.left_out);
        self.notes = report.notes.iter().take(limits::DISCOVERY_NOTES_MAX).cloned().collect();
        self.outcome = match (is_partial, report.edges.is_empty()) {
            (true, _) => RunOutcome::Partial,
            (false, true) => RunOutcome::Empty,
            (false, false) => RunOutcome::Complete,
        };
    }
}
