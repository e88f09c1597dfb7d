//! `Idempotency-Key`: a retry gets the first answer, and nothing is applied twice.

use std::sync::Barrier;
use std::thread;

use serde_json::json;

use crate::support::{Connection, Payload, Reply, Server, all_pairs, dependencies, pairs, upsert};

const INGEST: &str = "/api/v1/services/dependencies";

fn post_bytes(server: &Server, key: &str, body: &[u8]) -> Reply {
    server.request("POST", INGEST, &[("Idempotency-Key", key)], body)
}

fn post(server: &Server, key: &str, payload: &Payload) -> Reply {
    post_bytes(server, key, payload.json().to_string().as_bytes())
}

/// Posts with a key; the bytes of an answer that must be a 202.
fn accepted(server: &Server, key: &str, payload: &Payload) -> Vec<u8> {
    let reply = post(server, key, payload);
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.body
}

/// An upsert whose every application shows: in the version, and in the confidence of the edge.
fn payload() -> Payload {
    upsert("kubernetes").node("a", json!({"team": "t"})).edges([("a", "b"), ("b", "a")])
}

/// The version and the confidence, which one more application would change.
fn applied(server: &Server) -> (u64, String) {
    let edge = dependencies(server, "a", "depth=1").edge("a", "b");
    (server.version(), edge["confidence_score"].to_string())
}

#[test]
fn a_retry_gets_the_first_answer() {
    let server = Server::start();
    let first = accepted(&server, "key-1", &payload());
    let after = applied(&server);
    assert_eq!(after.0, 1);
    for _ in 0..3 {
        assert_eq!(accepted(&server, "key-1", &payload()), first, "to the byte");
    }
    assert_eq!(applied(&server), after);
    server.ingest(&upsert("manual").edge("c", "d"));
    assert_eq!(accepted(&server, "key-1", &payload()), first, "when the graph has moved on");
    assert_eq!(server.version(), 2);
}

#[test]
fn without_a_key_everything_is_applied() {
    let server = Server::start();
    server.ingest(&payload());
    let once = applied(&server);
    server.ingest(&payload());
    assert_eq!(server.version(), 2);
    assert_ne!(applied(&server), once, "so the tests here would see a second application");
}

#[test]
fn keys_are_apart() {
    let server = Server::start();
    let mut answers: Vec<_> =
        ["k", "K", "k2", "k\"", "0"].into_iter().map(|key| accepted(&server, key, &payload())).collect();
    assert_eq!(server.version(), 5, "each applied once");
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 5, "each with an answer of its own");
}

#[test]
fn another_body_is_a_conflict() {
    let server = Server::start();
    let first = accepted(&server, "key", &payload());
    let after = applied(&server);
    let bodies = [
        payload().edge("a", "c"),
        payload().at("2026-02-14T10:00:01Z"),
        upsert("manual").edges([("a", "b"), ("b", "a")]),
        upsert("kubernetes"),
    ];
    for body in bodies {
        post(&server, "key", &body).assert_problem(&[409], "", "another body");
        assert_eq!(applied(&server), after);
    }
    assert_eq!(accepted(&server, "key", &payload()), first, "a conflict does not change what is kept");
    assert_eq!(all_pairs(&server), pairs([("a", "b"), ("b", "a")]));
}

#[test]
fn answers_survive_a_crash() {
    let mut server = Server::start();
    let keys: Vec<String> = (0..20).map(|number| format!("key-{number}")).collect();
    let of = |key: &String| upsert("manual").edge("hub", key);
    let first: Vec<_> = keys.iter().map(|key| accepted(&server, key, &of(key))).collect();
    for kill in [true, false, true] {
        if kill {
            server.kill();
        } else {
            server.stop();
        }
        server.start_again();
        for (key, first) in keys.iter().zip(&first) {
            assert_eq!(accepted(&server, key, &of(key)), *first, "{key}, killed: {kill}");
            post(&server, key, &of(key).edge("x", "y")).assert_problem(&[409], "", key);
        }
        assert_eq!(server.version(), 20, "killed: {kill}");
    }
}

#[test]
fn an_answer_with_nothing_applied_is_kept_too() {
    let mut server = Server::start();
    let first = accepted(&server, "empty", &upsert("manual"));
    assert_eq!(accepted(&server, "empty", &upsert("manual")), first);
    server.crash_and_restart();
    assert_eq!(accepted(&server, "empty", &upsert("manual")), first);
    // What is remembered is a logged command, though it changes nothing in the graph.
    assert_eq!(server.get_json("/api/v1/graph/stats")["services"], 0);
    assert!(server.version() <= 1, "it was done once at most");
}

