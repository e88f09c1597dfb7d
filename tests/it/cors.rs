//! What scripts of other pages may read, and what they are told they may ask.

use crate::support::{Reply, Server};

const PAGE: &str = "https://backstage.example.com";

fn preflight(server: &Server, origin: &str, target: &str) -> Reply {
    let headers = [("origin", origin), ("access-control-request-method", "POST")];
    server.request("OPTIONS", target, &headers, &[])
}

#[test]
fn listed_pages_may_ask_and_read() {
    let settings = [
        ("CORS_ORIGINS", "https://Backstage.example.com,http://localhost:3000"),
        ("ADMIN_API_KEY", "0123456789abcdef0123456789abcdef"),
    ];
    let server = Server::start_with(&settings, &[]);
    for origin in [PAGE, "http://localhost:3000"] {
        let reply = preflight(&server, origin, "/api/v1/services/dependencies");
        assert_eq!(
            (reply.status, reply.header("access-control-allow-origin")),
            (204, Some(origin)),
            "no key is needed"
        );
        assert_eq!(reply.header("access-control-allow-methods"), Some("GET, HEAD, POST, PUT, DELETE"));
        let headers = reply.header("access-control-allow-headers").unwrap();
        assert!(
            ["authorization", "x-api-key", "content-type"].iter().all(|name| headers.contains(name)),
            "{headers}"
        );
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        assert_eq!(reply.header("x-ratelimit-limit"), None);
    }
    let key = ("x-api-key", "0123456789abcdef0123456789abcdef");
    for (target, headers, status) in [
        ("/api/v1/services", vec![("origin", PAGE), key], 200),
        ("/api/v1/services", vec![("origin", PAGE)], 401),
        ("/api/v1/services/nobody", vec![("origin", PAGE), key], 404),
    ] {
        let reply = server.request("GET", target, &headers, &[]);
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (status, Some(PAGE)));
        assert!(reply.header("access-control-expose-headers").unwrap().contains("x-graph-version"));
        let varies =
            reply.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("vary") && value == "Origin");
        assert!(varies, "{:?}", reply.headers);
    }
}

#[test]
fn other_pages_are_told_nothing() {
    let server = Server::start_with(&[("CORS_ORIGINS", PAGE)], &[]);
    for origin in [
        "https://evil.example.com",
        "https://backstage.example.com.evil",
        "http://backstage.example.com",
        "null",
    ] {
        let reply = preflight(&server, origin, "/api/v1/services");
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (405, None), "{origin}");
        let reply = server.request("GET", "/api/v1/services", &[("origin", origin)], &[]);
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, None), "{origin}");
    }
    assert_eq!(preflight(&server, PAGE, "/api/v1/nowhere").status, 404);
    let plain = server.request("OPTIONS", "/api/v1/services", &[("origin", PAGE)], &[]);
    assert_eq!(plain.status, 405, "OPTIONS that is no preflight");
}

#[test]
fn without_the_setting_there_is_no_cors_and_with_a_star_for_all() {
    let server = Server::start();
    let reply = server.request("GET", "/api/v1/services", &[("origin", PAGE)], &[]);
    assert!(reply.headers.iter().all(|(name, _)| !name.to_lowercase().starts_with("access-control")));
    assert_eq!(preflight(&server, PAGE, "/api/v1/services").status, 405);
    let server = Server::start_with(&[("CORS_ORIGINS", "*")], &[]);
    let reply = preflight(&server, "https://anybody.example", "/api/v1/services");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, Some("*")));
}
