//! `POST /api/v1/graph/import`: streams that succeed, large ones too, and streams that break off.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Import, Page, Server, all_pairs, dependencies, import, pairs, replace, service, upsert, within,
};

/// The first line, with or without a mode.
fn header(source: &str, mode: Option<&str>) -> String {
    let mut line = json!({"source": source, "timestamp": "2026-02-14T10:00:00Z"});
    if let Some(mode) = mode {
        line["mode"] = json!(mode);
    }
    format!("{line}\n")
}

fn node(id: &str) -> String {
    format!("{}\n", json!({"node": {"service_id": id, "metadata": {"team": "t"}}}))
}

fn edge(source: &str, target: &str) -> String {
    let attributes = json!({"communication_mode": "sync"});
    format!("{}\n", json!({"edge": {"source": source, "target": target, "attributes": attributes}}))
}

/// A count of a line, under its own name or that of the ingestion report.
fn count(line: &Value, of: &str) -> u64 {
    let names = [of.to_owned(), format!("{of}_received"), format!("{of}_upserted")];
    let found = names.iter().find_map(|name| line[name].as_u64());
    found.unwrap_or_else(|| panic!("no number of {of} in {line}"))
}

fn counts(line: &Value) -> (u64, u64) {
    (count(line, "nodes"), count(line, "edges"))
}

#[test]
fn a_small_stream() {
    let mut server = Server::start();
    let text = [header("manual", None), node("a"), edge("a", "b"), node("c"), edge("b", "c")].concat();
    let imported = import(&server, &text);
    assert_eq!(counts(&imported.done()), (2, 2), "what was sent: {:?}", imported.lines());
    for restarted in [false, true] {
        assert_eq!(all_pairs(&server), pairs([("a", "b"), ("b", "c")]), "restarted: {restarted}");
        assert_eq!(service(&server, "a")["metadata"], json!({"team": "t"}));
        assert_eq!(Page::all(&server, "discovered=true"), ["b"]);
        let shown = dependencies(&server, "a", "depth=1").edge("a", "b");
        assert_eq!(shown["discovery_source"], "manual");
        assert_eq!(shown["last_observed_at"], "2026-02-14T10:00:00Z");
        assert_eq!(shown["criticality"], "hard");
        server.crash_and_restart();
    }
}

#[test]
fn forms_of_a_stream() {
    let plain = [header("manual", None), node("a"), edge("a", "b")].concat();
    let cases = [
        ("LF", plain.clone()),
        ("CRLF", plain.replace('\n', "\r\n")),
        ("no line feed at the end", plain.trim_end().to_owned()),
        ("upsert", [header("manual", Some("upsert")), node("a"), edge("a", "b")].concat()),
        ("white space", plain.replace(':', " : ").replace("10 : 00 : 00", "10:00:00").replace(',', " ,\t")),
        ("unknown members", plain.replace(r#""source":"#, r#""unknown":[{"x":1}],"source":"#)),
        ("edges first", [header("manual", None), edge("a", "b"), node("a")].concat()),
    ];
    for (name, text) in cases {
        let server = Server::start();
        assert_eq!(counts(&import(&server, &text).done()), (1, 1), "{name}");
        assert_eq!(all_pairs(&server), pairs([("a", "b")]), "{name}");
        assert_eq!(Page::all(&server, "discovered=false"), ["a"], "{name}");
    }
}

#[test]
fn a_stream_in_single_bytes() {
    let server = Server::start();
    let text = [header("manual", None), node("größe 🚀"), edge("größe 🚀", "b")].concat();
    let mut import = Import::begin(&server);
    for byte in text.bytes() {
        import.send(&[byte]).unwrap();
    }
    assert_eq!(counts(&import.finish().done()), (1, 1));
    assert_eq!(all_pairs(&server), pairs([("größe 🚀", "b")]));
}

#[test]
fn a_header_alone() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    for text in [header("manual", None), header("kubernetes", Some("replace"))] {
        assert_eq!(counts(&import(&server, &text).done()), (0, 0));
        assert_eq!(all_pairs(&server), pairs([("a", "b")]), "{text}");
    }
    assert_eq!(counts(&import(&server, &header("manual", Some("replace"))).done()), (0, 0));
    assert_eq!(all_pairs(&server), pairs([]), "everything that the source knew");
    assert_eq!(Page::all(&server, ""), ["a", "b"]);
}

#[test]
fn a_replacement() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edges([("a", "b"), ("a", "c"), ("b", "c")]));
    server.ingest(&upsert("manual").edges([("a", "c"), ("x", "y")]));
    let text = [header("kubernetes", Some("replace")), edge("a", "b"), edge("c", "d")].concat();
    import(&server, &text).done();
    assert_eq!(all_pairs(&server), pairs([("a", "b"), ("a", "c"), ("c", "d"), ("x", "y")]));
    assert_eq!(dependencies(&server, "a", "depth=1").edge("a", "c")["sources"], json!(["manual"]));
}

