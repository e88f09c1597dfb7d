//! Paths and query parameters that must be refused.

use super::Case;

/// Every case without a body.
pub(super) fn cases() -> Vec<Case> {
    [parameters(), listing(), encoding(), paths()].into_iter().flatten().collect()
}

/// One case for each bad value of a parameter.
fn each(path: &str, name: &str, values: &[&str]) -> Vec<Case> {
    values.iter().map(|value| Case::get(&format!("{path}?{name}={value}"), 422, Some(name))).collect()
}

fn parameters() -> Vec<Case> {
    let table: [(&str, &[&str]); 7] = [
        ("depth", &["0", "11", "-1", "x", "1.5", "3x", "+3", "256", "4294967297", "99999999999999999999"]),
        ("direction", &["sideways", "Both", "up", "both,both"]),
        ("include_stale", &["yes", "1", "TRUE", "maybe"]),
        ("include_external", &["no", "0", "False"]),
        ("min_confidence", &["-0.1", "1.1", "NaN", "inf", "x", "1e400"]),
        ("max_nodes", &["0", "-1", "1000001", "x", "1.0", "99999999999999999999"]),
        ("view", &["compact", "IDS", "full,ids"]),
    ];
    let mut cases: Vec<Case> = table
        .into_iter()
        .flat_map(|(name, values)| each("/api/v1/services/a/dependencies", name, values))
        .collect();
    cases.extend(each("/api/v1/services/a/dependencies", "format", &["xml", "JSON", "yaml"]));
    cases
}

fn listing() -> Vec<Case> {
    let table: [(&str, &[&str]); 5] = [
        ("limit", &["0", "101", "-1", "x", "1.5", "99999999999999999999"]),
        ("criticality", &["urgent", "High", "critical,high"]),
        ("discovered", &["yes", "1", "True"]),
        ("service_type", &["saas", "Internal"]),
        ("cursor", &["garbage", "AAAA", "%00", "..", "eyJhIjoxfQ", "0", "%F0%9F%9A%80"]),
    ];
    table.into_iter().flat_map(|(name, values)| each("/api/v1/services", name, values)).collect()
}

fn encoding() -> Vec<Case> {
    let targets = [
        "/api/v1/services/%zz",
        "/api/v1/services/a%",
        "/api/v1/services/a%2",
        "/api/v1/services/%ff",
        "/api/v1/services/%c3%28",
        "/api/v1/services/%ed%a0%80",
        "/api/v1/services/%zz/dependencies",
        "/api/v1/services/a/dependencies?depth=%zz",
        "/api/v1/services/a/dependencies?depth=%",
        "/api/v1/services?q=%ff",
        "/api/v1/services?q=a%f",
        "/api/v1/services?team=%c0%af",
        "/api/v1/services?%zz=1",
    ];
    let mut cases: Vec<Case> = targets.into_iter().map(|target| Case::get(target, 400, None)).collect();
    // An id that no service can have: not valid, or just not there.
    let long = format!("/api/v1/services/{}", "x".repeat(256));
    for target in ["/api/v1/services/%00", "/api/v1/services/%20a", "/api/v1/services/a%0A", long.as_str()] {
        cases.push(Case::get(target, 404, None).or(422));
    }
    cases
}

fn paths() -> Vec<Case> {
    let unknown = [
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/services",
        "/API/v1/services",
        "/api/v1/service",
        "/api/v1/services/",
        "/api/v1/services/a/",
        "/api/v1/services/a/dependencies/",
        "/api/v1/services/a/dependencies/b/c",
        "/api/v1/services/../services",
        "/api/v1/./services",
        "//api/v1/services",
        "/api/v1//services",
        "/api/v1/health/",
        "/api/v1/health/live",
        "/api%2Fv1/services",
        "/favicon.ico",
        "/.env",
    ];
    let missing = ["/api/v1/services/missing", "/api/v1/services/missing/dependencies", "/api/v1/services/A"];
    let mut cases: Vec<Case> =
        unknown.into_iter().chain(missing).map(|target| Case::get(target, 404, None)).collect();
    // An empty segment is no path, or a path with an id that is not valid.
    cases.push(Case::get("/api/v1/services//dependencies", 404, None).or(422));
    let methods = [
        ("POST", "/api/v1/services"),
        ("PATCH", "/api/v1/services/a"),
        ("TRACE", "/"),
        ("PUT", "/api/v1/health"),
    ];
    for (method, target) in methods {
        cases.push(Case { method, ..Case::get(target, 405, None) });
    }
    cases
}
