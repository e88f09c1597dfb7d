//! Traces as a collector gets them: which spans there are, whose children they are, and what is not sampled.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;

use crate::support::{Server, free_port, upsert};

/// A collector that keeps what it gets.
struct Collector {
    port: u16,
    spans: Receiver<Span>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, spans) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let sender = sender.clone();
                thread::spawn(move || {
                    let mut stream = BufReader::new(stream.unwrap());
                    while let Some(body) = request(&mut stream) {
                        let export = ExportTraceServiceRequest::decode(&*body).unwrap();
                        for resource in export.resource_spans {
                            let attributes = resource.resource.unwrap().attributes;
                            assert!(attributes.iter().any(|attribute| attribute.key == "service.name"));
                            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                            spans.for_each(|span| drop(sender.send(span)));
                        }
                        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                    }
                });
            }
        });
        Self { port, spans }
    }

    fn server(&self, rate: &str) -> Server {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        Server::start_with(
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), ("OTEL_TRACE_SAMPLE_RATE", rate)],
            &[],
        )
    }

    /// The spans of a trace, once this one has come.
    fn trace(&self, trace_id: &str, last: &str) -> Vec<Span> {
        let (begun, mut found) = (Instant::now(), Vec::new());
        while begun.elapsed() < Duration::from_secs(20) {
            let Ok(span) = self.spans.recv_timeout(Duration::from_secs(20)) else { break };
            if hex(&span.trace_id) == trace_id {
                let is_last = span.name == last;
                found.push(span);
                if is_last {
                    return found;
                }
            }
        }
        panic!(
            "no span {last:?} of {trace_id} in {:?}",
            found.iter().map(|span| &span.name).collect::<Vec<_>>()
        )
    }
}

/// The body of the next request, which must be an export.
fn request(stream: &mut BufReader<std::net::TcpStream>) -> Option<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert!(line.starts_with("POST /v1/traces HTTP/1.1"), "{line}");
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).unwrap();
        let header = header.trim().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(text) = header.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        assert!(
            !header.starts_with("content-type:") || header.ends_with("application/x-protobuf"),
            "{header}"
        );
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some(body)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A trace of the caller's own.
fn caller(number: u8, flags: &str) -> (String, String) {
    let trace_id = format!("{:030x}{number:02x}", 0xabc);
    let parent = format!("00-{trace_id}-00f067aa0ba902b7-{flags}");
    (trace_id, parent)
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    format!("{:?}", found.unwrap_or_else(|| panic!("no {name} in {span:?}")).value)
}

#[test]
fn a_request_s_spans_continue_the_caller_s_trace() {
    let collector = Collector::start();
    let server = collector.server("0");
    server.ingest(&upsert("manual").edge("secret-name", "b"));
    let (trace_id, parent) = caller(1, "01");
    let headers = [("traceparent", &*parent), ("x-correlation-id", "c-1")];
    let reply = server.request("GET", "/api/v1/services/secret-name/dependencies?depth=2", &headers, &[]);
    assert_eq!(reply.status, 200);
    let name = "GET /api/v1/services/{service_id}/dependencies";
    let spans = collector.trace(&trace_id, name);
    let [traversal, request] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((&*traversal.name, &*request.name), ("traversal", name));
    assert_eq!(hex(&request.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(traversal.parent_span_id, request.span_id);
    assert!(request.start_time_unix_nano <= traversal.start_time_unix_nano);
    assert!(traversal.end_time_unix_nano <= request.end_time_unix_nano);
    assert!(attribute(request, "http.response.status_code").contains("200"));
    assert!(attribute(request, "http.route").contains("{service_id}"));
    assert!(attribute(request, "watershed.correlation_id").contains("c-1"));
    assert!(!format!("{spans:?}").contains("secret-name"), "no path and no query");
    server.log_line("the trace is named", |line| {
        line["trace_id"] == trace_id && line["correlation_id"] == "c-1"
    });
}

#[test]
fn commits_and_snapshots_are_parts_of_their_requests() {
    let collector = Collector::start();
    let server = collector.server("0");
    let (trace_id, parent) = caller(2, "01");
    let body = upsert("manual").edge("a", "b").json().to_string();
    let ingest = "/api/v1/services/dependencies";
    assert_eq!(server.request("POST", ingest, &[("traceparent", &parent)], body.as_bytes()).status, 202);
    let spans = collector.trace(&trace_id, &format!("POST {ingest}"));
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["commit", "POST /api/v1/services/dependencies"]);
    assert_eq!(spans[0].parent_span_id, spans[1].span_id);
    // Snapshots are taken on a thread that no request owns: each is a trace of its own, sampled as those are.
    let all = collector.server("1");
    all.sent("POST", "/api/v1/admin/snapshots", &json!({}), 201);
    let begun = Instant::now();
    let found = std::iter::from_fn(|| collector.spans.recv_timeout(Duration::from_secs(20)).ok())
        .take_while(|_| begun.elapsed() < Duration::from_secs(20))
        .find(|span| span.name == "snapshot");
    assert!(found.is_some());
}

#[test]
fn what_nobody_sampled_is_not_sent() {
    let collector = Collector::start();
    let (none, all) = (collector.server("0"), collector.server("1"));
    let (unsampled, parent) = caller(3, "00");
    none.get("/api/v1/services");
    all.request("GET", "/api/v1/services", &[("traceparent", &parent)], &[]);
    all.request("GET", "/api/v1/services", &[("traceparent", "00-zz-1-01")], &[]);
    let (last, parent) = caller(4, "01");
    none.request("GET", "/api/v1/graph/stats", &[("traceparent", &parent)], &[]);
    all.request("GET", "/api/v1/graph/stats", &[("traceparent", &parent)], &[]);
    let (mut ended, mut listed) = (0, 0);
    while ended < 2 {
        let span = collector.spans.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_ne!(hex(&span.trace_id), unsampled, "the caller said no");
        ended += u32::from(hex(&span.trace_id) == last);
        listed += u32::from(span.name == "GET /api/v1/services");
    }
    assert_eq!(
        listed, 1,
        "of three: one has no parent that is one, so it begins a trace, and all of those are sampled"
    );
}

#[test]
fn a_collector_that_is_not_there_is_missed_once_and_stops_nothing() {
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    let mut server = Server::start_with(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), ("OTEL_TRACE_SAMPLE_RATE", "1")],
        &[],
    );
    let said = |server: &Server| {
        server.log_so_far().iter().filter(|line| line.contains("does not take traces")).count()
    };
    for _ in 0..300 {
        assert_eq!(server.get("/api/v1/services").status, 200);
    }
    server.log_line("it is said", |line| {
        line["message"].as_str().is_some_and(|text| text.contains("take traces"))
    });
    assert_eq!(server.get("/api/v1/services").status, 200);
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(said(&server), 1);
}

#[test]
fn a_trace_is_named_in_the_log_without_a_collector_too() {
    let server = Server::start();
    let (trace_id, parent) = caller(5, "01");
    server.request("GET", "/api/v1/services", &[("traceparent", &parent), ("x-correlation-id", "with")], &[]);
    server.request(
        "GET",
        "/api/v1/services",
        &[("traceparent", "nonsense"), ("x-correlation-id", "bad")],
        &[],
    );
    server.log_line("the trace is named", |line| {
        line["correlation_id"] == "with" && line["trace_id"] == trace_id
    });
    server
        .log_line("there is none", |line| line["correlation_id"] == "bad" && line.get("trace_id").is_none());
}
