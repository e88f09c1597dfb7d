//! When the export runs, on a thread and a runtime of its own: rows are made of the graph without taking turns with
//! requests.
//!
//! - One run at a time. A run is begun by the interval, when the database does not hold the published version, as it
//!   says itself, or by somebody who asks; who asks during one is told of that one.
//! - After a failure it is tried again soon, then ever later, at most an interval later.
//! - A connection on which a run failed is not used again: nobody knows what it still does.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use deadpool_postgres::{Object, Pool, Status};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

use super::database::Database;
use super::runs::{Mode, Run, RunState, Standing};
use super::transfer::{self, Done, Failure, State, Task};
use crate::durations::{Counted, Durations};
use crate::graph::Graph;
use crate::limits;
use crate::writer::{Clock, Reader};

/// When and for how long the export runs.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Between two runs; `None` for only when somebody asks.
    pub interval: Option<Duration>,
    /// For one run.
    pub timeout: Duration,
}

/// What the export works with.
#[derive(Clone)]
pub struct Surroundings {
    /// The published graph.
    pub reader: Reader,
    /// Time and ids.
    pub clock: Clock,
}

/// The export that the settings name, from outside.
#[derive(Clone)]
pub struct Exports {
    standing: watch::Sender<Standing>,
    requests: mpsc::Sender<()>,
    pool: Pool,
    durations: Arc<Durations>,
    around: Surroundings,
}

impl Exports {
    /// Begins to export. The thread ends with the last clone of this.
    pub fn begin(database: &Database, plan: Plan, around: Surroundings) -> io::Result<Self> {
        let (standing, _) = watch::channel(Standing::default());
        let (requests, requested) = mpsc::channel(1);
        let exports = Self { standing, requests, pool: database.pool(), durations: Arc::default(), around };
        let runner = Runner {
            standing: exports.standing.clone(),
            pool: exports.pool.clone(),
            durations: Arc::clone(&exports.durations),
            around: exports.around.clone(),
            plan,
            base: None,
            failures: 0,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new()
            .name("export".to_owned())
            .spawn(move || runtime.block_on(runner.run(requested)))?;
        Ok(exports)
    }

    /// Begins a run, unless one is under way; returns the one that is under way now.
    pub fn request(&self) -> Run {
        let is_new = begin(&self.standing, &self.around);
        if is_new {
            // There is room: no other run is begun until this one has ended.
            if self.requests.try_send(()).is_err() {
                abandon(&self.standing, &self.around);
            }
        }
        let standing = self.standing.borrow();
        standing.runs.front().expect("a run was begun and is never the one that goes").clone()
    }

    /// How the export stands.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// How many versions the database is behind the published graph, as far as is known.
    pub fn lag(&self) -> u64 {
        let exported = self.standing.borrow().exported.unwrap_or(0);
        self.around.reader.version().saturating_sub(exported)
    }

    /// The connections: how many there may be, are and rest.
    pub fn connections(&self) -> Status {
        self.pool.status()
    }

    /// How long runs took.
    pub fn durations(&self) -> Counted {
        self.durations.counted()
    }
}

fn begin(standing: &watch::Sender<Standing>, around: &Surroundings) -> bool {
    let begun = || Run::begun((around.clock.new_id)(), around.reader.version(), (around.clock.now)());
    standing.send_if_modified(|standing| standing.begin(begun))
}

struct Runner {
    standing: watch::Sender<Standing>,
    pool: Pool,
    durations: Arc<Durations>,
    around: Surroundings,
    plan: Plan,
    /// The graph that the database is known to hold.
    base: Option<Arc<Graph>>,
    /// In a row.
    failures: u32,
}

impl Runner {
    async fn run(mut self, mut requested: mpsc::Receiver<()>) {
        self.look().await;
        let mut wait = self.plan.interval.map(|_| Duration::ZERO);
        loop {
            let begun = tokio::select! {
                request = requested.recv() => match request {
                    Some(()) => true,
                    None => return,
                },
                () = sleep(wait) => self.is_behind().await && begin(&self.standing, &self.around),
            };
            if begun {
                self.one().await;
            }
            wait = self.plan.interval.map(|interval| self.wait(interval));
        }
    }

    /// Looks at what the database holds before anything was exported: after a restart it is mostly not behind.
    async fn look(&mut self) {
        let graph = self.around.reader.load();
        if let Ok(Some(held)) = self.held().await
            && held.directory_id == self.directory_id()
        {
            self.standing.send_modify(|standing| standing.exported = Some(held.version));
            if held == State::of(&graph, held.directory_id) {
                self.base = Some(graph);
            }
        }
    }

