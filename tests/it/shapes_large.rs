//! Deep and wide: a chain longer than any question, and a service with a hundred thousand callers.

use std::fmt::Write as _;

use crate::support::{Page, Payload, Server, dependencies, upsert};

const CHAIN: usize = 10_000;
const CALLERS: usize = 100_000;

#[test]
fn chain_from_the_middle() {
    let server = Server::start();
    let name = |index: usize| format!("link-{index:05}");
    let links: Vec<usize> = (0..CHAIN).collect();
    for batch in links.chunks(1_000) {
        server.ingest(&upsert("manual").edges(batch.iter().map(|index| (name(*index), name(index + 1)))));
    }
    let middle = CHAIN / 2;
    let answer = dependencies(&server, &name(middle), "depth=10");
    let expected: Vec<String> =
        (middle - 10..=middle + 10).filter(|index| *index != middle).map(name).collect();
    assert_eq!(answer.others().into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(answer.pairs().len(), 20);
    for (figure, value) in [("upstream_services", 10), ("downstream_services", 10), ("max_depth_reached", 10)]
    {
        assert_eq!(*answer.statistic(figure), value, "{figure}");
    }
    assert_eq!(*answer.statistic("has_circular_dependencies"), false);
    let near_end = dependencies(&server, &name(CHAIN - 3), "depth=10&direction=downstream");
    assert_eq!(*near_end.statistic("max_depth_reached"), 3, "how far it got, not how far it might have");
}

/// A body written by hand: a hundred thousand JSON values are slow to build in an unoptimised test.
fn report(edges: impl Iterator<Item = (String, String)>) -> Payload {
    let mut body = String::from(r#"{"source":"kubernetes","timestamp":"2026-02-14T10:00:00Z","edges":["#);
    for (source, target) in edges {
        let comma = if body.ends_with('[') { "" } else { "," };
        write!(
            body,
            r#"{comma}{{"source":"{source}","target":"{target}","attributes":{{"communication_mode":"sync"}}}}"#
        )
        .unwrap();
    }
    body.push_str("]}");
    assert!(body.len() < 10 * 1024 * 1024);
    Payload::from_value(serde_json::from_str(&body).unwrap())
}

#[test]
fn a_hundred_thousand_callers() {
    let server = Server::start();
    for begin in (0..CALLERS).step_by(50_000) {
        let calls = (begin..begin + 50_000).map(|index| (format!("caller-{index:06}"), "hub".to_owned()));
        assert_eq!(server.ingest(&report(calls))["edges_upserted"], 50_000);
    }
    let compact = "/api/v1/services/hub/dependencies?direction=upstream&depth=1&view=ids";
    let all = server.get_json(&format!("{compact}&max_nodes=200000"));
    assert_eq!(all["nodes"].as_array().unwrap().len(), CALLERS + 1);
    assert_eq!(all["edges"].as_array().unwrap().len(), CALLERS);
    assert_eq!(all["statistics"]["upstream_services"], CALLERS);
    assert_eq!(all["statistics"]["truncated"], false);

    let full = dependencies(&server, "hub", "direction=upstream&depth=1&max_nodes=200000");
    assert_eq!(full.ids().len(), CALLERS + 1);
    assert_eq!(full.pairs().len(), CALLERS);

    let bounded = dependencies(&server, "hub", "direction=upstream&depth=1");
    assert_eq!(bounded.ids().len(), 10_000);
    assert_eq!(bounded.pairs().len(), 9_999);
    assert_eq!(*bounded.statistic("truncated"), true);

    assert_eq!(server.get_json("/api/v1/services/hub")["direct_callers"], CALLERS);
    assert_eq!(Page::read(&server, "q=caller-099&limit=100").ids.len(), 100);
}

/// The cycle check of one report must not cost a search for each of its dependencies.
#[test]
fn a_hundred_thousand_in_a_row_in_one_report() {
    let server = Server::start();
    let name = |index: usize| format!("n{index:06}");
    let row = report((0..100_000).map(|index| (name(index), name(index + 1))));
    let answer = server.ingest(&row);
    assert_eq!(
        (&answer["edges_upserted"], &answer["circular_dependencies_detected"]),
        (&100_000.into(), &serde_json::json!([]))
    );
    let closed = server.ingest(&upsert("manual").edge(&name(100_000), &name(0)));
    let path = closed["circular_dependencies_detected"][0]["cycle_path"].as_array().unwrap();
    assert_eq!((path.len(), &path[0], &path[100_001]), (100_002, &name(0).into(), &name(0).into()));
}
