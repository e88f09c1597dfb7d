//! The two servers as child processes: ours, and the floor.
//!
//! - Both listen on a free port and end with the value that stands for them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use watershed::clock;

use super::client::Connection;
use super::requests;

const START_PATIENCE: Duration = Duration::from_mins(10);

/// Bytes of memory that a process takes.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// The most since it was last forgotten.
    pub(crate) peak: u64,
}

/// A server that is running.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts the real binary on a data directory and waits until it is ready. Its log goes to a file
    /// beside the directory.
    pub(crate) async fn watershed(
        data_dir: &Path,
        workers: usize,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let log = data_dir.with_extension("log");
        // Only a log line of level info tells which port a 0 became, and not every run writes those.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let child = Command::new(env!("CARGO_BIN_EXE_watershed"))
            .args(["serve", "--api-host", "127.0.0.1", "--log-format", "json"])
            .args(["--api-port", &address.port().to_string(), "--api-workers", &workers.to_string()])
            .arg("--data-dir")
            .arg(data_dir)
            // Limits would be measured, not the server; who wants them sets them.
            .envs(["INGESTION", "QUERY", "DEFAULT"].map(|class| (format!("RATE_LIMIT_{class}"), "0")))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot start watershed")?;
        let mut server = Self { child, address };
        let begun = clock::monotonic();
        while !server.is_ready().await {
            if let Some(status) = server.child.try_wait()? {
                bail!("watershed ended at its start: {status}: {}", std::fs::read_to_string(&log)?);
            }
            ensure!(begun.elapsed() < START_PATIENCE, "watershed is not ready after {START_PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(server)
    }

    /// Starts the floor with a body of so many bytes.
    pub(crate) fn floor(body_bytes: usize, workers: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--floor", &body_bytes.to_string(), "--workers", &workers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the floor")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the floor has an output")?).read_line(&mut line)?;
        let port: u16 = line.trim().parse().with_context(|| format!("the floor's port: {line:?}"))?;
        Ok(Self { child, address: (Ipv4Addr::LOCALHOST, port).into() })
    }

    /// What it takes of memory.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            number.with_context(|| format!("{name} of the process"))
        };
        Ok(Memory { resident: kibibytes("VmRSS:")? * 1024, peak: kibibytes("VmHWM:")? * 1024 })
    }

    /// Takes what it takes now as the most that it ever took.
    pub(crate) fn forget_peak(&self) -> Result<()> {
        const PEAK: &str = "5";
        std::fs::write(format!("/proc/{}/clear_refs", self.id()), PEAK).context("cannot forget the peak")
    }

    /// How many files it has open.
    pub(crate) fn open_files(&self) -> Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.id()))?.count())
    }

    /// Its process, for a profiler.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else { return false };
        let reply = connection.exchange(&requests::get("/api/v1/health/ready")).await;
        reply.is_ok_and(|reply| reply.status == 200)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
