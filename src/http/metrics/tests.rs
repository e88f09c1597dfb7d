//! What a scrape sees before and after there was anything to count.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::{Method, StatusCode};

use super::*;
use crate::http::tag::{Condition, Held};
use crate::types::{Direction, DiscoverySource, Upserted};

fn text(metrics: &Metrics) -> String {
    metrics.text(None, &[], None, Timestamp::parse("2026-02-14T10:00:00Z").unwrap())
}

/// Samples with their labels, by their names in the text.
fn samples(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn every_family_of_the_contract_is_there_from_the_start_and_at_0() {
    let text = text(&Metrics::new());
    let families = [
        ("http_requests_total", "counter"),
        ("http_request_duration_seconds", "histogram"),
        ("graph_traversal_duration_seconds", "histogram"),
        ("cache_hits_total", "counter"),
        ("cache_misses_total", "counter"),
        ("graph_nodes_upserted_total", "counter"),
        ("graph_edges_upserted_total", "counter"),
        ("circular_dependencies_detected_total", "counter"),
        ("rate_limit_exceeded_total", "counter"),
        ("db_pool_size", "gauge"),
        ("db_connections_active", "gauge"),
        ("db_connections_idle", "gauge"),
        ("graph_nodes", "gauge"),
        ("graph_edges", "gauge"),
        ("graph_version", "gauge"),
        ("wal_append_duration_seconds", "histogram"),
        ("wal_fsync_duration_seconds", "histogram"),
        ("wal_bytes", "gauge"),
        ("publish_duration_seconds", "histogram"),
        ("snapshot_duration_seconds", "histogram"),
        ("snapshot_age_seconds", "gauge"),
        ("export_duration_seconds", "histogram"),
        ("export_lag_versions", "gauge"),
        ("discovery_runs_total", "counter"),
        ("process_resident_memory_bytes", "gauge"),
        ("jemalloc_resident_bytes", "gauge"),
    ];
    for (name, kind) in families {
        let name = format!("watershed_{name}");
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name}: {text}");
        assert!(text.contains(&format!("# HELP {name} ")) && text.contains(&format!("\n{name}")), "{name}");
    }
    for (name, value) in samples(&text) {
        let is_measured = ["process_", "jemalloc_"].iter().any(|part| name.contains(part));
        let expected = if name == "watershed_snapshot_age_seconds" { "NaN" } else { "0" };
        assert!(name.starts_with("watershed_") && (is_measured || value == expected), "{name} {value}");
    }
    assert!(text.contains("le=\"0.00005\"") && !text.contains("le=\"0.00001\""), "buckets start at 50 µs");
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn what_is_done_is_counted_where_it_belongs() {
    let metrics = Metrics::new();
    let template = "/api/v1/services/{service_id}";
    for (method, status) in [("GET", 200), ("GET", 200), ("GET", 404), ("BREW", 405), ("get", 405)] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = Request::new(&method, template, StatusCode::from_u16(status).unwrap());
        metrics.requests.observe(request, Duration::from_micros(60));
    }
    metrics.requests.limited(template);
    metrics.work.traversal(Direction::Both, 10, Duration::from_millis(1));
    metrics.work.condition(Condition::Holds(Held::Plain));
    let upserted = Upserted { nodes_upserted: 3, edges_upserted: 2, ..Upserted::default() };
    metrics.work.report(DiscoverySource::Kubernetes, &upserted);
    metrics.work.follow_door(true, [9, 7]);
    let samples = samples(&text(&metrics));
    let expected = [
        (
            "http_requests_total{endpoint=\"/api/v1/services/{service_id}\",method=\"GET\",status_code=\"200\"}",
            "2",
        ),
        (
            "http_requests_total{endpoint=\"/api/v1/services/{service_id}\",method=\"GET\",status_code=\"404\"}",
            "1",
        ),
        (
            "http_requests_total{endpoint=\"/api/v1/services/{service_id}\",method=\"other\",status_code=\"405\"}",
            "2",
        ),
        (
            "http_request_duration_seconds_bucket{endpoint=\"/api/v1/services/{service_id}\",method=\"GET\",status_code=\"200\",le=\"0.0001\"}",
            "2",
        ),
        (
            "http_request_duration_seconds_bucket{endpoint=\"/api/v1/services/{service_id}\",method=\"GET\",status_code=\"200\",le=\"0.00005\"}",
            "0",
        ),
        ("rate_limit_exceeded_total{endpoint=\"/api/v1/services/{service_id}\"}", "1"),
        ("graph_traversal_duration_seconds_count{depth=\"10\",direction=\"both\"}", "1"),
        ("cache_hits_total{cache_type=\"conditional\"}", "1"),
        ("cache_misses_total{cache_type=\"conditional\"}", "0"),
        ("cache_misses_total{cache_type=\"api_key\"}", "7"),
        ("cache_hits_total{cache_type=\"api_key\"}", "9"),
        ("graph_nodes_upserted_total{discovery_source=\"kubernetes\"}", "3"),
        ("graph_edges_upserted_total{discovery_source=\"kubernetes\"}", "2"),
        ("graph_edges_upserted_total{discovery_source=\"manual\"}", "0"),
        ("rate_limit_redis_up", "1"),
    ];
    for (name, value) in expected {
        assert_eq!(samples.get(&format!("watershed_{name}")).map(String::as_str), Some(value), "{name}");
    }
}
