//! Which path means what, by table.

use super::*;

#[test]
fn paths_are_matched_as_they_come() {
    let get = |path| Route::find(&Method::GET, path);
    assert_eq!(get("/api/v1/services/a%2Fb/dependencies"), Ok(Route::Dependencies("a%2Fb")));
    assert_eq!(get("/api/v1/services/dependencies"), Ok(Route::Service("dependencies")));
    assert_eq!(get("/api/v1/services/../dependencies"), Ok(Route::Dependencies("..")));
    for path in [
        "",
        "/api",
        "/api/v1/services/",
        "/api/v1/health/",
        "/api/v1/graph",
        "/api/v1/graph/stats/",
        "/api/v1//services",
        "/api/v1/services/a/",
        "/api/v1/services//dependencies",
        "/api/v1/services/a/dependencies/",
        "/api/v1/services/a/dependencies//",
        "/api/v1/services/a/dependencies/b/",
        "/api/v1/services/a/dependencies/b/c",
        "/api/v1/services/a/slo/",
        "/api/v1/services/a/impact/",
        "/api/v1/impact/",
        "/api/v1/slos",
        "/api/v1/circular-dependencies/",
        "/api/v1/circular-dependencies/7/",
        "/api/v1/circular-dependencies/7/reopen",
        "/api/v1/admin/staleness",
        "/api/v1/admin/audit/",
        "/api/v1/admin",
        "/api/v1/admin/api-keys/",
        "/api/v1/admin/api-keys/7/",
        "/api/v1/admin/api-keys/7/x",
        "/api/v1/admin/snapshots/",
        "/api/v1/admin/snapshots//verify",
        "/api/v1/admin/snapshots/7/",
        "/api/v1/admin/snapshots/7/verify/",
        "/api/v1/metrics/",
        "/docs/",
        "/docs/a/b",
        "/openapi.json/",
        "/API/v1/health",
        "*",
    ] {
        assert_eq!(get(path), Err(NoRoute::Path), "{path}");
    }
}

#[test]
fn methods_are_looked_at_after_the_path() {
    let find = |method, path| Route::find(&method, path);
    assert_eq!(find(Method::POST, "/api/v1/services/dependencies"), Ok(Route::Ingest));
    assert_eq!(find(Method::POST, "/nowhere"), Err(NoRoute::Path));
    let read = "GET, HEAD";
    let table = [
        ("/", read),
        ("/api/v1/health", read),
        ("/api/v1/health/ready", read),
        ("/api/v1/metrics", read),
        ("/openapi.json", read),
        ("/docs", read),
        ("/docs/swagger-ui.css", read),
        ("/api/v1/graph/divergence", read),
        ("/api/v1/graph/critical", read),
        ("/api/v1/paths", read),
        ("/api/v1/services", read),
        ("/api/v1/services/a", "GET, HEAD, PUT, DELETE"),
        ("/api/v1/services/a/impact", read),
        ("/api/v1/impact", "POST"),
        ("/api/v1/graph/import", "POST"),
        ("/api/v1/slos/impact-analysis", "POST"),
        ("/api/v1/services/a/slo", "PUT"),
        ("/api/v1/services/a/dependencies/b", "DELETE"),
        ("/api/v1/services/dependencies/dependencies/dependencies", "DELETE"),
        ("/api/v1/circular-dependencies", read),
        ("/api/v1/circular-dependencies/7", read),
        ("/api/v1/circular-dependencies/7/acknowledge", "POST"),
        ("/api/v1/circular-dependencies/7/resolve", "POST"),
        ("/api/v1/admin/staleness/run", "POST"),
        ("/api/v1/admin/audit", read),
        ("/api/v1/admin/api-keys", "GET, HEAD, POST"),
        ("/api/v1/admin/api-keys/7", "DELETE"),
        ("/api/v1/services/a/dependencies", read),
        ("/api/v1/services/dependencies", "GET, HEAD, POST, PUT, DELETE"),
        ("/api/v1/admin/snapshots", "GET, HEAD, POST"),
        ("/api/v1/admin/snapshots/7", "GET, HEAD, DELETE"),
        ("/api/v1/admin/snapshots/7/verify", "POST"),
    ];
    for (path, allowed) in table {
        for method in ["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "get", "BREW"] {
            let found = find(Method::from_bytes(method.as_bytes()).unwrap(), path);
            if allowed.split(", ").any(|allowed| allowed == method) {
                assert!(found.is_ok(), "{method} {path}");
            } else {
                let Err(NoRoute::Method { allow, template }) = found else { panic!("{method} {path}") };
                assert_eq!(allow, allowed, "{method} {path}");
                assert_eq!(template.matches('/').count(), path.matches('/').count(), "{template}");
            }
        }
    }
}

#[test]
fn one_path_means_one_thing_per_method() {
    let find = |method, path| Route::find(&method, path).unwrap();
    let (list, one) = ("/api/v1/admin/snapshots", "/api/v1/admin/snapshots/7");
    assert_eq!(find(Method::GET, list), Route::Snapshots);
    assert_eq!(find(Method::POST, list), Route::CreateSnapshot);
    assert_eq!(find(Method::HEAD, one), Route::Snapshot("7"));
    assert_eq!(find(Method::DELETE, one), Route::DeleteSnapshot("7"));
    let verify = "/api/v1/admin/snapshots/7%2F8/verify";
    assert_eq!(find(Method::POST, verify), Route::VerifySnapshot("7%2F8"));
}