#[test]
fn merged_as_any_other_observation() {
    let server = Server::start();
    server.ingest(&upsert("manual").node("a", json!({"team": "hand"})).edge("a", "b"));
    import(&server, &[header("kubernetes", None), node("a"), edge("a", "b"), edge("b", "a")].concat()).done();
    let shown = dependencies(&server, "a", "depth=1").edge("a", "b");
    assert_eq!(shown["discovery_source"], "manual");
    assert_eq!(shown["sources"], json!(["manual", "kubernetes"]));
    assert_eq!(service(&server, "a")["team"], "hand");
    let alerts = server.get_json("/api/v1/circular-dependencies");
    assert_eq!(alerts["items"][0]["cycle_path"], json!(["a", "b", "a"]), "cycles are found");
}

/// A stream of as many services and edges: a ring that hangs on a hub, three lines to each service.
fn large(source: &str, mode: Option<&str>, services: usize) -> String {
    let mut text = header(source, mode);
    for number in 0..services {
        let name = |number: usize| format!("service-{:06}", number % services);
        text += &node(&name(number));
        text += &edge(&name(number), &name(number + 1));
        write!(text, "{}", edge("hub", &name(number))).unwrap();
    }
    text
}

#[test]
fn two_hundred_thousand_lines() {
    const SERVICES: usize = 66_667;
    let server = Server::start();
    let text = large("otel_service_graph", None, SERVICES);
    assert!(text.lines().count() > 200_000 && text.len() > 10 * 1024 * 1024, "more than a body may have");
    // A piece of a prime size ends within a line, as pieces do.
    let imported = Import::begin(&server).finish_with(text.into_bytes(), 65_521);
    let services = SERVICES as u64;
    assert_eq!(counts(&imported.done()), (services, 2 * services));
    let progress = imported.lines();
    let steps: Vec<_> = progress[..progress.len() - 1].iter().map(counts).collect();
    assert!(!steps.is_empty(), "a long import tells how far it is");
    assert!(steps.is_sorted(), "and only goes forward: {steps:?}");
    assert!(steps.iter().all(|(nodes, edges)| *nodes <= services && *edges <= 2 * services));
    let stats = server.get_json("/api/v1/graph/stats");
    assert_eq!(stats["services"], services + 1);
    assert_eq!(stats["dependencies"], 2 * services);
    assert_eq!(stats["cycles"], 1);
    assert_eq!(stats["discovered_services"], 1, "the hub");
}

#[test]
fn progress_comes_while_the_stream_is_sent() {
    let server = Server::start();
    let text = large("manual", None, 50_000);
    let end = text[..text.len() * 9 / 10].rfind('\n').unwrap() + 1;
    let import = Import::begin(&server);
    let sender = import.send_meanwhile(text.as_bytes()[..end].to_vec(), 50_000);
    let (first, mut import) = import.first_line();
    assert!(counts(&first) > (0, 0), "{first}");
    assert!(server.version() > 0, "batches are visible before the end");
    sender.join().unwrap().unwrap();
    import.send(&text.as_bytes()[end..]).unwrap();
    let rest = import.rest();
    let last = rest.last().unwrap();
    assert_eq!((&last["done"], counts(last)), (&json!(true), (50_000, 100_000)));
}

