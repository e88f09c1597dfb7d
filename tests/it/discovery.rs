//! Sources that are asked: what the endpoints say of them, and what becomes of the graph when they fail.

use serde_json::{Value, json};

use crate::support::{Asked, Double, Said, Server, all_pairs, eventually, pairs, upsert};

/// A vector of calls, as Prometheus answers.
fn vector(calls: &[(&str, &str)]) -> Value {
    let result: Vec<Value> = calls
        .iter()
        .map(|(client, server)| json!({"metric": {"client": client, "server": server}, "value": [1.5, "3"]}))
        .collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": result}})
}

fn prometheus(answer: impl Fn(usize, &Asked) -> Said + Send + Sync + 'static) -> Double {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Double::start(move |asked| answer(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst), asked))
}

/// A server that asks that source, after its first run.
fn server(double: &Double, settings: &[(&str, &str)]) -> Server {
    let url = double.url();
    let settings = [&[("PROMETHEUS_URL", url.as_str()), ("RATE_LIMIT_DEFAULT", "0")], settings].concat();
    let server = Server::start_with(&settings, &[]);
    eventually("the first run ends", || (!status(&server)["last_run"].is_null()).then_some(()));
    server
}

fn status(server: &Server) -> Value {
    let all = server.get_json("/api/v1/admin/discovery");
    all["sources"][0].clone()
}

