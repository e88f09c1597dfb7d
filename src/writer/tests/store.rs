//! A data directory driven call by call in one thread, and a ledger of what its clients and readers know.
//!
//! - Each command brings one service that tells its number, so a graph tells which commands it holds.
//! - The digest of the live graph is noted at every version: whatever a start makes of a snapshot and a log has
//!   to have the same.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::channel;

use super::*;
use crate::graph::Digest;
use crate::storage::{Fault, Storage};
use crate::wal::Options;
use crate::writer::core::Core;
use crate::writer::keeper::Keeper;
use crate::writer::open::{Recovery, open};
use crate::writer::published::Published;
use crate::writer::testing::clock;

/// Segments that are full after a few commits.
pub(super) const SMALL: Options = Options { segment_bytes: 4096 + 1024 };

/// A running store without threads.
pub(super) struct Store {
    pub(super) core: Core<Sim>,
    pub(super) keeper: Keeper<Sim>,
    pub(super) published: Arc<Published>,
    pub(super) recovery: Recovery,
    _lock: <Sim as Storage>::Lock,
}

impl Store {
    pub(super) fn open(sim: &Sim, durability: Durability) -> Result<Self, StartError> {
        let birth = Birth { directory_id: Uuid::from_u128(7), salt: 11, at: at() };
        let opened = open(sim, &birth, SMALL)?;
        let published = Arc::new(Published::new(opened.graph, opened.recovery.log.directory_id));
        let core = Core::new(Arc::clone(&published), opened.log, durability, clock().monotonic);
        let (retain, segment_bytes) = (2, SMALL.segment_bytes);
        let keeper = Keeper::new(opened.kept, Arc::clone(&published), retain, segment_bytes, clock());
        keeper.tidy();
        Ok(Self { core, keeper, published, recovery: opened.recovery, _lock: opened.lock })
    }

    /// Commits commands together; what each came to.
    pub(super) fn write(&mut self, commands: &[Command]) -> Vec<Answer> {
        let (sender, answers) = channel();
        let mut staged = self.core.stage();
        for command in commands {
            let sender = sender.clone();
            staged.add(command, Box::new(move |result| sender.send(result).unwrap()));
        }
        self.core.commit(staged);
        answers.try_iter().collect()
    }

    /// Seals the log and takes the last snapshot, as a server that is told to stop does.
    pub(super) fn stop(mut self) {
        let _ = self.core.seal();
        if self.keeper.has_news() {
            let _ = self.keeper.create();
        }
    }
}

/// What is known outside of the store.
pub(super) struct Ledger {
    pub(super) durability: Durability,
    /// Numbers of the acknowledged commands, in order.
    pub(super) acknowledged: Vec<u64>,
    /// How many of them were said to be durable.
    pub(super) durable: usize,
    /// Those of the last commit, whose outcome nobody knows.
    pub(super) unknown: Vec<u64>,
    tried: u64,
    /// The highest version that a reader saw.
    seen: u64,
    /// The digest of the live graph at each version.
    digests: Rc<RefCell<Vec<Digest>>>,
    /// Snapshots that do not hold may be found.
    pub(super) snapshots_are_damaged: bool,
}

impl Ledger {
    pub(super) fn new(durability: Durability) -> Self {
        let digests = Rc::new(RefCell::new(vec![crate::graph::Graph::default().digest()]));
        Self {
            durability,
            acknowledged: Vec::new(),
            durable: 0,
            unknown: Vec::new(),
            tried: 0,
            seen: 0,
            digests,
            snapshots_are_damaged: false,
        }
    }

    /// Opens the store and holds it against what is known. `Ok(None)` when the disk did not let it.
    pub(super) fn open(&mut self, sim: &Sim) -> Result<Option<Store>, String> {
        match Store::open(sim, self.durability) {
            Ok(store) => self.check(&store).map(|()| Some(store)),
            Err(refused) if refused.is_damage() => Err(format!("a sound directory was refused: {refused}")),
            Err(_) => Ok(None),
        }
    }

