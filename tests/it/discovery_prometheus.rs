//! Service graphs in a real Prometheus: births, resets, staleness, and answers that say that they are partial.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use crate::support::{Double, Prometheus, Said, Server, all_pairs, eventually, fixture, pairs};

const METRIC: &str = "traces_service_graph_request_total";

fn server(url: &str) -> Server {
    Server::start_with(
        &[("PROMETHEUS_URL", url), ("RATE_LIMIT_DEFAULT", "0"), ("RATE_LIMIT_QUERY", "0")],
        &[],
    )
}

fn run_now(server: &Server) -> Value {
    let reply = server.request("POST", "/api/v1/admin/discovery/otel_service_graph/run", &[], &[]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// What a counter shows so many minutes ago, if it is there.
type Counter = fn(i64) -> Option<i64>;

/// An hour of samples, one a minute.
fn past(series: &[(&str, Counter)]) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut text = format!("# TYPE {} counter\n", METRIC.trim_end_matches("_total"));
    for (server, value) in series {
        for ago in (0..=60).rev() {
            if let Some(value) = value(ago) {
                let at = now - ago.unsigned_abs() * 60;
                writeln!(text, "{METRIC}{{client=\"web\",server=\"{server}\"}} {value} {at}").unwrap();
            }
        }
    }
    text + "# EOF\n"
}

#[test]
fn what_was_called_in_the_window_is_found_however_its_counter_moved() {
    let series: [(&str, Counter); 8] = [
        ("steady", |ago| Some(100 - ago)),
        ("reset", |ago| Some(if ago > 10 { 100 - ago } else { 10 - ago })),
        ("once-more", |ago| Some(if ago > 8 { 5 } else { 6 })),
        ("stale-in-the-window", |ago| (ago > 10).then_some(100 - ago)),
        ("born-in-the-window", |ago| (ago <= 5).then_some(3)),
        ("one-sample", |ago| (ago == 7).then_some(1)),
        ("idle", |_| Some(7)),
        ("gone-before", |ago| (ago > 30).then_some(100 - ago)),
    ];
    let prometheus = Prometheus::start(None, &past(&series));
    eventually("the past is there", || (prometheus.query(METRIC).len() >= 5).then_some(()));
    let server = server(&prometheus.url());
    let run = run_now(&server);
    assert_eq!(run["outcome"], "complete", "{run}");
    let expected = [
        ("web", "steady"),
        ("web", "reset"),
        ("web", "once-more"),
        ("web", "stale-in-the-window"),
        ("web", "born-in-the-window"),
        ("web", "one-sample"),
    ];
    assert_eq!(all_pairs(&server), pairs(expected));
}

#[test]
fn an_exposition_that_is_scraped_becomes_its_graph_and_a_partial_answer_takes_nothing_from_it() {
    let exposition = fs::read_to_string(fixture("jaeger-small/service-graph.prom")).unwrap();
    let exporter = Double::start(move |_| Said::Text(exposition.clone()));
    let target = exporter.url().trim_start_matches("http://").to_owned();
    let prometheus = Prometheus::start(Some(&target), "");
    let graph: Value =
        serde_json::from_slice(&fs::read(fixture("jaeger-small/graph.json")).unwrap()).unwrap();
    let edges = graph["edges"].as_array().unwrap();
    let expected =
        pairs(edges.iter().map(|edge| (edge["source"].as_str().unwrap(), edge["target"].as_str().unwrap())));
    eventually("it is scraped", || (prometheus.query(METRIC).len() == edges.len()).then_some(()));

    // Between the two stands a proxy that can lose a part of an answer, as one does that asks several stores.
    let (url, is_partial) =
        (prometheus.url(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let loses = std::sync::Arc::clone(&is_partial);
    let proxy = Double::start(move |asked| {
        let address = url.trim_start_matches("http://").parse().unwrap();
        let mut connection = crate::support::Connection::open(address).unwrap();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = connection.exchange("POST", &asked.target, &headers, asked.body.as_bytes()).unwrap();
        let mut answer = reply.json();
        if loses.load(std::sync::atomic::Ordering::SeqCst) {
            answer["data"]["result"].as_array_mut().unwrap().truncate(1);
            answer["warnings"] = json!(["store 2: connection refused"]);
        }
        Said::Json(reply.status, answer.to_string())
    });
    let server = server(&proxy.url());
    assert_eq!(run_now(&server)["outcome"], "complete");
    assert_eq!(all_pairs(&server), expected);
    is_partial.store(true, std::sync::atomic::Ordering::SeqCst);
    let run = run_now(&server);
    assert_eq!((run["outcome"].as_str(), run["dependencies"].as_u64()), (Some("partial"), Some(1)), "{run}");
    assert!(run["notes"][0].as_str().unwrap().contains("store 2: connection refused"), "{run}");
    assert_eq!(all_pairs(&server), expected);
}

#[test]
fn a_query_that_prometheus_refuses_says_why() {
    let prometheus = Prometheus::start(None, "");
    let settings = [
        ("PROMETHEUS_URL", prometheus.url()),
        ("SERVICE_GRAPH_METRIC", "(".to_owned()),
        ("RATE_LIMIT_DEFAULT", "0".to_owned()),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Server::start_with(&settings, &[]);
    let run = run_now(&server);
    let error = run["error"].as_str().unwrap();
    assert!(error.starts_with("400 Bad Request: refused as bad_data: "), "{run}");
}
