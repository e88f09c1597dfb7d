//! Imports from files to a server that answers from a list.

use std::path::PathBuf;

use crate::cli::console::Sink;
use crate::cli::testing::{StubServer, answer, capture, problem};

struct Outcome {
    code: u8,
    out: String,
    err: String,
    requests: Vec<String>,
}

fn receipt(version: u32, extra: &str) -> String {
    let body = format!(
        r#"{{"ingestion_id":"i","status":"completed","nodes_received":2,"edges_received":1,"nodes_upserted":3,"edges_upserted":1,
        "edges_removed":0,"circular_dependencies_detected":[{extra}],"conflicts_resolved":[{{"edge":{{}}}}],
        "warnings":["1 unknown services auto-created as placeholders"],"estimated_completion_seconds":0,"version":{version},"durable":true}}"#
    );
    answer("202 Accepted", "content-type: application/json\r\n", &body)
}

const CYCLE: &str = r#"{"cycle_path":["a","b","a"],"alert_id":"x"}"#;
const LATER: &str = "retry-after: 0\r\n";

/// Imports files with these texts; `{1}` in a text is replaced by 5000 nodes.
fn import(texts: &[&str], answers: Vec<String>, sink: Sink, options: &str) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let nodes = vec![r#"{"service_id":"n"}"#; 5_000].join(",");
    let files: Vec<PathBuf> = (0..texts.len()).map(|n| directory.path().join(format!("f{n}.json"))).collect();
    for (path, text) in files.iter().zip(texts) {
        std::fs::write(path, text.replace("{1}", &nodes)).unwrap();
    }
    let server = StubServer::start(answers);
    let (mut console, captured) = capture(sink);
    let mut line = format!("watershed import --url {}{options}", server.url);
    for path in &files {
        line.push(' ');
        line.push_str(path.to_str().unwrap());
    }
    let code = crate::cli::run(line.split(' ').map(Into::into), &mut console);
    Outcome { code, out: captured.out(), err: captured.err(), requests: server.requests() }
}

/// What a stream comes to: an answer of these lines.
fn stream_answer(lines: &[&str]) -> String {
    answer("200 OK", "content-type: application/x-ndjson\r\n", &(lines.join("\n") + "\n"))
}

const STREAM_TOTALS: &str = r#""nodes_received":5000,"edges_received":1,"nodes_upserted":5001,"edges_upserted":1,"edges_removed":2,
    "conflicts":3,"circular_dependencies":1,"warnings":["w"],"version":9,"durable":true"#;

