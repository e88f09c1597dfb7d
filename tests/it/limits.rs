//! Rate limits as clients meet them: buckets, headers, who shares one, and who cannot get around it.

use std::thread;

use serde_json::{Value, json};

use crate::support::{Connection, Reply, Server, upsert};

const ADMIN: &str = "an-admin-key-for-tests-0123456789";
const LIST: &str = "/api/v1/services?limit=1";

fn number(reply: &Reply, name: &str) -> u64 {
    let text = reply.header(name).unwrap_or_else(|| panic!("no {name} in {:?}", reply.headers));
    text.parse().unwrap_or_else(|_| panic!("{name}: {text}"))
}

fn key(server: &Server, body: &Value) -> String {
    let reply = server.request(
        "POST",
        "/api/v1/admin/api-keys",
        &[("x-api-key", ADMIN)],
        body.to_string().as_bytes(),
    );
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["key"].as_str().unwrap().to_owned()
}

#[test]
fn a_bucket_empties_and_says_when_to_come_again() {
    let server = Server::start_with(&[("RATE_LIMIT_QUERY", "3")], &[]);
    for left in [2, 1, 0] {
        let reply = server.get(LIST);
        assert_eq!(
            (reply.status, number(&reply, "x-ratelimit-limit"), number(&reply, "x-ratelimit-remaining")),
            (200, 3, left)
        );
        let reset = number(&reply, "x-ratelimit-reset");
        assert!((1..=60).contains(&reset), "{reset}");
    }
    let reply = server.get(LIST);
    let problem = reply.assert_problem(&[429], "", "the fourth");
    assert_eq!(problem["type"], "https://httpstatuses.com/429");
    let seconds = number(&reply, "retry-after");
    assert!((1..=20).contains(&seconds) && problem["retry_after_seconds"] == seconds, "{problem}");
    assert_eq!(number(&reply, "x-ratelimit-remaining"), 0);
    // The others are not empty.
    assert_eq!(server.post(&upsert("manual")).status, 202);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let none = [("RATE_LIMIT_INGESTION", ""), ("RATE_LIMIT_QUERY", ""), ("RATE_LIMIT_DEFAULT", "")];
    let server = Server::start_with(&none, &[]);
    let limit = |reply: Reply| number(&reply, "x-ratelimit-limit");
    assert_eq!(
        (limit(server.post(&upsert("manual"))), limit(server.get(LIST)), limit(server.get("/"))),
        (10, 60, 30)
    );
    for free in ["/api/v1/health", "/api/v1/health/ready", "/api/v1/metrics", "/docs", "/openapi.json"] {
        let reply = server.get(free);
        assert_eq!((reply.status, reply.header("x-ratelimit-limit")), (200, None), "{free}");
    }
    for refused in ["/nowhere", "/api/v1/services/"] {
        assert_eq!(server.get(refused).header("x-ratelimit-limit"), None, "{refused}");
    }
}

#[test]
fn zero_is_unlimited_and_says_nothing() {
    let server = Server::start_with(&[("RATE_LIMIT_QUERY", "0")], &[]);
    let mut connection = server.connect();
    for _ in 0..200 {
        let reply = connection.exchange("GET", LIST, &[], &[]).unwrap();
        assert_eq!((reply.status, reply.header("x-ratelimit-limit")), (200, None));
    }
}

#[test]
fn each_key_has_its_own_bucket_and_perhaps_its_own_limit() {
    let server = Server::start_with(&[("ADMIN_API_KEY", ADMIN), ("RATE_LIMIT_QUERY", "2")], &[]);
    let [one, other] = [(); 2].map(|()| key(&server, &json!({"name": "same name", "role": "reader"})));
    let more = key(&server, &json!({"name": "more", "role": "reader", "rate_limits": {"query": 4}}));
    let all = key(&server, &json!({"name": "all", "role": "reader", "rate_limits": {"query": 0}}));
    let passed = |key: &str| {
        (0..8).filter(|_| server.request("GET", LIST, &[("x-api-key", key)], &[]).status == 200).count()
    };
    assert_eq!([passed(&one), passed(&other), passed(&more), passed(&all)], [2, 2, 4, 8]);
}

