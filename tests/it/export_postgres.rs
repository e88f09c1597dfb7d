//! The export to a real PostgreSQL: what stands there, row by row, and when it does.

use serde_json::{Value, json};

use crate::export_rows::{RUNS, assert_rows, assert_same, export, finished};
use crate::support::tls::Certificate;
use crate::support::{
    Postgres, Server, attributes, command, eventually, listed, refused, replace, run, upsert,
};

fn server(postgres: &Postgres, sample: &[&str]) -> Server {
    // Of what tests report, at times long past, only that of one source grows stale.
    let settings = [
        ("DATABASE_URL", &*postgres.url()),
        ("EXPORT_INTERVAL_SECONDS", "0"),
        ("STALE_EDGE_THRESHOLD_HOURS", "0"),
        ("STALE_EDGE_THRESHOLD_HOURS_KUBERNETES", "1"),
    ];
    Server::start_with(&settings, sample)
}

/// Runs the export, which has to succeed; how much it looked at, and how many rows are others now.
fn exported(server: &Server) -> (String, u64) {
    let run = export(server);
    assert_eq!((&run["state"], &run["error"]), (&json!("succeeded"), &Value::Null), "{run}");
    assert_eq!(run["version"], server.get_json("/api/v1/graph/stats")["version"], "{run}");
    (run["mode"].as_str().unwrap().to_owned(), run["rows"].as_u64().unwrap())
}

#[test]
fn every_kind_of_change_arrives_row_by_row() {
    let postgres = Postgres::start();
    let server = server(&postgres, &["--sample", "platform"]);
    assert_eq!(exported(&server).0, "full");
    assert_same(&server, &postgres);
    assert_eq!(exported(&server), ("incremental".to_owned(), 0), "nothing changed");

    // Two sources of one dependency that differ; hostile texts; what PostgreSQL cannot hold.
    let old = upsert("kubernetes")
        .at("2020-01-01T00:00:00Z")
        .edge("checkout", "ledger")
        .edge("ledger", "billing-db");
    server.sent("POST", "/api/v1/services/dependencies", old.json(), 202);
    let odd = json!({"team": "O'Brien; DROP TABLE watershed.services --", "note": "a\u{0}b\\u0000\t\"\u{1f600}", "n": 1e300});
    let mut telemetry = upsert("otel_service_graph")
        .node("größe 日本語 %", odd)
        .edge_with("checkout", "ledger", attributes("async", "soft"))
        .edge("ledger", "größe 日本語 %")
        .edge("größe 日本語 %", "checkout");
    telemetry = telemetry.edge_with(
        "checkout",
        "x\\y\"z",
        json!({
            "communication_mode": "sync", "protocol": "grpc", "timeout_ms": 86_400_000,
            "retry_config": {"max_retries": 100, "backoff_strategy": "linear"},
        }),
    );
    server.sent("POST", "/api/v1/services/dependencies", telemetry.json(), 202);
    server.sent("PUT", "/api/v1/services/checkout/slo", &json!({"availability_target": 99.95}), 200);
    server.sent("POST", "/api/v1/admin/staleness/run", &json!({}), 200);
    assert_eq!(exported(&server).0, "incremental");
    let note =
        postgres.one("SELECT metadata->>'note' FROM watershed.services WHERE service_id LIKE 'größe%'");
    assert_eq!(note, "a\u{fffd}b\\u0000\t\"\u{1f600}");
    server.sent(
        "POST",
        "/api/v1/services/dependencies",
        upsert("otel_service_graph").node("größe 日本語 %", json!({})).json(),
        202,
    );
    exported(&server);
    assert_same(&server, &postgres);

    // The cycle is acknowledged, then broken; a service goes, a target goes, a source takes something back.
    let alert = &listed(&server, "/api/v1/circular-dependencies", "&active=true", 100)[0];
    let path = format!("/api/v1/circular-dependencies/{}/acknowledge", alert["id"].as_str().unwrap());
    server.sent("POST", &path, &json!({"acknowledged_by": "somebody"}), 200);
    exported(&server);
    assert_same(&server, &postgres);
    server.deleted("/api/v1/services/gr%C3%B6%C3%9Fe%20%E6%97%A5%E6%9C%AC%E8%AA%9E%20%25");
    server.deleted("/api/v1/services/checkout/dependencies/ledger?source=otel_service_graph");
    server.sent("PUT", "/api/v1/services/checkout/slo", &json!({"availability_target": null}), 200);
    assert_eq!(exported(&server).0, "incremental");
    assert_same(&server, &postgres);
}

