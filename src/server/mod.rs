//! The server: from checked settings to a process that answers until it is told to stop.
//!
//! ```text
//! listen ─▶ snapshot + log ─▶ load the sample ─▶ live … SIGTERM ─▶ drain ─▶ seal ─▶ snapshot ─▶ exit 0
//! ```
//!
//! - It listens from the first moment, so that probes can tell a replay from a dead process.
//! - Runs until a signal ends it; what it returns decides the exit code.

mod discovery;
mod export;
mod key_use;
mod sweeps;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, oneshot};
use tokio::task::spawn_blocking;

use crate::clock;
use crate::config::{Config, WalDurability};
use crate::http::{self, App, HttpSettings, Live, Tls};
use crate::ingest::{parse_json, upsert};
use crate::keys::{self, KeySet, ReadError, Store};
use crate::samples::Sample;
use crate::sources::runner::Discovery;
use crate::storage::{Fs, LockError};
use crate::traces::Traces;
use crate::types::{Change, Command, Sweep, Timestamp};
use crate::wal::{Birth, Options};
use crate::writer::{self, Durability, Settings, StartError, Started, Stopper};

/// Why the server did not run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data directory is damaged: which file, where, and the command that mends it.
    #[error("{0}")]
    Damaged(String),
    /// The settings do not go together with what the data directory holds.
    #[error("{0}")]
    Usage(String),
    /// Another process holds the data directory.
    #[error("{0}")]
    Locked(String),
    /// Anything else.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl From<ReadError> for ServeError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { .. } => Self::Damaged(error.to_string()),
            ReadError::Io { .. } => Self::Failed(error.into()),
        }
    }
}

impl From<StartError> for ServeError {
    fn from(error: StartError) -> Self {
        match &error {
            StartError::Lock { source: LockError::Held { .. }, .. } => Self::Locked(error.to_string()),
            _ if error.is_damage() => Self::Damaged(error.to_string()),
            _ => Self::Failed(error.into()),
        }
    }
}

/// Serves until the process is told to stop.
pub fn run(config: Config, sample: Option<&'static Sample>) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.api_workers)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(serve(config, sample));
    // A start that a signal interrupts is as harmless as one that a power cut does, and need not be waited for.
    runtime.shutdown_background();
    result
}

async fn serve(config: Config, sample: Option<&'static Sample>) -> Result<(), ServeError> {
    let tls = tls(&config)?;
    let app = Arc::new(App::new(http_settings(&config, tls.clone()), &keys_so_far(&config)?));
    if app.is_open() && !config.api_host.to_canonical().is_loopback() {
        return Err(ServeError::Usage(format!(
            "API_HOST is {}; expected a loopback address, such as 127.0.0.1: without API keys the server listens on \
             loopback only (set ADMIN_API_KEY, or make one: watershed api-keys create --data-dir {})",
            config.api_host,
            config.data_dir.display()
        )));
    }
    let address = SocketAddr::new(config.api_host, config.api_port);
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr().context("cannot read the listening address")?;
    let terminated = terminated().context("cannot watch for signals")?;
    app.keep_up();
    let traces = traces(&config)?;
    tokio::spawn(reload_on_hangup(hangup().context("cannot watch for signals")?, tls));
    let front = http::serve(Arc::clone(&app), listener, terminated, config.shutdown_grace);
    let mut front = tokio::spawn(front);
    tracing::info!(%address, data_dir = %config.data_dir.display(), "listening");
    let (stopper, keys) = tokio::select! {
        opened = open(&config, sample) => {
            let (live, stopper, directory_created_at) = opened?;
            tracing::info!(version = live.reader.load().version(), "ready");
            if let Some(interval) = config.sweep_interval {
                let (reader, writer, discovery) = (live.reader.clone(), live.writer.clone(), live.discovery.clone());
                let sweep = sweep(&config);
                tokio::spawn(sweeps::run(reader, writer, discovery, sweep, interval, directory_created_at));
            }
            let store = Arc::clone(&live.keys);
            let keys = store.lock().await;
            app.go_live(live, keys.keys());
            drop(keys);
            tokio::spawn(key_use::write_down(Arc::clone(&app), Arc::clone(&store)));
            (stopper, store)
        }
        // Told to stop while replaying: there is nothing to seal.
        ended = &mut front => {
            ended.context("the front door broke down")?;
            return Ok(());
        }
    };
    let cut_off = front.await.context("the front door broke down")?;
    tracing::info!(cut_off, "drained");
    key_use::write_down_now(&app, keys).await;
    let stopped = spawn_blocking(|| stopper.stop()).await.context("the writer could not be stopped")?;
    if let Some(traces) = traces {
        spawn_blocking(|| traces.finish()).await.context("the last traces could not be sent")?;
    }
    if stopped { Ok(()) } else { Err(anyhow!("the writer died; its panic is in the log").into()) }
}

/// Traces, where the settings name a collector.
fn traces(config: &Config) -> Result<Option<Traces>, ServeError> {
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
    let traces = Traces::start(endpoint, config.trace_sample_rate).context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    Ok(Some(traces))
}

/// The certificate and its key, where the settings name them.
fn tls(config: &Config) -> Result<Option<Arc<Tls>>, ServeError> {
    let Some((chain, key)) = &config.tls_files else { return Ok(None) };
    let tls = Tls::load(chain, key).map_err(|error| ServeError::Usage(error.to_string()))?;
    Ok(Some(Arc::new(tls)))
}

