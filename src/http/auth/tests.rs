//! Who is let in, how often bcrypt is asked, and what an address may try.

use hyper::header::HeaderValue;

use super::*;
use crate::clock;
use crate::types::NewKey;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

fn headers(key: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", HeaderValue::from_str(key).unwrap());
    headers
}

/// Records of keys with their texts; the hash takes its time.
fn keys(roles: &[Role]) -> (KeySet, Vec<Token>) {
    let now = clock::now();
    let (mut set, mut tokens) = (KeySet::default(), Vec::new());
    for role in roles {
        let token = Token::mint(clock::entropy);
        let wanted = NewKey { name: "k".into(), role: *role, rate_limits: [None; 3], expires_at: None };
        let record = Record::new(wanted, &token, [1; 16], (clock::new_id(), now, "me".into()));
        set = set.with(record, now).unwrap();
        tokens.push(token);
    }
    (set, tokens)
}

/// A well formed key with the key id of another one.
fn forged(token: &Token) -> String {
    let key_id = token.key_id();
    let mut place = 0;
    // The first 16 characters that are drawn are the key id; bytes below 62 are drawn as they are.
    let forged = Token::mint(|buffer| {
        clock::entropy(buffer);
        if place == 0 {
            for (byte, digit) in buffer.iter_mut().zip(key_id.as_str().bytes()) {
                let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
                *byte = digits.iter().position(|held| *held == digit).unwrap() as u8;
            }
        }
        place += 1;
    });
    assert_eq!(forged.key_id(), key_id);
    forged.expose().to_owned()
}

async fn identify(auth: &Auth, key: &str, address: IpAddr) -> Result<Role, StatusCode> {
    let caller = auth.identify(&headers(key), address, clock::now()).await;
    caller.map(|caller| caller.role()).map_err(|problem| problem.status)
}

#[tokio::test]
async fn open_means_that_there_never_was_a_key() {
    let auth = Auth::new(None, &KeySet::default(), 2);
    assert!(auth.is_open());
    assert_eq!(identify(&auth, "whatever", HERE).await, Ok(Role::Admin));
    let (set, tokens) = keys(&[Role::Reader]);
    auth.add(&set.records()[0], &tokens[0]);
    assert!(!auth.is_open());
    assert_eq!(identify(&auth, "whatever", HERE).await, Err(StatusCode::UNAUTHORIZED));
    assert_eq!(identify(&auth, tokens[0].expose(), HERE).await, Ok(Role::Reader));
    assert_eq!(auth.judge.checks(), 0, "a key that was just made is known to be good");
    auth.revoke(set.records()[0].id);
    assert_eq!(identify(&auth, tokens[0].expose(), HERE).await, Err(StatusCode::UNAUTHORIZED));
    assert!(!auth.is_open(), "revoking the last key opens nothing");
}

#[tokio::test]
async fn the_key_of_the_settings_is_an_admin_and_takes_no_bcrypt() {
    let secret = Secret::new("0123456789abcdef0123456789abcdef".to_owned());
    let auth = Auth::new(Some(&secret), &KeySet::default(), 2);
    assert!(!auth.is_open());
    assert_eq!(identify(&auth, secret.expose(), HERE).await, Ok(Role::Admin));
    for wrong in ["0123456789abcdef0123456789abcdeF", "0123456789abcdef", "x"] {
        assert_eq!(identify(&auth, wrong, HERE).await, Err(StatusCode::UNAUTHORIZED), "{wrong}");
    }
    assert_eq!(auth.judge.checks(), 0);
}

#[tokio::test]
async fn a_key_takes_one_bcrypt_however_many_ask_with_it() {
    let (set, tokens) = keys(&[Role::Reader, Role::Writer]);
    let auth = Auth::new(None, &set, 2);
    let (first, second) = (tokens[0].expose(), tokens[1].expose());
    let found = tokio::join!(
        identify(&auth, first, HERE),
        identify(&auth, first, THERE),
        identify(&auth, first, HERE),
        identify(&auth, first, THERE)
    );
    assert_eq!(found, (Ok(Role::Reader), Ok(Role::Reader), Ok(Role::Reader), Ok(Role::Reader)));
    assert_eq!(identify(&auth, second, HERE).await, Ok(Role::Writer));
    assert_eq!(auth.judge.checks(), 2);
    for key in [first, second, first] {
        identify(&auth, key, THERE).await.unwrap();
    }
    let wrong = forged(&tokens[0]);
    assert_eq!(identify(&auth, &wrong, HERE).await, Err(StatusCode::UNAUTHORIZED));
    assert_eq!(auth.judge.checks(), 2, "the secret of a key that was verified is known");
    assert!(auth.last_used(set.records()[0].id).is_some() && auth.last_used(Uuid::nil()).is_none());
}

#[tokio::test]
async fn an_address_can_try_little_and_stops_nobody_else() {
    let (set, tokens) = keys(&[Role::Reader, Role::Writer]);
    let auth = Auth::new(None, &set, 2);
    identify(&auth, tokens[1].expose(), HERE).await.unwrap();
    let wrong: Vec<String> = (0..12).map(|_| forged(&tokens[0])).collect();
    let mut refused = Vec::new();
    for key in &wrong {
        refused.push(identify(&auth, key, HERE).await.unwrap_err());
    }
    let limited = refused.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count();
    assert!((2..=4).contains(&limited), "{refused:?}");
    assert!(auth.judge.checks() <= 12, "{}", auth.judge.checks());
    assert_eq!(identify(&auth, tokens[1].expose(), HERE).await, Ok(Role::Writer), "a good key goes on there");
    assert_eq!(
        identify(&auth, tokens[0].expose(), THERE).await,
        Ok(Role::Reader),
        "and everything elsewhere"
    );
    // Asking again with a bad key costs no bcrypt.
    let checks = auth.judge.checks();
    let other = Auth::new(None, &set, 2);
    for _ in 0..3 {
        assert_eq!(identify(&other, &wrong[0], HERE).await, Err(StatusCode::UNAUTHORIZED));
    }
    assert_eq!((other.judge.checks(), auth.judge.checks()), (1, checks));
}

#[tokio::test]
async fn an_address_that_guesses_at_random_is_told_to_wait() {
    let (set, _) = keys(&[Role::Reader]);
    let auth = Auth::new(None, &set, 2);
    let mut limited = None;
    for attempt in 0..150 {
        let text = Token::mint(clock::entropy).expose().to_owned();
        let problem = auth.identify(&headers(&text), HERE, clock::now()).await.err().unwrap();
        if problem.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(problem.retry_after_seconds.is_some_and(|seconds| seconds >= 1));
            limited = limited.or(Some(attempt));
        }
    }
    assert!(limited.is_some_and(|attempt| (98..=110).contains(&attempt)), "{limited:?}");
    assert_eq!(auth.judge.checks(), 0, "no key has such an id");
    let none = auth.identify(&HeaderMap::new(), HERE, clock::now()).await.err().unwrap();
    assert_eq!(none.status, StatusCode::UNAUTHORIZED, "no credentials are no attempt");
}