#[test]
fn a_server_that_starts_again_copies_nothing_that_is_there() {
    let postgres = Postgres::start();
    let mut server = server(&postgres, &["--sample", "online-boutique"]);
    exported(&server);
    server.stop();
    server.start_again();
    eventually("it looks what is there", || {
        let checks = server.get_json("/api/v1/health/ready")["checks"].clone();
        (checks["postgres_export"] == "healthy").then_some(())
    });
    assert!(crate::support::scrape(&server)["watershed_export_lag_versions"] < 1.0);
    assert_eq!(exported(&server), ("incremental".to_owned(), 0));
    server.sent("PUT", "/api/v1/services/frontend", &json!({"metadata": {"team": "shop"}}), 200);
    assert_eq!(exported(&server).0, "incremental");
    server.stop();
    postgres.one("UPDATE watershed.graph_state SET version = 1");
    server.start_again();
    server.sent("PUT", "/api/v1/services/frontend", &json!({"metadata": {"team": "web"}}), 200);
    // It does not know what that version held; one service and its audit entry differ.
    assert_eq!(exported(&server), ("full".to_owned(), 2));
    assert_same(&server, &postgres);
}

/// References between tables, and indexes of the large ones beside the primary keys.
fn keys(postgres: &Postgres) -> String {
    postgres.one(
        "SELECT string_agg(name, ' ' ORDER BY name COLLATE \"C\") FROM (
             SELECT conname AS name FROM pg_constraint WHERE contype = 'f' AND convalidated
                AND connamespace = 'watershed'::regnamespace
             UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'watershed'
                AND tablename IN ('services', 'service_dependencies') AND indexname NOT LIKE '%key') AS made",
    )
}

const KEYS: &str = "service_dependencies_shown service_dependencies_source_service_id_fkey \
    service_dependencies_target service_dependencies_target_service_id_fkey services_metadata services_team \
    slo_targets_service_id_fkey";

#[test]
fn what_somebody_else_changed_is_mended_by_the_next_whole_export() {
    let postgres = Postgres::start();
    let mut server = server(&postgres, &["--sample", "online-boutique"]);
    exported(&server);
    assert_eq!(keys(&postgres), KEYS);
    postgres.one("DROP INDEX watershed.services_team");
    postgres.one("ALTER TABLE watershed.slo_targets DROP CONSTRAINT slo_targets_service_id_fkey");
    postgres.one("DELETE FROM watershed.service_dependencies; UPDATE watershed.services SET team = 'x'");
    postgres.one("DELETE FROM watershed.graph_state");
    assert_eq!(exported(&server).0, "full");
    assert_same(&server, &postgres);
    assert_eq!(keys(&postgres), KEYS);
    server.stop();
}

#[test]
fn the_first_services_are_still_loaded_in_one_go_when_the_graph_was_empty_before() {
    let postgres = Postgres::start();
    let server = server(&postgres, &[]);
    assert_eq!(exported(&server).0, "full");
    assert_eq!(keys(&postgres), "", "nothing is worth an index yet");
    server.sent("POST", "/api/v1/services/dependencies", upsert("manual").edge("a", "b").json(), 202);
    assert_eq!(exported(&server).0, "full");
    assert_same(&server, &postgres);
    assert_eq!(keys(&postgres), KEYS);
}

