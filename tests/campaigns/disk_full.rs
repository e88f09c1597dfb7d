//! A disk that fills up and is freed again, over and over: reads never fail, writes are refused cleanly and
//! taken again.
//!
//! - One writer, so that after a kill and a restart exactly its acknowledged writes must be there, and none
//!   that was refused.
//! - Each write replaces the metadata of the same few services, about 100 KiB, and adds one small service of
//!   its own: the log grows, the graph hardly does.
//! - While the disk is full, the filler takes whatever the server lets go, before every write. The spare
//!   segment was taken from the disk before, so some writes still fit.
//! - Between cycles two snapshots with a write between them let the log's old segments go.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::small_disk::{self, Filler};
use crate::support::{Payload, Reply, Server, dependencies, upsert, within};
use crate::{Extent, Report};

const CYCLES: usize = 20;
const CYCLES_PER_KILL: usize = 5;
const DISK: &str = "16m";
const SETTINGS: [(&str, &str); 3] =
    [("WAL_SEGMENT_BYTES", "1048576"), ("SNAPSHOT_RETAIN", "2"), ("SNAPSHOT_INTERVAL_SECONDS", "0")];
/// Services whose metadata each write replaces, and how much of it each has.
const BULKY: usize = 7;
const BULK: usize = 15_000;
/// More writes than the whole disk holds.
const WRITES_MAX: usize = 200;
const READERS: usize = 2;
/// How soon all must be well again once there is room.
const HEALED_WITHIN: Duration = Duration::from_secs(2);
const READY: &str = "/api/v1/health/ready";
const HUB: &str = "hub";

/// From outside: makes the small disk and runs the cycles there.
pub(crate) fn run(extent: Extent) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let cycles = CYCLES * extent.factor;
    let (status, printed) = small_disk::enter(directory.path(), &[cycles.to_string()]);
    assert!(status.success(), "{status}");
    Report { cases: cycles, remark: printed.trim().to_owned() }
}

/// From inside: the mount point and the number of cycles.
pub(crate) fn inside(arguments: &[String]) {
    let (directory, cycles): (PathBuf, usize) = (PathBuf::from(&arguments[0]), arguments[1].parse().unwrap());
    small_disk::mount(&directory, DISK);
    let mut campaign = Disk::new(&directory);
    for begin in (0..cycles).step_by(CYCLES_PER_KILL) {
        campaign.cycles(CYCLES_PER_KILL.min(cycles - begin));
        campaign.server.crash_and_restart();
        campaign.check();
    }
    println!(
        "{} writes acknowledged, {} refused, {} reads, slowest healing {} ms",
        campaign.acknowledged.len(),
        campaign.refused,
        campaign.reads,
        campaign.slowest.as_millis()
    );
}

/// The server on the small disk, and what it said to each write.
struct Disk {
    server: Server,
    filler: Filler,
    next: usize,
    acknowledged: Vec<usize>,
    refused: usize,
    reads: u64,
    slowest: Duration,
}

impl Disk {
    fn new(mount: &Path) -> Self {
        let server = Server::start_in(tempfile::tempdir_in(mount).unwrap(), &SETTINGS, &[]);
        let (filler, slowest) = (Filler::new(mount), Duration::ZERO);
        let mut disk =
            Self { server, filler, next: 0, acknowledged: Vec::new(), refused: 0, reads: 0, slowest };
        disk.accepted();
        disk
    }

    /// Some cycles beside readers.
    fn cycles(&mut self, count: usize) {
        let (done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
        // The readers have a view of the server of their own: where it listens does not change between kills.
        let address = self.server.address();
        thread::scope(|scope| {
            let readers: Vec<_> =
                (0..READERS).map(|_| scope.spawn(|| read_until(&done, address, &reads))).collect();
            // Whatever goes wrong, the readers must end.
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                (0..count).for_each(|_| self.cycle());
            }));
            done.store(true, Ordering::Relaxed);
            for reader in readers {
                reader.join().expect("no read fails");
            }
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
        self.reads += reads.into_inner();
    }

