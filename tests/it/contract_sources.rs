//! Sources side by side: replacement, withdrawal, fall-back to the next best, and no dependence on order.

use serde_json::{Value, json};

use crate::support::{
    Page, Payload, Server, all_pairs, dependencies, dependency_path, pairs, replace, service, upsert,
};

/// The sources, highest priority first, with the base of their confidence.
const SOURCES: [(&str, f64); 4] =
    [("manual", 1.0), ("service_mesh", 0.95), ("otel_service_graph", 0.85), ("kubernetes", 0.75)];

/// The addend of an observation that was made once.
fn once() -> f64 {
    0.02 * 2_f64.ln()
}

/// Attributes that tell who reported them.
fn by(source: &str) -> Value {
    json!({"communication_mode": "sync", "protocol": source})
}

fn a_to_b(server: &Server) -> Value {
    dependencies(server, "a", "direction=downstream&depth=1").edge("a", "b")
}

/// The edge a → b as this source reports it, at its own second.
fn observed(index: usize) -> Payload {
    let source = SOURCES[index].0;
    upsert(source).at(&format!("2026-02-14T10:00:0{index}Z")).edge_with("a", "b", by(source))
}

/// Fails unless the edge shows the observation of the first of these sources, made once.
fn assert_shown(server: &Server, left: &[usize], what: &str) {
    let shown = a_to_b(server);
    let (source, base) = SOURCES[left[0]];
    let sources: Vec<_> = left.iter().map(|index| SOURCES[*index].0).collect();
    assert_eq!(shown["discovery_source"], source, "{what}");
    assert_eq!(shown["protocol"], source, "{what}");
    assert_eq!(shown["sources"], json!(sources), "{what}");
    assert_eq!(shown["last_observed_at"], format!("2026-02-14T10:00:0{}Z", left[0]), "{what}");
    let expected = (base + once()).min(1.0);
    let confidence = shown["confidence_score"].as_f64().unwrap();
    assert!((confidence - expected).abs() < 1e-4, "{what}: {confidence}, not {expected}");
}

type Edge = (&'static str, &'static str);

/// What is observed before, who replaces with what, what is left, how many edges are gone.
struct Replacement {
    name: &'static str,
    before: &'static [(&'static str, Edge)],
    source: &'static str,
    named: &'static [Edge],
    left: &'static [Edge],
    removed: u64,
}

const REPLACEMENTS: [Replacement; 8] = [
    Replacement {
        name: "what is not named goes",
        before: &[("kubernetes", ("a", "b")), ("kubernetes", ("a", "c")), ("kubernetes", ("c", "d"))],
        source: "kubernetes",
        named: &[("a", "b"), ("a", "e")],
        left: &[("a", "b"), ("a", "e")],
        removed: 2,
    },
    Replacement {
        name: "edges of others are untouched",
        before: &[("kubernetes", ("a", "b")), ("manual", ("a", "c")), ("service_mesh", ("c", "b"))],
        source: "kubernetes",
        named: &[],
        left: &[("a", "c"), ("c", "b")],
        removed: 1,
    },
    Replacement {
        name: "an edge that another sees too stays",
        before: &[("kubernetes", ("a", "b")), ("manual", ("a", "b"))],
        source: "manual",
        named: &[],
        left: &[("a", "b")],
        removed: 0,
    },
    Replacement {
        name: "named again is kept",
        before: &[("kubernetes", ("a", "b"))],
        source: "kubernetes",
        named: &[("a", "b")],
        left: &[("a", "b")],
        removed: 0,
    },
    Replacement {
        name: "a source without edges",
        before: &[("kubernetes", ("a", "b"))],
        source: "manual",
        named: &[],
        left: &[("a", "b")],
        removed: 0,
    },
    Replacement {
        name: "an empty one withdraws all",
        before: &[("kubernetes", ("a", "b")), ("kubernetes", ("b", "c")), ("kubernetes", ("c", "a"))],
        source: "kubernetes",
        named: &[],
        left: &[],
        removed: 3,
    },
    Replacement {
        name: "turned round",
        before: &[("kubernetes", ("a", "b"))],
        source: "kubernetes",
        named: &[("b", "a")],
        left: &[("b", "a")],
        removed: 1,
    },
    Replacement {
        name: "one of two directions",
        before: &[("kubernetes", ("a", "b")), ("kubernetes", ("b", "a"))],
        source: "kubernetes",
        named: &[("a", "b")],
        left: &[("a", "b")],
        removed: 1,
    },
];

#[test]
fn replacements() {
    for case in REPLACEMENTS {
        let server = Server::start();
        for (source, (from, to)) in case.before {
            server.ingest(&upsert(source).edge(from, to));
        }
        let mut known = Page::all(&server, "");
        let (version, gone) = (server.version(), case.removed);
        let report = server.ingest(&replace(case.source).edges(case.named.iter().copied()));
        assert_eq!(report["edges_removed"], gone, "{}: {report}", case.name);
        assert_eq!(report["edges_received"], case.named.len(), "{}", case.name);
        assert_eq!(all_pairs(&server), pairs(case.left.iter().copied()), "{}", case.name);
        known.extend(case.named.iter().flat_map(|(from, to)| [(*from).to_owned(), (*to).to_owned()]));
        known.sort();
        known.dedup();
        assert_eq!(Page::all(&server, ""), known, "{}: no service goes", case.name);
        assert!(server.version() <= version + 1, "{}: one command at most", case.name);
    }
}

