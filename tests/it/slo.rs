//! What a change of an SLO does upstream, over HTTP, with the numbers of the platform sample worked out by hand.

use serde_json::{Value, json};

use crate::support::{Reply, Server, attributes, upsert};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn analyse(server: &Server, body: &Value) -> Reply {
    server.request("POST", "/api/v1/slos/impact-analysis", &JSON, body.to_string().as_bytes())
}

fn change(service: &str, sli: &str, current: f64, proposed: f64) -> Value {
    json!({"service_id": service, "proposed_change":
        {"sli_type": sli, "current_target": current, "proposed_target": proposed}})
}

fn set_target(server: &Server, service: &str, target: &Value) -> Reply {
    let body = json!({"availability_target": target}).to_string();
    server.request("PUT", &format!("/api/v1/services/{service}/slo"), &JSON, body.as_bytes())
}

/// ecommerce-api waits for ecommerce-postgres, audit-postgres (0.999 each, like itself), key-vault (0.9999 published,
/// so 0.9989) and the payment provider: now 0.999³ · 0.9989 · 0.9999 = 0.995807, then 0.999³ · 0.9989 · 0.995 =
/// 0.990927. front-door multiplies 0.999. order-service has six times 0.999 (itself, order-postgres, user-service,
/// user-postgres, catalog-service, catalog-postgres): 0.994015 · 0.9999 = 0.993916 and 0.994015 · 0.995 = 0.989045.
#[test]
fn a_weaker_payment_provider_puts_one_target_at_risk() {
    let server = Server::start_with(&[], &["--sample", "platform"]);
    assert_eq!(set_target(&server, "ecommerce-api", &json!(99.5)).status, 200);
    assert_eq!(set_target(&server, "order-service", &json!(98.9)).status, 200);
    let reply = analyse(&server, &change("payment-provider", "availability", 99.99, 99.5));
    assert_eq!((reply.status, reply.header("x-graph-version")), (200, Some("3")));
    let answer = reply.json();
    let rows: Vec<Value> = answer["impacted_services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let names = ["service_id", "relationship", "current_composite_availability"];
            let more = ["projected_composite_availability", "delta", "current_slo_target", "slo_at_risk"];
            names.into_iter().chain(more).map(|name| row[name].clone()).collect()
        })
        .collect();
    let expected = [
        json!(["ecommerce-api", "upstream", 99.5807, 99.0927, -0.488, 99.5, true]),
        json!(["front-door", "upstream (transitive, depth=2)", 99.4811, 98.9936, -0.4875, null, null]),
        json!(["order-service", "upstream", 99.3916, 98.9045, -0.4871, 98.9, false]),
    ];
    assert_eq!(rows, expected);
    let summary = &answer["summary"];
    assert_eq!((&summary["total_impacted"], &summary["slos_at_risk"]), (&json!(3), &json!(1)));
    assert!(summary["recommendation"].is_string() && summary["latency_note"].is_null());
    let details: Vec<_> = answer["impacted_services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["risk_detail"].is_string())
        .collect();
    assert_eq!(details, [true, false, false]);
    assert_eq!(answer["service_id"], "payment-provider");
    assert_eq!(answer["proposed_change"]["proposed_target"], 99.5);
    let again = analyse(&server, &change("payment-provider", "availability", 99.99, 99.5)).json();
    assert_ne!(answer["analysis_id"], again["analysis_id"]);
    let mut near = change("payment-provider", "availability", 99.99, 99.5);
    near["max_depth"] = json!(1);
    assert_eq!(analyse(&server, &near).json()["summary"]["total_impacted"], 2);
}

#[test]
fn an_improvement_is_a_positive_delta_and_no_risk() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    set_target(&server, "a", &json!(99.95));
    let answer = analyse(&server, &change("b", "availability", 99.0, 100.0)).json();
    let row = &answer["impacted_services"][0];
    // a is 0.999: 0.999 · 0.99 = 0.98901, and 0.999 · 1.
    assert_eq!(row["current_composite_availability"], 98.901);
    assert_eq!((&row["projected_composite_availability"], &row["delta"]), (&json!(99.9), &json!(0.999)));
    assert_eq!(row["slo_at_risk"], true, "99.9 is still less than 99.95");
    set_target(&server, "a", &Value::Null);
    let answer = analyse(&server, &change("b", "availability", 99.0, 100.0)).json();
    let row = &answer["impacted_services"][0];
    assert!(
        row["slo_at_risk"].is_null() && row["current_slo_target"].is_null() && row["risk_detail"].is_null()
    );
}

