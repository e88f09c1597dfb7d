//! `POST /api/v1/services/dependencies?dry_run=true`: what would change, told before it does, and nothing changed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::support::schema::faults;
use crate::support::{
    Page, Payload, Reply, Server, attributes, dependencies, listed, replace, scrape, service, upsert,
};

const INGEST: &str = "/api/v1/services/dependencies";
const DRY_RUN: &str = "/api/v1/services/dependencies?dry_run=true";

fn post_to(server: &Server, target: &str, payload: &Payload) -> Reply {
    server.send("POST", target, payload.json())
}

fn rehearsed(server: &Server, payload: &Payload) -> Value {
    let reply = server.sent("POST", DRY_RUN, payload.json(), 200);
    let said = reply.json();
    assert_eq!((&said["dry_run"], &said["version"]), (&json!(true), &json!(reply.version())), "{said}");
    said
}

/// What is shown of services by id, and of dependencies by their ends, but for what each report moves.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    services: BTreeMap<Vec<String>, Map<String, Value>>,
    dependencies: BTreeMap<Vec<String>, Map<String, Value>>,
}

const SERVICE: [&str; 5] = ["team", "criticality", "service_type", "discovered", "metadata"];
const ATTRIBUTES: [&str; 5] = ["communication_mode", "criticality", "protocol", "timeout_ms", "retry_config"];
const DEPENDENCY: [&str; 2] = ["discovery_source", "is_stale"];

fn only<'a>(value: &Value, names: impl IntoIterator<Item = &'a &'a str>) -> Map<String, Value> {
    names.into_iter().map(|name| ((*name).to_owned(), value[*name].clone())).collect()
}

impl Shown {
    fn by(server: &Server) -> Self {
        let (mut services, mut edges) = (BTreeMap::new(), BTreeMap::new());
        for id in Page::all(server, "") {
            services.insert(vec![id.clone()], only(&service(server, &id), &SERVICE));
            let shown = dependencies(server, &id, "direction=downstream&depth=1&include_stale=true");
            for edge in shown.0["edges"].as_array().unwrap() {
                let ends = ["source", "target"].map(|end| edge[end].as_str().unwrap().to_owned()).to_vec();
                edges.insert(ends, only(edge, ATTRIBUTES.iter().chain(&DEPENDENCY)));
            }
        }
        Self { services, dependencies: edges }
    }
}

/// The rows that a change makes, by the names of their ids: what is new, what differs, what is gone.
fn rows(
    names: &[&str],
    before: &BTreeMap<Vec<String>, Map<String, Value>>,
    after: &BTreeMap<Vec<String>, Map<String, Value>>,
) -> [Vec<Map<String, Value>>; 3] {
    let row = |ids: &Vec<String>| {
        names.iter().zip(ids).map(|(name, id)| ((*name).to_owned(), json!(id))).collect::<Map<_, _>>()
    };
    let mut rows = [vec![], vec![], vec![]];
    for (ids, is) in after {
        let mut row = row(ids);
        let Some(was) = before.get(ids) else {
            row.extend(is.clone());
            rows[0].push(row);
            continue;
        };
        let differing: Vec<&str> =
            is.iter().filter(|(name, value)| was[*name] != **value).map(|(name, _)| &**name).collect();
        if !differing.is_empty() {
            let of = |members: &Map<String, Value>| {
                Value::Object(only(&Value::Object(members.clone()), &differing))
            };
            row.extend([("before".to_owned(), of(was)), ("after".to_owned(), of(is))]);
            rows[1].push(row);
        }
    }
    rows[2].extend(before.keys().filter(|ids| !after.contains_key(*ids)).map(row));
    rows
}

/// What a dry run has to say of a change from one state to another.
fn expected(before: &Shown, after: &Shown) -> (Value, Value) {
    let [added, changed, removed] = rows(&["service_id"], &before.services, &after.services);
    assert_eq!(removed, []);
    let services = json!({"added": added, "changed": changed});
    let ends = ["source", "target"];
    let [added, changed, removed] = rows(&ends, &before.dependencies, &after.dependencies);
    let added: Vec<_> = added
        .into_iter()
        .map(|row| {
            let row = Value::Object(row);
            json!({"source": row["source"], "target": row["target"], "attributes": only(&row, &ATTRIBUTES)})
        })
        .collect();
    (services, json!({"added": added, "changed": changed, "removed": removed}))
}