#[test]
fn a_copy_that_somebody_else_dropped_is_made_again_by_the_interval() {
    let postgres = Postgres::start();
    let settings = [("DATABASE_URL", &*postgres.url()), ("EXPORT_INTERVAL_SECONDS", "1")];
    let server = Server::start_with(&settings, &["--sample", "online-boutique"]);
    let held = || {
        postgres.try_one("SELECT digest FROM watershed.graph_state").ok().filter(|digest| !digest.is_empty())
    };
    eventually("the first export", held);
    postgres.one("DROP SCHEMA watershed CASCADE");
    eventually("another export, though nothing changed", held);
    assert_same(&server, &postgres);
}

#[test]
fn servers_that_share_a_database_take_turns_and_never_mix() {
    let postgres = Postgres::start();
    let (shop, platform) =
        (server(&postgres, &["--sample", "online-boutique"]), server(&postgres, &["--sample", "platform"]));
    for _ in 0..5 {
        let ids = [&shop, &platform].map(|server| {
            let reply = server.request("POST", RUNS, &[], &[]);
            reply.json()["run_id"].as_str().unwrap().to_owned()
        });
        for (server, id) in [&shop, &platform].into_iter().zip(&ids) {
            let run = finished(server, id);
            assert_eq!(run["state"], "succeeded", "{run}");
        }
        let digest = postgres.one("SELECT digest FROM watershed.graph_state");
        let of = |server: &Server| server.get_json("/api/v1/graph/stats")["digest"] == json!(digest);
        let last =
            [&shop, &platform].into_iter().find(|server| of(server)).expect("it is the graph of one of them");
        assert_same(last, &postgres);
    }
}

#[test]
fn readers_see_one_version_or_the_next() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let server = Server::start_with(&[("DATABASE_URL", &url), ("EXPORT_INTERVAL_SECONDS", "1")], &[]);
    let write = |count: usize| {
        let payload = replace("manual").node("marker", json!({"edges": count}));
        let payload =
            payload.edges((0..count).map(|number| (format!("caller-{number}"), "marker".to_owned())));
        server.sent("POST", "/api/v1/services/dependencies", payload.json(), 202);
    };
    write(1);
    eventually("the first report is there", || {
        let marker = postgres.try_one("SELECT 1 FROM watershed.services WHERE service_id = 'marker'");
        (marker.as_deref() == Ok("1")).then_some(())
    });
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..40_usize {
        write(round * 7 % 50 + 1);
        let reply = server.request("POST", RUNS, &[], &[]);
        assert_eq!(reply.status, 202);
        let pair = postgres.one(
            "SELECT (SELECT metadata->>'edges' FROM watershed.services WHERE service_id = 'marker') || ' ' || \
             (SELECT count(*) FROM watershed.service_dependencies)",
        );
        let (said, held) = pair.split_once(' ').unwrap();
        assert_eq!(said, held, "half a version");
        seen.insert(held.to_owned());
    }
    assert!(seen.len() > 5, "readers saw few versions: {seen:?}");
}