#[test]
fn a_hundred_at_once_get_what_the_bucket_holds() {
    let server = Server::start_with(&[("RATE_LIMIT_QUERY", "10")], &[]);
    let address = server.address();
    let ask = move || Connection::open(address).unwrap().exchange("GET", LIST, &[], &[]).unwrap().status;
    let threads: Vec<_> = (0..100).map(|_| thread::spawn(ask)).collect();
    let statuses: Vec<u16> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let count = |status| statuses.iter().filter(|held| **held == status).count();
    assert_eq!((count(200), count(429)), (10, 90));
}

#[test]
fn pipelined_requests_are_counted_one_by_one() {
    let server = Server::start_with(&[("RATE_LIMIT_QUERY", "2")], &[]);
    let mut connection = server.connect();
    for _ in 0..5 {
        connection.send("GET", LIST, &[], &[]).unwrap();
    }
    let statuses: Vec<u16> = (0..5).map(|_| connection.reply("GET").unwrap().status).collect();
    assert_eq!(statuses, [200, 200, 429, 429, 429]);
}

#[test]
fn who_made_up_an_address_is_nobody_else() {
    let server = Server::start_with(&[("RATE_LIMIT_QUERY", "3")], &[]);
    let headers =
        ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip"];
    let passed = (0..12)
        .filter(|turn| {
            let address = format!("198.51.100.{turn}");
            let value = if headers[turn % 6] == "forwarded" { format!("for={address}") } else { address };
            server.request("GET", LIST, &[(headers[turn % 6], &value)], &[]).status == 200
        })
        .count();
    assert_eq!(passed, 3);
}

#[test]
fn behind_a_trusted_proxy_the_last_address_that_it_does_not_vouch_for_counts() {
    let settings = [("RATE_LIMIT_QUERY", "2"), ("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")];
    let server = Server::start_with(&settings, &[]);
    let passed = |forwarded: &[&str]| {
        forwarded
            .iter()
            .filter(|value| server.request("GET", LIST, &[("x-forwarded-for", value)], &[]).status == 200)
            .count()
    };
    assert_eq!(passed(&["192.0.2.1", "192.0.2.1", "192.0.2.1"]), 2);
    assert_eq!(
        passed(&["192.0.2.2", "1.1.1.1, 192.0.2.2", "9.9.9.9, 192.0.2.2, 10.1.1.1"]),
        2,
        "what is in front is made up"
    );
    assert_eq!(passed(&["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1"]), 2, "one /64 is one client");
    assert_eq!(passed(&["2001:db8:0:1::1"]), 1, "another is another");
}

#[test]
fn failed_credentials_are_limited_by_address_and_good_ones_go_on() {
    let settings = [("ADMIN_API_KEY", ADMIN), ("TRUSTED_PROXIES", "127.0.0.1")];
    let server = Server::start_with(&settings, &[]);
    let good = key(&server, &json!({"name": "good", "role": "reader"}));
    let from = |address: &str, key: &str| {
        server.request("GET", LIST, &[("x-forwarded-for", address), ("x-api-key", key)], &[])
    };
    let statuses: Vec<u16> =
        (0..130).map(|turn| from("192.0.2.1", &format!("guess-{turn}")).status).collect();
    assert_eq!((statuses[0], statuses[129]), (401, 429));
    let limited = from("192.0.2.1", "guess");
    assert_eq!(limited.status, 429, "{}", limited.text());
    assert!(number(&limited, "retry-after") >= 1);
    assert_eq!(from("192.0.2.1", &good).status, 200, "a key that was verified goes on");
    assert_eq!(from("192.0.2.1", ADMIN).status, 200);
    assert_eq!(from("192.0.2.2", "guess").status, 401, "another address is another matter");
    assert_eq!(
        server.request("GET", LIST, &[("x-forwarded-for", "192.0.2.1")], &[]).status,
        401,
        "none are no attempt"
    );
}