#[test]
fn each_kind_of_change_has_its_list() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").node("a", json!({"team": "k"})).edges([
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
    ]));
    server.ingest(&upsert("manual").edge("c", "d"));
    let report = upsert("kubernetes")
        .replacing()
        .node("a", json!({"team": "k", "tier": 1}))
        .node("B", json!({"criticality": "high"}))
        .edge_with("a", "b", attributes("async", "soft"))
        .edges([("b", "a"), ("e", "a")])
        .edge("e", "a");
    let service = |id: &str, criticality: &str, discovered: bool, metadata: Value| {
        json!({"service_id": id, "team": null, "criticality": criticality, "service_type": "internal",
            "discovered": discovered, "metadata": metadata})
    };
    let new = |source: &str, target: &str| {
        let attributes = json!({"communication_mode": "sync", "criticality": "hard", "protocol": null,
            "timeout_ms": null, "retry_config": null});
        json!({"source": source, "target": target, "attributes": attributes})
    };
    let said = rehearsed(&server, &report);
    let expected = json!({
        "dry_run": true,
        "version": 2,
        "services": {
            "added": [
                service("B", "high", false, json!({"criticality": "high"})),
                service("e", "medium", true, json!({"source": "auto_discovered"})),
            ],
            "changed": [{"service_id": "a", "before": {"metadata": {"team": "k"}},
                "after": {"metadata": {"team": "k", "tier": 1}}}],
        },
        "dependencies": {
            "added": [new("b", "a"), new("e", "a")],
            "changed": [{"source": "a", "target": "b",
                "before": {"communication_mode": "sync", "criticality": "hard"},
                "after": {"communication_mode": "async", "criticality": "soft"}}],
            "removed": [{"source": "b", "target": "c"}],
        },
        "observations_refreshed": 0,
        "observations_withdrawn": 1,
        "circular_dependencies_detected": [{"cycle_path": ["a", "b", "a"]}],
        "conflicts_resolved": [],
        "warnings": [
            "1 duplicate edges merged: sync before async, then hard before degraded before soft, then the last one \
             counts",
            "1 unknown services auto-created as placeholders",
        ],
    });
    assert_eq!(said, expected);
    let document = server.get_json("/openapi.json");
    let schema = json!({"$ref": "#/components/schemas/DryRun"});
    assert_eq!(faults(&document, &schema, &said, "dry run"), [""; 0]);
}

#[test]
fn what_is_told_is_what_then_happens() {
    let server = Server::start();
    let rich = json!({"communication_mode": "sync", "criticality": "soft", "protocol": "grpc", "timeout_ms": 5,
        "retry_config": {"max_retries": 3, "backoff_strategy": "linear"}});
    let reports = [
        upsert("manual"),
        upsert("kubernetes").node("z", json!({"team": "k", "x": 1})).edges([
            ("z", "é"),
            ("a", "z"),
            ("B", "a"),
        ]),
        upsert("kubernetes").node("z", json!({"x": 1, "team": "k"})).edges([("z", "é"), ("a", "z")]),
        upsert("manual").node("a", json!({})).node("z", json!({"x": 2})).edge_with("a", "z", rich.clone()),
        upsert("service_mesh").edges([("é", "B"), ("a", "z"), ("z", "a")]),
        upsert("kubernetes").edge_with("a", "z", rich.clone()).edge_with("B", "a", rich),
        upsert("manual").at("2026-02-13T10:00:00Z").edge_with("a", "z", attributes("async", "soft")),
        upsert("kubernetes").replacing().edges([("B", "a"), ("B", "c")]),
        replace("manual"),
        upsert("manual").node("c", json!({"service_type": "external"})).edge("z", "é"),
        replace("service_mesh"),
        replace("service_mesh"),
    ];
    for report in &reports {
        let (said, before) = (rehearsed(&server, report), Shown::by(&server));
        let again = rehearsed(&server, report);
        assert_eq!(again, said, "nothing happened in between");
        let receipt = server.ingest(report);
        let what = format!("{}\n{said:#}\n{receipt:#}", report.json());
        let (services, dependencies) = expected(&before, &Shown::by(&server));
        assert_eq!((&said["services"], &said["dependencies"]), (&services, &dependencies), "{what}");
        for same in ["conflicts_resolved", "warnings"] {
            assert_eq!(said[same], receipt[same], "{what}");
        }
        let paths = |answer: &Value| -> Vec<Value> {
            let cycles = answer["circular_dependencies_detected"].as_array().unwrap();
            cycles.iter().map(|cycle| cycle["cycle_path"].clone()).collect()
        };
        assert_eq!(paths(&said), paths(&receipt), "{what}");
        let removed = dependencies["removed"].as_array().unwrap().len();
        assert_eq!(json!(removed), receipt["edges_removed"], "{what}");
    }
}

