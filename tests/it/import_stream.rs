//! `POST /api/v1/graph/import`: streams of any length, in pieces, with errors, cut off, replacing.

use serde_json::{Value, json};

use crate::support::{Connection, Reply, Server, eventually, upsert};

const TARGET: &str = "/api/v1/graph/import";
const NDJSON: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

fn head(source: &str, mode: &str) -> String {
    format!("{}\n", json!({"source": source, "timestamp": "2026-02-14T10:00:00Z", "mode": mode}))
}

fn edge(source: &str, target: &str) -> String {
    let attributes = json!({"communication_mode": "sync"});
    format!("{}\n", json!({"edge": {"source": source, "target": target, "attributes": attributes}}))
}

fn node(id: &str) -> String {
    format!("{}\n", json!({"node": {"service_id": id, "metadata": {"team": "t"}}}))
}

fn import(server: &Server, stream: &str) -> Reply {
    server.request("POST", TARGET, &NDJSON, stream.as_bytes())
}

/// The lines of an answer, the last one apart.
fn lines(reply: &Reply) -> (Vec<Value>, Value) {
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/x-ndjson")),
        "{}",
        reply.text()
    );
    let mut lines: Vec<Value> =
        reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap();
    (lines, last)
}

#[test]
fn a_stream_becomes_a_graph() {
    let server = Server::start();
    let stream =
        [head("kubernetes", "upsert"), node("a"), "\r\n  \n".to_owned(), edge("a", "b"), edge("b", "a")]
            .concat();
    let (progress, last) = lines(&import(&server, stream.trim_end()));
    assert_eq!(progress, [json!({"nodes": 1, "edges": 2})]);
    let expected = json!({"done": true, "nodes": 1, "edges": 2, "nodes_received": 1, "edges_received": 2, "nodes_upserted": 2,
        "edges_upserted": 2, "edges_removed": 0, "conflicts": 0, "circular_dependencies": 1,
        "warnings": ["1 unknown services auto-created as placeholders"], "version": 1, "durable": true});
    assert_eq!(last, expected);
    assert_eq!(server.get_json("/api/v1/services/a")["team"], "t");
    let (_, last) = lines(&import(&server, &head("kubernetes", "upsert")));
    assert_eq!((&last["done"], &last["version"]), (&json!(true), &json!(1)), "nothing to do is done");
}

