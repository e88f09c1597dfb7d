//! Runs of simulated sources against a real writer, in virtual time.

mod day;
mod schedule;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tokio::time::{Sleep, sleep};
use uuid::Uuid;

use super::RunOutcome::{Complete, Empty, Failed, Partial};
use super::*;
use crate::clock;
use crate::sources::clients::{Client, ClientError, Reading};
use crate::sources::{Found, Name, Uses};
use crate::storage::Sim;
use crate::types::Timestamp;
use crate::wal::{Birth, Options};
use crate::writer::{Durability, Settings, Started, start};

const MINUTE: Duration = Duration::from_mins(1);

/// A writer over a simulated disk.
fn started() -> Started {
    let settings = Settings {
        log: Options { segment_bytes: 1 << 20 },
        durability: Durability::Sync,
        snapshot_interval: Duration::ZERO,
        snapshots_retained: 2,
        clock: clock::for_writer(),
    };
    let birth = Birth { directory_id: Uuid::from_u128(7), salt: 11, at: wall() };
    start(&Sim::new(1), &birth, settings).unwrap()
}

/// The runtime's time, which tests turn.
fn steady() -> Instant {
    let now: Sleep = sleep(Duration::ZERO);
    now.deadline().into_std()
}

/// The wall clock that goes with it: midnight is when it was first looked at.
fn wall() -> Timestamp {
    let begun = *BEGUN.get_or_init(steady);
    midnight().plus_microseconds(steady().saturating_duration_since(begun).as_micros() as i64)
}

static BEGUN: OnceLock<Instant> = OnceLock::new();

fn midnight() -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap()
}

fn around(started: &Started) -> Surroundings {
    Surroundings {
        reader: started.reader.clone(),
        writer: started.handle.clone(),
        clock: Clock { now: wall, monotonic: steady, new_id: clock::new_id },
        // The first run that nobody asks for is as far away as can be.
        random: || u64::MAX,
    }
}

fn plan() -> Plan {
    Plan {
        source: DiscoverySource::OtelServiceGraph,
        naming: Naming::default(),
        interval: 15 * MINUTE,
        timeout: MINUTE,
    }
}

/// Answers from a list, and the last one for ever.
struct Listed(Vec<Result<Reading, ClientError>>);