#[test]
fn no_limit_of_size() {
    let server = Server::start_with(&[("MAX_BODY_BYTES", "1000")], &[]);
    let text = large("manual", None, 100);
    let reply = server.request("POST", "/api/v1/services/dependencies", &[], text.as_bytes());
    assert_eq!(reply.status, 413, "elsewhere it is one");
    assert_eq!(counts(&import(&server, &text).done()), (100, 200));
    let headers = [("Content-Type", "application/x-ndjson")];
    let reply = server.request("POST", "/api/v1/graph/import", &headers, text.as_bytes());
    assert_eq!(reply.status, 200, "with its length told beforehand: {}", reply.text());
    assert_eq!(server.get_json("/api/v1/graph/stats")["dependencies"], 200);
}

#[test]
fn others_are_served_meanwhile() {
    let server = Server::start();
    let mut import = Import::begin(&server);
    import.send([header("manual", None), node("a")].concat().as_bytes()).unwrap();
    server.ingest(&upsert("kubernetes").edge("x", "y"));
    assert_eq!(all_pairs(&server), pairs([("x", "y")]));
    import.send(edge("a", "x").as_bytes()).unwrap();
    import.finish().done();
    assert_eq!(all_pairs(&server), pairs([("a", "x"), ("x", "y")]));
}

#[test]
fn two_imports_at_once() {
    let server = Server::start();
    let mut imports = [Import::begin(&server), Import::begin(&server)];
    let sources = ["manual", "kubernetes"];
    for (import, source) in imports.iter_mut().zip(sources) {
        import.send(header(source, Some("replace")).as_bytes()).unwrap();
    }
    for number in 0..50 {
        for (import, source) in imports.iter_mut().zip(sources) {
            import.send(edge(source, &format!("{source}-{number}")).as_bytes()).unwrap();
        }
    }
    for import in imports {
        assert_eq!(counts(&import.finish().done()), (0, 50));
    }
    for source in sources {
        assert_eq!(dependencies(&server, source, "depth=1").others().len(), 50, "{source}");
    }
}

/// Polls for a while: what must not happen has no event to wait for.
fn never(what: &str, mut happened: impl FnMut() -> bool) {
    let found = within(Duration::from_millis(500), || happened().then_some(()));
    assert!(found.is_none(), "{what}");
}

#[test]
fn a_client_that_goes_away() {
    let mut server = Server::start();
    server.ingest(&upsert("manual").edges([("kept", "one"), ("kept", "two")]));
    let kept = || pairs([("kept", "one"), ("kept", "two")]);
    let text = [header("manual", Some("replace")), edge("new", "one")].concat();
    // Between two lines, within a line, and before the first one.
    for end in [text.len(), text.len() - 10, 10] {
        let mut import = Import::begin(&server);
        import.send(&text.as_bytes()[..end]).unwrap();
        drop(import);
        never("withdrawn though the end never came", || !kept().is_subset(&all_pairs(&server)));
        let mut import = Import::begin(&server);
        import.send(&text.as_bytes()[..end]).unwrap();
        if let Some(imported) = import.abandon() {
            let lines = if imported.status() == 200 { imported.lines() } else { Vec::new() };
            assert!(lines.iter().all(|line| line["done"] != true), "{end}: {lines:?}");
        }
        assert!(kept().is_subset(&all_pairs(&server)), "{end}: half-closed");
    }
    server.ingest(&replace("manual").edge("a", "b"));
    assert_eq!(all_pairs(&server), pairs([("a", "b")]), "nobody waits for the one that went away");
    server.crash_and_restart();
    assert_eq!(all_pairs(&server), pairs([("a", "b")]));
}

#[test]
fn a_crash_in_the_midst_leaves_whole_batches() {
    let mut server = Server::start();
    server.ingest(&upsert("manual").edge("kept", "one"));
    let text = large("manual", Some("replace"), 30_000);
    let import = Import::begin(&server);
    let sender = import.send_meanwhile(text.into_bytes(), 60_000);
    let (first, import) = import.first_line();
    server.kill();
    let _ = sender.join().unwrap();
    drop(import);
    server.start_again();
    let stats = server.get_json("/api/v1/graph/stats");
    let applied = stats["dependencies"].as_u64().unwrap() - 1;
    assert!(applied >= count(&first, "edges"), "what was told is durable: {first}, {stats}");
    assert!(all_pairs_of_kept(&server), "nothing is withdrawn");
}

fn all_pairs_of_kept(server: &Server) -> bool {
    dependencies(server, "kept", "depth=1").pairs() == pairs([("kept", "one")])
}
