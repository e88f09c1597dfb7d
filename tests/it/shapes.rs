//! Dependency queries over graphs of every small shape, each answer compared as a whole with the reference model.

use serde_json::json;

use crate::support::{Model, Server, attributes, dependencies, upsert};

/// Ingests these edges and compares every question about them.
fn check(pairs: &[(&str, &str)]) -> Server {
    let server = Server::start();
    server.ingest(&upsert("manual").edges(pairs.iter().copied()));
    Model::new(pairs.iter().copied()).check_all(&server, &[1, 2, 3, 10]);
    server
}

#[test]
fn two_cycle() {
    let server = check(&[("a", "b"), ("b", "a")]);
    let answer = dependencies(&server, "a", "depth=1");
    assert_eq!(answer.pairs().len(), 2, "each direction brings one edge, the union both");
    assert_eq!(dependencies(&server, "a", "depth=1&direction=downstream").pairs().len(), 1);
}

#[test]
fn longer_cycles() {
    check(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "a")]);
    check(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "x"), ("y", "a"), ("x", "z"), ("z", "x")]);
}

#[test]
fn diamond() {
    check(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"), ("a", "e")]);
}

#[test]
fn both_is_a_union_not_a_mix() {
    // A sibling shares a caller with the root, but lies in neither direction from it.
    let server = check(&[("caller", "root"), ("caller", "sibling"), ("root", "callee"), ("other", "callee")]);
    let others = dependencies(&server, "root", "depth=10").others();
    assert_eq!(others.into_iter().collect::<Vec<_>>(), ["callee", "caller"]);
}

#[test]
fn found_both_ways_takes_the_smaller_distance() {
    // x is three hops down and one hop up.
    let server = check(&[("root", "a"), ("a", "b"), ("b", "x"), ("x", "root")]);
    assert_eq!(dependencies(&server, "root", "depth=10").distances()["x"], 1);
    assert_eq!(dependencies(&server, "root", "depth=10&direction=downstream").distances()["x"], 3);
}

#[test]
fn dense_with_components_that_touch() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let mut pairs = Vec::new();
    for (row, from) in names.iter().enumerate() {
        for (column, to) in names.iter().enumerate() {
            if row != column && (row * 7 + column * 3) % 4 == 0 {
                pairs.push((*from, *to));
            }
        }
    }
    check(&pairs);
}

#[test]
fn isolated_service() {
    let server = Server::start();
    server.ingest(&upsert("manual").node("alone", json!({"team": "hermits"})).edge("a", "b"));
    for direction in ["upstream", "downstream", "both"] {
        let answer = dependencies(&server, "alone", &format!("direction={direction}&depth=10"));
        assert_eq!(answer.ids(), ["alone"]);
        assert!(answer.pairs().is_empty());
        let expected = json!({"total_nodes": 1, "total_edges": 0, "upstream_services": 0, "downstream_services": 0,
            "max_depth_reached": 0, "has_circular_dependencies": false, "truncated": false});
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(answer.statistic(name), value, "{name}");
        }
    }
}

#[test]
fn defaults_are_both_and_three() {
    let server = check(&[("u", "root"), ("root", "a"), ("a", "b"), ("b", "c"), ("c", "d")]);
    let answer = dependencies(&server, "root", "");
    assert_eq!(answer.0["direction"], "both");
    assert_eq!(answer.0["depth"], 3);
    assert_eq!(answer.0, dependencies(&server, "root", "direction=both&depth=3&view=full&format=json").0);
    assert_eq!(
        answer.0,
        dependencies(&server, "root", "direction=&depth=&view=&format=").0,
        "empty is absent"
    );
    assert!(!answer.ids().contains(&"d".to_owned()));
}

#[test]
fn the_same_question_has_the_same_bytes() {
    let server = check(&[("r", "c"), ("r", "a"), ("r", "b"), ("b", "x"), ("a", "y"), ("c", "z"), ("z", "r")]);
    let target = "/api/v1/services/r/dependencies?depth=10";
    assert_eq!(server.get(target).body, server.get(target).body);
}