#[test]
fn a_replacement_survives_a_crash() {
    let mut server = Server::start();
    server.ingest(&upsert("kubernetes").edges([("a", "b"), ("a", "c")]));
    server.ingest(&replace("kubernetes").edge("a", "c"));
    server.crash_and_restart();
    assert_eq!(all_pairs(&server), pairs([("a", "c")]));
}

#[test]
fn metadata_is_no_matter_of_a_replacement() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").node("a", json!({"team": "k"})).edge("a", "b"));
    server.ingest(&replace("kubernetes"));
    let shown = service(&server, "a");
    assert_eq!(shown["metadata"], json!({"team": "k"}));
    assert_eq!(shown["discovered"], false);
    assert_eq!(shown["direct_dependencies"], 0);
}

#[test]
fn a_refused_replacement_withdraws_nothing() {
    let server = Server::start();
    server.ingest(&upsert("manual").edges([("a", "b"), ("b", "c")]));
    let cases = [
        (replace("manual").edges([("a", "x"), ("y", "y")]), "edges[1].target"),
        (replace("manual").edge_with("a", "x", json!({})), "edges[0].attributes.communication_mode"),
        (replace("manual").at("2999-01-01T00:00:00Z"), "timestamp"),
        (replace("nobody"), "source"),
    ];
    for (payload, field) in cases {
        server.post(&payload).assert_problem(&[422], field, field);
        assert_eq!(all_pairs(&server), pairs([("a", "b"), ("b", "c")]), "{field}");
    }
    assert_eq!(server.version(), 1);
}

/// One way to withdraw what a source reported.
type Withdrawal = fn(&Server, &str);

#[test]
fn the_next_best_is_shown_when_the_best_is_withdrawn() {
    let by_delete = |server: &Server, source: &str| {
        server.deleted(&format!("{}?source={source}", dependency_path("a", "b")));
    };
    let by_replacement = |server: &Server, source: &str| {
        server.ingest(&replace(source));
    };
    let ways: [(&str, Withdrawal); 2] = [("DELETE", by_delete), ("replacement", by_replacement)];
    for (way, withdraw) in ways {
        let server = Server::start();
        for index in [2, 0, 3, 1] {
            server.ingest(&observed(index));
        }
        for (best, (source, _)) in SOURCES.iter().enumerate() {
            let left: Vec<usize> = (best..4).collect();
            assert_shown(&server, &left, way);
            let version = server.version();
            withdraw(&server, source);
            assert_eq!(server.version(), version + 1, "{way}");
        }
        assert_eq!(all_pairs(&server), pairs([]), "{way}: the last observation takes the edge along");
        assert_eq!(server.delete(&dependency_path("a", "b")).status, 404, "{way}");
    }
}

#[test]
fn a_lesser_observation_goes_unseen() {
    let server = Server::start();
    for index in 0..4 {
        server.ingest(&observed(index));
    }
    for (source, left) in [(2, vec![0, 1, 3]), (3, vec![0, 1]), (1, vec![0])] {
        server.deleted(&format!("{}?source={}", dependency_path("a", "b"), SOURCES[source].0));
        assert_shown(&server, &left, SOURCES[source].0);
    }
}

#[test]
fn a_withdrawn_observation_leaves_no_trace() {
    let server = Server::start();
    for index in [0, 3, 3, 3] {
        server.ingest(&observed(index));
    }
    server.deleted(&format!("{}?source=kubernetes", dependency_path("a", "b")));
    let older = observed(3).at("2020-01-01T00:00:00Z");
    let report = server.ingest(&older);
    assert_eq!(report["conflicts_resolved"].as_array().unwrap().len(), 1, "{report}");
    server.deleted(&format!("{}?source=manual", dependency_path("a", "b")));
    let shown = a_to_b(&server);
    assert_eq!(shown["last_observed_at"], "2020-01-01T00:00:00Z", "no older than nothing");
    let confidence = shown["confidence_score"].as_f64().unwrap();
    assert!((confidence - 0.75 - once()).abs() < 1e-4, "{confidence}: counted from one again");
}

#[test]
fn a_whole_edge_goes_with_all_its_observations() {
    for query in ["", "?source="] {
        let mut server = Server::start();
        for index in [0, 1, 3] {
            server.ingest(&observed(index));
        }
        server.ingest(&upsert("manual").edges([("b", "a"), ("a", "c")]));
        server.deleted(&format!("{}{query}", dependency_path("a", "b")));
        assert_eq!(all_pairs(&server), pairs([("b", "a"), ("a", "c")]), "{query:?}");
        assert_eq!(Page::all(&server, ""), ["a", "b", "c"], "{query:?}: the services stay");
        server.crash_and_restart();
        assert_eq!(all_pairs(&server), pairs([("b", "a"), ("a", "c")]), "{query:?}: after a crash");
        server.ingest(&observed(3));
        assert_shown(&server, &[3], "from scratch");
    }
}