#[test]
fn a_replacement_withdraws_what_did_not_come_by() {
    let server = Server::start();
    server.ingest(&upsert("kubernetes").edges([("a", "b"), ("a", "c"), ("c", "d")]));
    server.ingest(&upsert("manual").edges([("a", "c"), ("x", "y")]));
    let stream = [head("kubernetes", "replace"), edge("a", "b"), edge("a", "e")].concat();
    let (_, last) = lines(&import(&server, &stream));
    assert_eq!(
        (&last["edges_removed"], &last["version"]),
        (&json!(1), &json!(4)),
        "c → d is gone, a → c is manual"
    );
    let left = server.get_json("/api/v1/services/a/dependencies?direction=downstream");
    let edges: Vec<_> = left["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| (edge["target"].as_str().unwrap().to_owned(), edge["sources"].clone()))
        .collect();
    let expected = [("b", "kubernetes"), ("c", "manual"), ("e", "kubernetes")]
        .map(|(target, source)| (target.to_owned(), json!([source])));
    assert_eq!(edges, expected);
    // Broken off, nothing is withdrawn.
    let (_, last) = lines(&import(&server, &[head("kubernetes", "replace"), "{}\n".to_owned()].concat()));
    assert_eq!(last["error"]["line"], 2);
    assert_eq!(server.get_json("/api/v1/graph/stats")["dependencies"], 4);
    let (_, last) = lines(&import(&server, &head("kubernetes", "replace")));
    assert_eq!(last["edges_removed"], 2, "an empty one withdraws all");
}

#[test]
fn an_error_names_its_line_and_what_was_applied() {
    let server = Server::start();
    let many: String = (0..8_000).map(|number| edge("hub", &format!("s{number}"))).collect();
    let bad = [
        ("{", 400, None),
        (r#"{"node":{"service_id":"a","service_id":"b"}}"#, 400, None),
        ("{}", 422, Some("body")),
        (r#"{"node":{}}"#, 422, Some("node.service_id")),
        (
            r#"{"edge":{"source":"a","target":"a","attributes":{"communication_mode":"sync"}}}"#,
            422,
            Some("edge.target"),
        ),
        (
            r#"{"edge":{"source":"a","target":"b","attributes":{"communication_mode":"fax"}}}"#,
            422,
            Some("edge.attributes.communication_mode"),
        ),
    ];
    for (line, status, field) in bad {
        // Behind a whole batch, a blank line and an entry that is not applied.
        let stream =
            [head("manual", "upsert"), many.clone(), "\n".to_owned(), edge("x", "y"), line.to_owned()]
                .concat();
        let (_, last) = lines(&import(&server, &stream));
        let error = &last["error"];
        assert_eq!((&error["line"], &error["status"]), (&json!(8_004), &json!(status)), "{line}: {last}");
        assert_eq!(error["field"].as_str(), field, "{line}");
        assert!(error["title"].is_string() && error["correlation_id"].is_string(), "{error}");
        assert_eq!(
            (&last["applied"]["edges_received"], &last["applied"]["durable"]),
            (&json!(8_000), &json!(true))
        );
        assert_eq!(server.get("/api/v1/services/x").status, 404, "the batch of the error is not applied");
    }
    assert_eq!(server.get_json("/api/v1/graph/stats")["dependencies"], 8_000);
}

#[test]
fn a_bad_first_line_is_a_plain_refusal() {
    let server = Server::start();
    for (stream, status, field) in [
        ("", 400, None),
        ("\n\n", 400, None),
        ("[", 400, None),
        ("[]\n", 422, Some("body")),
        ("{}\n", 422, Some("source")),
        ("{\"source\":\"rumour\"}\n", 422, Some("source")),
        ("{\"source\":\"manual\"}\n", 422, Some("timestamp")),
        (
            "{\"source\":\"manual\",\"timestamp\":\"2026-02-14T10:00:00Z\",\"mode\":\"merge\"}\n",
            422,
            Some("mode"),
        ),
    ] {
        let reply = import(&server, stream);
        assert_eq!(reply.status, status, "{stream:?}: {}", reply.text());
        assert_eq!(reply.json()["field"].as_str(), field, "{stream:?}");
    }
    for headers in [&[][..], &[("content-type", "application/json")], &[("content-type", "text/plain")]] {
        assert_eq!(server.request("POST", TARGET, headers, head("manual", "upsert").as_bytes()).status, 415);
    }
    assert_eq!(server.version(), 0);
}

#[test]
fn a_line_has_a_bound_and_the_stream_has_none() {
    let server = Server::start_with(&[("MAX_BODY_BYTES", "1000")], &[]);
    let many: String = (0..20_000).map(|number| node(&format!("service-{number}"))).collect();
    let (progress, last) = lines(&import(&server, &[head("manual", "upsert"), many].concat()));
    assert_eq!(last["nodes_received"], 20_000);
    assert!(!progress.is_empty() && progress.len() <= 3, "{progress:?}");
    let long = format!("{{\"node\":{{\"service_id\":\"{}\"}}}}", "x".repeat(1024 * 1024 + 65_536));
    let (_, last) = lines(&import(&server, &[head("manual", "upsert"), node("a"), long].concat()));
    assert_eq!((&last["error"]["status"], &last["error"]["line"]), (&json!(413), &json!(3)));
}

/// A chunk of a body of unknown length.
fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

fn begin(server: &Server) -> Connection {
    let mut connection = server.connect();
    let head = format!(
        "POST {TARGET} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    connection.write(head.as_bytes()).unwrap();
    connection
}

/// Everything is sent before anything is read: the answer must not hold the stream up. And the stream, of 33 MB,
/// must not be held: it says the same thousand things again and again.
#[test]
fn four_hundred_thousand_lines_take_little_memory() {
    let server = Server::start();
    let mut connection = begin(&server);
    connection.write(&chunk(&head("otel_service_graph", "upsert"))).unwrap();
    let text: String =
        (0..1_000).map(|line| edge(&format!("s{}", line / 100), &format!("t{}", line % 100))).collect();
    let before = server.memory_peak_kib();
    for piece in 0..400 {
        // Lines are cut wherever the pieces end.
        let (first, second) = text.split_at(11 + piece);
        connection.write(&chunk(first)).unwrap();
        connection.write(&chunk(second)).unwrap();
    }
    connection.write(b"0\r\n\r\n").unwrap();
    let (_, last) = lines(&connection.reply("POST").unwrap());
    assert_eq!((&last["done"], &last["edges_received"]), (&json!(true), &json!(400_000)));
    assert_eq!(server.get_json("/api/v1/graph/stats")["dependencies"], 1_000);
    let more = server.memory_peak_kib() - before;
    assert!(400 * text.len() > 30 << 20 && more < 16 << 10, "{more} KiB more for {} bytes", 400 * text.len());
}

#[test]
fn a_client_that_goes_away_leaves_whole_batches() {
    let mut server = Server::start();
    let mut connection = begin(&server);
    connection.write(&chunk(&head("manual", "upsert"))).unwrap();
    let batch: String = (0..8_000).map(|number| node(&format!("a{number}"))).collect();
    connection.write(&chunk(&[batch, node("b")].concat())).unwrap();
    eventually("the first batch is there", || (server.version() == 1).then_some(()));
    drop(connection);
    server.log_line("the broken stream is told", |line| line["message"] == "an import was broken off");
    assert_eq!(server.get_json("/api/v1/graph/stats")["services"], 8_000);
    server.crash_and_restart();
    assert_eq!(server.get_json("/api/v1/graph/stats")["services"], 8_000);
}

#[test]
fn a_stream_that_stands_still_is_cut_off() {
    let server = Server::start_with(&[("REQUEST_TIMEOUT_SECONDS", "1")], &[]);
    let mut connection = begin(&server);
    connection.write(&chunk(&[head("manual", "upsert"), node("a")].concat())).unwrap();
    let (_, last) = lines(&connection.reply("POST").unwrap());
    assert_eq!((&last["error"]["status"], &last["applied"]["nodes_received"]), (&json!(408), &json!(0)));
}

#[test]
fn what_was_imported_is_in_the_log() {
    let mut server = Server::start();
    let stream = [head("manual", "upsert"), node("a"), edge("a", "b")].concat();
    import(&server, &stream);
    let audit = server.get_json("/api/v1/admin/audit");
    let entry = &audit["items"][0];
    assert_eq!(
        (&entry["action"], &entry["nodes"], &entry["edges"]),
        (&json!("ingested"), &json!(1), &json!(1))
    );
    let before = server.get_json("/api/v1/graph/stats");
    server.crash_and_restart();
    assert_eq!(server.get_json("/api/v1/graph/stats"), before);
}