#[test]
fn totals_are_summed_over_files_requests_and_streams() {
    let texts =
        [r#"{"source":"kubernetes","nodes":[]}"#, r#"{"mode":"replace","nodes":[{1}],"edges":[{"a":1}]}"#];
    let totals = STREAM_TOTALS.replace('\n', "");
    let done = stream_answer(&[r#"{"nodes":2000,"edges":0}"#, &format!(r#"{{"done":true,{totals}}}"#)]);
    let outcome = import(&texts, vec![receipt(7, CYCLE), done], Sink::Pipe, " --source manual");
    assert_eq!((outcome.code, outcome.err.as_str(), outcome.requests.len()), (0, "", 2));
    assert!(outcome.requests.iter().all(|request| request.contains(r#"{"source":"manual","#)));
    assert!(outcome.requests[1].starts_with("POST /api/v1/graph/import HTTP/1.1\r\n"));
    assert!(outcome.requests[1].contains("{\"node\":{\"service_id\":\"n\"}}\n"), "line by line");
    let totals: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
    let expected = serde_json::json!({
        "files": 2, "requests": 2, "nodes_received": 5002, "edges_received": 2, "nodes_upserted": 5004, "edges_upserted": 2,
        "edges_removed": 2, "circular_dependencies_detected": [{"cycle_path": ["a", "b", "a"], "alert_id": "x"}],
        "circular_dependencies": 2, "conflicts_resolved": 4,
        "warnings": ["1 unknown services auto-created as placeholders", "w"], "version": 9,
        "left_out": {}, "notes": 0, "files_passed_over": 0,
    });
    assert_eq!(totals, expected);
}

#[test]
fn a_broken_stream_says_where_and_what_is_applied() {
    let totals = STREAM_TOTALS.replace('\n', "");
    let error = |line: u32| {
        let error = format!(
            r#"{{"status":422,"title":"Unprocessable Entity","detail":"bad","field":"node.service_id","line":{line}}}"#
        );
        stream_answer(&[&format!(r#"{{"error":{error},"applied":{{{totals}}}}}"#)])
    };
    let document = r#"{"nodes":[{1},7],"edges":[]}"#;
    let outcome = import(&[document], vec![error(5_002)], Sink::Pipe, "");
    let expected = "f0.json: 422 Unprocessable Entity: bad [field nodes[5000].service_id]; 5001 entries before it are in the graph";
    assert_eq!((outcome.code, outcome.out.as_str()), (1, ""));
    assert!(outcome.err.contains(expected), "{}", outcome.err);
    let stream = "{\"source\":\"manual\"}\n{\"node\":{}}\n";
    let outcome = import(&[stream], vec![error(2)], Sink::Pipe, "");
    assert!(outcome.err.contains("[field node.service_id] (line 2); 5001 entries"), "{}", outcome.err);
    let outcome = import(&[stream], vec![stream_answer(&[r#"{"nodes":1,"edges":0}"#])], Sink::Pipe, "");
    assert!(outcome.err.contains("no last line") && outcome.err.contains("again is safe"), "{}", outcome.err);
}

#[test]
fn a_person_gets_a_table() {
    let outcome = import(&[r#"{"nodes":[]}"#], vec![receipt(7, CYCLE)], Sink::Terminal, "");
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let lines: Vec<String> =
        outcome.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in ["files 1", "graph version 7", "cycle: a -> b -> a", "services received 2"] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:?}");
    }
}

#[test]
fn waits_when_asked_with_the_same_idempotency_key() {
    let later = problem("429 Too Many Requests", LATER, "{}");
    let busy = problem("503 Service Unavailable", LATER, r#"{"outcome":"not_applied"}"#);
    let outcome = import(&[r#"{"nodes":[]}"#], vec![later, busy, receipt(7, "")], Sink::Pipe, "");
    assert_eq!((outcome.code, outcome.requests.len()), (0, 3), "{}", outcome.err);
    assert_eq!(outcome.requests[0], outcome.requests[1], "the same request");
    assert_eq!(outcome.requests[1], outcome.requests[2], "the same request");
    assert!(
        outcome.err.contains("the server asks to wait: 429 Too Many Requests; next try in 0.1 s"),
        "{}",
        outcome.err
    );
}

#[test]
fn gives_up_after_ten_tries() {
    let later = problem("429 Too Many Requests", LATER, r#"{"detail":"slow down"}"#);
    let outcome = import(&[r#"{"nodes":[]}"#], vec![later; 11], Sink::Pipe, "");
    assert_eq!((outcome.code, outcome.requests.len()), (1, 10));
    assert!(outcome.err.ends_with("f0.json: 429 Too Many Requests: slow down\n"), "{}", outcome.err);
}

#[test]
fn a_broken_connection_leaves_it_open_what_was_applied() {
    let broken = receipt(1, "").replace("content-length: ", "content-length: 9");
    let outcome = import(&[r#"{"nodes":[]}"#], vec![broken], Sink::Pipe, "");
    assert_eq!((outcome.code, outcome.requests.len()), (1, 1));
    assert!(outcome.err.contains("importing the file again is safe"), "{}", outcome.err);
}

#[test]
fn does_not_ask_again_where_that_could_do_harm_or_no_good() {
    let cases = [
        problem("503 Service Unavailable", LATER, r#"{"outcome":"unknown","detail":"the disk failed"}"#),
        problem("429 Too Many Requests", "retry-after: 3600\r\n", r#"{"detail":"slow down"}"#),
        problem(
            "507 Insufficient Storage",
            LATER,
            r#"{"outcome":"not_applied","detail":"the disk is full"}"#,
        ),
        problem("422 Unprocessable Entity", "", r#"{"detail":"no","field":"timestamp"}"#),
    ];
    for case in cases {
        let outcome = import(&[r#"{"nodes":[]}"#], vec![case.clone(), receipt(7, "")], Sink::Pipe, "");
        assert_eq!((outcome.code, outcome.requests.len(), outcome.out.as_str()), (1, 1, ""), "{case}");
        assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
    }
}

#[test]
fn a_refusal_names_the_place_in_the_file() {
    let refusal = problem("422 Unprocessable Entity", "", r#"{"detail":"bad","field":"edges[3].target"}"#);
    let outcome = import(&[r#"{"nodes":[],"edges":[1,2,3,4]}"#], vec![refusal], Sink::Pipe, "");
    assert_eq!((outcome.code, outcome.out.as_str()), (1, ""));
    let expected = "f0.json: 422 Unprocessable Entity: bad [field edges[3].target]";
    assert!(outcome.err.contains(expected), "{}", outcome.err);
}

#[test]
fn nothing_of_a_bad_file_is_sent() {
    let cases = [
        ("{\"nodes\":[{1},\n{]}", "f0.json: it is not in the ingest form: ", "line 2 column 2"),
        ("[]", "f0.json: it is not in the ingest form: ", "expected a JSON object"),
    ];
    for (text, start, part) in cases {
        let outcome = import(&[text], vec![receipt(1, "")], Sink::Pipe, "");
        assert_eq!((outcome.code, outcome.requests.len(), outcome.out.as_str()), (1, 0, ""), "{text}");
        assert!(outcome.err.contains(start) && outcome.err.contains(part), "{}", outcome.err);
    }
}

#[test]
fn the_first_bad_file_ends_the_import() {
    let texts = [r#"{"nodes":[]}"#, "{", r#"{"nodes":[]}"#];
    let outcome = import(&texts, vec![receipt(1, ""), receipt(2, "")], Sink::Pipe, "");
    assert_eq!((outcome.code, outcome.requests.len()), (1, 1));
    assert!(
        outcome.err.contains("f1.json (1 of 3 files were imported before it): it is not"),
        "{}",
        outcome.err
    );
}

#[test]
fn an_answer_that_is_no_receipt_is_a_failure() {
    let foreign = answer("200 OK", "content-type: application/json\r\n", "{}");
    let outcome = import(&[r#"{"nodes":[]}"#], vec![foreign], Sink::Pipe, "");
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("is not understood: missing field"), "{}", outcome.err);
    let (mut console, captured) = capture(Sink::Pipe);
    let line = "watershed import /nonexistent/graph.json";
    assert_eq!(crate::cli::run(line.split(' ').map(Into::into), &mut console), 1);
    assert!(captured.err().starts_with("watershed: /nonexistent/graph.json: it cannot be read: "));
}