#[test]
fn withdrawals_that_must_be_refused() {
    let server = Server::start();
    server.ingest(&upsert("manual").edges([("a", "b"), ("a", "c/d")]));
    let cases: [(&str, u16, &str); 12] = [
        ("missing/dependencies/b", 404, ""),
        ("a/dependencies/missing", 404, ""),
        ("b/dependencies/a", 404, ""),
        ("a/dependencies/a", 404, ""),
        ("b/dependencies/c%2Fd?source=manual", 404, ""),
        ("a/dependencies/c/d", 404, ""),
        ("a/dependencies/b?source=kubernetes", 404, ""),
        ("a/dependencies/b?source=nobody", 422, "source"),
        ("a/dependencies/b?source=Manual", 422, "source"),
        ("a/dependencies/b?source=manual,kubernetes", 422, "source"),
        ("missing/dependencies/b?source=nobody", 422, "source"),
        ("a/dependencies/%ff", 400, ""),
    ];
    for (path, status, field) in cases {
        server.delete(&format!("/api/v1/services/{path}")).assert_problem(&[status], field, path);
    }
    assert_eq!(all_pairs(&server), pairs([("a", "b"), ("a", "c/d")]));
    assert_eq!(server.version(), 1);
    server.deleted(&dependency_path("a", "c/d"));
}

/// Every order of four things.
fn orders() -> Vec<[usize; 4]> {
    let all = (0..256).map(|n: usize| [n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6]);
    all.filter(|order| (0..4).all(|index| order.contains(&index))).collect()
}

/// What each source reports, about services whose names begin with `mark`.
fn by_all_sources(mark: &str) -> [Payload; 4] {
    let id = |name: &str| format!("{mark}{name}");
    let [mut manual, mut mesh, mut otel, mut kubernetes] = [0, 1, 2, 3].map(|index| {
        let source = SOURCES[index].0;
        let at = format!("2026-02-14T10:00:0{}Z", 9 - index);
        upsert(source).at(&at).edge_with(&id("a"), &id("b"), by(source))
    });
    manual = manual.node(&id("a"), json!({"team": "manual", "x": {"m": 1}}));
    mesh = mesh.edge_with(&id("b"), &id("c"), json!({"communication_mode": "async", "timeout_ms": 5}));
    otel = otel.edge(&id("b"), &id("c")).edge(&id("c"), &id("a")).node(&id("c"), json!({}));
    kubernetes = kubernetes.node(&id("a"), json!({"team": "kubernetes", "x": {"k": 1}, "tier": 2}));
    [manual, mesh, otel, kubernetes.edge(&id("c"), &id("a"))]
}

/// Two sources, each at two times.
fn at_two_times(mark: &str) -> [Payload; 4] {
    [("manual", 1), ("manual", 2), ("kubernetes", 1), ("kubernetes", 2)].map(|(source, second)| {
        let attributes = by(&format!("{source}-{second}"));
        let upsert = upsert(source).at(&format!("2026-02-14T10:00:0{second}Z"));
        upsert.edge_with(&format!("{mark}a"), &format!("{mark}b"), attributes)
    })
}

/// All that is known of the services whose names begin with `mark`, without the mark and what is given at creation.
fn known(server: &Server, mark: &str) -> Value {
    let of = |id: &String| {
        let mut shown = service(server, id);
        for given in ["id", "created_at", "updated_at"] {
            shown.as_object_mut().unwrap().remove(given).unwrap();
        }
        let answer = dependencies(server, id, "direction=downstream&depth=1");
        let edges: Vec<_> = answer.pairs().iter().map(|(from, to)| answer.edge(from, to)).collect();
        json!([shown, edges])
    };
    let all: Vec<_> = Page::all(server, &format!("q={mark}")).iter().map(of).collect();
    serde_json::from_str(&json!(all).to_string().replace(mark, "")).unwrap()
}

#[test]
fn order_does_not_matter() {
    type Given = fn(&str) -> [Payload; 4];
    let cases: [(&str, Given); 2] =
        [("sources and metadata", by_all_sources), ("times within a source", at_two_times)];
    assert_eq!(orders().len(), 24);
    for (name, given) in cases {
        let server = Server::start();
        let mut first = None;
        for (number, order) in orders().into_iter().enumerate() {
            let mark = format!("order{number:02}-");
            let payloads = given(&mark);
            for index in order {
                server.ingest(&payloads[index]);
            }
            let found = known(&server, &mark);
            let first = first.get_or_insert_with(|| found.clone());
            assert_eq!(found, *first, "{name}: {order:?}");
        }
    }
}