    /// Commits so many new commands together; false when no more can be written.
    pub(super) fn write(&mut self, store: &mut Store, count: u64) -> bool {
        let numbers: Vec<u64> = (self.tried + 1..=self.tried + count).collect();
        self.tried += count;
        let commands: Vec<Command> = numbers.iter().map(|number| command(*number)).collect();
        let answers = store.write(&commands);
        for (number, answer) in numbers.iter().zip(&answers) {
            match answer {
                Ok(committed) => {
                    self.acknowledged.push(*number);
                    if committed.durable {
                        self.durable = self.acknowledged.len();
                    }
                }
                Err(WriteError::OutcomeUnknown) => self.unknown.push(*number),
                Err(_) => {}
            }
        }
        self.look(store);
        self.note_digest(store);
        store.published.health() != Health::Failed
    }

    /// What a reader sees now.
    fn look(&mut self, store: &Store) {
        self.seen = self.seen.max(store.published.load().version());
    }

    /// Notes what the live graph comes to. Commands of one commit are noted at its end.
    fn note_digest(&self, store: &Store) {
        let graph = store.published.load();
        let mut digests = self.digests.borrow_mut();
        digests.resize(graph.version() as usize, Digest::default());
        digests.push(graph.digest());
    }

    fn check(&mut self, store: &Store) -> Result<(), String> {
        let graph = store.published.load();
        let found: Vec<u64> =
            (1..=self.tried).filter(|number| graph.find(&format!("n-{number}")).is_some()).collect();
        let expected = [self.acknowledged.as_slice(), &self.unknown].concat();
        let is_beginning = expected.starts_with(&found);
        let is_whole = found.len() <= self.acknowledged.len() || found == expected;
        let must_be_seen = if self.durability == Durability::Sync { self.seen } else { 0 };
        if !is_beginning || !is_whole || found.len() < self.durable || graph.version() < must_be_seen {
            return Err(format!(
                "found {found:?} at version {}, acknowledged {:?}, durable {}, unknown {:?}, seen {}",
                graph.version(),
                self.acknowledged,
                self.durable,
                self.unknown,
                self.seen
            ));
        }
        if graph.version() != found.len() as u64 {
            return Err(format!("version {} of {} commands", graph.version(), found.len()));
        }
        self.check_digest(&graph)?;
        // A disk that does not answer once is no damage: an older snapshot stands in.
        let is_damage = |bad: &String| !bad.contains("os error") && !bad.contains("the power is cut");
        if store.recovery.bad_snapshots.iter().any(is_damage) && !self.snapshots_are_damaged {
            return Err(format!("a snapshot does not hold: {:?}", store.recovery.bad_snapshots));
        }
        self.digests.borrow_mut().truncate(found.len() + 1);
        self.durable = found.len();
        self.seen = graph.version();
        self.acknowledged = found;
        self.unknown.clear();
        Ok(())
    }

    /// digest(snapshot + log) = digest(live) where it is known, and = digest(log from the start) in any case.
    fn check_digest(&self, graph: &crate::graph::Graph) -> Result<(), String> {
        let live = self.digests.borrow().get(graph.version() as usize).copied();
        let live = live.filter(|digest| *digest != Digest::default());
        if live.is_some_and(|live| live != graph.digest()) {
            return Err(format!("version {} has another digest than when it was live", graph.version()));
        }
        graph.check().map_err(|violation| violation.to_string())
    }
}

/// The command of this number: a service of its own, and dependencies that make and break cycles.
pub(super) fn command(number: u64) -> Command {
    let node = NodeReport { service_id: id(&format!("n-{number}")), metadata: None };
    let hub = |number: u64| id(&format!("hub-{}", number % 5));
    let edges = if number % 5 == number * 3 % 5 {
        vec![]
    } else {
        let attributes = Attributes::hard_sync();
        vec![EdgeReport { source: hub(number), target: hub(number * 3), attributes }]
    };
    Command { id: Uuid::from_u128(u128::from(number)), ..upsert(vec![node], edges) }
}

/// Makes a call that is to come fail.
pub(super) fn next_fails(sim: &Sim, calls_later: u64, fault: Fault) {
    sim.fail_at(sim.operations() + calls_later, fault);
}
