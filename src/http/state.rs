//! What all requests of a server share.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam::queue::ArrayQueue;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

use super::auth::Auth;
use super::kept::Kept;
use super::limit::Limiter;
use super::metrics::Metrics;
use super::problem::Problem;
use super::tls::Tls;
use crate::config::{Network, Origins, Secret};
use crate::export::Exports;
use crate::keys::{KeySet, Store};
use crate::limits;
use crate::query::Scratch;
use crate::sources::runner::Discovery;
use crate::storage::Fs;
use crate::types::{Sweep, Timestamp};
use crate::writer::{Handle, Reader, Snapshots};

/// The bounds that the operator sets.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Threads that answer requests.
    pub workers: usize,
    /// A key that is accepted as admin.
    pub admin_api_key: Option<Secret>,
    /// Requests a minute by `LimitClass`; `None` is unlimited.
    pub rate_limits: [Option<NonZeroU32>; 3],
    /// Where several servers share the limits.
    pub redis_url: Option<Secret>,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    /// Pages of which origins may read answers.
    pub cors_origins: Origins,
    /// The certificate, where there is TLS.
    pub tls: Option<Arc<Tls>>,
    /// Whether metrics need a key.
    pub metrics_require_key: bool,
    /// A request body, in bytes.
    pub max_body_bytes: usize,
    /// From the head of a request to the end of its body.
    pub request_timeout: Duration,
    /// From the first byte of a request to the end of its head.
    pub header_timeout: Duration,
    /// Connections at once.
    pub max_connections: usize,
    /// By what staleness is judged.
    pub sweep: Sweep,
}

/// The graph's two ends, there once the log is replayed.
pub struct Live {
    /// The published graph.
    pub reader: Reader,
    /// The way to the writer.
    pub writer: Handle,
    /// The way to the snapshots.
    pub snapshots: Snapshots,
    /// The keys on disk.
    pub keys: Arc<Mutex<Store<Fs>>>,
    /// The sources that are asked.
    pub discovery: Discovery,
    /// The export, where there is a database.
    pub exports: Option<Exports>,
}

/// The state behind all requests.
pub struct App {
    pub(super) settings: HttpSettings,
    pub(super) scratches: Arc<ScratchPool>,
    /// For queries that take long.
    pub(super) queries: Lane,
    /// For bodies that take long to check.
    pub(super) bodies: Lane,
    /// KiB of bodies, from the first byte read to the reply.
    pub(super) body_room: Arc<Semaphore>,
    /// Snapshots that are being downloaded.
    pub(super) downloads: Arc<Semaphore>,
    /// Imports that are under way.
    pub(super) imports: Arc<Semaphore>,
    pub(super) metrics: Metrics,
    pub(super) kept: Arc<Kept>,
    pub(super) auth: Auth,
    pub(super) limiter: Limiter,
    live: OnceLock<Live>,
    draining: AtomicBool,
}

impl App {
    /// A server that is not ready yet, and knows these keys.
    pub fn new(settings: HttpSettings, keys: &KeySet) -> Self {
        Self {
            auth: Auth::new(settings.admin_api_key.as_ref(), keys, settings.workers),
            limiter: Limiter::new(settings.rate_limits, settings.redis_url.as_ref()),
            scratches: Arc::new(ScratchPool(ArrayQueue::new(64))),
            // More at once than there are cores would only make all of them, and everybody else, slower.
            queries: Lane::new(settings.workers.min(limits::QUERY_HEAVY_CONCURRENT_MAX)),
            bodies: Lane::new(limits::BODY_CONCURRENT_MAX),
            body_room: Arc::new(Semaphore::new(limits::BODIES_KIB_MAX.max(settings.max_body_bytes / 512))),
            downloads: Arc::new(Semaphore::new(limits::DOWNLOADS_CONCURRENT_MAX)),
            imports: Arc::new(Semaphore::new(limits::IMPORTS_CONCURRENT_MAX)),
            metrics: Metrics::new(),
            kept: Arc::default(),
            live: OnceLock::new(),
            draining: AtomicBool::new(false),
            settings,
        }
    }

    /// Whether everybody may do everything, as nobody has a key.
    pub fn is_open(&self) -> bool {
        self.auth.is_open()
    }

    /// Takes care of what the front door needs from others, for as long as the runtime lives.
    pub fn keep_up(&self) {
        if let Some(work) = self.limiter.keep_up() {
            tokio::spawn(work);
        }
    }

    /// When a key was last used since the start.
    pub fn last_used(&self, key: Uuid) -> Option<Timestamp> {
        self.auth.last_used(key)
    }

    /// Opens for queries and writes. Once. `keys` are those that are on disk now that it is ours.
    pub fn go_live(&self, live: Live, keys: &KeySet) {
        self.auth.replace(keys);
        assert!(self.live.set(live).is_ok(), "a server goes live once");
    }

    /// Turns readiness off for good.
    pub fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The graph's ends, or a 503 while the log is replayed.
    pub(super) fn live(&self) -> Result<&Live, Problem> {
        self.live.get().ok_or_else(|| Problem::unavailable("the server is replaying its log; try again", 1))
    }

    /// The version of the published graph, once there is one.
    pub(super) fn version(&self) -> Option<u64> {
        self.live.get().map(|live| live.reader.version())
    }

    pub(super) fn live_if_ready(&self) -> Option<&Live> {
        self.live.get()
    }
}

/// A way off the async threads for a bounded number of jobs at a time.
pub(super) struct Lane(Arc<Semaphore>);

impl Lane {
    fn new(jobs: usize) -> Self {
        Self(Arc::new(Semaphore::new(jobs)))
    }

    /// Runs long work. It keeps its turn to its end, even where the request that wanted it is gone.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = timeout(limits::LANE_WAIT, Arc::clone(&self.0).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Problem::unavailable("too many expensive requests are under way; try again", 1));
        };
        let work = move || {
            let result = work();
            drop(turn);
            result
        };
        spawn_blocking(work).await.map_err(|_| Problem::internal())
    }
}

/// Traversal tables that are not in use.
pub(super) struct ScratchPool(ArrayQueue<Scratch>);

impl ScratchPool {
    pub(super) fn take(&self) -> Scratch {
        self.0.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, scratch: Scratch) {
        // A full pool means that more were in use at once than are worth keeping.
        drop(self.0.push(scratch));
    }
}
