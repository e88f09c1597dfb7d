//! Runs of the export, and the rows that it leaves held against what the server says.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Postgres, Server, command, eventually, listed, run, service_path};

pub(crate) const RUNS: &str = "/api/v1/admin/exports/postgres";

/// Runs the export and waits for its end.
pub(crate) fn export(server: &Server) -> Value {
    let reply = server.request("POST", RUNS, &[], &[]);
    assert_eq!(reply.status, 202, "{}", reply.text());
    finished(server, reply.json()["run_id"].as_str().unwrap())
}

/// The run when it has ended.
pub(crate) fn finished(server: &Server, run_id: &str) -> Value {
    eventually("the run ends", || {
        let run = server.get_json(&format!("{RUNS}/{run_id}"));
        (run["state"] != "running").then_some(run)
    })
}

/// What the server says of every service, dependency, alert, target and audit entry is what the database holds.
pub(crate) fn assert_same(server: &Server, postgres: &Postgres) {
    let services = listed(server, "/api/v1/services", "", 100);
    let mut told = Vec::new();
    let (mut edges, mut targets) = (Vec::new(), Vec::new());
    for service in services {
        let id = service["service_id"].as_str().unwrap();
        let path = service_path(id);
        let whole = server.get_json(&path);
        let keys = ["service_id", "id", "team", "criticality", "service_type", "discovered", "metadata"];
        let mut row: Value = keys
            .iter()
            .map(|&key| (key.to_owned(), whole[key].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        for key in ["created_at", "updated_at"] {
            row[key] = whole[key].clone();
        }
        told.push(row);
        if let Some(target) = whole["availability_target"].as_f64() {
            targets.push(json!({"service_id": id, "availability_target": target}));
        }
        let query = format!("{path}/dependencies?direction=downstream&depth=1&include_stale=true");
        edges.extend(server.get_json(&query)["edges"].as_array().unwrap().iter().map(|edge| {
            let mut row = json!({
                "max_retries": edge["retry_config"]["max_retries"],
                "backoff_strategy": edge["retry_config"]["backoff_strategy"],
            });
            for key in [
                "source",
                "target",
                "communication_mode",
                "criticality",
                "protocol",
                "timeout_ms",
                "confidence_score",
                "discovery_source",
                "sources",
                "last_observed_at",
                "is_stale",
            ] {
                row[key] = edge[key].clone();
            }
            row
        }));
    }
    let held = postgres.rows(&format!(
        "SELECT service_id, id, team, criticality, service_type, discovered, metadata, {}, {} FROM watershed.services",
        utc("created_at"), utc("updated_at"),
    ));
    assert_rows("services", held, told);
    let held = postgres.rows(&format!(
        "SELECT source_service_id AS source, target_service_id AS target, communication_mode, criticality, protocol, \
         timeout_ms, max_retries, backoff_strategy, confidence_score, discovery_source, sources, {}, is_stale \
         FROM watershed.dependencies",
        utc("last_observed_at"),
    ));
    assert_rows("dependencies", held, edges);
    let held = postgres.rows("SELECT service_id, availability_target FROM watershed.slo_targets");
    assert_rows("SLO targets", held, targets);
    assert_observations(server, postgres);
    let held = postgres.rows(&format!(
        "SELECT id, status, is_active, is_strong, members, cycle_path, {}, acknowledged_by, resolution_notes \
         FROM watershed.circular_dependency_alerts",
        utc("detected_at"),
    ));
    assert_rows("alerts", held, listed(server, "/api/v1/circular-dependencies", "", 100));
    let told = listed(server, "/api/v1/admin/audit", "", 100).into_iter().map(|entry| {
        json!({
            "version": entry["to_version"], "at": entry["at"], "actor": entry["actor"], "action": entry["action"],
            "discovery_source": entry["source"], "service_id": entry["service_id"], "target_service_id": entry["target"],
            "alert_id": entry["alert_id"], "services": entry["nodes"], "dependencies": entry["edges"],
        })
    });
    let held = postgres.rows(&format!(
        "SELECT version, {}, actor, action, discovery_source, service_id, target_service_id, alert_id, services, \
         dependencies FROM watershed.audit_log",
        utc("at"),
    ));
    assert_rows("audit", held, told.collect());
    let stats = server.get_json("/api/v1/graph/stats");
    let state = postgres.rows("SELECT version, digest FROM watershed.graph_state");
    assert_eq!(state, [json!({"version": stats["version"], "digest": stats["digest"]})]);
    let observations = postgres.one("SELECT count(*) FROM watershed.service_dependencies");
    assert_eq!(observations, stats["observations"].to_string());
}

/// The observations that are not shown, too, which only the files of the server have.
fn assert_observations(server: &Server, postgres: &Postgres) {
    let directory = tempfile::tempdir().unwrap();
    let files = directory.path().join("files");
    let done = run(&mut command(["export", "ndjson", files.to_str().unwrap(), "--url", &server.url()]));
    assert_eq!(done.code, Some(0), "{done:?}");
    let text = std::fs::read_to_string(files.join("dependencies.ndjson")).unwrap();
    let told = text.lines().map(|line| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row.as_object_mut().unwrap().remove("has_retry_config");
        row
    });
    let held = postgres.rows(&format!(
        "SELECT source_service_id AS source, target_service_id AS target, discovery_source, communication_mode, \
         criticality, protocol, timeout_ms, max_retries, backoff_strategy, {}, times_observed, {} \
         FROM watershed.service_dependencies",
        utc("last_observed_at"),
        utc("stale_since"),
    ));
    assert_rows("observations", held, told.collect());
}

/// An instant as the server writes it.
fn utc(column: &str) -> String {
    format!(
        "regexp_replace(to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '[.]?0*$', '') || 'Z' AS {column}"
    )
}

/// Rows as texts that are the same whoever wrote them: `1` is `1.0`, and members have no order.
pub(crate) fn sorted(rows: Vec<Value>) -> Vec<String> {
    let mut texts: Vec<String> = rows.into_iter().map(|row| normal(row).to_string()).collect();
    texts.sort();
    texts
}

fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap()),
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(members) => {
            let ordered: BTreeMap<String, Value> =
                members.into_iter().map(|(name, value)| (name, normal(value))).collect();
            json!(ordered)
        }
        other => other,
    }
}

/// Says only what differs.
pub(crate) fn assert_rows(what: &str, held: Vec<Value>, told: Vec<Value>) {
    let (held, told) = (sorted(held), sorted(told));
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|row| !other.contains(row)).cloned().collect()
    };
    let (extra, missing) = (only(&held, &told), only(&told, &held));
    assert!(held == told, "{what}: only in the database {extra:#?}, only in the graph {missing:#?}");
}