impl Client for Listed {
    async fn read(&mut self, _: Duration) -> Result<Reading, ClientError> {
        if self.0.len() > 1 { self.0.remove(0) } else { self.0[0].clone() }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in lists beside failures")]
fn reading(dependencies: &[(&str, &str)], is_partial: bool) -> Result<Reading, ClientError> {
    let mut found = Found::default();
    for (from, on) in dependencies {
        found.service(&Name::bare(*from));
        found.depends(&Name::bare(*from), &Name::bare(*on), Uses::sync());
    }
    Ok(Reading { found, is_partial })
}

fn down() -> Result<Reading, ClientError> {
    Err(ClientError::new("no answer"))
}

async fn outcomes(
    answers: Vec<Result<Reading, ClientError>>,
    runs: usize,
) -> (Vec<Arc<Run>>, Discovery, Started) {
    let started = started();
    let mut discovery = Discovery::default();
    discovery.begin(plan(), Listed(answers), around(&started));
    let mut ended = Vec::new();
    for _ in 0..runs {
        ended.push(discovery.run_now(DiscoverySource::OtelServiceGraph).await.unwrap());
    }
    (ended, discovery, started)
}

#[tokio::test(start_paused = true)]
async fn a_run_says_what_it_did() {
    let answers = vec![
        reading(&[("a", "b"), ("b", "c"), ("a", "a")], false),
        reading(&[], false),
        reading(&[("a", "d")], true),
        down(),
    ];
    let (runs, discovery, started) = outcomes(answers, 4).await;
    let seen: Vec<_> =
        runs.iter().map(|run| (run.outcome, run.services, run.dependencies, run.version)).collect();
    let expected =
        [(Complete, 2, 2, Some(1)), (Empty, 0, 0, None), (Partial, 1, 1, Some(2)), (Failed, 0, 0, None)];
    assert_eq!(seen, expected);
    assert_eq!(runs[0].left_out["self-loops"], 1);
    assert_eq!(discovery.statuses()[0].runs, [1; 4]);
    assert_eq!(runs[3].error.as_deref(), Some("no answer"));
    let graph = started.reader.load();
    assert_eq!((graph.counts().services, graph.counts().dependencies), (4, 3), "nothing is ever taken back");
    assert!(graph.find("d").is_some());
}

const SWEEP: Sweep =
    Sweep { stale_after: [Some(7_200_000_000); 4], purge_after: Some(1), audit_retain: Some(1) };

/// The sweep without a word on the source of these tests.
fn held() -> Sweep {
    let mut held = SWEEP;
    held.stale_after[DiscoverySource::OtelServiceGraph as usize] = None;
    held
}

#[tokio::test(start_paused = true)]
async fn only_a_complete_run_lets_a_sweep_judge() {
    let complete = reading(&[("a", "b")], false);
    let cases = [
        (complete.clone(), SWEEP),
        (reading(&[("a", "b")], true), Sweep { purge_after: None, ..held() }),
        (reading(&[], false), Sweep { purge_after: None, ..held() }),
        (down(), Sweep { purge_after: None, ..held() }),
    ];
    for (answer, expected) in cases {
        let (runs, discovery, started) = outcomes(vec![complete.clone(), answer], 2).await;
        let sweep = discovery.hold_back(SWEEP, wall(), &started.reader.load());
        assert_eq!(sweep, expected, "{:?}", runs[1].outcome);
    }
    let started = started();
    let graph = started.reader.load();
    assert_eq!(Discovery::default().hold_back(SWEEP, wall(), &graph), SWEEP);
    let mut discovery = Discovery::default();
    discovery.begin(plan(), Listed(vec![down()]), around(&started));
    assert_eq!(
        discovery.hold_back(SWEEP, wall(), &graph),
        held(),
        "not asked yet, and nothing of it to purge"
    );
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_reported_does_not_grow_old() {
    struct Switched(Arc<AtomicBool>);
    impl Client for Switched {
        async fn read(&mut self, _: Duration) -> Result<Reading, ClientError> {
            if self.0.load(Ordering::SeqCst) { down() } else { reading(&[("a", "b")], false) }
        }
    }
    let (started, is_down) = (started(), Arc::new(AtomicBool::new(false)));
    let source = DiscoverySource::OtelServiceGraph;
    let begin = || {
        let mut discovery = Discovery::default();
        discovery.begin(plan(), Switched(Arc::clone(&is_down)), around(&started));
        discovery
    };
    let threshold = |discovery: &Discovery| {
        let sweep = discovery.hold_back(SWEEP, wall(), &started.reader.load());
        sweep.stale_after[source as usize].map(|age| age / 3_600_000_000)
    };
    let discovery = begin();
    discovery.run_now(source).await.unwrap();
    assert_eq!(threshold(&discovery), Some(2));
    is_down.store(true, Ordering::SeqCst);
    sleep(60 * 5 * MINUTE).await;
    assert_eq!(threshold(&discovery), None);
    is_down.store(false, Ordering::SeqCst);
    sleep(MINUTE).await;
    discovery.run_now(source).await.unwrap();
    assert_eq!(threshold(&discovery), Some(7), "two hours, and the five of the outage");
    // While a commit is waited for, time goes on to what else is waited for: not as far as an outage.
    for _ in 0..18 {
        sleep(10 * MINUTE).await;
        discovery.run_now(source).await.unwrap();
    }
    assert_eq!(threshold(&discovery), Some(2));
    drop(discovery);
    // The server sleeps, too.
    sleep(60 * 3 * MINUTE).await;
    let discovery = begin();
    assert_eq!(threshold(&discovery), None);
    discovery.run_now(source).await.unwrap();
    assert_eq!(threshold(&discovery), Some(5));
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_are_answered_by_one_run() {
    let (started, source) = (started(), DiscoverySource::OtelServiceGraph);
    let mut discovery = Discovery::default();
    discovery.begin(plan(), Listed(vec![reading(&[("a", "b")], false)]), around(&started));
    let asked: Vec<_> = (0..5)
        .map(|_| {
            let discovery = discovery.clone();
            tokio::spawn(async move { discovery.run_now(source).await })
        })
        .collect();
    for answer in asked {
        assert_eq!(answer.await.unwrap().unwrap().outcome, Complete);
    }
    assert_eq!(discovery.statuses()[0].runs, [1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_name_keeps_the_id_that_the_graph_has_for_it() {
    let in_namespace = |namespace: &str| {
        let mut found = Found::default();
        found.service(&Name::of(namespace, "web")).say("kind", "Deployment");
        found.depends(&Name::of(namespace, "web"), &Name::bare("db"), Uses::sync());
        Ok(Reading { found, is_partial: false })
    };
    let (_, _, started) =
        outcomes(vec![in_namespace("prod"), in_namespace("staging"), in_namespace("prod")], 3).await;
    let graph = started.reader.load();
    let has = |id: &str| graph.find(id).is_some();
    assert!(has("web") && has("staging/web") && !has("prod/web"));
}

#[tokio::test(start_paused = true)]
async fn ten_failures_open_the_circuit_for_those_who_ask_too() {
    let mut answers = vec![down(); 10];
    answers.push(reading(&[("a", "b")], false));
    let started = started();
    let mut discovery = Discovery::default();
    discovery.begin(plan(), Listed(answers), around(&started));
    let source = DiscoverySource::OtelServiceGraph;
    let mut failures = 0;
    let refused = loop {
        match discovery.run_now(source).await {
            Ok(run) => assert_eq!(run.outcome, Failed),
            Err(refused) => break refused,
        }
        failures += 1;
        assert!(failures <= 10);
    };
    assert!(matches!(refused, RunRefused::CircuitOpen { seconds: 1..=31 }), "{refused:?}");
    assert!(matches!(discovery.statuses()[0].circuit, Circuit::Open(_)));
    sleep(Duration::from_secs(31)).await;
    assert_eq!(discovery.run_now(source).await.unwrap().outcome, Complete);
    assert_eq!(discovery.statuses()[0].circuit, Circuit::Closed);
    assert_eq!(discovery.run_now(DiscoverySource::Kubernetes).await, Err(RunRefused::NotSetUp));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_is_given_up_and_a_writer_that_is_gone_is_no_panic() {
    struct Hangs;
    impl Client for Hangs {
        async fn read(&mut self, _: Duration) -> Result<Reading, ClientError> {
            std::future::pending().await
        }
    }
    let writer = started();
    let mut discovery = Discovery::default();
    discovery.begin(plan(), Hangs, around(&writer));
    let run = discovery.run_now(DiscoverySource::OtelServiceGraph).await.unwrap();
    assert_eq!(run.error.as_deref(), Some("it was not read within 60 s"));
    let stopped = started();
    let mut discovery = Discovery::default();
    let surroundings = around(&stopped);
    assert!(stopped.stopper.stop());
    discovery.begin(plan(), Listed(vec![reading(&[("a", "b")], false)]), surroundings);
    let run = discovery.run_now(DiscoverySource::OtelServiceGraph).await.unwrap();
    let error = run.error.clone().unwrap();
    assert!(run.outcome == Failed && error.starts_with("it was read, but not written: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_large_report_goes_in_several_commands() {
    let names: Vec<String> = (0..12_000).map(|n| format!("s{n}")).collect();
    let pairs: Vec<(&str, &str)> = names.windows(2).map(|pair| (&*pair[0], &*pair[1])).collect();
    let (runs, _, started) = outcomes(vec![reading(&pairs, false)], 1).await;
    assert_eq!(runs[0].dependencies, 11_999);
    let graph = started.reader.load();
    assert_eq!((graph.counts().services, graph.counts().dependencies), (12_000, 11_999));
    assert!(graph.check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_source_tells_of_is_read_at_once() {
    struct Tells(Option<oneshot::Receiver<()>>);
    impl Client for Tells {
        async fn read(&mut self, _: Duration) -> Result<Reading, ClientError> {
            reading(&[("a", "b")], false)
        }
        async fn changed(&mut self) {
            match &mut self.0 {
                Some(change) => drop(change.await),
                None => std::future::pending().await,
            }
            self.0 = None;
        }
    }
    let started = started();
    let (change, changed) = oneshot::channel();
    let mut discovery = Discovery::default();
    discovery.begin(plan(), Tells(Some(changed)), around(&started));
    change.send(()).unwrap();
    while discovery.statuses()[0].last_run.is_none() {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(discovery.statuses()[0].last_run.as_ref().unwrap().trigger, Trigger::Change);
}
