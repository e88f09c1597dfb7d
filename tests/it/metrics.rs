//! What a scrape sees of a real server: everything from the start, what was done, and nothing that anybody made up.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{Server, scrape, upsert};

/// How much a series grew.
fn grown(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>, series: &str) -> f64 {
    after.get(series).unwrap_or_else(|| panic!("no {series}")) - before.get(series).copied().unwrap_or(0.0)
}

fn requests(method: &str, endpoint: &str, status: u16) -> String {
    let labels = format!("endpoint=\"{endpoint}\",method=\"{method}\",status_code=\"{status}\"");
    format!("watershed_http_requests_total{{{labels}}}")
}

#[test]
fn counters_move_by_what_was_done() {
    let server = Server::start_with(&[("RATE_LIMIT_DEFAULT", "4")], &[]);
    let before = scrape(&server);
    server.ingest(&upsert("kubernetes").edge("a", "b").edge("b", "a"));
    let dependencies = "/api/v1/services/{service_id}/dependencies";
    let first = server.get("/api/v1/services/a/dependencies?depth=4&direction=upstream");
    let etag = first.header("etag").unwrap().to_owned();
    for tag in [&*etag, "\"other\""] {
        let target = "/api/v1/services/a/dependencies?depth=4&direction=upstream";
        server.request("GET", target, &[("if-none-match", tag)], &[]);
    }
    server.get("/api/v1/services/nobody/dependencies");
    server.sent("POST", "/api/v1/admin/snapshots", &json!({}), 201);
    let limited: u8 = (0..8).map(|_| u8::from(server.get("/").status == 429)).sum();
    let after = scrape(&server);
    let expected = [
        (requests("POST", "/api/v1/services/dependencies", 202), 1.0),
        (requests("GET", dependencies, 200), 2.0),
        (requests("GET", dependencies, 304), 1.0),
        (requests("GET", dependencies, 404), 1.0),
        (requests("GET", "/", 429), f64::from(limited)),
        ("watershed_rate_limit_exceeded_total{endpoint=\"/\"}".to_owned(), f64::from(limited)),
        (
            "watershed_graph_traversal_duration_seconds_count{depth=\"4\",direction=\"upstream\"}".to_owned(),
            2.0,
        ),
        ("watershed_graph_traversal_duration_seconds_count{depth=\"3\",direction=\"both\"}".to_owned(), 0.0),
        ("watershed_cache_hits_total{cache_type=\"conditional\"}".to_owned(), 1.0),
        ("watershed_cache_misses_total{cache_type=\"conditional\"}".to_owned(), 1.0),
        ("watershed_graph_nodes_upserted_total{discovery_source=\"kubernetes\"}".to_owned(), 2.0),
        ("watershed_graph_edges_upserted_total{discovery_source=\"kubernetes\"}".to_owned(), 2.0),
        ("watershed_graph_edges_upserted_total{discovery_source=\"manual\"}".to_owned(), 0.0),
        ("watershed_circular_dependencies_detected_total".to_owned(), 1.0),
        ("watershed_graph_nodes".to_owned(), 2.0),
        ("watershed_graph_version".to_owned(), 1.0),
        ("watershed_wal_append_duration_seconds_count".to_owned(), 1.0),
        ("watershed_publish_duration_seconds_count".to_owned(), 1.0),
        ("watershed_snapshot_duration_seconds_count".to_owned(), 1.0),
        ("watershed_snapshots_total".to_owned(), 1.0),
    ];
    assert!(limited >= 3, "{limited}");
    for (series, growth) in expected {
        assert!((grown(&before, &after, &series) - growth).abs() < 1e-9, "{series}: {growth}");
    }
    assert!(grown(&before, &after, "watershed_wal_fsync_duration_seconds_count") >= 1.0);
    assert!(after["watershed_process_resident_memory_bytes"] > 1e6);
    assert!(after["watershed_jemalloc_allocated_bytes"] > 1e5);
}

#[test]
fn nobody_can_make_up_labels() {
    let server = Server::start();
    // The first of each kind makes the series that there are to be.
    let ask = |number: u32| {
        server.request("BREW", &format!("/api/v1/services/pot-{number}"), &[], &[]);
        server.request("GET", &format!("/nowhere/{number}"), &[], &[]);
        server.get(&format!("/api/v1/services/ghost-{number}"));
        server.get(&format!("/api/v1/services/ghost-{number}/dependencies?depth=9{number}"));
    };
    ask(0);
    let before = scrape(&server);
    (1..30).for_each(ask);
    let after = scrape(&server);
    let names = |samples: &BTreeMap<String, f64>| samples.keys().cloned().collect::<Vec<_>>();
    let new: Vec<String> = names(&after).into_iter().filter(|name| !before.contains_key(name)).collect();
    assert!(new.is_empty(), "{new:?}");
    assert!(names(&after).iter().all(|name| !name.contains("pot-") && !name.contains("ghost-")));
    let growth = grown(&before, &after, &requests("other", "/api/v1/services/{service_id}", 405));
    assert!((growth - 29.0).abs() < 1e-9, "{growth}");
}

#[test]
fn metrics_need_a_key_only_where_the_settings_say_so() {
    let key = "an-admin-key-for-tests-0123456789";
    let with = |required: &str| {
        let settings =
            [("ADMIN_API_KEY", key), ("METRICS_REQUIRE_KEY", required), ("RATE_LIMIT_DEFAULT", "1")];
        Server::start_with(&settings, &[])
    };
    let open = with("false");
    let closed = with("true");
    for _ in 0..4 {
        assert_eq!(open.get("/api/v1/metrics").status, 200, "never limited");
        assert_eq!(closed.get("/api/v1/metrics").status, 401);
        assert_eq!(closed.request("GET", "/api/v1/metrics", &[("x-api-key", key)], &[]).status, 200);
    }
}
