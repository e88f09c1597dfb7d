//! Cursors that the server did not issue, or not like this.

use serde_json::json;

use crate::support::{Page, Server, encoded, upsert};

fn server() -> (Server, String) {
    let server = Server::start();
    let payload =
        (0..5).fold(upsert("manual"), |payload, index| payload.node(&format!("s{index}"), json!({})));
    server.ingest(&payload);
    let cursor = Page::read(&server, "limit=2").next_cursor.unwrap();
    (server, cursor)
}

fn check(server: &Server, cursor: &str) {
    let reply = server.get(&format!("/api/v1/services?limit=2&cursor={}", encoded(cursor)));
    assert_eq!(reply.status, 422, "{cursor}: {}", reply.text());
    assert_eq!(reply.json()["field"], "cursor", "{cursor}");
}

#[test]
fn every_byte_counts() {
    let (server, cursor) = server();
    assert_eq!(Page::read(&server, &format!("limit=2&cursor={}", encoded(&cursor))).ids, ["s2", "s3"]);
    assert!(cursor.is_ascii());
    for index in 0..cursor.len() {
        for other in ["A", "z", "7", "-", "!", "="] {
            if cursor[index..=index] != *other {
                let mut tampered = cursor.clone();
                tampered.replace_range(index..=index, other);
                check(&server, &tampered);
            }
        }
    }
}

#[test]
fn cut_and_grown_cursors() {
    let (server, cursor) = server();
    for end in 1..cursor.len() {
        check(&server, &cursor[..end]);
        check(&server, &cursor[end..]);
    }
    for more in ["A", "=", " ", "\0", "é"] {
        check(&server, &format!("{cursor}{more}"));
        check(&server, &format!("{more}{cursor}"));
    }
    check(&server, &format!("{cursor}{cursor}"));
    check(&server, &"A".repeat(10_000));
}
