//! Buckets against their rule, worked out by hand, and against a model that counts.

use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn rate(tokens: u32) -> NonZeroU32 {
    NonZeroU32::new(tokens).unwrap()
}

fn client(number: u128) -> Client {
    Client::Key(Uuid::from_u128(number))
}

const QUERY: Kind = Kind::Requests(LimitClass::Query);

fn verdict(limit: u32, remaining: u32, reset_seconds: u64, retry: Option<u64>) -> Verdict {
    Verdict { limit, remaining, reset_seconds, retry_after_seconds: retry }
}

#[test]
fn a_bucket_of_ten_by_hand() {
    // Ten a minute: a token each 6 s.
    let buckets = Buckets::new();
    let take = |seconds: u64| buckets.take(client(1), QUERY, rate(10), 1, SECOND * seconds as u32);
    assert_eq!(take(100), verdict(10, 9, 6, None));
    for left in (0..9).rev() {
        assert_eq!(take(100), verdict(10, left, 60 - 6 * u64::from(left), None));
    }
    assert_eq!(take(100), verdict(10, 0, 60, Some(6)), "empty: the next token is there in 6 s");
    assert_eq!(take(105), verdict(10, 0, 55, Some(1)));
    assert_eq!(take(106), verdict(10, 0, 60, None), "refused requests cost nothing");
    assert_eq!(take(1_000), verdict(10, 9, 6, None), "never more than full");
}

#[test]
fn clients_and_kinds_have_buckets_of_their_own() {
    let buckets = Buckets::new();
    let one = |client, kind| buckets.take(client, kind, rate(1), 1, SECOND).retry_after_seconds.is_none();
    let ingestion = Kind::Requests(LimitClass::Ingestion);
    for (client, kind) in
        [(client(1), QUERY), (client(2), QUERY), (client(1), ingestion), (client(1), Kind::Failures)]
    {
        assert!(one(client, kind) && !one(client, kind), "{client:?} {kind:?}");
    }
}

#[test]
fn an_ipv6_client_is_its_network() {
    let at = |text: &str| Client::at(text.parse().unwrap());
    assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
    assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
    assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
    assert_ne!(at("10.0.0.2"), at("10.0.0.1"));
}

#[test]
fn several_tokens_are_taken_together_and_given_back() {
    let buckets = Buckets::new();
    let take = |tokens| buckets.take(client(1), Kind::Failures, rate(100), tokens, SECOND);
    assert_eq!(take(95).remaining, 5);
    assert_eq!(take(10), verdict(100, 5, 57, Some(3)), "five are missing, 0.6 s each");
    assert_eq!(take(5).remaining, 0);
    buckets.give_back(client(1), Kind::Failures, rate(100), 10);
    assert_eq!(take(10), verdict(100, 0, 60, None));
    buckets.give_back(client(1), Kind::Failures, rate(100), 100);
    buckets.give_back(client(1), Kind::Failures, rate(100), 100);
    assert_eq!(take(1_000), verdict(100, 0, 60, None), "more than there ever are is all of them");
}

#[test]
fn forgetting_never_refills() {
    let buckets = Buckets::new();
    for number in 0..limits::BUCKETS_MAX as u128 {
        buckets.take(client(number), QUERY, rate(1), 1, SECOND);
    }
    let late = |number, seconds| buckets.take(client(number), QUERY, rate(1), 1, SECOND * seconds);
    assert!(late(0, 30).retry_after_seconds.is_some(), "a client that was there keeps its bucket");
    let strangers = limits::BUCKETS_MAX as u128..;
    let allowed = strangers.take(1_000).filter(|number| late(*number, 30).retry_after_seconds.is_none());
    assert_eq!(allowed.count(), 1, "those who come new share one bucket");
    assert!(buckets.count.load(Ordering::Relaxed) <= limits::BUCKETS_MAX + 3);
    assert!(
        late(limits::BUCKETS_MAX as u128 + 5, 62).retry_after_seconds.is_none(),
        "a minute later there is room"
    );
    assert_eq!(buckets.count.load(Ordering::Relaxed), buckets.full_at.len());
    assert!(buckets.full_at.len() < 10, "{}", buckets.full_at.len());
}

#[test]
fn a_hundred_at_once_get_what_one_after_the_other_gets() {
    let buckets = Buckets::new();
    let allowed = std::thread::scope(|scope| {
        let take = || buckets.take(client(1), QUERY, rate(10), 1, SECOND).retry_after_seconds.is_none();
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|thread| u32::from(thread.join().unwrap())).sum::<u32>()
    });
    assert_eq!(allowed, 10);
}

proptest! {
    /// Allows and refuses, and counts what is left, as a model does that counts tokens in exact fractions.
    #[test]
    fn agrees_with_a_model_that_counts(per_minute in 1_u32..200, waits in prop::collection::vec(0_u64..9_000, 1..200)) {
        let (buckets, interval) = (Buckets::new(), u128::from(interval(rate(per_minute))));
        let full = interval * u128::from(per_minute);
        let (mut now, mut tokens, mut last) = (0_u64, full, 0_u64);
        for wait in waits {
            now += wait;
            tokens = full.min(tokens + u128::from(now - last) * 1_000_000);
            last = now;
            let expected = tokens >= interval;
            if expected {
                tokens -= interval;
            }
            let found = buckets.take(client(1), QUERY, rate(per_minute), 1, Duration::from_millis(now));
            prop_assert_eq!(found.retry_after_seconds.is_none(), expected);
            prop_assert_eq!(u128::from(found.remaining), tokens / interval);
            prop_assert_eq!(u128::from(found.reset_seconds), (full - tokens).div_ceil(1_000_000_000));
        }
    }
}
