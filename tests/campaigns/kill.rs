//! kill -9 of the server at full write rate, over and over; what was acknowledged is there, what was not sent
//! is not.
//!
//! - Eight clients in another process write and log what they saw acknowledged (`load`).
//! - After each kill the server starts on the same directory, sometimes after being killed again while it
//!   starts, and every write is read back through the API, content and all. Beyond its acknowledgements a
//!   client may have one more write: the one under way.
//! - Each write is one version: the version after the restart is the number of writes found, so none is there
//!   twice.
//! - Every few rounds a fresh directory, so that reading everything back stays quick.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::chance::Chance;
use crate::load::{self, Load};
use crate::support::disk::{entries, segments};
use crate::support::{Connection, Server, dependencies, within};
use crate::{Extent, Report};

const CLIENTS: usize = 8;
const ROUNDS_PER_DIRECTORY: usize = 10;
/// The longest a round writes before the kill, in milliseconds.
const WRITING_MAX: u64 = 400;
/// The longest a start lasts that is killed, in milliseconds.
const STARTING_MAX: u64 = 30;

/// One of the ways to run it.
struct Plan {
    name: &'static str,
    /// Kills while clients write; those during a start come on top.
    kills: usize,
    settings: &'static [(&'static str, &'static str)],
    /// Whether answers say that the write is on the disk.
    durable: bool,
    /// Whether segments rotate and snapshots let them go meanwhile.
    rotates: bool,
}

/// With the default settings.
pub(crate) fn plain(extent: Extent) -> Report {
    let plan = Plan { name: "kill", kills: 75, settings: &[], durable: true, rotates: false };
    plan.run(extent)
}

/// With segments of 64 KiB and a snapshot each second and on request: rotation and retention under the kills.
pub(crate) fn rotation(extent: Extent) -> Report {
    let settings =
        &[("SNAPSHOT_INTERVAL_SECONDS", "1"), ("SNAPSHOT_RETAIN", "2"), ("WAL_SEGMENT_BYTES", "65536")];
    Plan { name: "kill-rotation", kills: 75, settings, durable: true, rotates: true }.run(extent)
}

/// With `WAL_DURABILITY=async`: the page cache survives the process, so nothing is lost either.
pub(crate) fn asynchronous(extent: Extent) -> Report {
    let settings = &[("WAL_DURABILITY", "async"), ("WAL_SEGMENT_BYTES", "65536"), ("SNAPSHOT_RETAIN", "2")];
    Plan { name: "kill-async", kills: 60, settings, durable: false, rotates: true }.run(extent)
}

/// What a run counts.
#[derive(Default)]
struct Tally {
    kills: usize,
    kills_at_start: usize,
    acknowledged: usize,
    /// Writes that survived without their acknowledgement.
    unacknowledged: usize,
    snapshots: usize,
}

impl Plan {
    fn run(&self, extent: Extent) -> Report {
        let mut chance = Chance::new(extent.seed, self.name);
        let mut tally = Tally::default();
        while tally.kills - tally.kills_at_start < self.kills * extent.factor {
            let scratch = tempfile::tempdir().unwrap();
            let mut directory = Directory::new(Server::start_with(self.settings, &[]));
            for _ in 0..ROUNDS_PER_DIRECTORY {
                directory.round(self, scratch.path(), &mut chance, &mut tally);
            }
            if self.rotates {
                directory.check_rotation();
            }
        }
        let Tally { kills, kills_at_start, acknowledged, unacknowledged, snapshots } = tally;
        let remark = format!(
            "{kills_at_start} of them during a start, {acknowledged} writes acknowledged, {unacknowledged} \
             survived unacknowledged, {snapshots} snapshots asked for"
        );
        Report { cases: kills, remark }
    }
}

/// A data directory, and what is known of it.
struct Directory {
    server: Server,
    /// For each client the number of its next write; all before it are there.
    next: [usize; CLIENTS],
    /// Every version that was reported.
    versions: HashSet<u64>,
    /// The segment that the log began with.
    first_segment: PathBuf,
}

impl Directory {
    fn new(server: Server) -> Self {
        let first_segment = segments(&server.data()).into_iter().next().unwrap_or_default();
        Self { server, next: [0; CLIENTS], versions: HashSet::new(), first_segment }
    }

