//! What the container's files promise, read without an engine: versions agree, nothing is open, no secret stands in them.
//!
//! - Not the image itself, which `tests/container` builds and runs.
//! - Each rule is shown to fire on a file that breaks it.

use serde_json::Value;

const DOCKERFILE: &str = include_str!("../../Dockerfile");
const IGNORED: &str = include_str!("../../.dockerignore");
const COMPOSE: &str = include_str!("../../docker-compose.yml");

/// What is wrong where it does not hold, and what must hold.
type Rule = (&'static str, fn(&Value) -> bool);

/// Of every service.
const RULES: [Rule; 8] = [
    ("its root can be written", |service| service["read_only"] == true),
    ("it has capabilities", |service| service["cap_drop"] == "ALL" || list(service, "cap_drop") == ["ALL"]),
    ("it is given capabilities", |service| service["cap_add"].is_null() && service["privileged"].is_null()),
    ("it can gain rights", |service| list(service, "security_opt").contains(&"no-new-privileges:true")),
    ("its memory has no limit", |service| service["mem_limit"].is_string()),
    ("nothing looks at its health", |service| service["healthcheck"]["test"].is_array()),
    ("a port is open to the network", |service| {
        list(service, "ports").iter().all(|port| port.starts_with("127.0.0.1:"))
    }),
    ("its image is not pinned", |service| service["build"].is_string() || is_pinned(&service["image"])),
];

fn list<'a>(service: &'a Value, key: &str) -> Vec<&'a str> {
    service[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Down to the release: `17.6`, not `17`.
fn is_pinned(image: &Value) -> bool {
    let tag = image.as_str().and_then(|image| image.rsplit_once(':')).map_or("", |(_, tag)| tag);
    let mut numbers = tag.trim_start_matches('v').split(['.', '-']);
    [numbers.next(), numbers.next()].iter().all(|number| number.is_some_and(|n| n.parse::<u32>().is_ok()))
}

/// A variable whose value would be a secret, or a URL that holds one.
fn is_secret(name: &str, value: &str) -> bool {
    let of_a_secret = ["KEY", "TOKEN", "PASSWORD", "DATABASE_URL"].iter().any(|end| name.ends_with(end));
    of_a_secret || value.contains('@')
}

fn compose_faults(text: &str) -> Vec<String> {
    let compose: Value = serde_saphyr::from_str(text).unwrap();
    let mut faults = Vec::new();
    for (name, service) in compose["services"].as_object().unwrap() {
        let broken = RULES.iter().filter(|(_, holds)| !holds(service));
        faults.extend(broken.map(|(fault, _)| format!("{name}: {fault}")));
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap();
            if is_secret(variable, value) {
                faults.push(format!("{name}: {variable} shows a secret"));
            }
            let secret = value.strip_prefix("/run/secrets/");
            if secret.is_some_and(|secret| !list(service, "secrets").contains(&secret)) {
                faults.push(format!("{name}: {variable} names a secret that is not there"));
            }
        }
        for (needed, how) in service["depends_on"].as_object().into_iter().flatten() {
            if how["condition"] != "service_healthy" {
                faults.push(format!("{name}: does not wait until {needed} is healthy"));
            }
        }
    }
    for (name, secret) in compose["secrets"].as_object().unwrap() {
        if !secret["file"].as_str().is_some_and(|file| file.starts_with("./secrets/")) {
            faults.push(format!("the secret {name} lies where git may see it"));
        }
    }
    faults
}

#[test]
fn compose_is_closed() {
    assert_eq!(compose_faults(COMPOSE), Vec::<String>::new());
    let compose: Value = serde_saphyr::from_str(COMPOSE).unwrap();
    let services: Vec<_> = compose["services"].as_object().unwrap().keys().collect();
    assert_eq!(services, ["watershed", "postgres", "redis", "prometheus"]);
    let wired = &compose["services"]["watershed"]["environment"];
    for variable in ["ADMIN_API_KEY_FILE", "DATABASE_URL_FILE", "REDIS_URL", "PROMETHEUS_URL"] {
        assert!(wired[variable].is_string(), "{variable}");
    }
    let settings = include_str!("../../.env.example");
    for variable in wired.as_object().unwrap().keys() {
        assert!(settings.lines().any(|line| line == format!("{variable}=")), "{variable} is no setting");
    }
    assert!(include_str!("../../.gitignore").lines().any(|line| line == "/secrets"));
}