/// What is found first comes first: parents in the order of the answer, so their children too.
#[test]
fn order_as_found() {
    let server =
        check(&[("r", "c"), ("r", "a"), ("r", "b"), ("b", "bb"), ("a", "aa"), ("c", "cc"), ("a", "cc")]);
    let answer = dependencies(&server, "r", "depth=10&direction=downstream");
    let (ids, pairs) = (answer.ids(), answer.pairs());
    let place = |wanted: &str| ids.iter().position(|id| id == wanted).unwrap();
    let first_parent =
        |id: &String| pairs.iter().filter(|(_, to)| to == id).map(|(from, _)| place(from)).min();
    let parents: Vec<_> = ids.iter().skip(1).map(first_parent).collect();
    assert!(parents.is_sorted(), "{ids:?}");
}

#[test]
fn external_services() {
    let server = Server::start();
    let external = json!({"service_type": "external"});
    let payload = upsert("manual").node("ext", external.clone()).node("root", external);
    server.ingest(&payload.edges([
        ("root", "ext"),
        ("ext", "behind"),
        ("root", "near"),
        ("near", "far"),
        ("up", "root"),
    ]));
    let with = dependencies(&server, "root", "depth=10&include_external=true");
    assert_eq!(with.ids().len(), 6);
    assert_eq!(with.0, dependencies(&server, "root", "depth=10").0, "shown by default");
    assert_eq!(with.node("ext")["service_type"], "external");
    let without = dependencies(&server, "root", "depth=10&include_external=false");
    assert_eq!(
        without.others().into_iter().collect::<Vec<_>>(),
        ["far", "near", "up"],
        "not shown, not followed"
    );
    assert_eq!(without.ids()[0], "root", "never the root itself");
    assert!(without.pairs().iter().all(|(from, to)| from != "ext" && to != "ext"));
    assert_eq!(*without.statistic("total_nodes"), 4);
    assert_eq!(*without.statistic("total_edges"), 3);
    assert_eq!(*without.statistic("downstream_services"), 2);
}

#[test]
fn low_confidence() {
    let server = Server::start();
    server.ingest(&upsert("manual").edges([("root", "sure"), ("up", "root")]));
    server.ingest(&upsert("kubernetes").edges([("root", "guess"), ("guess", "sure"), ("guess", "behind")]));
    let all = dependencies(&server, "root", "depth=10&min_confidence=0");
    assert_eq!(all.ids().len(), 5);
    assert_eq!(dependencies(&server, "root", "depth=10&min_confidence=0.75").ids().len(), 5);
    for bound in ["0.9", "1", "1.0"] {
        let sure = dependencies(&server, "root", &format!("depth=10&min_confidence={bound}"));
        assert_eq!(sure.others().into_iter().collect::<Vec<_>>(), ["sure", "up"], "above {bound}");
        assert_eq!(*sure.statistic("total_edges"), 2);
    }
}

#[test]
fn stale_is_a_parameter_that_hides_nothing_fresh() {
    let server = Server::start();
    // Very old when it arrives, and fresh all the same: only a sweep makes it stale.
    server.ingest(&upsert("manual").at("2001-01-01T00:00:00Z").edge("a", "b"));
    for flag in ["true", "false"] {
        let answer = dependencies(&server, "a", &format!("include_stale={flag}"));
        assert_eq!(answer.edge("a", "b")["is_stale"], false);
        assert_eq!(answer.ids(), ["a", "b"]);
    }
}

