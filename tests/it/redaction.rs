//! Secrets are sent to every place that there is, and then looked for in everything that comes out.

use std::path::Path;

use serde_json::json;

use crate::support::{Server, run};

const ADMIN: &str = "an-admin-key-that-must-not-leak-0123456789";
const MARK: &str = "s3cr3t-that-must-not-leak";

/// Method, target, headers and body.
type Request<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, String);

/// Files of a directory that hold a text.
fn holding(directory: &Path, text: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holding(&path, text, found);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn no_secret_comes_out_anywhere() {
    let redis = format!("redis://user:{MARK}@127.0.0.1:1/");
    let settings = [("ADMIN_API_KEY", ADMIN), ("REDIS_URL", &*redis), ("LOG_LEVEL", "trace")];
    let mut server = Server::start_with(&settings, &["--sample", "online-boutique"]);
    let body = json!({"name": "holder", "role": "writer"}).to_string();
    let made =
        server.request("POST", "/api/v1/admin/api-keys", &[("x-api-key", ADMIN)], body.as_bytes()).json();
    let key = made["key"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {key}");
    let mut answers = Vec::new();
    for secret in [&*key, ADMIN, MARK] {
        let (wrong, cookie) = (format!("Bearer {secret}x"), format!("key={secret}"));
        let target = format!("/api/v1/services?api_key={secret}&limit=0");
        let requests: [Request<'_>; 9] = [
            ("GET", "/api/v1/services", vec![("authorization", &wrong)], String::new()),
            ("GET", "/api/v1/services", vec![("x-api-key", &wrong)], String::new()),
            (
                "GET",
                "/api/v1/services",
                vec![("authorization", &bearer), ("x-api-key", secret), ("cookie", &cookie)],
                String::new(),
            ),
            ("GET", &target, vec![("x-api-key", ADMIN)], String::new()),
            (
                "GET",
                "/api/v1/services/nobody",
                vec![("authorization", &bearer), ("user-agent", secret), ("referer", secret)],
                String::new(),
            ),
            (
                "POST",
                "/api/v1/services/dependencies",
                vec![("authorization", &bearer)],
                format!("{{\"source\":\"{secret}"),
            ),
            (
                "POST",
                "/api/v1/services/dependencies",
                vec![("authorization", &bearer), ("idempotency-key", secret)],
                "{}".into(),
            ),
            ("POST", "/api/v1/admin/api-keys", vec![("authorization", &bearer)], body.clone()),
            ("GET", "/api/v1/admin/api-keys", vec![("x-api-key", ADMIN)], String::new()),
        ];
        for (method, target, headers, body) in requests {
            let reply = server.request(method, target, &headers, body.as_bytes());
            answers.push((format!("{method} {target}"), reply.text()));
        }
    }
    answers.push(("metrics".into(), server.get("/api/v1/metrics").text()));
    answers.push(("ready".into(), server.get("/api/v1/health/ready").text()));
    for (what, text) in &answers {
        // What a client put into a path or a value of its own comes back to it alone.
        for secret in [&key[20..63], ADMIN] {
            assert!(!text.contains(secret), "{what}: {text}");
        }
        assert!(!text.contains("$2b$"), "{what}: {text}");
    }
    server.log_line("Redis is missed", |line| {
        line["message"].as_str().is_some_and(|text| text.contains("Redis"))
    });
    server.stop();
    let log = server.log_to_the_end();
    assert!(
        log.iter().any(|line| line.contains("an API key was made")),
        "it is logged that there is a new key"
    );
    for secret in [&key[20..63], ADMIN, MARK] {
        let lines: Vec<_> = log.iter().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "{lines:#?}");
        let mut files = Vec::new();
        holding(&server.data(), secret, &mut files);
        assert!(files.is_empty(), "{files:?}");
    }
}

#[test]
fn commands_do_not_show_the_key_that_they_use() {
    let server = Server::start_with(&[("ADMIN_API_KEY", ADMIN)], &[]);
    for (key, words) in [
        (format!("{ADMIN}x"), vec!["services"]),
        (ADMIN.to_owned(), vec!["deps", "nobody"]),
        (ADMIN.to_owned(), vec!["api-keys", "list"]),
        ("two words".to_owned(), vec!["services"]),
    ] {
        let mut command = crate::support::command(words.iter());
        let finished = run(command.args(["--url", &server.url()]).env("WATERSHED_API_KEY", &key));
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert!(!said.contains(&key), "{words:?}: {said}");
    }
}
