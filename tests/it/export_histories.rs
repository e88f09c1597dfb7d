//! The export after each of many changes, above all those of which observation of a dependency is shown.

use serde_json::{Value, json};

use crate::export_rows::{assert_same, export};
use crate::support::{Postgres, Server, attributes, replace, upsert};

const REPORTS: &str = "/api/v1/services/dependencies";
const SOURCES: [&str; 4] = ["manual", "service_mesh", "otel_service_graph", "kubernetes"];
/// Longer ago than any observation stays fresh.
const LONG_AGO: &str = "2020-01-01T00:00:00Z";

fn server(postgres: &Postgres) -> Server {
    let settings = [
        ("DATABASE_URL", &*postgres.url()),
        ("EXPORT_INTERVAL_SECONDS", "0"),
        ("STALE_EDGE_THRESHOLD_HOURS", "1"),
    ];
    Server::start_with(&settings, &[])
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// Exports, and compares everything; returns the mode.
fn exported(server: &Server, postgres: &Postgres) -> String {
    let run = export(server);
    assert_eq!((&run["state"], &run["error"]), (&json!("succeeded"), &Value::Null), "{run}");
    assert_same(server, postgres);
    run["mode"].as_str().unwrap().to_owned()
}

#[test]
fn another_observation_of_many_dependencies_is_shown() {
    let postgres = Postgres::start();
    let mut server = server(&postgres);
    let report = |source: &str, at: &str| {
        let names: Vec<String> = (0..400).map(|number| format!("called-{number}")).collect();
        let body = upsert(source).at(at).edges(names.iter().map(|name| ("caller", name.as_str())));
        body.json().clone()
    };
    let sent = |server: &Server, body: &Value| server.sent("POST", REPORTS, body, 202);
    sent(&server, &report("otel_service_graph", &now()));
    exported(&server, &postgres);
    // A higher priority, a higher one, one that is not shown, and back again.
    for source in ["service_mesh", "manual", "kubernetes"] {
        sent(&server, &report(source, &now()));
        exported(&server, &postgres);
    }
    for source in ["manual", "service_mesh"] {
        server.sent("POST", REPORTS, replace(source).at(&now()).json(), 202);
        exported(&server, &postgres);
    }
    // A stale one of a high priority gives way to a fresh one, and comes back with a new report.
    sent(&server, &report("manual", LONG_AGO));
    server.sent("POST", "/api/v1/admin/staleness/run", &json!({}), 200);
    exported(&server, &postgres);
    sent(&server, &report("manual", &now()));
    exported(&server, &postgres);
    // The same found by comparing everything.
    server.sent("POST", REPORTS, replace("manual").at(&now()).json(), 202);
    server.stop();
    server.start_again();
    assert_eq!(exported(&server, &postgres), "full");
    sent(&server, &report("manual", &now()));
    server.stop();
    server.start_again();
    assert_eq!(exported(&server, &postgres), "full");
}

#[test]
fn any_history_arrives_step_by_step() {
    let postgres = Postgres::start();
    let server = server(&postgres);
    let mut state: u64 = 0x5eed;
    // The high bits of Knuth's linear congruential generator.
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    for step in 0..50 {
        let source = SOURCES[below(4) as usize];
        let at = if below(3) == 0 { LONG_AGO.to_owned() } else { now() };
        let mut report = if below(6) == 0 { replace(source) } else { upsert(source) }.at(&at);
        for _ in 0..=below(6) {
            let (caller, called) = (below(5), below(5));
            if caller != called {
                let kind =
                    attributes(["sync", "async"][below(2) as usize], ["hard", "soft"][below(2) as usize]);
                report = report.edge_with(&format!("s{caller}"), &format!("s{called}"), kind);
            }
        }
        match below(8) {
            0 => drop(server.request("DELETE", &format!("/api/v1/services/s{}", below(5)), &[], &[])),
            1 => drop(server.sent("POST", "/api/v1/admin/staleness/run", &json!({}), 200)),
            _ => drop(server.sent("POST", REPORTS, report.json(), 202)),
        }
        // Several changes at once, too.
        if step % 3 != 0 {
            exported(&server, &postgres);
        }
    }
    exported(&server, &postgres);
}