#[test]
fn every_table_and_column_says_what_it_is_and_the_views_answer() {
    let postgres = Postgres::start();
    let server = server(&postgres, &["--sample", "platform"]);
    exported(&server);
    let silent = postgres.rows(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
         WHERE c.relnamespace = 'watershed'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_history' \
         AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL \
         UNION ALL SELECT relname, NULL FROM pg_class WHERE relnamespace = 'watershed'::regnamespace \
         AND relkind IN ('r', 'v') AND relname <> 'schema_history' AND obj_description(oid) IS NULL",
    );
    assert_eq!(silent, Vec::<Value>::new());
    let callers =
        postgres.rows("SELECT service_id, callers FROM watershed.most_depended_upon_services LIMIT 1");
    let stats = server.get_json("/api/v1/graph/stats");
    assert_eq!(callers[0]["callers"], stats["max_callers"]);
    let teams = postgres.one("SELECT sum(dependencies) FROM watershed.dependencies_by_team");
    assert_eq!(teams, stats["dependencies"].to_string());
    let telemetry =
        upsert("service_mesh").edge("front-door", "redis-of-nobody").edge("redis-of-nobody", "front-door");
    server.sent("POST", "/api/v1/services/dependencies", telemetry.json(), 202);
    let old = upsert("kubernetes").at("2020-01-01T00:00:00Z").edge("front-door", "gone");
    server.sent("POST", "/api/v1/services/dependencies", old.json(), 202);
    server.sent("POST", "/api/v1/admin/staleness/run", &json!({}), 200);
    exported(&server);
    let undeclared = listed(&server, "/api/v1/graph/divergence", "&kind=undeclared", 100);
    let told: Vec<Value> = undeclared
        .iter()
        .map(|item| json!({"s": item["source"], "t": item["target"], "by": item["sources"]}))
        .collect();
    let held = postgres.rows("SELECT source_service_id AS s, target_service_id AS t, sources AS by FROM watershed.undeclared_dependencies");
    assert_rows("undeclared", held, told);
    let stale =
        postgres.rows("SELECT source_service_id, target_service_id FROM watershed.stale_dependencies");
    assert_eq!(stale, [json!({"source_service_id": "front-door", "target_service_id": "gone"})]);
    let open = postgres.one("SELECT count(*) FROM watershed.open_cycles");
    assert_eq!(open, stats_of(&server, "cycles"));
    let changes = postgres.one("SELECT sum(changes) FROM watershed.changes_per_week");
    assert_eq!(changes, stats_of(&server, "version"));
}

fn stats_of(server: &Server, name: &str) -> String {
    server.get_json("/api/v1/graph/stats")[name].to_string()
}

#[test]
fn the_interval_exports_what_changed_and_metrics_tell_the_lag() {
    let postgres = Postgres::start();
    let settings =
        [("DATABASE_URL", &*postgres.url()), ("EXPORT_INTERVAL_SECONDS", "1"), ("DB_POOL_SIZE", "3")];
    let server = Server::start_with(&settings, &["--sample", "online-boutique"]);
    let metric = |name: &str| crate::support::scrape(&server).get(name).copied().unwrap_or(f64::NAN);
    eventually("the first export", || {
        (metric("watershed_export_duration_seconds_count") >= 1.0).then_some(())
    });
    server.sent("PUT", "/api/v1/services/frontend", &json!({"metadata": {"team": "shop"}}), 200);
    eventually("the team arrives", || {
        let team = postgres.one("SELECT team FROM watershed.services WHERE service_id = 'frontend'");
        (team == "shop").then_some(())
    });
    eventually("there is no lag", || (metric("watershed_export_lag_versions") < 0.5).then_some(()));
    let connections =
        ["watershed_db_pool_size", "watershed_db_connections_idle", "watershed_db_connections_active"];
    let [most, idle, active] = connections.map(metric);
    assert!((most - 3.0).abs() < 0.5 && (idle + active - 1.0).abs() < 0.5, "{most} {idle} {active}");
    assert_eq!(server.get_json("/api/v1/health/ready")["checks"]["postgres_export"], "healthy");
    let runs = server.get_json(RUNS)["items"].as_array().unwrap().len();
    let held = postgres.one("SELECT count(*) FROM watershed.export_runs");
    assert_eq!(
        held,
        runs.to_string(),
        "what changed nothing runs nothing, and the database knows of every run"
    );
}

