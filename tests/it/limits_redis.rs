//! Rate limits that several servers share through a real Redis, and what happens when it fails.

use std::time::{Duration, Instant};

use crate::support::{Redis, Reply, Server, eventually, free_port};

const ADMIN: &str = "an-admin-key-for-tests-0123456789";

fn server(redis_url: &str, query: &str) -> Server {
    Server::start_with(
        &[("REDIS_URL", redis_url), ("RATE_LIMIT_QUERY", query), ("ADMIN_API_KEY", ADMIN)],
        &["--sample", "online-boutique"],
    )
}

fn ask(server: &Server) -> Reply {
    server.request("GET", "/api/v1/services/frontend", &[("x-api-key", ADMIN)], &[])
}

fn redis_check(server: &Server) -> String {
    let ready = server.get("/api/v1/health/ready");
    assert_eq!(ready.status, 200, "Redis has no say in readiness: {}", ready.text());
    ready.json()["checks"]["redis"].as_str().unwrap().to_owned()
}

fn is_shared(server: &Server) {
    eventually("the limits are shared", || (redis_check(server) == "healthy").then_some(()));
}

#[test]
fn two_servers_share_a_bucket() {
    let redis = Redis::start();
    let servers = [server(&redis.url(), "10"), server(&redis.url(), "10")];
    servers.iter().for_each(is_shared);
    let mut left = Vec::new();
    for turn in 0..16 {
        let reply = ask(&servers[turn % 2]);
        assert_eq!(reply.header("x-ratelimit-limit"), Some("10"));
        match reply.status {
            200 => left.push(reply.header("x-ratelimit-remaining").unwrap().to_owned()),
            429 => assert!(reply.header("retry-after").unwrap().parse::<u32>().unwrap() <= 6),
            other => panic!("{other}: {}", reply.text()),
        }
    }
    let expected: Vec<String> = (0..10).rev().map(|left| left.to_string()).collect();
    assert_eq!(left, expected, "ten in all, whichever server was asked");
    let other = servers[0].get("/api/v1/services/frontend");
    assert_eq!(
        (other.status, other.header("x-ratelimit-limit")),
        (401, None),
        "a refused one takes no token"
    );
}

#[test]
fn a_hundred_at_once_get_no_more_than_the_bucket_holds() {
    let redis = Redis::start();
    let servers = [server(&redis.url(), "20"), server(&redis.url(), "20")];
    servers.iter().for_each(is_shared);
    let fine: usize = std::thread::scope(|scope| {
        let one = |turn: usize| {
            scope.spawn({
                let server = servers[turn % 2].address();
                move || asked_at(server)
            })
        };
        let threads: Vec<_> = (0..100).map(one).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap() == 200)).sum()
    });
    assert_eq!(fine, 20);
}

fn asked_at(address: std::net::SocketAddr) -> u16 {
    let mut connection = crate::support::Connection::open(address).unwrap();
    connection.exchange("GET", "/api/v1/services/frontend", &[("x-api-key", ADMIN)], &[]).unwrap().status
}

#[test]
fn when_redis_fails_the_servers_own_buckets_take_over_and_it_is_said_once() {
    let mut redis = Redis::start();
    let server = server(&redis.url(), "5");
    is_shared(&server);
    assert_eq!(ask(&server).status, 200);
    redis.kill();
    let statuses: Vec<u16> = (0..8)
        .map(|_| {
            let begun = Instant::now();
            let status = ask(&server).status;
            assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for Redis");
            status
        })
        .collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429], "its own bucket was full");
    assert_eq!(redis_check(&server), "unavailable");
    redis.start_again();
    is_shared(&server);
    assert_eq!(ask(&server).status, 200, "the new Redis knows nobody, and nobody took from it");
    server.log_line("it is back", |line| line["message"] == "rate limits are shared through Redis");
    let said = |text: &str| server.log_so_far().iter().filter(|line| line.contains(text)).count();
    assert_eq!((said("Redis failed"), said("Redis does not answer")), (1, 0));
    let metrics = server.get("/api/v1/metrics").text();
    assert!(metrics.contains("\nwatershed_rate_limit_redis_up 1\n"), "{metrics}");
}

#[test]
fn a_redis_that_hangs_delays_one_answer_a_little() {
    let redis = Redis::start();
    let server = server(&redis.url(), "1000");
    is_shared(&server);
    redis.signal("STOP");
    let begun = Instant::now();
    assert_eq!(ask(&server).status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(redis_check(&server), "unavailable");
    redis.signal("CONT");
    is_shared(&server);
}

#[test]
fn a_redis_that_was_never_there_stops_nothing() {
    let url = format!("redis://:hush-hush@127.0.0.1:{}/", free_port());
    let server = server(&url, "2");
    let statuses: Vec<u16> = (0..3).map(|_| ask(&server).status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(redis_check(&server), "unavailable");
    server.log_line("it is said", |line| {
        line["message"].as_str().is_some_and(|text| text.starts_with("Redis does not answer"))
    });
    assert!(server.log_so_far().iter().all(|line| !line.contains("hush-hush")));
    let metrics = server.get("/api/v1/metrics").text();
    assert!(metrics.contains("\nwatershed_rate_limit_redis_up 0\n"), "{metrics}");
}
