//! What the export does to a database that fails, and what that does to the server: nothing, and the next run
//! catches up.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::export_rows::{RUNS, assert_same, export, finished};
use crate::support::{Postgres, Server, eventually, upsert};

fn server(postgres: &Postgres) -> Server {
    let settings = [
        ("DATABASE_URL", &*postgres.url()),
        ("EXPORT_INTERVAL_SECONDS", "0"),
        ("EXPORT_TIMEOUT_SECONDS", "3"),
    ];
    Server::start_with(&settings, &["--sample", "online-boutique"])
}

/// A write and a read, each well under the time that the export waits for the database.
fn writes_and_answers(server: &Server, number: usize) {
    let begin = Instant::now();
    let name = format!("service-{number}");
    server.sent(
        "POST",
        "/api/v1/services/dependencies",
        upsert("manual").edge("frontend", &name).json(),
        202,
    );
    let answer = server.get_json(&format!("/api/v1/services/{name}/dependencies?direction=upstream&depth=1"));
    assert_eq!(answer["nodes"].as_array().unwrap().len(), 2);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

fn readiness(server: &Server) -> (u16, Value) {
    let reply = server.get("/api/v1/health/ready");
    (reply.status, reply.json()["checks"]["postgres_export"].clone())
}

/// The export fails and says why, the server does not mind; what the database held it still holds.
fn fails(server: &Server, expected: &str) -> Value {
    let run = export(server);
    assert_eq!((&run["state"], &run["rows"]), (&json!("failed"), &json!(0)), "{run}");
    assert!(run["error"].as_str().unwrap().contains(expected), "{run}");
    assert!(!run["finished_at"].is_null(), "{run}");
    assert_eq!(readiness(server), (200, json!("failing")), "the export has no say in readiness");
    run
}

fn catches_up(server: &Server, postgres: &Postgres) {
    let run = export(server);
    assert_eq!(run["state"], "succeeded", "{run}");
    assert_eq!(readiness(server), (200, json!("healthy")));
    assert_same(server, postgres);
}

#[test]
fn a_database_that_is_down_is_tried_again_until_it_is_there() {
    let mut postgres = Postgres::start();
    postgres.kill();
    let settings = [("DATABASE_URL", &*postgres.url()), ("EXPORT_INTERVAL_SECONDS", "1")];
    let server = Server::start_with(&settings, &["--sample", "online-boutique"]);
    eventually("the export fails", || (readiness(&server) == (200, json!("failing"))).then_some(()));
    writes_and_answers(&server, 1);
    postgres.start_again();
    eventually("the export catches up", || (readiness(&server) == (200, json!("healthy"))).then_some(()));
    assert_same(&server, &postgres);
    // And again under way: what was restarted is connected to again.
    postgres.kill();
    postgres.start_again();
    writes_and_answers(&server, 2);
    eventually("the change arrives", || {
        let found = postgres.one("SELECT count(*) FROM watershed.services WHERE service_id = 'service-2'");
        (found == "1").then_some(())
    });
}

#[test]
fn a_database_that_hangs_or_waits_costs_a_run_its_time_and_no_more() {
    let postgres = Postgres::start();
    let server = server(&postgres);
    catches_up(&server, &postgres);
    let before = postgres.one("SELECT version FROM watershed.graph_state");

    postgres.signal("STOP");
    writes_and_answers(&server, 1);
    let reply = server.request("POST", RUNS, &[], &[]);
    assert_eq!(reply.status, 202, "who asks does not wait");
    let again = server.request("POST", RUNS, &[], &[]).json();
    assert_eq!(again["run_id"], reply.json()["run_id"], "one run at a time");
    (2..6).for_each(|number| writes_and_answers(&server, number));
    let run = finished(&server, reply.json()["run_id"].as_str().unwrap());
    assert!(run["error"].as_str().unwrap().contains("not done within 3 s"), "{run}");
    postgres.signal("CONT");
    catches_up(&server, &postgres);

    let session = postgres.session("BEGIN; LOCK TABLE watershed.services IN ACCESS EXCLUSIVE MODE");
    eventually("the table is locked", || {
        (postgres.one("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") != "0")
            .then_some(())
    });
    writes_and_answers(&server, 6);
    let run = export(&server);
    assert_eq!(run["state"], "failed", "{run}");
    drop(session);
    eventually("the lock is gone", || postgres.try_one("SELECT 1 FROM watershed.services LIMIT 1").ok());
    assert_ne!(postgres.one("SELECT version FROM watershed.graph_state"), before);
    catches_up(&server, &postgres);
    let failures = postgres.one("SELECT count(*) FROM watershed.export_runs WHERE state = 'failed'");
    assert_ne!(failures, "0", "the database knows of runs that failed, as far as it could be told");
}

#[test]
fn a_database_that_is_restarted_while_rows_arrive_keeps_what_it_had() {
    let mut postgres = Postgres::start();
    let server = server(&postgres);
    catches_up(&server, &postgres);
    let count = "SELECT count(*) FROM watershed.service_dependencies";
    let before = postgres.one(count);
    // Each row takes its time, so that the database dies among them.
    postgres.one(
        "CREATE FUNCTION watershed.slow() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$",
    );
    postgres.one(
        "CREATE TRIGGER slow BEFORE INSERT ON watershed.service_dependencies FOR EACH ROW \
         EXECUTE FUNCTION watershed.slow()",
    );
    postgres.one("DELETE FROM watershed.graph_state");
    let run_id = server.request("POST", RUNS, &[], &[]).json()["run_id"].as_str().unwrap().to_owned();
    eventually("rows arrive", || {
        let copied = "SELECT count(*) FROM pg_stat_progress_copy WHERE tuples_processed >= 2 \
                      AND relid = 'watershed.service_dependencies'::regclass";
        (postgres.one(copied) == "1").then_some(())
    });
    postgres.kill();
    let run = finished(&server, &run_id);
    assert_eq!(run["state"], "failed", "{run}");
    postgres.start_again();
    assert_eq!(postgres.one(count), before);
    postgres.one("DROP FUNCTION watershed.slow CASCADE");
    catches_up(&server, &postgres);
}

#[test]
fn a_database_that_is_restarted_in_the_middle_holds_the_version_before() {
    let mut postgres = Postgres::start();
    let server = server(&postgres);
    catches_up(&server, &postgres);
    let before = postgres.one("SELECT version FROM watershed.graph_state");
    for number in 0..3 {
        writes_and_answers(&server, number);
        // It has staged its rows, and waits to merge them, when the database dies.
        let session = postgres.session("BEGIN; LOCK TABLE watershed.service_dependencies IN EXCLUSIVE MODE");
        eventually("the table is locked", || {
            (postgres.one("SELECT count(*) FROM pg_locks WHERE mode = 'ExclusiveLock' AND relation = 'watershed.service_dependencies'::regclass AND granted") != "0").then_some(())
        });
        let run_id = server.request("POST", RUNS, &[], &[]).json()["run_id"].as_str().unwrap().to_owned();
        eventually("rows are staged", || {
            let run = server.get_json(&format!("{RUNS}/{run_id}"));
            (run["rows"].as_u64().unwrap() > 0).then_some(())
        });
        postgres.kill();
        drop(session);
        let run = finished(&server, &run_id);
        assert_eq!(run["state"], "failed", "{run}");
        postgres.start_again();
        assert_eq!(postgres.one("SELECT version FROM watershed.graph_state"), before);
    }
    catches_up(&server, &postgres);
}

#[test]
fn a_database_that_takes_no_writes_says_so() {
    let postgres = Postgres::start();
    let server = server(&postgres);
    catches_up(&server, &postgres);
    let drop_sessions =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'watershed'";
    postgres.one("ALTER USER watershed SET default_transaction_read_only = on");
    postgres.one(drop_sessions);
    writes_and_answers(&server, 1);
    fails(&server, "read-only transaction");
    postgres.one("BEGIN READ WRITE; ALTER USER watershed RESET default_transaction_read_only; COMMIT");
    postgres.one(drop_sessions);
    catches_up(&server, &postgres);
}

#[test]
fn a_schema_that_somebody_made_for_the_user_is_enough() {
    let postgres = Postgres::start();
    postgres.one("CREATE ROLE reporter LOGIN; REVOKE CREATE ON DATABASE postgres FROM PUBLIC");
    postgres.one("CREATE SCHEMA watershed AUTHORIZATION reporter");
    let url = postgres.url().replace("watershed@", "reporter@");
    let server = Server::start_with(&[("DATABASE_URL", &url), ("EXPORT_INTERVAL_SECONDS", "0")], &[]);
    catches_up(&server, &postgres);
}

#[test]
fn a_user_who_may_not_write_is_told_what_is_missing() {
    let postgres = Postgres::start();
    postgres.one("CREATE ROLE reporter LOGIN; REVOKE CREATE ON DATABASE postgres FROM PUBLIC");
    let url = postgres.url().replace("watershed@", "reporter@");
    let server = Server::start_with(&[("DATABASE_URL", &url), ("EXPORT_INTERVAL_SECONDS", "0")], &[]);
    fails(&server, "permission denied for database postgres");
    postgres.one("GRANT CREATE ON DATABASE postgres TO reporter");
    catches_up(&server, &postgres);
}

#[test]
fn a_schema_of_a_newer_program_is_left_alone_and_one_without_tables_is_filled() {
    let postgres = Postgres::start();
    postgres.one("CREATE SCHEMA watershed");
    let server = server(&postgres);
    catches_up(&server, &postgres);
    let before = postgres.one("SELECT version FROM watershed.graph_state");
    postgres.one(
        "INSERT INTO watershed.schema_history (version, name, applied_on, checksum) \
         VALUES (99, 'future', '2030-01-01T00:00:00Z', '1')",
    );
    writes_and_answers(&server, 1);
    fails(&server, "version 99, and this program knows 1");
    assert_eq!(postgres.one("SELECT version FROM watershed.graph_state"), before);
    postgres.one("DELETE FROM watershed.schema_history WHERE version = 99");
    catches_up(&server, &postgres);
    // A schema of our name that is somebody else's is not touched.
    postgres.one(
        "DROP SCHEMA watershed CASCADE; CREATE SCHEMA watershed; CREATE TABLE watershed.services (x int)",
    );
    writes_and_answers(&server, 2);
    fails(&server, "already exists");
    assert_eq!(
        postgres.one(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'watershed' AND tablename = 'export_runs'"
        ),
        "0"
    );
    postgres.one("DROP SCHEMA watershed CASCADE");
    catches_up(&server, &postgres);
}

#[test]
fn a_database_whose_disk_is_full_keeps_what_it_had() {
    let postgres = Postgres::start_on_small_disk(160);
    let server = server(&postgres);
    catches_up(&server, &postgres);
    // What is not logged takes the room until nothing is left; the log has its own room already.
    postgres.one("CREATE UNLOGGED TABLE filler (t text); ALTER TABLE filler ALTER t SET STORAGE EXTERNAL");
    eventually("the disk is full", || {
        let fill = "INSERT INTO filler SELECT repeat(md5(random()::text), 30000) FROM generate_series(1, 4)";
        postgres.try_one(fill).err().filter(|error| error.contains("No space left on device"))
    });
    writes_and_answers(&server, 1);
    fails(&server, "No space left on device");
    writes_and_answers(&server, 2);
    postgres.one("DROP TABLE filler");
    catches_up(&server, &postgres);
}