#[test]
fn latency_has_no_composite() {
    let server = Server::start();
    server.ingest(&upsert("manual").edges([("a", "b"), ("c", "a")]));
    set_target(&server, "a", &json!(99));
    let answer = analyse(&server, &change("b", "latency", 200.0, 500.0)).json();
    for (row, id) in answer["impacted_services"].as_array().unwrap().iter().zip(["a", "c"]) {
        assert_eq!(row["service_id"], id);
        for member in
            ["current_composite_availability", "projected_composite_availability", "delta", "slo_at_risk"]
        {
            assert!(row[member].is_null(), "{member}: {row}");
        }
    }
    assert_eq!(answer["summary"]["slos_at_risk"], 0);
    assert!(answer["summary"]["latency_note"].as_str().is_some_and(|note| note.contains("percentiles")));
}

#[test]
fn what_nobody_waits_for_touches_nobody() {
    let server = Server::start();
    let soft = upsert("manual").edge_with("a", "b", attributes("sync", "degraded"));
    server.ingest(&soft.edge_with("c", "b", attributes("async", "hard")));
    let answer = analyse(&server, &change("b", "availability", 99.9, 99.0)).json();
    assert_eq!(answer["impacted_services"], json!([]));
    assert_eq!(answer["summary"]["total_impacted"], 0);
    let unknown = analyse(&server, &change("nobody", "availability", 99.9, 99.0));
    let problem = unknown.json();
    assert_eq!(
        (unknown.status, &problem["field"], &problem["value"]),
        (404, &json!("service_id"), &json!("nobody"))
    );
}

/// 0.9635 · 0.999 is 96.25365 %, a tie that a double holds as a little less.
#[test]
fn a_tie_is_rounded_as_by_hand() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let answer = analyse(&server, &change("b", "availability", 96.35, 96.35)).json();
    let row = &answer["impacted_services"][0];
    assert_eq!((&row["current_composite_availability"], &row["delta"]), (&json!(96.2537), &json!(0.0)));
}

#[test]
fn a_long_analysis_comes_in_pieces_and_whole() {
    let server = Server::start();
    for hundred in 0..20 {
        let callers = (0..100).map(|caller| (format!("caller-{hundred:02}-{caller:02}"), "hub".to_owned()));
        server.ingest(&upsert("manual").edges(callers));
    }
    for (sli, current, proposed) in [("availability", 99.9, 99.5), ("latency", 200.0, 300.0)] {
        let reply = analyse(&server, &change("hub", sli, current, proposed));
        assert!(reply.body.len() > 256 * 1024, "{} bytes: it is streamed", reply.body.len());
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
        let answer = reply.json();
        let rows = answer["impacted_services"].as_array().unwrap();
        assert_eq!((rows.len(), &answer["summary"]["total_impacted"]), (2_000, &json!(2_000)));
        assert!(rows.is_sorted_by_key(|row| row["service_id"].as_str().unwrap()), "equal, so by id");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let good = change("b", "availability", 99.9, 99.0);
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let mut deep = good.clone();
    deep["max_depth"] = json!(101);
    for (body, field) in [
        (json!({}), "service_id"),
        (with("/service_id", json!(7)), "service_id"),
        (with("/proposed_change", json!([])), "proposed_change"),
        (with("/proposed_change/sli_type", json!("speed")), "proposed_change.sli_type"),
        (with("/proposed_change/current_target", json!(0)), "proposed_change.current_target"),
        (with("/proposed_change/proposed_target", json!(100.5)), "proposed_change.proposed_target"),
        (deep, "max_depth"),
    ] {
        let reply = analyse(&server, &body);
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some(field)), "{body}");
    }
    for target in [json!(0), json!(100.001), json!("99"), json!(true), json!([])] {
        let reply = set_target(&server, "a", &target);
        assert_eq!(
            (reply.status, reply.json()["field"].as_str()),
            (422, Some("availability_target")),
            "{target}"
        );
    }
    assert_eq!(set_target(&server, "nobody", &json!(99)).status, 404);
}

#[test]
fn a_target_outlives_a_restart() {
    let mut server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    assert_eq!(
        set_target(&server, "a", &json!(99.95)).json(),
        json!({"service_id": "a", "availability_target": 99.95})
    );
    server.crash_and_restart();
    assert_eq!(server.get_json("/api/v1/services/a")["availability_target"], 99.95);
    server.stop();
    server.start_again();
    assert_eq!(server.get_json("/api/v1/services/a")["availability_target"], 99.95, "from the snapshot");
}