    /// The database is asked, too, for it may have been made anew, or written to by another server.
    async fn is_behind(&self) -> bool {
        let Some(base) = self.base.as_ref().filter(|base| base.version() == self.around.reader.version())
        else {
            return true;
        };
        let known = State::of(base, self.directory_id());
        self.failures > 0 || !matches!(self.held().await, Ok(Some(held)) if held == known)
    }

    async fn held(&self) -> Result<Option<State>, Failure> {
        let look = async |client: &mut Client| transfer::held(&*client).await;
        self.with_connection(limits::EXPORT_NOTE_TIMEOUT, look).await
    }

    fn wait(&self, interval: Duration) -> Duration {
        match self.failures.checked_sub(1) {
            None => interval,
            Some(before) => interval.min(limits::EXPORT_RETRY_FIRST * 2_u32.saturating_pow(before.min(16))),
        }
    }

    /// Carries out the run that was begun.
    async fn one(&mut self) {
        let began = (self.around.clock.monotonic)();
        let graph = self.around.reader.load();
        self.standing.send_modify(|standing| standing.update(|run| run.version = graph.version()));
        let ended = self.export(&graph).await;
        let took = (self.around.clock.monotonic)() - began;
        self.durations.observe(took);
        match ended {
            Ok(run) => {
                tracing::info!(
                    version = run.version,
                    rows = run.rows,
                    mode = run.mode.map(Mode::as_str),
                    ?took,
                    "exported"
                );
                self.failures = 0;
                self.base = Some(graph);
                self.standing.send_modify(|standing| {
                    standing.exported = Some(run.version);
                    standing.update(|current| *current = run);
                });
            }
            Err(failure) => {
                let error = failure.to_string();
                tracing::warn!(%error, "the export failed; it is tried again");
                self.failures = self.failures.saturating_add(1);
                let now = (self.around.clock.now)();
                let mut run = self.current();
                (run.state, run.rows, run.finished_at) = (RunState::Failed, 0, Some(now));
                run.error = Some(error);
                // From here on somebody else's run can be the current one.
                self.standing.send_modify(|standing| standing.update(|current| *current = run.clone()));
                self.note_failure(&run).await;
            }
        }
    }

    async fn export(&self, graph: &Graph) -> Result<Run, Failure> {
        let progress = |mode: Mode, rows: u64| {
            self.standing.send_modify(|standing| {
                standing.update(|run| (run.mode, run.rows) = (Some(mode), rows));
            });
        };
        let task = Task {
            graph,
            base: self.base.as_deref(),
            directory_id: self.directory_id(),
            timeout: self.plan.timeout,
            progress: &progress,
        };
        let finished = |done: Done| {
            let mut run = self.current();
            (run.state, run.mode, run.rows) = (RunState::Succeeded, Some(done.mode), done.rows);
            run.finished_at = Some((self.around.clock.now)());
            run
        };
        self.with_connection(self.plan.timeout, async |client| {
            transfer::export(client, &task, finished).await
        })
        .await
    }

    /// Tells the database, as far as it can be told; it may be what failed.
    async fn note_failure(&self, run: &Run) {
        let directory_id = self.directory_id();
        let note = async |client: &mut Client| transfer::note_failure(client, directory_id, run).await;
        if let Err(failure) = self.with_connection(limits::EXPORT_NOTE_TIMEOUT, note).await {
            tracing::debug!(error = %failure, "the database does not know of the failure");
        }
    }

    /// Works on a connection, which is rested only after it went well: nobody knows what one still does on which
    /// something failed or took too long.
    async fn with_connection<T>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut connection = None;
        let all = async {
            let connection: &mut Object = connection.insert(self.pool.get().await?);
            work(connection).await
        };
        let done = timeout(limit, all).await.map_err(|_| Failure::TimedOut(limit)).flatten();
        if let (Some(connection), Err(_)) = (connection, &done) {
            drop(Object::take(connection));
        }
        done
    }

    fn current(&self) -> Run {
        self.standing.borrow().runs.front().expect("a run is under way").clone()
    }

    fn directory_id(&self) -> Uuid {
        self.around.reader.directory_id()
    }
}

impl Drop for Runner {
    /// A thread that dies takes its run with it.
    fn drop(&mut self) {
        abandon(&self.standing, &self.around);
    }
}

/// Ends a run that nobody carries out any more.
fn abandon(standing: &watch::Sender<Standing>, around: &Surroundings) {
    let now = (around.clock.now)();
    standing.send_modify(|standing| {
        if standing.running().is_some() {
            standing.update(|run| {
                (run.state, run.finished_at) = (RunState::Failed, Some(now));
                run.error = Some("the export has ended; the log says why".to_owned());
            });
        }
    });
}

/// Sleeps, for ever without a duration.
async fn sleep(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}