fn hangup() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reads the certificate again whenever the process is told to; without one there is nothing to read, and the signal
/// must not end the process.
async fn reload_on_hangup(mut hangup: Signal, tls: Option<Arc<Tls>>) {
    while hangup.recv().await.is_some() {
        match tls.as_deref().map(Tls::reload) {
            Some(Ok(())) => tracing::info!("the certificate was read again; new connections are shown it"),
            Some(Err(error)) => {
                tracing::error!(%error, "the certificate was not read again; the old one stays");
            }
            None => tracing::info!("SIGHUP: there is no certificate to read again"),
        }
    }
}

/// The keys of the data directory as long as it is not locked: who may ask has to be known before the log is
/// replayed. Nothing is made where there is no directory.
fn keys_so_far(config: &Config) -> Result<KeySet, ServeError> {
    if !config.data_dir.is_dir() {
        return Ok(KeySet::default());
    }
    let storage = Fs::at(&config.data_dir).context("cannot open the data directory")?;
    Ok(keys::read(&storage)?)
}

fn http_settings(config: &Config, tls: Option<Arc<Tls>>) -> HttpSettings {
    HttpSettings {
        workers: config.api_workers,
        admin_api_key: config.admin_api_key.clone(),
        rate_limits: config.rate_limits,
        redis_url: config.redis_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        metrics_require_key: config.metrics_require_key,
        cors_origins: config.cors_origins.clone(),
        tls,
        max_body_bytes: config.max_body_bytes,
        request_timeout: config.request_timeout,
        header_timeout: config.header_timeout,
        max_connections: config.max_connections,
        sweep: sweep(config),
    }
}

fn sweep(config: &Config) -> Sweep {
    let microseconds = |duration: Duration| duration.as_micros() as i64;
    Sweep {
        stale_after: config.stale_after.map(|threshold| threshold.map(microseconds)),
        purge_after: config.purge_stale_after.map(microseconds),
        audit_retain: config.audit_retain.map(microseconds),
    }
}

/// Resolves when the process is asked to end.
fn terminated() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Replays the log and loads the sample into an empty graph.
async fn open(
    config: &Config,
    sample: Option<&'static Sample>,
) -> Result<(Live, Stopper, Timestamp), ServeError> {
    let (data_dir, settings) = (config.data_dir.clone(), writer_settings(config));
    let started =
        spawn_blocking(move || start_writer(data_dir, settings)).await.context("the replay broke down")??;
    let Started { reader, handle, snapshots, recovery, stopper } = started;
    for bad in &recovery.bad_snapshots {
        tracing::error!(
            snapshot = bad,
            "a snapshot does not hold; the one before it and the log stand in for it"
        );
    }
    let from_snapshot = recovery.snapshot.as_ref().map(|entry| entry.version);
    let recovered = recovery.log;
    tracing::info!(version = recovered.last_version, frames = recovered.frames, from_snapshot, "replayed");
    if let Some(torn) = &recovered.torn {
        tracing::warn!(?torn, "the log ended in a write that was never acknowledged; it was cut");
    }
    // The directory is locked by now: what its keys are cannot change behind our back any more.
    let keys = Fs::at(&config.data_dir).context("cannot open the data directory")?;
    let keys = Arc::new(Mutex::new(Store::open(keys)?));
    let mut live =
        Live { reader, writer: handle, snapshots, keys, discovery: Discovery::default(), exports: None };
    match sample {
        Some(sample) if recovered.last_version == 0 => load(&live, sample).await?,
        Some(sample) => {
            tracing::info!(sample = sample.name, "the data directory holds a graph already; it is kept");
        }
        None => {}
    }
    live.discovery = discovery::begin(&config.discovery, &live)?;
    live.exports =
        config.export.as_ref().map(|settings| export::begin(settings, &live.reader)).transpose()?;
    Ok((live, stopper, recovered.created_at))
}

fn writer_settings(config: &Config) -> Settings {
    Settings {
        log: Options { segment_bytes: config.wal_segment_bytes },
        durability: match config.wal_durability {
            WalDurability::Sync => Durability::Sync,
            WalDurability::Async => Durability::Async,
        },
        snapshot_interval: config.snapshot_interval,
        snapshots_retained: config.snapshot_retain,
        clock: clock::for_writer(),
    }
}

fn start_writer(data_dir: PathBuf, settings: Settings) -> Result<Started, ServeError> {
    let doing = format!("cannot use the data directory {}", data_dir.display());
    let storage = Fs::at(data_dir).context(doing)?;
    let birth = Birth { directory_id: clock::new_id(), salt: clock::random_u64(), at: clock::now() };
    Ok(writer::start(&storage, &birth, settings)?)
}

/// Writes a sample as any source would, observed now: a sample is never stale from the start.
async fn load(live: &Live, sample: &Sample) -> anyhow::Result<()> {
    let at = clock::now();
    let document = parse_json(sample.json).context("the sample is not JSON")?;
    let mut upsert = upsert(&document, at).context("the sample is not valid")?.upsert;
    upsert.observed_at = at;
    let command = Command::new(clock::new_id(), at, Change::Upsert(upsert)).by("sample");
    let (reply, answer) = oneshot::channel();
    // The receiver below outlives the reply.
    live.writer.submit(command, Box::new(move |result| drop(reply.send(result))))?;
    answer.await.context("the writer died")??;
    tracing::info!(sample = sample.name, "sample loaded");
    Ok(())
}
