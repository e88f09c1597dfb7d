//! What a peer can do to a connection: slow, many, pipelined, oversized, ambiguous, and open during a shutdown.

use std::io;
use std::time::Duration;

use crate::support::{Connection, DEADLINE, Server, eventually, upsert};

const HEALTH: &str = "GET /api/v1/health HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn keep_alive_and_pipelining() {
    let server = Server::start();
    server.ingest(&upsert("manual").edge("a", "b"));
    let mut connection = server.connect();
    for _ in 0..3 {
        assert_eq!(connection.exchange("GET", "/api/v1/services/a", &[], &[]).unwrap().status, 200);
        assert_eq!(connection.exchange("GET", "/api/v1/services/missing", &[], &[]).unwrap().status, 404);
        assert_eq!(
            connection.exchange("POST", "/api/v1/services/dependencies", &[], b"{").unwrap().status,
            400
        );
    }
    let ids: Vec<String> = (0..20).map(|index| format!("pipelined-{index}")).collect();
    let request =
        |id: &String| format!("GET /api/v1/services/a HTTP/1.1\r\nHost: h\r\nX-Correlation-ID: {id}\r\n\r\n");
    let requests = ids.iter().map(request).collect::<Vec<_>>().concat();
    connection.write(requests.as_bytes()).unwrap();
    for id in &ids {
        let reply = connection.reply("GET").unwrap();
        assert_eq!(reply.header("x-correlation-id"), Some(id.as_str()), "in order");
    }
}

#[test]
fn close_is_honoured() {
    let server = Server::start();
    let mut connection = server.connect();
    assert_eq!(
        connection.exchange("GET", "/api/v1/health", &[("Connection", "close")], &[]).unwrap().status,
        200
    );
    assert!(connection.closed());
}

/// Sends bytes and reads until the server is done: the statuses that came back before it closed.
fn statuses(server: &Server, bytes: &[u8]) -> Vec<u16> {
    let mut connection = server.connect();
    let _ = connection.write(bytes);
    let mut statuses = Vec::new();
    loop {
        match connection.reply("GET") {
            Ok(reply) => statuses.push(reply.status),
            Err(error) => {
                let open = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind());
                assert!(!open, "left open after {statuses:?}");
                return statuses;
            }
        }
    }
}

#[test]
fn a_slow_head_ends() {
    let server = Server::start_with(&[("HEADER_TIMEOUT_SECONDS", "1")], &[]);
    for bytes in ["GET /api/v1/health HTTP/1.1\r\nHost: h\r\nX-", "GET /api", "G"] {
        let found = statuses(&server, bytes.as_bytes());
        assert!(found.is_empty() || found == [408], "{bytes:?}: {found:?}, then closed");
    }
    assert_eq!(server.get("/api/v1/health").status, 200);
}

#[test]
fn a_slow_body_is_408() {
    let server = Server::start_with(&[("REQUEST_TIMEOUT_SECONDS", "1")], &[]);
    let heads =
        ["Content-Length: 100\r\n\r\n{\"source\"", "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"sou\r\n"];
    for rest in heads {
        let request = format!("POST /api/v1/services/dependencies HTTP/1.1\r\nHost: h\r\n{rest}");
        assert_eq!(statuses(&server, request.as_bytes()), [408], "{rest:?}, then closed");
    }
    assert_eq!(server.version(), 0);
}

#[test]
fn a_body_cut_short_changes_nothing() {
    let server = Server::start();
    let body = upsert("manual").edge("a", "b").json().to_string();
    let request = format!(
        "POST /api/v1/services/dependencies HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}",
        body.len() + 1
    );
    let mut connection = server.connect();
    connection.write(request.as_bytes()).unwrap();
    connection.socket().shutdown(std::net::Shutdown::Write).unwrap();
    assert!(connection.reply("POST").map_or(400, |reply| reply.status) == 400);
    assert_eq!(server.version(), 0);
}

#[test]
fn connections_are_limited_and_freed() {
    let server = Server::start_with(&[("MAX_CONNECTIONS", "4")], &[]);
    let open = || {
        let mut connection = Connection::open(server.address()).ok()?;
        connection.socket().set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let reply = connection.exchange("GET", "/api/v1/health", &[], &[]).ok()?;
        (reply.status == 200).then_some(connection)
    };
    let held: Vec<_> = (0..4).map(|_| eventually("a connection within the limit", open)).collect();
    assert!(open().is_none(), "one more is not served");
    drop(held);
    eventually("a connection after the others are gone", open);
}

#[test]
fn ambiguous_framing_is_never_two_requests() {
    let server = Server::start();
    let smuggled = format!("0\r\n\r\n{HEALTH}");
    let cases = [
        (
            "length and chunked",
            format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}", smuggled.len()),
        ),
        ("chunked and length", format!("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{smuggled}")),
        ("two lengths", format!("Content-Length: 5\r\nContent-Length: 0\r\n\r\n{HEALTH}")),
        ("two lengths in one", format!("Content-Length: 0, 5\r\n\r\n{HEALTH}")),
        ("signed length", format!("Content-Length: +0\r\n\r\n{HEALTH}")),
        ("negative length", format!("Content-Length: -1\r\n\r\n{HEALTH}")),
        ("chunked is not last", format!("Transfer-Encoding: chunked, identity\r\n\r\n{smuggled}")),
        ("unknown coding", format!("Transfer-Encoding: xchunked\r\n\r\n{smuggled}")),
        ("space before the colon", format!("Content-Length : 5\r\n\r\n{smuggled}")),
        ("chunk size is no number", format!("Transfer-Encoding: chunked\r\n\r\nzz\r\n{smuggled}")),
        (
            "chunk size overflows",
            format!("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{smuggled}"),
        ),
    ];
    for (name, rest) in cases {
        let request = format!("POST /api/v1/services/dependencies HTTP/1.1\r\nHost: h\r\n{rest}");
        let found = statuses(&server, request.as_bytes());
        assert!(found.len() <= 1, "{name}: {found:?} to one request");
        assert!(found.iter().all(|status| (400..500).contains(status)), "{name}: {found:?}");
    }
    assert_eq!(server.version(), 0);
}