/// The replies to these payloads, all sent with one key at one moment.
fn at_once(server: &Server, key: &str, payloads: &[Payload]) -> Vec<Reply> {
    let address = server.address();
    let barrier = Barrier::new(payloads.len());
    let bodies: Vec<_> = payloads.iter().map(|payload| payload.json().to_string()).collect();
    let send = |body: &str| {
        let mut connection = Connection::open(address).unwrap();
        barrier.wait();
        connection.exchange("POST", INGEST, &[("Idempotency-Key", key)], body.as_bytes()).unwrap()
    };
    thread::scope(|scope| {
        let clients: Vec<_> = bodies.iter().map(|body| scope.spawn(|| send(body))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn at_once_with_the_same_body_one_is_applied() {
    let server = Server::start();
    for round in 1..=20 {
        let replies = at_once(&server, &format!("key-{round}"), &vec![payload(); 8]);
        for reply in &replies {
            assert_eq!(reply.status, 202, "round {round}: {}", reply.text());
            assert_eq!(reply.body, replies[0].body, "round {round}");
        }
        assert_eq!(server.version(), round, "one application in each round");
    }
}

#[test]
fn at_once_with_other_bodies_one_is_applied_and_the_others_conflict() {
    let server = Server::start();
    for round in 1..=20_u64 {
        let payloads: Vec<_> =
            (0..6).map(|client| upsert("manual").edge("hub", &format!("{round}-{client}"))).collect();
        let replies = at_once(&server, &format!("key-{round}"), &payloads);
        let accepted = replies.iter().filter(|reply| reply.status == 202).count();
        let conflicts = replies.iter().filter(|reply| reply.status == 409).count();
        assert_eq!((accepted, conflicts), (1, 5), "round {round}: {replies:?}");
        assert_eq!(server.version(), round);
        let winner = replies.iter().position(|reply| reply.status == 202).unwrap();
        let targets = dependencies(&server, "hub", "depth=1").others();
        assert_eq!(targets.len() as u64, round);
        assert!(targets.contains(&format!("{round}-{winner}")), "what is answered is what was applied");
    }
}

#[test]
fn keys_of_any_length_and_look() {
    let server = Server::start();
    let visible: String = ('!'..='~').collect();
    let longest = "k".repeat(255);
    for (number, key) in ["k", "a:b/c", "\"", &visible, &longest].into_iter().enumerate() {
        let first = accepted(&server, key, &payload());
        assert_eq!(accepted(&server, key, &payload()), first, "{key}");
        assert_eq!(server.version(), number as u64 + 1, "{key}");
    }
}

#[test]
fn keys_that_must_be_refused() {
    let server = Server::start();
    let long = "k".repeat(256);
    let longer = "k".repeat(1_000);
    for key in ["", "a b", "a\tb", "kü", "🚀", &long, &longer] {
        let reply = post(&server, key, &payload());
        reply.assert_problem(&[400, 422], "*", &format!("{key:.40?}"));
    }
    assert_eq!(server.version(), 0);
}

/// What must be refused with a key, by status.
const REFUSED: [(u16, &str); 5] = [
    (400, "{"),
    (400, ""),
    (422, r#"{"source":"nobody","timestamp":"2026-02-14T10:00:00Z"}"#),
    (422, r#"{"source":"manual"}"#),
    (422, r#"{"source":"manual","timestamp":"2999-01-01T00:00:00Z"}"#),
];

#[test]
fn a_refused_request_leaves_its_key_free() {
    let mut server = Server::start();
    for (number, (status, body)) in REFUSED.into_iter().enumerate() {
        let key = format!("key-{number}");
        for _ in 0..2 {
            let reply = post_bytes(&server, &key, body.as_bytes());
            assert_eq!(reply.status, status, "{body}: {}", reply.text());
        }
    }
    let text = [("Idempotency-Key", "key-text"), ("Content-Type", "text/plain")];
    assert_eq!(server.request("POST", INGEST, &text, b"{}").status, 415);
    assert_eq!(server.version(), 0);
    server.crash_and_restart();
    for number in 0..REFUSED.len() {
        accepted(&server, &format!("key-{number}"), &payload());
    }
    accepted(&server, "key-text", &payload());
    assert_eq!(server.version(), REFUSED.len() as u64 + 1);
}

/// A retry that is not valid is refused as such: content comes before state.
#[test]
fn a_retry_that_is_not_valid_is_refused_as_such() {
    let server = Server::start();
    let first = accepted(&server, "key", &payload());
    for (status, body) in REFUSED {
        assert_eq!(post_bytes(&server, "key", body.as_bytes()).status, status, "{body}");
    }
    assert_eq!(accepted(&server, "key", &payload()), first);
    assert_eq!(server.version(), 1);
}
