//! The commands that ask and change the model, against a server with the platform sample.

use serde_json::{Value, json};

use crate::support::{Finished, Server, command, run, run_with_input, upsert};

fn platform() -> Server {
    Server::start_with(&[], &["--sample", "platform"])
}

fn client(server: &Server, line: &str) -> Finished {
    run(command(line.split(' ')).env("WATERSHED_URL", server.url()))
}

/// What a command prints for a program.
fn answer(server: &Server, line: &str) -> Value {
    let finished = client(server, line);
    assert_eq!(finished.code, Some(0), "{line}: {finished:?}");
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {finished:?}"))
}

/// What it prints for a person, words apart by one space.
fn lines(server: &Server, line: &str) -> Vec<String> {
    let finished = client(server, &format!("{line} --format table"));
    assert_eq!(finished.code, Some(0), "{line}: {finished:?}");
    let text = finished.stdout;
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn questions_are_passed_on_and_shown() {
    let server = platform();
    let table = [
        ("impact payment-provider", "/api/v1/services/payment-provider/impact"),
        (
            "impact payment-provider --summary --hard-only --depth 2",
            "/api/v1/services/payment-provider/impact?depth=2&include_soft=false&summary=true",
        ),
        ("path front-door key-vault --max 1", "/api/v1/paths?from=front-door&to=key-vault&max_paths=1"),
        ("critical --limit 3", "/api/v1/graph/critical?limit=3"),
        ("diverge --kind unobserved", "/api/v1/graph/divergence?kind=unobserved"),
        ("cycles", "/api/v1/circular-dependencies"),
    ];
    for (line, target) in table {
        assert_eq!(answer(&server, line), server.get_json(target), "{line}");
    }
    let shown = lines(&server, "impact payment-provider");
    assert!(
        shown.contains(
            &"outage front-door 2 platform critical front-door → ecommerce-api → payment-provider".to_owned()
        ),
        "{shown:?}"
    );
    assert_eq!(shown.last().map(String::as_str), Some("3 services: 3 fail, 0 get worse"));
    assert_eq!(lines(&server, "path front-door key-vault"), ["front-door → ecommerce-api → key-vault"]);
    assert_eq!(lines(&server, "path key-vault front-door"), ["There is no way."]);
    assert_eq!(
        lines(&server, "critical --limit 1"),
        ["SERVICE ONLY WAY TO DEPENDENTS", "order-service 10 0"]
    );
    let both = lines(&server, "diverge");
    assert_eq!((both[0].as_str(), both.last().unwrap().as_str()), ("undeclared: 0", ""));
    let joint = answer(&server, "impact payment-provider billing-postgres");
    assert_eq!(joint["totals"]["impacted"], 4);
    let dot = client(&server, "deps payment-provider --graph dot");
    assert!(dot.stdout.starts_with("digraph"), "as it came");
}

#[test]
fn an_slo_is_set_asked_about_and_taken_away() {
    let server = platform();
    assert_eq!(answer(&server, "slo set ecommerce-api 99.5")["availability_target"], 99.5);
    let analysis = answer(&server, "slo impact payment-provider --from 99.99 --to 99.5");
    assert_eq!(analysis["summary"]["slos_at_risk"], 1);
    let shown = lines(&server, "slo impact payment-provider --from 99.99 --to 99.5 --depth 1");
    assert!(
        shown.contains(&"ecommerce-api upstream 99.5807 99.0927 -0.4880 99.5 at risk".to_owned()),
        "{shown:?}"
    );
    let latency = lines(&server, "slo impact payment-provider --from 200 --to 500 --sli latency");
    assert!(latency.iter().any(|line| line.starts_with("Latency does not multiply")), "{latency:?}");
    assert_eq!(lines(&server, "slo unset ecommerce-api"), ["ecommerce-api: no target"]);
}

#[test]
fn a_cycle_is_acknowledged_and_resolved_once() {
    let server = Server::start();
    let found = server.ingest(&upsert("manual").edges([("a", "b"), ("b", "a")]));
    let alert = found["circular_dependencies_detected"][0]["alert_id"].as_str().unwrap().to_owned();
    assert_eq!(answer(&server, "cycles --active true --strong --all")["items"][0]["id"], alert.as_str());
    assert_eq!(answer(&server, &format!("cycles {alert}"))["status"], "open");
    assert_eq!(answer(&server, &format!("ack {alert} --by team-a"))["acknowledged_by"], "team-a");
    let again = client(&server, &format!("ack {alert} --by team-b"));
    assert_eq!(again.code, Some(1));
    assert!(again.error_lines()[0].contains("409 Conflict"), "{again:?}");
    let shown = lines(&server, &format!("resolve {alert} done"));
    assert_eq!(shown[1], format!("{alert} resolved team-a there strong 2 a → b → a"));
    assert_eq!(client(&server, &format!("resolve {alert} twice")).code, Some(1));
    assert_eq!(answer(&server, "cycles --status open")["items"], json!([]));
}

#[test]
fn what_is_removed_is_gone() {
    let server = Server::start();
    server.ingest(&upsert("manual").edges([("a", "b"), ("a", "c")]));
    server.ingest(&upsert("kubernetes").edge("a", "b"));
    let said = client(&server, "rm a b --source manual");
    assert_eq!((said.code, said.stdout.len()), (Some(0), 0));
    assert_eq!(said.error_lines(), ["removed the dependency of a on b as manual reports it"]);
    assert_eq!(client(&server, "rm a b --source manual").code, Some(1), "it is not there any more");
    assert_eq!(client(&server, "rm a b").code, Some(0));
    assert_eq!(client(&server, "rm c").code, Some(0));
    assert_eq!(client(&server, "rm c").code, Some(1));
    let stats = server.get_json("/api/v1/graph/stats");
    assert_eq!((&stats["services"], &stats["dependencies"]), (&json!(2), &json!(0)));
}

#[test]
fn refusals_are_one_line_and_exit_code_1() {
    let server = Server::start();
    for line in [
        "impact nobody",
        "impact nobody either",
        "path nobody either",
        "slo set nobody 99",
        "slo set nobody 101",
        "slo impact nobody --from 99 --to 98",
        "cycles 3901a22c-220f-5858-beed-88230c7d5c68",
        "ack 3901a22c-220f-5858-beed-88230c7d5c68 --by me",
        "rm nobody",
        "rm nobody either",
    ] {
        let finished = client(&server, line);
        assert_eq!(
            (finished.code, finished.stdout.len(), finished.error_lines().len()),
            (Some(1), 0, 1),
            "{line}: {finished:?}"
        );
    }
    let nobody = run(&mut command(["critical", "--url", "http://127.0.0.1:1"]));
    assert_eq!((nobody.code, nobody.error_lines().len()), (Some(1), 1));
}

#[test]
fn an_unknown_service_is_named() {
    let server = Server::start();
    for (line, name) in [
        ("impact nobody", "nobody"),
        ("impact nobody either", "nobody or either"),
        ("path nobody either", "nobody or either"),
        ("deps nobody", "nobody"),
        ("slo set nobody 99", "nobody"),
        ("slo impact nobody --from 99 --to 98", "nobody"),
        ("rm nobody", "nobody"),
        ("rm nobody either", "nobody to either"),
    ] {
        let finished = client(&server, line);
        let said = format!("watershed: {name}: 404 Not Found: ");
        assert_eq!((finished.code, finished.error_lines().len()), (Some(1), 1), "{line}: {finished:?}");
        assert!(finished.stderr.starts_with(&said), "{line}: {finished:?}");
    }
}

#[test]
fn what_is_no_number_changes_no_target() {
    let server = platform();
    let set = answer(&server, "slo set ecommerce-api 99.5");
    for line in ["slo set ecommerce-api nan", "slo set ecommerce-api inf", "slo set ecommerce-api high"] {
        let finished = client(&server, line);
        assert_eq!((finished.code, finished.stdout.len()), (Some(2), 0), "{line}: {finished:?}");
    }
    let service = server.get_json("/api/v1/services/ecommerce-api");
    assert_eq!(service["availability_target"], set["availability_target"]);
}

#[test]
fn an_alert_is_looked_after_by_the_user() {
    let server = Server::start();
    let found = server.ingest(&upsert("manual").edges([("a", "b"), ("b", "a")]));
    let alert = found["circular_dependencies_detected"][0]["alert_id"].as_str().unwrap().to_owned();
    let ack = || {
        let mut ack = command(["ack", &alert]);
        ack.env("WATERSHED_URL", server.url());
        ack
    };
    for nobody in [run(&mut ack()), run(ack().env("USER", ""))] {
        assert_eq!((nobody.code, nobody.error_lines().len()), (Some(2), 1), "{nobody:?}");
    }
    let finished = run(ack().env("USER", "ada"));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let shown = server.get_json(&format!("/api/v1/circular-dependencies/{alert}"));
    assert_eq!(shown["acknowledged_by"], "ada");
}

#[test]
fn a_service_is_written_down_and_the_audit_says_so() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edge("a", "b"));
    let registered = answer(&server, r#"register a --team t --criticality high --metadata {"tier":1}"#);
    assert_eq!(registered, server.get_json("/api/v1/services/a"));
    assert_eq!(registered["metadata"]["tier"], 1);
    let too_long = client(&server, &format!("register a --team {}", "x".repeat(256)));
    assert_eq!(too_long.code, Some(1), "{too_long:?}");
    assert!(too_long.stderr.contains("team"), "{too_long:?}");
    let marked = ["sweep", "sweep"].map(|line| answer(&server, line)["marked"].clone());
    assert_eq!(marked, [1, 0], "the report is of long ago");
    assert_eq!(answer(&server, "audit --limit 2"), server.get_json("/api/v1/admin/audit?limit=2"));
    let actions: Vec<_> = answer(&server, "audit")["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(actions[..3], ["staleness_swept", "staleness_swept", "service_registered"]);
    for line in ["sweep", "audit", "register a"] {
        let nobody = run(command(line.split(' ')).env("WATERSHED_URL", "http://127.0.0.1:1"));
        assert_eq!((nobody.code, nobody.error_lines().len()), (Some(1), 1), "{line}: {nobody:?}");
    }
}

#[test]
fn streams_and_large_documents_are_imported() {
    let server = Server::start();
    let head = json!({"source": "kubernetes", "timestamp": "2026-02-14T10:00:00Z", "mode": "replace"});
    let edge = |number: u32| json!({"source": "hub", "target": format!("s{number}"), "attributes": {"communication_mode": "sync"}});
    let stream: String = (0..12_000).map(|number| json!({"edge": edge(number)}).to_string() + "\n").collect();
    let import = || command(["import", "-", "--url", &server.url()]);
    let finished = run_with_input(&mut import(), format!("{head}\n{stream}").as_bytes());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let totals: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((&totals["edges_received"], &totals["nodes_upserted"]), (&json!(12_000), &json!(12_001)));
    // A document of which nothing fits into one request, and that replaces half of it.
    let mut document = head.clone();
    document["edges"] = (6_000..18_000).map(edge).collect();
    let text = serde_json::to_string_pretty(&document).unwrap();
    let finished = run_with_input(&mut import(), text.as_bytes());
    let totals: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((&totals["edges_received"], &totals["edges_removed"]), (&json!(12_000), &json!(6_000)));
    assert_eq!(server.get_json("/api/v1/graph/stats")["dependencies"], 12_000);
    document["edges"][9_500]["target"] = json!("hub");
    let finished = run_with_input(&mut import(), document.to_string().as_bytes());
    assert_eq!(finished.code, Some(1));
    let said = &finished.error_lines()[0];
    assert!(said.contains("[field edges[9500].target]") && said.contains("8000 entries before it"), "{said}");
}