#[test]
fn malformed_heads_are_refused() {
    let server = Server::start();
    let headers = |count: usize| "X-Header: value\r\n".repeat(count);
    let many = headers(101);
    let cases = [
        ("too many headers", 431, format!("GET /api/v1/health HTTP/1.1\r\n{many}\r\n")),
        (
            "a header too large",
            431,
            format!("GET /api/v1/health HTTP/1.1\r\nX-Big: {}\r\n\r\n", "x".repeat(100_000)),
        ),
        ("no HTTP at all", 400, "hello\r\n\r\n".to_owned()),
        ("no version", 400, "GET /api/v1/health\r\n\r\n".to_owned()),
        ("a NUL in the target", 400, "GET /api/\0 HTTP/1.1\r\nHost: h\r\n\r\n".to_owned()),
        ("a NUL in a header", 400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n".to_owned()),
        ("a header without a colon", 400, "GET / HTTP/1.1\r\nHost h\r\n\r\n".to_owned()),
        ("a space in the target", 400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n".to_owned()),
    ];
    for (name, status, request) in cases {
        assert_eq!(statuses(&server, request.as_bytes()), [status], "{name}, then closed");
    }
    let enough = headers(90);
    let mut connection = server.connect();
    connection.write(format!("GET /api/v1/health HTTP/1.1\r\nHost: h\r\n{enough}\r\n").as_bytes()).unwrap();
    assert_eq!(connection.reply("GET").unwrap().status, 200, "within the limit");
}

#[test]
fn shutdown_lets_what_is_under_way_finish() {
    let mut server = Server::start();
    let body = upsert("manual").edge("a", "b").json().to_string();
    let (first, rest) = body.split_at(10);
    let mut connection = server.connect();
    let head =
        format!("POST /api/v1/services/dependencies HTTP/1.1\r\nHost: h\r\nContent-Length: {}", body.len());
    connection.write(format!("{head}\r\nExpect: 100-continue\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(connection.reply("POST").unwrap().status, 100, "under way for sure: it asks for the body");
    connection.write(first.as_bytes()).unwrap();
    server.terminate();
    eventually("it is no longer ready", || match readiness(&server) {
        Ok(200) => None,
        Ok(status) => {
            assert_eq!(status, 503, "not_ready while it drains");
            Some(())
        }
        Err(error) => panic!("the server takes connections until nothing is under way: {error}"),
    });
    connection.write(rest.as_bytes()).unwrap();
    assert_eq!(connection.reply("POST").unwrap().status, 202, "the request under way was answered");
    assert!(connection.closed(), "and the connection then closed");
    assert_eq!(server.wait().code(), Some(0));
    server.start_again();
    assert_eq!(server.version(), 1, "what was acknowledged is there");
}

fn readiness(server: &Server) -> io::Result<u16> {
    Ok(Connection::open(server.address())?.exchange("GET", "/api/v1/health/ready", &[], &[])?.status)
}

#[test]
fn shutdown_does_not_wait_for_ever() {
    let mut server = Server::start_with(&[("SHUTDOWN_GRACE_SECONDS", "1")], &[]);
    let mut stuck = server.connect();
    stuck
        .write(b"POST /api/v1/services/dependencies HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{")
        .unwrap();
    let _idle = server.connect();
    assert_eq!(server.get("/api/v1/health").status, 200);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0), "within {DEADLINE:?}");
}