    /// Fill, write until it is refused, free, write again, let the log's old segments go.
    fn cycle(&mut self) {
        let refusal = (0..WRITES_MAX).find_map(|_| {
            self.filler.fill();
            self.write().err()
        });
        check_refusal(&refusal.expect("a full disk refuses a write"));
        self.check_unready();
        let freed = Instant::now();
        self.filler.remove();
        within(HEALED_WITHIN, || self.write().ok()).expect("writes are taken again in time");
        let rest = HEALED_WITHIN.saturating_sub(freed.elapsed());
        within(rest, || (self.server.get(READY).status == 200).then_some(())).expect("ready again in time");
        self.slowest = self.slowest.max(freed.elapsed());
        for _ in 0..2 {
            let reply = self.server.request("POST", "/api/v1/admin/snapshots", &[], &[]);
            assert_eq!(reply.status, 201, "{}", reply.text());
            self.accepted();
        }
    }

    /// One write, which must be taken or refused for want of room: the refusal is the error.
    fn write(&mut self) -> Result<(), Reply> {
        let number = self.next;
        self.next += 1;
        let reply = self.server.post(&payload(number));
        match reply.status {
            202 => self.acknowledged.push(number),
            507 => self.refused += 1,
            status => panic!("write {number}: {status} {}", reply.text()),
        }
        if reply.status == 202 { Ok(()) } else { Err(reply) }
    }

    /// One write that must be taken.
    fn accepted(&mut self) {
        self.write().unwrap_or_else(|reply| panic!("there is room: {}", reply.text()));
    }

    fn check_unready(&self) {
        let unready = || Some(self.server.get(READY)).filter(|reply| reply.status == 503);
        let answer = within(HEALED_WITHIN, unready).expect("a server that cannot write is not ready").json();
        assert_eq!(answer["status"], "not_ready", "{answer}");
        assert!(answer["checks"]["database"].is_string(), "{answer}");
        assert_ne!(answer["checks"]["database"], "healthy", "{answer}");
    }

    /// Exactly the acknowledged writes are there, and the last one's content.
    fn check(&self) {
        let answer = dependencies(&self.server, HUB, "direction=downstream&depth=1&max_nodes=1000000");
        let expected = self.acknowledged.iter().map(|number| marker(*number)).collect();
        assert_eq!(answer.others(), expected, "what was acknowledged is there, what was refused is not");
        assert_eq!(self.server.version(), self.acknowledged.len() as u64, "one version for each write");
        let last = *self.acknowledged.last().unwrap();
        for index in 0..BULKY {
            let service = self.server.get_json(&format!("/api/v1/services/bulky-{index}"));
            assert_eq!(service["metadata"], bulk(last), "bulky-{index}");
        }
    }
}

/// 507 as the contract has it.
fn check_refusal(reply: &Reply) {
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem = reply.json();
    assert_eq!((&problem["status"], &problem["outcome"]), (&json!(507), &json!("not_applied")), "{problem}");
    assert_eq!(problem["title"], "Insufficient Storage", "{problem}");
    let seconds: u64 = reply.header("retry-after").expect("Retry-After").parse().unwrap();
    assert!(seconds >= 1, "a time to wait");
    assert_eq!(problem["retry_after_seconds"], seconds, "{problem}");
}

/// Reads until told to stop; any failure is one of the campaign's.
fn read_until(done: &AtomicBool, address: std::net::SocketAddr, reads: &AtomicU64) {
    let mut connection = crate::support::Connection::open(address).unwrap();
    let targets =
        ["/api/v1/services/hub/dependencies?depth=1&view=ids", "/api/v1/services?limit=5", "/api/v1/health"];
    for target in targets.into_iter().cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
        let reply = connection.exchange("GET", target, &[], &[]).unwrap();
        assert_eq!(reply.status, 200, "{target}: {}", reply.text());
        reads.fetch_add(1, Ordering::Relaxed);
        // The machine's cores are for the writes, too.
        let _ = within(Duration::from_millis(1), || None::<()>);
    }
}

fn payload(number: usize) -> Payload {
    let bulky = |payload: Payload, index| payload.node(&format!("bulky-{index}"), bulk(number));
    (0..BULKY).fold(upsert("manual"), bulky).edge(HUB, &marker(number))
}

fn bulk(number: usize) -> Value {
    json!({"number": number, "text": "x".repeat(BULK)})
}

fn marker(number: usize) -> String {
    format!("marker-{number:06}")
}
