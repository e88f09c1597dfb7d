//! Ways to get in without a good key. Each is tried on a read, and none may get an answer.
//!
//! - Every case comes from an address of its own, through a trusted proxy, so that none is refused only because those
//!   before it were.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::Server;

const ADMIN: &str = "an-admin-key-for-tests-0123456789";
const READ: &str = "/api/v1/services?limit=1";

/// Bytes of a request, but for its end and the address it is said to come from.
struct Case {
    what: String,
    line: String,
    headers: Vec<Vec<u8>>,
}

fn header(name: &str, value: &str) -> Vec<u8> {
    format!("{name}: {value}").into_bytes()
}

/// A case with these headers.
fn with(what: impl Into<String>, headers: Vec<Vec<u8>>) -> Case {
    Case { what: what.into(), line: format!("GET {READ} HTTP/1.1"), headers }
}

/// A case with a line of its own.
fn line(line: impl Into<String>) -> Case {
    let line = line.into();
    Case { what: line.clone(), line, headers: Vec::new() }
}

/// Wrong texts in the place of a key.
fn wrong_keys(good: &str, other: &str, revoked: &str) -> Vec<String> {
    let (id, secret, crc) = (&good[3..19], &good[20..63], &good[64..]);
    let swapped = |text: &str| {
        text.chars()
            .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect::<String>()
    };
    let mut wrong = vec![
        String::new(),
        "null".into(),
        "undefined".into(),
        "true".into(),
        "0".into(),
        "*".into(),
        "%".into(),
        "'".into(),
        "' OR '1'='1".into(),
        "admin".into(),
        "ADMIN_API_KEY".into(),
        "ws_".into(),
        "ws__".into(),
        "ws_*_*_*".into(),
        format!("ws_{id}"),
        format!("ws_{id}_"),
        format!("ws_{id}_{secret}"),
        format!("ws_{id}_{secret}_"),
        format!("{id}_{secret}_{crc}"),
        secret.into(),
        format!("ws_{id}_{}_{crc}", &secret[1..]),
        format!("ws_{id}_{secret}0_{crc}"),
        format!("ws_{id}_{secret}{}_{crc}", "0".repeat(29)),
        format!("ws_{id}_{secret}{}_{crc}", "0".repeat(57)),
        format!("ws_{id}_{}_{crc}", swapped(secret)),
        format!("ws_{}_{secret}_{crc}", swapped(id)),
        swapped(good),
        good.to_uppercase(),
        good.to_lowercase(),
        format!("WS_{}", &good[3..]),
        format!("{good}0"),
        format!("{good},"),
        format!("{good}\""),
        format!("\"{good}\""),
        format!("'{good}'"),
        format!("<{good}>"),
        format!("{good};{good}"),
        format!("{good},{good}"),
        format!("{good}, {good}"),
        format!("{good} {good}"),
        format!("key={good}"),
        format!("token={good}"),
        format!("{good}%00"),
        format!("{good}%20"),
        format!("%77s_{}", &good[3..]),
        format!("{good}\\n"),
        format!("{good}#"),
        format!("{good}/../x"),
        format!("ws_{id}_{}_{}", &other[20..63], crc),
        format!("ws_{id}_{}_{}", &other[20..63], &other[64..]),
        format!("ws_{}_{secret}_{}", &other[3..19], &other[64..]),
        format!("ws_{id}_{secret}_{}", "0".repeat(6)),
        format!("ws_{id}_{}_{crc}", "0".repeat(43)),
        format!("ws_{}_{secret}_{crc}", "0".repeat(16)),
        revoked.into(),
        "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZabcde".into(),
        format!("Bearer {good}"),
        format!("bearer {good}"),
        format!("{ADMIN}x"),
        ADMIN[1..].into(),
        ADMIN[..32].into(),
        ADMIN.to_uppercase(),
        "x".repeat(1025),
        "x".repeat(4000),
        good.replace('_', "-"),
        good.replace('_', "__"),
    ];
    wrong.dedup();
    wrong
}

