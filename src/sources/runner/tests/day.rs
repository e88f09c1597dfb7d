//! A day in the life of a source: calls come and go, and for hours it is down, partial, empty, or hangs.

use std::collections::BTreeMap;

use super::*;
use crate::graph::Graph;
use crate::types::{Change, Command, Outcome};
use crate::writer::{Handle, Reader};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// After which a sweep marks.
const THRESHOLD: Duration = Duration::from_hours(2);

/// What the source does at an hour.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Behaviour {
    Fine,
    Down,
    Partial,
    Empty,
    Hangs,
}

fn behaviour(at: Duration) -> Behaviour {
    match at.as_secs() / 3600 {
        3..=5 => Behaviour::Down,
        8 | 9 => Behaviour::Partial,
        12..=14 => Behaviour::Empty,
        17 => Behaviour::Hangs,
        _ => Behaviour::Fine,
    }
}

/// Dependencies, and when each is called: all that a scrape could see.
fn calls() -> Vec<((&'static str, &'static str), Vec<Duration>)> {
    let every =
        |minutes: u64| (0..24 * 60 / minutes).map(|n| Duration::from_secs(n * minutes * 60)).collect();
    let once = |hour: u64, minute: u64| vec![Duration::from_secs((hour * 60 + minute) * 60)];
    vec![
        (("web", "cart"), every(1)),
        (("web", "search"), every(13)),
        (("cart", "db"), every(45)),
        (("report", "db"), once(1, 7)),
        (("born", "late"), (0..40).map(|n| 20 * HOUR + n * MINUTE).collect()),
        (("night", "job"), once(4, 30)),
        (("early", "job"), once(0, 1)),
        (("ends", "at-noon"), (0..720).map(|n| n * MINUTE).collect()),
        (("while", "empty"), once(13, 10)),
    ]
}

/// Answers as a Prometheus would that scrapes those calls; before each answer it looks at the graph.
struct Scraped {
    begun: Instant,
    reader: Reader,
    writer: Handle,
    discovery: Arc<OnceLock<Discovery>>,
    next_sweep: Duration,
    seen: Arc<std::sync::atomic::AtomicU64>,
    ended: Option<oneshot::Sender<()>>,
}

impl Client for Scraped {
    async fn read(&mut self, window: Duration) -> Result<Reading, ClientError> {
        let at = steady() - self.begun;
        self.seen.fetch_add(1, Ordering::Relaxed);
        if at >= self.next_sweep {
            self.next_sweep = at + HOUR;
            self.sweep().await;
        }
        self.look(at);
        if at >= DAY {
            let _ = self.ended.take().map(|ended| ended.send(()));
            return std::future::pending().await;
        }
        let seen = |called: &[Duration]| called.iter().any(|call| *call <= at && *call + window > at);
        let calls = calls();
        let all: Vec<_> = calls.iter().filter(|(_, called)| seen(called)).map(|(pair, _)| *pair).collect();
        match behaviour(at) {
            Behaviour::Fine => reading(&all, false),
            Behaviour::Partial => reading(&all[..1], true),
            Behaviour::Empty => reading(&[], false),
            Behaviour::Down => down(),
            Behaviour::Hangs => std::future::pending().await,
        }
    }
}

impl Scraped {
    /// Judges staleness as the server does, off the runtime, so that its time stands still meanwhile.
    async fn sweep(&self) {
        let sweep = Sweep { stale_after: [Some(THRESHOLD.as_micros() as i64); 4], ..Sweep::default() };
        let sweep = self.discovery.get().expect("it began before it asks").hold_back(
            sweep,
            wall(),
            &self.reader.load(),
        );
        let (reply, answer) = oneshot::channel();
        let command = Command::new(clock::new_id(), wall(), Change::Sweep(sweep));
        self.writer.submit(command, Box::new(move |result| drop(reply.send(result)))).unwrap();
        let swept = spawn_blocking(move || answer.blocking_recv()).await.unwrap().unwrap().unwrap();
        assert!(matches!(swept.outcome, Outcome::Swept(_)));
    }

    /// What holds at every moment: what was reported once is there, and what is called all the time is fresh.
    fn look(&self, at: Duration) {
        let graph = self.reader.load();
        let shown = shown(&graph);
        if at > HOUR {
            assert_eq!(shown.get(&("web", "cart")), Some(&false), "{at:?}: {:?} {shown:?}", behaviour(at));
            assert_eq!(shown.get(&("web", "search")), Some(&false), "{at:?}");
            assert!(shown.contains_key(&("early", "job")), "{at:?}");
        }
    }
}

/// The dependencies of the day that are in the graph, and whether they are stale.
fn shown(graph: &Graph) -> BTreeMap<(&'static str, &'static str), bool> {
    let stale = |(from, on)| {
        let (source, target) = (graph.find(from)?, graph.find(on)?);
        Some(((from, on), graph.dependency(source, target)?.is_stale()))
    };
    calls().into_iter().filter_map(|(pair, _)| stale(pair)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_day_of_scrapes_finds_every_call_and_forgets_none() {
    let started = started();
    let handle = Arc::new(OnceLock::new());
    let (end, ended) = oneshot::channel();
    let reads = Arc::default();
    let source = Scraped {
        begun: steady(),
        reader: started.reader.clone(),
        writer: started.handle.clone(),
        discovery: Arc::clone(&handle),
        next_sweep: HOUR,
        seen: Arc::clone(&reads),
        ended: Some(end),
    };
    let mut discovery = Discovery::default();
    discovery.begin(Plan { timeout: 20 * MINUTE, ..plan() }, source, around(&started));
    assert!(handle.set(discovery.clone()).is_ok());
    ended.await.unwrap();

    let status = discovery.statuses().remove(0);
    let [complete, partial, empty, failed] = status.runs;
    assert!(complete >= 60 && partial >= 8 && empty >= 12 && failed >= 10, "{:?}", status.runs);
    assert_eq!(complete + partial + empty + failed + 1, reads.load(Ordering::Relaxed));
    let graph = started.reader.load();
    let expected = BTreeMap::from([
        (("web", "cart"), false),
        (("web", "search"), false),
        (("cart", "db"), false),
        (("report", "db"), true),
        (("born", "late"), true),
        // Called while the source was down, and while it said nothing: found when it was back.
        (("night", "job"), true),
        (("while", "empty"), true),
        (("early", "job"), true),
        (("ends", "at-noon"), true),
    ]);
    assert_eq!(shown(&graph), expected);
    assert!(graph.check().is_ok());
}