#[test]
fn nothing_is_written_counted_or_remembered() {
    let mut server = Server::start();
    server.ingest(&upsert("kubernetes").edges([("a", "b"), ("b", "a")]));
    let figures = |server: &Server| {
        let is_about_writes = |name: &String| {
            let about = ["_upserted_", "circular_", "wal_append", "wal_fsync", "wal_commits", "publish_"];
            let graph = ["graph_nodes", "graph_edges", "graph_version"];
            about.iter().chain(&graph).any(|part| name.contains(part))
        };
        scrape(server).into_iter().filter(|(name, _)| is_about_writes(name)).collect::<Vec<_>>()
    };
    let all = |server: &Server| {
        let audit = listed(server, "/api/v1/admin/audit", "", 100);
        let stats = server.get_json("/api/v1/graph/stats");
        let alerts = server.get_json("/api/v1/circular-dependencies");
        (server.version(), stats, alerts, audit, Shown::by(server))
    };
    let (before, counted) = (all(&server), figures(&server));
    assert!(counted.len() > 10, "{counted:?}");
    for report in [replace("kubernetes"), upsert("manual").edges([("b", "c"), ("c", "a"), ("a", "b")])] {
        let said = rehearsed(&server, &report);
        let would = [&said["circular_dependencies_detected"], &said["dependencies"]["removed"]];
        assert!(would.iter().any(|list| **list != json!([])), "it would do something: {said}");
        assert_eq!((all(&server), figures(&server)), (before.clone(), counted.clone()));
    }
    server.crash_and_restart();
    assert_eq!(all(&server), before);
}

fn with_key(server: &Server, target: &str, key: &str, payload: &Payload) -> Reply {
    server.request("POST", target, &[("Idempotency-Key", key)], payload.json().to_string().as_bytes())
}

#[test]
fn an_idempotency_key_is_not_used_up() {
    let server = Server::start();
    let (one, other) = (upsert("manual").edge("a", "b"), upsert("manual").edge("a", "c"));
    assert_eq!(with_key(&server, DRY_RUN, "key", &one).status, 200);
    assert_eq!(with_key(&server, INGEST, "key", &other).status, 202, "the key is still free");
    let said = with_key(&server, DRY_RUN, "key", &one);
    assert_eq!((said.status, &said.json()["dependencies"]["added"][0]["target"]), (200, &json!("b")));
    let said = with_key(&server, DRY_RUN, "key", &other).json();
    assert_eq!(said["observations_refreshed"], 1, "not the answer that is remembered: {said}");
    for target in [DRY_RUN, INGEST] {
        let reply = with_key(&server, target, "no key", &one);
        assert_eq!((reply.status, &reply.json()["field"]), (422, &json!("Idempotency-Key")), "{target}");
    }
    assert_eq!(server.version(), 1);
}

#[test]
fn what_is_refused_is_refused_alike() {
    let server = Server::start();
    let post = |target: &str, headers: &[(&str, &str)], body: &str| {
        let reply = server.request("POST", target, headers, body.as_bytes());
        let mut said = reply.json();
        for own in ["correlation_id", "ingestion_id"] {
            said.as_object_mut().unwrap().remove(own);
        }
        (reply.status, said)
    };
    let bodies = [
        (upsert("manual").edge("a", "a").json().to_string(), 422),
        (upsert("nobody").json().to_string(), 422),
        (upsert("manual").at("2999-01-01T00:00:00Z").json().to_string(), 422),
        (upsert("manual").node("a", json!({"criticality": "urgent"})).json().to_string(), 422),
        ("{\"source\":".to_owned(), 400),
        ("[]".to_owned(), 422),
    ];
    for (body, status) in &bodies {
        let real = post(INGEST, &[], body);
        assert_eq!((real.0, post(DRY_RUN, &[], body)), (*status, real), "{body}");
    }
    let csv = [("content-type", "text/csv")];
    assert_eq!(post(DRY_RUN, &csv, "{}").0, 415);
    let fine = upsert("manual").edge("a", "b");
    for value in ["yes", "1", "TRUE", "true%20"] {
        let target = format!("{INGEST}?dry_run={value}");
        post_to(&server, &target, &fine).assert_problem(&[422], "dry_run", value);
        assert_eq!(post(&target, &[], "{").0, 400, "syntax comes before content");
    }
    post_to(&server, &format!("{INGEST}?dry_run=%"), &fine).assert_problem(&[400], "", "malformed");
    assert_eq!(server.version(), 0, "and nothing was taken for a real one");
    for (value, version) in [("false", 1), ("", 2), ("true&dry_run=false", 3)] {
        let reply = post_to(&server, &format!("{INGEST}?dry_run={value}"), &fine);
        assert_eq!((reply.status, reply.version()), (202, version), "{value}");
    }
}