fn cases(good: &str, other: &str, revoked: &str) -> Vec<Case> {
    let mut cases = vec![with("no credentials", Vec::new())];
    for key in wrong_keys(good, other, revoked) {
        cases.push(with(format!("X-API-Key: {key}"), vec![header("X-API-Key", &key)]));
        cases.push(with(format!("Bearer {key}"), vec![header("Authorization", &format!("Bearer {key}"))]));
    }
    for scheme in [
        "Basic",
        "Digest",
        "Token",
        "ApiKey",
        "Key",
        "Bearer:",
        "Bearer,",
        "BearerX",
        "Bear",
        "Negotiate",
        "JWT",
        "\"Bearer\"",
    ] {
        cases.push(with(scheme, vec![header("Authorization", &format!("{scheme} {good}"))]));
    }
    for value in [
        good.to_owned(),
        format!("Bearer{good}"),
        format!("Bearer\t{good}"),
        format!("Bearer={good}"),
        "Bearer".into(),
        format!("Bearer Bearer {good}"),
        format!("Basic {good}, Bearer {good}"),
    ] {
        cases.push(with(format!("Authorization: {value}"), vec![header("Authorization", &value)]));
    }
    for name in [
        "Api-Key",
        "X-Api-Token",
        "X-Auth-Token",
        "Cookie",
        "Proxy-Authorization",
        "X-Authorization",
        "X_API_KEY",
        "X-API-Keys",
        "Token",
        "X-Admin",
    ] {
        cases.push(with(name, vec![header(name, good)]));
    }
    for name in [
        "X-Forwarded-User",
        "X-Remote-User",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-HTTP-Method-Override",
        "X-Forwarded-Host",
        "X-Real-IP",
        "Forwarded",
        "X-Internal",
        "X-Debug",
    ] {
        cases.push(with(name, vec![header(name, "/api/v1/health")]));
    }
    cases.extend(doubled(good, other));
    cases.extend(lines(good));
    cases
}

/// A good key that something else comes with, or that is spoilt on its way.
fn doubled(good: &str, other: &str) -> Vec<Case> {
    let keyed = |other: &str| vec![header("X-API-Key", good), header("Authorization", other)];
    vec![
        with("a good key and another", vec![header("X-API-Key", good), header("X-API-Key", other)]),
        with("a good key and a wrong one", keyed("Bearer wrong")),
        with("a good key and Basic", keyed("Basic dTpw")),
        with("a good key and an empty bearer", keyed("Bearer ")),
        with("a key that is not ASCII", vec![[b"X-API-Key: ", good.as_bytes(), "é".as_bytes()].concat()]),
        with("a key with a NUL", vec![[b"X-API-Key: ", good.as_bytes(), b"\0"].concat()]),
        with("a key with a control character", vec![[b"X-API-Key: ", good.as_bytes(), b"\x07"].concat()]),
        with("a folded key", vec![format!("X-API-Key: {}\r\n {}", &good[..30], &good[30..]).into_bytes()]),
        with("a space before the colon", vec![format!("X-API-Key : {good}").into_bytes()]),
        with("a look-alike", vec![format!("X-API-Key: {}", good.replacen('w', "ｗ", 1)).into_bytes()]),
    ]
}