#[test]
fn ids_view_is_the_same_answer_in_small() {
    let pairs = [("r", "a"), ("a", "b"), ("b", "r"), ("u", "r"), ("a", "u")];
    let server = check(&pairs);
    for direction in ["upstream", "downstream", "both"] {
        for depth in [1, 2, 10] {
            let query = format!("direction={direction}&depth={depth}");
            let full = dependencies(&server, "r", &query);
            let ids = server.get_json(&format!("/api/v1/services/r/dependencies?{query}&view=ids"));
            assert_eq!(ids["nodes"], json!(full.ids()));
            assert_eq!(ids["statistics"], full.0["statistics"]);
            assert_eq!(ids["version"], full.0["version"]);
            let place = |id: &str| full.ids().iter().position(|known| known == id).unwrap();
            let mut expected: Vec<_> =
                full.pairs().iter().map(|(from, to)| [place(from), place(to)]).collect();
            let mut found: Vec<[usize; 2]> = serde_json::from_value(ids["edges"].clone()).unwrap();
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn truncation_keeps_edges_inside_the_answer() {
    let names: Vec<String> = (0..30).map(|index| format!("s{index:02}")).collect();
    let star = names.iter().map(|name| ("root".to_owned(), name.clone()));
    let ring = names.iter().zip(names.iter().cycle().skip(1)).map(|(from, to)| (from.clone(), to.clone()));
    let pairs: Vec<(String, String)> = star.chain(ring).collect();
    let server = Server::start();
    server.ingest(&upsert("manual").edges(pairs.iter().cloned()));
    for bound in [1, 2, 5, 30] {
        let answer =
            dependencies(&server, "root", &format!("depth=3&direction=downstream&max_nodes={bound}"));
        let ids = answer.ids();
        assert_eq!(ids.len(), bound, "the root counts");
        assert_eq!(ids[0], "root");
        assert_eq!(*answer.statistic("truncated"), true);
        assert_eq!(*answer.statistic("total_nodes"), bound);
        let inside = |pair: &&(String, String)| ids.contains(&pair.0) && ids.contains(&pair.1);
        let expected: std::collections::BTreeSet<_> = pairs.iter().filter(inside).cloned().collect();
        assert_eq!(answer.pairs(), expected, "every edge between services in the answer, and no other");
        assert_eq!(*answer.statistic("total_edges"), expected.len());
        assert_eq!(*answer.statistic("downstream_services"), bound - 1);
    }
    let whole = dependencies(&server, "root", "depth=3&direction=downstream&max_nodes=31");
    assert_eq!(*whole.statistic("truncated"), false, "just enough is not too little");
    assert_eq!(whole.ids().len(), 31);
}

#[test]
fn edges_show_what_was_observed() {
    let server = Server::start();
    let attributes = json!({"communication_mode": "async", "criticality": "soft", "protocol": "kafka", "timeout_ms": 250,
        "retry_config": {"max_retries": 7, "backoff_strategy": "linear"}});
    server.ingest(&upsert("service_mesh").edge_with("a", "b", attributes.clone()));
    server.ingest(&upsert("service_mesh").edge_with("a", "c", json!({"communication_mode": "sync"})));
    let answer = dependencies(&server, "a", "");
    let full = answer.edge("a", "b");
    for (name, value) in attributes.as_object().unwrap() {
        assert_eq!(full[name], *value, "{name}");
    }
    assert_eq!(full["discovery_source"], "service_mesh");
    assert_eq!(full["sources"], json!(["service_mesh"]));
    assert_eq!(full["last_observed_at"], "2026-02-14T10:00:00Z");
    let bare = answer.edge("a", "c");
    for name in ["protocol", "timeout_ms", "retry_config"] {
        assert_eq!(bare.get(name), Some(&json!(null)), "{name} is null, not absent");
    }
    assert_eq!(bare["criticality"], "hard", "the default");
}

#[test]
fn unknown_service_is_not_an_empty_answer() {
    let server = check(&[("a", "b")]);
    server.ingest(&upsert("manual").edge_with("a", "c", attributes("sync", "soft")));
    for id in ["missing", "A", "a%20", "a%00b"] {
        let status = server.get(&format!("/api/v1/services/{id}/dependencies")).status;
        assert!([404, 422].contains(&status), "{id}: {status}");
    }
    assert_eq!(server.get("/api/v1/services/missing/dependencies").status, 404);
}