    /// Load, kill, restart, comparison.
    fn round(&mut self, plan: &Plan, scratch: &Path, chance: &mut Chance, tally: &mut Tally) {
        let mut load = Load::start(self.server.address(), &scratch.join("acknowledged"), &self.next);
        let address = self.server.address();
        let snapshots = thread::scope(|scope| {
            let snapshots = plan.rotates.then(|| scope.spawn(move || snapshot_until_it_dies(address)));
            let ended = load.ended_within(chance.up_to(WRITING_MAX));
            self.server.kill();
            assert!(ended.is_none(), "the clients ended before the crash: {ended:?}");
            snapshots.map_or(0, |thread| thread.join().unwrap())
        });
        let acknowledged = load.finish();
        tally.snapshots += snapshots;
        tally.kills += 1;
        tally.acknowledged += acknowledged.len();
        let mut least = self.next;
        for write in acknowledged {
            assert_eq!(write.number, least[write.client], "client {}: answers in order", write.client);
            assert_eq!(write.durable, plan.durable, "the answer says what the setting means");
            assert!(self.versions.insert(write.version), "version {} was given twice", write.version);
            least[write.client] += 1;
        }
        while chance.one_in(3) {
            self.server.start_and_kill(chance.up_to(STARTING_MAX));
            tally.kills += 1;
            tally.kills_at_start += 1;
        }
        self.server.start_again();
        tally.unacknowledged += self.check(least);
    }

    /// Reads every write back; how many are there beyond `least`, those acknowledged.
    fn check(&mut self, least: [usize; CLIENTS]) -> usize {
        for (client, least) in least.into_iter().enumerate() {
            let found = found(&self.server, client);
            let range = least..=least + 1;
            assert!(range.contains(&found), "client {client}: {found} writes there, {least} acknowledged");
            self.next[client] = found;
        }
        let version = self.server.version();
        let written = self.next.iter().sum::<usize>();
        assert_eq!(version, written as u64, "one version for each write, none lost, none made up");
        let reported = self.versions.iter().max().copied().unwrap_or_default();
        assert!(reported <= version, "version {reported} was acknowledged, {version} is there");
        written - least.iter().sum::<usize>()
    }

    /// The kills came while segments and snapshots came and went, not beside that.
    fn check_rotation(&self) {
        let data = self.server.data();
        assert!(!segments(&data).is_empty() && !self.first_segment.exists(), "the first segment went");
        assert!(!entries(&data.join("snapshots")).is_empty(), "snapshots were made");
    }
}

/// Asks for snapshots for as long as the server answers; how many it made.
fn snapshot_until_it_dies(address: SocketAddr) -> usize {
    let mut made = 0;
    let Ok(mut connection) = Connection::open(address) else { return made };
    while let Ok(reply) = connection.exchange("POST", "/api/v1/admin/snapshots", &[], &[]) {
        assert_eq!(reply.status, 201, "{}", reply.text());
        made += 1;
        // A pause, so that the writers are not only seen beside a snapshot.
        let _ = within(Duration::from_millis(20), || None::<()>);
    }
    made
}

/// The number of a client's writes, which must be its first ones, each with its content and nothing beside.
fn found(server: &Server, client: usize) -> usize {
    let name = load::name(client);
    if server.get(&format!("/api/v1/services/{name}")).status == 404 {
        return 0;
    }
    let answer = dependencies(server, &name, "direction=downstream&depth=1&max_nodes=1000000");
    assert_eq!(answer.statistic("truncated"), false);
    let [nodes, edges] = ["nodes", "edges"].map(|list| answer.0[list].as_array().unwrap());
    assert_eq!(nodes.len(), edges.len() + 1, "the client's own service, and one for each write");
    let mut numbers = vec![false; edges.len()];
    for node in nodes.iter().filter(|node| node["service_id"] != name.as_str()) {
        let id = node["service_id"].as_str().unwrap();
        let number =
            node["metadata"]["number"].as_u64().unwrap_or_else(|| panic!("a phantom: {node}")) as usize;
        assert_eq!(id, load::target(client, number));
        assert_eq!(node["metadata"], load::metadata(client, number), "{id}");
        let seen = numbers.get_mut(number).unwrap_or_else(|| panic!("{id} is there, one before it is not"));
        assert!(!std::mem::replace(seen, true), "{id} is there twice");
    }
    for edge in edges {
        let target = edge["target"].as_str().unwrap();
        let number = edge["timeout_ms"].as_u64().unwrap() as usize - 1;
        assert_eq!((target, load::timeout(number)), (load::target(client, number).as_str(), number + 1));
    }
    edges.len()
}