/// Places that are not headers, paths that are not the path, methods that are not the method.
fn lines(good: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for target in [
        format!("/api/v1/services?api_key={good}"),
        format!("/api/v1/services?key={good}"),
        format!("/api/v1/services?access_token={good}"),
        format!("/api/v1/services?X-API-Key={good}"),
        format!("/api/v1/services;{good}"),
        format!("/api/v1/services/{good}"),
    ] {
        cases.push(line(format!("GET {target} HTTP/1.1")));
    }
    for target in [
        "/api/v1/admin/audit",
        "/api/v1/admin/api-keys",
        "/api/v1/health/../services",
        "/api/v1/health/..%2fservices",
        "/docs/../api/v1/services",
        "/docs/..%2f..%2fapi%2fv1%2fservices",
        "//api/v1/services",
        "/API/v1/services",
        "/api/v1/services/",
        "/api/v1/./services",
        "/api/v1/%2e/services",
        "/%61pi/v1/services",
        "/api/v1/services%00",
        "/api/v1/services?",
        "/api/v1/services%3f",
    ] {
        cases.push(line(format!("GET {target} HTTP/1.1")));
    }
    for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "GETT", "PROPFIND"] {
        cases.push(line(format!("{method} /api/v1/services/a HTTP/1.1")));
    }
    cases
}

#[test]
fn none_of_many_ways_gets_in() {
    let server = Server::start_with(
        &[("ADMIN_API_KEY", ADMIN), ("TRUSTED_PROXIES", "127.0.0.1")],
        &["--sample", "online-boutique"],
    );
    let make = |name: &str| {
        let body = json!({"name": name, "role": "reader"}).to_string();
        let made =
            server.request("POST", "/api/v1/admin/api-keys", &[("x-api-key", ADMIN)], body.as_bytes()).json();
        (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
    };
    let ((_, good), (_, other), (id, revoked)) = (make("good"), make("other"), make("revoked"));
    server.request("DELETE", &format!("/api/v1/admin/api-keys/{id}"), &[("x-api-key", ADMIN)], &[]);
    let cases = cases(&good, &other, &revoked);
    let distinct: BTreeSet<_> = cases.iter().map(|case| (&case.line, &case.headers)).collect();
    assert!(distinct.len() >= 200, "{}", distinct.len());
    let (mut unauthorized, mut got_in) = (0, Vec::new());
    for (number, case) in cases.iter().enumerate() {
        let mut bytes = format!(
            "{}\r\nhost: a\r\nx-forwarded-for: 192.0.{}.{}\r\n",
            case.line,
            number / 200,
            number % 200
        )
        .into_bytes();
        for header in &case.headers {
            bytes.extend_from_slice(header);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"connection: close\r\n\r\n");
        let mut connection = server.connect();
        connection.write(&bytes).unwrap();
        // The parser of heads has the right to close without a word.
        let method = case.line.split(' ').next().unwrap_or_default();
        let Ok(reply) = connection.reply(method) else { continue };
        let is_refused = matches!(reply.status, 400 | 401 | 404 | 405 | 431);
        unauthorized += usize::from(reply.status == 401);
        if !is_refused || reply.text().contains("frontend") {
            got_in.push(format!("{}: {}", case.what, reply.status));
        }
    }
    assert!(got_in.is_empty(), "{got_in:#?}");
    assert!(unauthorized >= 150, "{unauthorized} of {}", cases.len());
    // And these are good.
    let (bearer, loud) = (format!("Bearer {good}"), format!("BEARER   {good}"));
    let fine: [&[(&str, &str)]; 5] = [
        &[("x-api-key", &good)],
        &[("authorization", &bearer)],
        &[("authorization", &loud)],
        &[("authorization", &bearer), ("x-api-key", &good)],
        &[("x-api-key", ADMIN)],
    ];
    for headers in fine {
        assert_eq!(server.request("GET", READ, headers, &[]).status, 200, "{headers:?}");
    }
}

#[test]
fn a_good_request_lets_no_other_in_behind_it() {
    let server = Server::start_with(&[("ADMIN_API_KEY", ADMIN)], &[]);
    let mut connection = server.connect();
    connection.send("GET", READ, &[("x-api-key", ADMIN)], &[]).unwrap();
    connection.send("GET", READ, &[], &[]).unwrap();
    connection.send("GET", READ, &[("x-api-key", ADMIN)], &[]).unwrap();
    let statuses: Vec<u16> = (0..3).map(|_| connection.reply("GET").unwrap().status).collect();
    assert_eq!(statuses, [200, 401, 200]);
}
