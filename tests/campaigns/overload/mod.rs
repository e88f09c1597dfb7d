//! Overload: what slow, greedy and hostile clients do to the others, and to the memory.
//!
//! - Client and server are two processes. Throughout each attack somebody asks for health, and somebody works: health
//!   has to answer within 100 ms in 99 of 100 cases, and the worker has to get its answers, at most twice (for
//!   expensive queries three times) as late as alone, or within a floor that leaves room for a machine that others use.
//! - Every attack ends with a look at how its connections were ended, and at the server's memory.

mod bodies;
mod crowd;
mod http2;
mod queries;
mod watch;

use std::time::Duration;

use crate::support::{Server, upsert};
use crate::{Extent, Report};
use watch::{Watch, pause};

/// What the worker is allowed in any case.
const FLOOR: Duration = Duration::from_millis(50);
/// What health is allowed.
const HEALTH: Duration = Duration::from_millis(100);

/// Runs every attack on one server.
pub(crate) fn run(extent: Extent) -> Report {
    let settings =
        [("HEADER_TIMEOUT_SECONDS", "2"), ("REQUEST_TIMEOUT_SECONDS", "3"), ("MAX_CONNECTIONS", "3000")];
    let server = Server::start_with(&settings, &[]);
    fill(&server);
    let alone = Watch::over(&server, || pause(Duration::from_secs(2))).worker;
    let attacks: [(&str, Attack); 9] = [
        ("idle connections", crowd::idle),
        ("slow heads", crowd::slow_heads),
        ("slow bodies", crowd::slow_bodies),
        ("slow readers", crowd::slow_readers),
        ("large bodies", bodies::large),
        ("hostile documents", bodies::hostile),
        ("HTTP/2 floods", http2::floods),
        ("expensive queries", queries::expensive),
        ("idle again", crowd::idle),
    ];
    let (mut cases, mut said) = (0, Vec::new());
    for (name, attack) in attacks {
        let mut done = 0;
        let watch = Watch::over(&server, || done = attack(&server, extent.factor));
        let (patience, floor) = if name == "expensive queries" { (3, 2 * FLOOR) } else { (2, FLOOR) };
        assert!(watch.health < HEALTH, "{name}: health took {:?} (99 of 100)", watch.health);
        let allowed = (alone * patience).max(floor);
        assert!(watch.worker <= allowed, "{name}: the worker waited {:?}, alone {alone:?}", watch.worker);
        assert_eq!(server.get("/api/v1/health/ready").status, 200, "{name}");
        cases += done;
        said.push(format!(
            "{name}: health {:.1} ms, worker {:.1} ms",
            millis(watch.health),
            millis(watch.worker)
        ));
    }
    Report { cases, remark: format!("worker alone {:.1} ms; {}", millis(alone), said.join("; ")) }
}

/// Does its worst; how many connections or requests that were. Panics when the server let it.
type Attack = fn(&Server, usize) -> usize;

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A hub with thirty thousand callers, each a caller of the next, so that answers are long and paths many.
fn fill(server: &Server) {
    const CALLERS: u32 = 30_000;
    let name = |number: u32| format!("caller-{number:05}");
    for first in (0..CALLERS).step_by(5_000) {
        let numbers = first..first + 5_000;
        let to_hub = numbers.clone().map(|number| (name(number), "hub".to_owned()));
        let to_next = numbers.map(|number| (name(number), name((number + 1) % CALLERS)));
        server.ingest(&upsert("manual").edges(to_hub.chain(to_next)));
    }
    server.ingest(&upsert("manual").edge("small", "leaf"));
}