#[test]
fn it_takes_a_writer_and_a_token_of_the_same_bucket() {
    const ADMIN: &str = "an-admin-key-for-tests-0123456789";
    let settings = [("ADMIN_API_KEY", ADMIN), ("RATE_LIMIT_INGESTION", "2")];
    let server = Server::start_with(&settings, &[]);
    let [reader, writer] = ["reader", "writer"].map(|role| {
        let body = json!({"name": role, "role": role}).to_string();
        let made = server.request("POST", "/api/v1/admin/api-keys", &[("x-api-key", ADMIN)], body.as_bytes());
        made.json()["key"].as_str().unwrap().to_owned()
    });
    let body = upsert("manual").edge("a", "b").json().to_string();
    let post = |target: &str, headers: &[(&str, &str)]| {
        server.request("POST", target, headers, body.as_bytes()).status
    };
    assert_eq!((post(DRY_RUN, &[]), post(DRY_RUN, &[("x-api-key", &reader)])), (401, 403));
    let writer = [("x-api-key", &*writer)];
    assert_eq!([post(DRY_RUN, &writer), post(INGEST, &writer), post(DRY_RUN, &writer)], [200, 202, 429]);
}

#[test]
fn a_long_answer_comes_in_pieces() {
    const EDGES: usize = 6_000;
    let server = Server::start();
    let name = |number: usize| format!("service-{number:05}");
    let pairs = (0..EDGES).map(|number| (name(number), name(number + 1)));
    let report = pairs.clone().fold(upsert("kubernetes"), |report, (source, target)| {
        report.node(&source, json!({"team": "größe \"q\""})).edge(&source, &target)
    });
    let reply = post_to(&server, DRY_RUN, &report);
    assert_eq!((reply.status, reply.header("content-length")), (200, None));
    let said = reply.json();
    let count = |said: &Value, of: &str, list: &str| said[of][list].as_array().unwrap().len();
    assert_eq!(
        (count(&said, "services", "added"), count(&said, "dependencies", "added")),
        (EDGES + 1, EDGES)
    );
    server.ingest(&report);
    let mut other = upsert("manual").replacing();
    for (source, target) in pairs {
        other = other.node(&source, json!({"criticality": "high"})).edge_with(
            &source,
            &target,
            attributes("async", "soft"),
        );
    }
    let said = post_to(&server, DRY_RUN, &other).json();
    assert_eq!(
        (count(&said, "services", "changed"), count(&said, "dependencies", "changed")),
        (EDGES, EDGES)
    );
    let said = post_to(&server, DRY_RUN, &replace("kubernetes")).json();
    assert_eq!(count(&said, "dependencies", "removed"), EDGES);
    assert_eq!(server.version(), 1);
}

#[test]
fn a_stream_is_not_rehearsed_and_not_carried_out_either() {
    let server = Server::start();
    let headers = [("content-type", "application/x-ndjson")];
    let lines =
        "{\"source\":\"manual\",\"timestamp\":\"2026-02-14T10:00:00Z\"}\n{\"node\":{\"service_id\":\"a\"}}\n";
    let send = |query: &str| {
        server.request("POST", &format!("/api/v1/graph/import{query}"), &headers, lines.as_bytes())
    };
    send("?dry_run=true").assert_problem(&[422], "dry_run", "a stream");
    assert_eq!(server.version(), 0);
    assert_eq!(send("?dry_run=false").status, 200);
    assert_eq!(server.version(), 1);
}
