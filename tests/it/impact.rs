//! What breaks when services fail, over HTTP: the sample landscape, joint failures, bad questions, long answers.

use serde_json::{Value, json};

use crate::support::{Reply, Server, attributes, encoded, upsert};

fn impact(server: &Server, service: &str, query: &str) -> Value {
    server.get_json(&format!("/api/v1/services/{}/impact{query}", encoded(service)))
}

fn joint(server: &Server, body: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    server.request("POST", "/api/v1/impact", &headers, body.to_string().as_bytes())
}

/// The platform sample: order-service and ecommerce-api wait for the payment provider, front-door for the latter.
#[test]
fn the_payment_provider_takes_three_services_down() {
    let server = Server::start_with(&[], &["--sample", "platform"]);
    let entry = |id: &str, distance: u32, path: &[&str], team: &str| {
        json!({"service_id": id, "distance": distance, "severity": "outage", "path": path, "team": team,
               "criticality": "critical"})
    };
    let totals = json!({"impacted": 3, "by_severity": {"outage": 3, "degraded": 0},
        "by_team": {"commerce": 1, "platform": 1, "shop": 1},
        "by_criticality": {"critical": 3, "high": 0, "medium": 0, "low": 0}});
    let expected = json!({
        "service_id": "payment-provider", "depth": 10, "include_soft": true, "version": 1,
        "impacted_services": [
            entry("ecommerce-api", 1, &["ecommerce-api", "payment-provider"], "commerce"),
            entry("order-service", 1, &["order-service", "payment-provider"], "shop"),
            entry("front-door", 2, &["front-door", "ecommerce-api", "payment-provider"], "platform"),
        ],
        "totals": totals,
    });
    assert_eq!(impact(&server, "payment-provider", ""), expected);
    let mut summary = expected.clone();
    summary.as_object_mut().unwrap().remove("impacted_services");
    assert_eq!(impact(&server, "payment-provider", "?summary=true"), summary);
    let near = impact(&server, "payment-provider", "?depth=1");
    assert_eq!(near["totals"]["impacted"], 2);
    // email-gateway is waited for but its loss only degrades; whoever calls notification-service does so softly.
    let gateway = impact(&server, "email-gateway", "");
    assert_eq!(gateway["totals"]["by_severity"], json!({"outage": 0, "degraded": 2}));
    assert_eq!(impact(&server, "email-gateway", "?include_soft=false")["totals"]["impacted"], 0);
    assert_eq!(impact(&server, "front-door", "")["impacted_services"], json!([]));
}

#[test]
fn several_failures_are_one_question() {
    let server = Server::start();
    let edges = [("a", "x"), ("b", "x"), ("b", "y"), ("c", "b"), ("y", "x")];
    server.ingest(&upsert("manual").edges(edges).edge_with("d", "y", attributes("async", "soft")));
    let reply = joint(&server, &json!({"service_ids": ["x", "y", "x"]}));
    assert_eq!((reply.status, reply.header("x-graph-version")), (200, Some("1")));
    let answer = reply.json();
    assert_eq!(answer["service_ids"], json!(["x", "y"]));
    let hit: Vec<_> = answer["impacted_services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| (each["service_id"].clone(), each["severity"].clone(), each["failing"].clone()))
        .collect();
    let expected = [
        (json!("a"), json!("outage"), json!(["x"])),
        (json!("b"), json!("outage"), json!(["x", "y"])),
        (json!("c"), json!("outage"), json!(["x", "y"])),
        // d reaches x through y, which is not lost on it.
        (json!("d"), json!("degraded"), json!(["x", "y"])),
    ];
    assert_eq!(hit, expected, "a failing service is no impacted one");
    let few =
        joint(&server, &json!({"service_ids": ["y"], "depth": 1, "include_soft": false, "summary": true}));
    let totals = json!({"impacted": 1, "by_severity": {"outage": 1, "degraded": 0}, "by_team": {"unassigned": 1},
        "by_criticality": {"critical": 0, "high": 0, "medium": 1, "low": 0}});
    assert_eq!(few.json()["totals"], totals);
    assert!(few.json().get("impacted_services").is_none());
}

#[test]
fn stale_dependencies_do_not_count() {
    let server = Server::start_with(&[("STALE_EDGE_THRESHOLD_HOURS_KUBERNETES", "1")], &[]);
    server.ingest(&upsert("kubernetes").edges([("a", "b"), ("c", "a")]));
    assert_eq!(impact(&server, "b", "")["totals"]["impacted"], 2);
    let swept = server.request("POST", "/api/v1/admin/staleness/run", &[], &[]).json();
    assert_eq!(swept["marked"], 2);
    assert_eq!(impact(&server, "b", "")["totals"]["impacted"], 0);
}

#[test]
fn what_is_wrong_is_named() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    for (query, field) in [
        ("depth=0", "depth"),
        ("depth=101", "depth"),
        ("depth=x", "depth"),
        ("include_soft=yes", "include_soft"),
        ("summary=1", "summary"),
    ] {
        let reply = server.get(&format!("/api/v1/services/a/impact?{query}"));
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some(field)), "{query}");
    }
    assert_eq!(server.get("/api/v1/services/nobody/impact").status, 404);
    for (body, field) in [
        (json!({}), "service_ids"),
        (json!({"service_ids": []}), "service_ids"),
        (json!({"service_ids": ["a", ""]}), "service_ids[1]"),
        (json!({"service_ids": ["a"], "depth": 101}), "depth"),
        (json!({"service_ids": ["a"], "summary": null, "include_soft": 1}), "include_soft"),
    ] {
        let reply = joint(&server, &body);
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some(field)), "{body}");
    }
    let unknown = joint(&server, &json!({"service_ids": ["a", "nobody"]}));
    let problem = unknown.json();
    assert_eq!(
        (unknown.status, &problem["field"], &problem["value"]),
        (404, &json!("service_ids"), &json!("nobody"))
    );
    let reply = server.request("POST", "/api/v1/impact", &[("content-type", "text/plain")], b"{}");
    assert_eq!(reply.status, 415);
    assert_eq!(server.request("POST", "/api/v1/impact", &[], b"{").status, 400);
}

#[test]
fn a_read_is_conditional_and_a_long_answer_whole() {
    let server = Server::start();
    for hundred in 0..40 {
        let callers = (0..100).map(|caller| (format!("caller-{hundred:02}-{caller:02}"), "hub".to_owned()));
        server.ingest(&upsert("manual").edges(callers));
    }
    let reply = server.get("/api/v1/services/hub/impact");
    assert!(reply.body.len() > 256 * 1024, "{} bytes: it is streamed", reply.body.len());
    let listed = reply.json()["impacted_services"].as_array().unwrap().len();
    assert_eq!((listed, reply.json()["totals"]["impacted"].as_u64()), (4_000, Some(4_000)));
    let etag = reply.header("etag").unwrap().to_owned();
    let headers = [("if-none-match", etag.as_str())];
    let again = server.request("GET", "/api/v1/services/hub/impact", &headers, &[]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = server.request("GET", "/api/v1/services/hub/impact?depth=9", &headers, &[]);
    assert_eq!(other.status, 200, "another representation");
}