fn run_now(server: &Server) -> Value {
    let reply = server.request("POST", "/api/v1/admin/discovery/otel_service_graph/run", &[], &[]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

#[test]
fn a_run_reports_and_every_place_tells_of_it() {
    let calls = [("web", "cart"), ("cart", "db"), ("cart", "cart"), ("user", "web"), ("unknown", "web")];
    let double = prometheus(move |_, _| Said::Json(200, vector(&calls).to_string()));
    let settings = [("PROMETHEUS_BEARER_TOKEN", "t0ken"), ("PROMETHEUS_TENANT", "team-a")];
    let server = server(&double, &settings);
    let first = status(&server);
    assert_eq!(first["last_run"]["trigger"], "schedule");
    let run = run_now(&server);
    let expected = [
        ("source", json!("otel_service_graph")),
        ("outcome", json!("complete")),
        ("trigger", json!("request")),
    ];
    for (member, expected) in expected {
        assert_eq!(run[member], expected, "{run}");
    }
    // `user` is a service of that name, for it is no virtual node.
    assert_eq!(all_pairs(&server), pairs([("web", "cart"), ("cart", "db"), ("user", "web")]));
    assert_eq!((&run["services"], &run["dependencies"]), (&json!(4), &json!(3)), "{run}");
    assert_eq!(run["left_out"], json!({"pseudo-nodes": 1, "self-loops": 1}));
    assert_eq!(run["version"], server.version());
    let now = status(&server);
    assert_eq!(now["runs"], json!({"complete": 2, "partial": 0, "empty": 0, "failed": 0}));
    assert_eq!(
        (&now["circuit"], &now["running"], &now["interval_seconds"]),
        (&json!("closed"), &json!(false), &json!(900))
    );
    assert!(now["next_run_at"].as_str() > now["last_complete_at"].as_str(), "{now}");
    let metrics = server.get("/api/v1/metrics").text();
    let sample = "watershed_discovery_runs_total{outcome=\"complete\",source=\"otel_service_graph\"} 2\n";
    assert!(metrics.contains(sample), "{metrics}");
    let ready = server.get_json("/api/v1/health/ready");
    assert_eq!(ready["checks"]["otel_service_graph"], "complete");
    let audit = server.get_json("/api/v1/admin/audit");
    assert_eq!(audit["items"][0]["actor"], "discovery:otel_service_graph", "{audit}");
    for asked in double.asked() {
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/api/v1/query"));
        assert_eq!(asked.header("authorization"), Some("Bearer t0ken"));
        assert_eq!(asked.header("x-scope-orgid"), Some("team-a"));
        assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert!(asked.body.starts_with("query=%28sum%20by%20%28client"), "{}", asked.body);
    }
    assert!(!server.log_so_far().join("\n").contains("t0ken"));
}

#[test]
fn what_a_source_does_not_say_is_neither_removed_nor_expired() {
    let double = prometheus(|count, _| match count {
        0 => Said::Json(200, vector(&[("web", "cart"), ("cart", "db")]).to_string()),
        1 => Said::Json(200, vector(&[]).to_string()),
        2 => {
            let mut partial = vector(&[("web", "cart")]);
            partial["warnings"] = json!(["a store did not answer"]);
            Said::Json(200, partial.to_string())
        }
        3 => Said::Json(
            503,
            json!({"status": "error", "errorType": "timeout", "error": "too slow"}).to_string(),
        ),
        4 => Said::Json(200, "<html>".to_owned()),
        5 => Said::Hangup,
        _ => Said::Json(200, vector(&[("web", "cart")]).to_string()),
    });
    let server = server(&double, &[("STALE_EDGE_THRESHOLD_HOURS", "1")]);
    // The source reported it long ago, too, or so it says.
    let old = upsert("otel_service_graph").at("2026-01-01T00:00:00Z").edge("old", "older");
    server.ingest(&old);
    let expected = pairs([("web", "cart"), ("cart", "db"), ("old", "older")]);
    let sweep = || server.request("POST", "/api/v1/admin/staleness/run", &[], &[]).json()["marked"].clone();
    let cases = [
        ("empty", Value::Null),
        ("partial", Value::Null),
        ("failed", json!("503 Service Unavailable: refused as timeout: too slow")),
        ("failed", json!("not an answer of Prometheus: expected value at line 1 column 1")),
        ("failed", Value::Null),
    ];
    for (outcome, error) in cases {
        let run = run_now(&server);
        assert_eq!(run["outcome"], outcome, "{run}");
        if !error.is_null() {
            assert_eq!(run["error"], error);
        }
        assert_eq!(sweep(), 0, "{outcome}: nothing expires");
        assert_eq!(all_pairs(&server), expected, "{outcome}");
        assert_eq!(server.get("/api/v1/health/ready").status, 200);
        assert_eq!(server.get_json("/api/v1/health/ready")["checks"]["otel_service_graph"], outcome);
    }
    assert_eq!(run_now(&server)["outcome"], "complete");
    assert_eq!(sweep(), 1, "now what it did not mention for long is old");
}

#[test]
fn a_source_that_is_not_there_is_an_answer_and_no_failure_of_the_server() {
    let url = "http://127.0.0.1:1";
    let settings = [("PROMETHEUS_URL", url), ("RATE_LIMIT_DEFAULT", "0"), ("SERVICE_MESH", "istio")];
    let server = Server::start_with(&settings, &["--sample", "online-boutique"]);
    let run = run_now(&server);
    let error = run["error"].as_str().unwrap();
    assert!(run["outcome"] == "failed" && error.contains("Connection refused"), "{run}");
    assert_eq!(server.get_json("/api/v1/graph/stats")["services"], 12);
    for (path, status) in [
        ("/api/v1/admin/discovery/service_mesh/run", 200),
        ("/api/v1/admin/discovery/kubernetes/run", 409),
        ("/api/v1/admin/discovery/manual/run", 404),
        ("/api/v1/admin/discovery/nagios/run", 404),
        ("/api/v1/admin/discovery/kubernetes", 404),
    ] {
        assert_eq!(server.request("POST", path, &[], &[]).status, status, "{path}");
    }
    for _ in 0..20 {
        server.request("POST", "/api/v1/admin/discovery/otel_service_graph/run", &[], &[]);
    }
    let refused = server.request("POST", "/api/v1/admin/discovery/otel_service_graph/run", &[], &[]);
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(refused.status == 503 && (1..=31).contains(&seconds), "{}", refused.text());
    assert_eq!(status(&server)["circuit"], "open");
}

#[test]
fn settings_that_lead_nowhere_stop_the_start() {
    let cases = [
        ("PROMETHEUS_URL", "prometheus:9090", "http:// or https://"),
        ("SERVICE_MESH", "istio", "expected PROMETHEUS_URL to be set, too"),
        ("SERVICE_MESH", "consul", "off or one of istio, linkerd, hubble"),
        ("SERVICE_GRAPH_LABELS", "a,b", "five names"),
        ("OTEL_GRAPH_INGEST_INTERVAL_MINUTES", "0", "a whole number of minutes from 1 to 1440"),
        ("DISCOVERY_ID_TEMPLATE_KUBERNETES", "{namespace}", "{name} in it"),
        ("DISCOVERY_ALIASES", "a", "NAME=ID"),
        ("KUBERNETES_DISCOVERY", "/none/kubeconfig", "KUBERNETES_DISCOVERY: "),
        ("KUBERNETES_DISCOVERY", "in-cluster", "KUBERNETES_DISCOVERY: "),
    ];
    for (name, value, expected) in cases {
        let directory = tempfile::tempdir().unwrap();
        let finished = crate::support::refused(&directory.path().join("data"), &[(name, value)]);
        assert_eq!(finished.code, Some(2), "{name}={value}: {}", finished.stderr);
        assert!(finished.stderr.contains(expected), "{name}={value}: {}", finished.stderr);
    }
}