#[test]
fn tls_is_what_the_url_says() {
    let (own, other) = (Certificate::new(), Certificate::new());
    let postgres = Postgres::start_with(&["ssl=on"], |data| {
        for (name, text) in [("server.crt", &own.chain), ("server.key", &own.key)] {
            std::fs::write(data.join(name), text).unwrap();
        }
        let files = format!("chown --reference={0} {0}/server.*; chmod 600 {0}/server.key", data.display());
        assert!(std::process::Command::new("sh").args(["-c", &files]).status().unwrap().success());
    });
    let directory = tempfile::tempdir().unwrap();
    let roots = |name: &str, certificate: &Certificate| {
        let path = directory.path().join(name);
        std::fs::write(&path, &certificate.chain).unwrap();
        path.display().to_string()
    };
    let (right, wrong) = (roots("right.pem", &own), roots("wrong.pem", &other));
    let by_address = postgres.url().replace("localhost", "127.0.0.1");
    let cases = [
        (format!("{}?sslmode=disable", postgres.url()), false, true),
        (postgres.url(), true, true),
        (format!("{}?sslmode=require", postgres.url()), true, true),
        (format!("{}?sslmode=verify-full&sslrootcert={right}", postgres.url()), true, true),
        (format!("{}?sslmode=verify-full&sslrootcert={wrong}", postgres.url()), true, false),
        (format!("{}?sslmode=verify-ca&sslrootcert={wrong}", postgres.url()), true, false),
        (format!("{by_address}?sslmode=verify-ca&sslrootcert={right}"), true, true),
        (format!("{by_address}?sslmode=verify-full&sslrootcert={right}"), true, false),
    ];
    for (url, encrypted, succeeds) in cases {
        let server = Server::start_with(&[("DATABASE_URL", &url), ("EXPORT_INTERVAL_SECONDS", "0")], &[]);
        let run = export(&server);
        assert_eq!(run["state"] == "succeeded", succeeds, "{url}: {run}");
        if succeeds {
            let is = postgres.one(
                "SELECT bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'watershed'",
            );
            assert_eq!(is == "t", encrypted, "{url}");
        }
    }
}

#[test]
fn without_a_database_there_is_no_export_and_a_bad_url_is_not_shown() {
    let server = Server::start();
    assert_eq!(server.get_json(RUNS)["items"], json!([]));
    let reply = server.request("POST", RUNS, &[], &[]);
    let problem = reply.assert_problem(&[409], "", "not set up");
    assert!(problem["detail"].as_str().unwrap().contains("DATABASE_URL"), "{problem}");
    assert_eq!(server.get(&format!("{RUNS}/0198c1de-7b1c-7c5e-9a1b-3a5a7e8f2d10")).status, 404);
    assert_eq!(server.get(&format!("{RUNS}/none")).status, 404);
    assert!(server.get_json("/api/v1/health/ready")["checks"]["postgres_export"].is_null());
    let directory = tempfile::tempdir().unwrap();
    for url in
        ["mysql://u:s3cret@h/d", "postgres://u:s3cret@h/d?sslmode=perhaps", "postgres://u:s3cret@h:0x/d"]
    {
        let finished = refused(directory.path(), &[("DATABASE_URL", url)]);
        assert_eq!(finished.code, Some(2), "{url}: {}", finished.stderr);
        assert!(
            finished.stderr.contains("DATABASE_URL") && !finished.stderr.contains("s3cret"),
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn the_command_waits_for_the_run() {
    let postgres = Postgres::start();
    let server = server(&postgres, &["--sample", "online-boutique"]);
    let told = |arguments: &[&str]| {
        let mut line = vec!["export", "postgres", "--url"];
        let url = server.url();
        line.push(&url);
        line.extend(arguments);
        run(&mut command(line))
    };
    let finished = told(&[]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    let first: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((&first["state"], &first["mode"]), (&json!("succeeded"), &json!("full")));
    let table = told(&["--format", "table"]);
    assert!(table.stdout.contains("incremental"), "{}", table.stdout);
    postgres.one("ALTER USER watershed SET default_transaction_read_only = on");
    server.sent("PUT", "/api/v1/services/frontend", &json!({"metadata": {}}), 200);
    postgres
        .one("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'watershed'");
    let failed = told(&[]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.stderr.contains("read-only"), "{}", failed.stderr);
}