#[test]
fn each_rule_of_compose_fires() {
    let cases = [
        ("    read_only: true\n", "", "watershed: its root can be written"),
        ("    cap_drop: [ALL]\n", "", "watershed: it has capabilities"),
        ("    cap_drop: [ALL]\n", "    cap_drop: [ALL]\n    cap_add: [CHOWN]\n", "it is given capabilities"),
        ("no-new-privileges:true", "seccomp:unconfined", "it can gain rights"),
        ("    mem_limit: 1g\n", "", "its memory has no limit"),
        ("    healthcheck:\n", "    labels:\n", "nothing looks at its health"),
        ("127.0.0.1:8000:8000", "8000:8000", "a port is open to the network"),
        ("redis:8.2.1-alpine", "redis:8-alpine", "redis: its image is not pinned"),
        ("prometheus:v3.5.0", "prometheus", "prometheus: its image is not pinned"),
        (
            "ADMIN_API_KEY_FILE: /run/secrets/admin_api_key",
            "ADMIN_API_KEY: k",
            "ADMIN_API_KEY shows a secret",
        ),
        ("redis://redis", "redis://:pass@redis", "REDIS_URL shows a secret"),
        ("secrets: [postgres_password]", "secrets: []", "names a secret that is not there"),
        ("redis: {condition: service_healthy}", "redis: {condition: service_started}", "redis is healthy"),
        ("./secrets/database_url", "./database_url", "lies where git may see it"),
    ];
    for (good, bad, fault) in cases {
        assert!(COMPOSE.contains(good), "{good}");
        let faults = compose_faults(&COMPOSE.replacen(good, bad, 1));
        assert!(faults.len() == 1 && faults[0].contains(fault), "{fault}: {faults:?}");
    }
}

fn image_faults(dockerfile: &str, ignored: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let toolchain: toml::Table = toml::from_str(include_str!("../../rust-toolchain.toml")).unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    if !dockerfile.contains(&format!("FROM docker.io/library/rust:{channel}-bookworm AS")) {
        faults.push(format!("the image is not built with Rust {channel}"));
    }
    let manifest: toml::Table = toml::from_str(include_str!("../../Cargo.toml")).unwrap();
    for (label, key) in [("title", "name"), ("description", "description"), ("licenses", "license")] {
        let value = manifest["package"][key].as_str().unwrap();
        if !dockerfile.contains(&format!("org.opencontainers.image.{label}={value:?}")) {
            faults.push(format!("the label {label} is not {value}"));
        }
    }
    // Two lists of the same: what is let in, and what is copied.
    let kept: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    let copied: Vec<&str> = copies
        .filter(|copy| !copy.starts_with("--from"))
        .flat_map(|copy| copy.split(' ').rev().skip(1))
        .collect();
    let holds = |path: &str, kept: &str| path.split('/').next() == Some(kept);
    faults.extend(
        copied
            .iter()
            .filter(|path| !kept.iter().any(|kept| holds(path, kept)))
            .map(|path| format!("{path} is ignored")),
    );
    faults.extend(
        kept.iter()
            .filter(|kept| !copied.iter().any(|path| holds(path, kept)))
            .map(|kept| format!("{kept} is let in for nothing")),
    );
    if ignored.lines().find(|line| !line.starts_with('#')) != Some("*") {
        faults.push("all is let in that is not named".to_owned());
    }
    faults
}

#[test]
fn the_image_is_made_of_what_the_project_says() {
    assert_eq!(image_faults(DOCKERFILE, IGNORED), Vec::<String>::new());
}

#[test]
fn each_rule_of_the_image_fires() {
    let cases = [
        ("-bookworm AS", "-trixie AS", "is not built with Rust"),
        ("title=\"watershed\"", "title=\"other\"", "the label title"),
        ("\"Apache-2.0\"", "\"MIT\"", "the label licenses"),
        ("COPY src src\n", "", "src is let in for nothing"),
        ("COPY src src\n", "COPY src src\nCOPY secrets /secrets\n", "secrets is ignored"),
    ];
    for (good, bad, fault) in cases {
        let faults = image_faults(&DOCKERFILE.replacen(good, bad, 1), IGNORED);
        assert!(faults.len() == 1 && faults[0].contains(fault), "{fault}: {faults:?}");
    }
    assert_eq!(
        image_faults(DOCKERFILE, &IGNORED.replacen("*\n", "", 1)),
        ["all is let in that is not named"]
    );
}
