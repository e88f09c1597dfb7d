//! The life of a key: made, used, expired, revoked; and what a server without one lets anybody do.

use serde_json::{Value, json};

use crate::support::{Reply, Server, eventually, refused, run, upsert};

const KEYS: &str = "/api/v1/admin/api-keys";
const ADMIN: &str = "an-admin-key-for-tests-0123456789";

fn closed() -> Server {
    Server::start_with(&[("ADMIN_API_KEY", ADMIN)], &["--sample", "online-boutique"])
}

fn with_key(server: &Server, key: &str, method: &str, target: &str, body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    server.request(method, target, &[("authorization", &format!("Bearer {key}"))], body.as_bytes())
}

fn get(server: &Server, key: &str, target: &str) -> Reply {
    with_key(server, key, "GET", target, &Value::Null)
}

/// Makes a key; its id and its text.
fn make(server: &Server, body: &Value) -> (String, String) {
    let reply = with_key(server, ADMIN, "POST", KEYS, body);
    assert_eq!(reply.status, 201, "{}", reply.text());
    let made = reply.json();
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

#[test]
fn a_key_is_shown_once_and_listed_without_its_secret() {
    let server = closed();
    let body = json!({"name": "ci", "role": "writer", "expires_at": "2999-01-01T00:00:00Z", "rate_limits": {"query": 5}});
    let made = with_key(&server, ADMIN, "POST", KEYS, &body).json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("ws_") && key.len() == 70, "{key}");
    assert_eq!(
        (&made["name"], &made["role"], &made["expires_at"]),
        (&body["name"], &body["role"], &body["expires_at"])
    );
    assert_eq!(get(&server, key, "/api/v1/services").status, 200);
    let page = get(&server, ADMIN, KEYS);
    assert!(!page.text().contains(key) && !page.text().contains("$2b$"), "{}", page.text());
    let item = &page.json()["items"][0];
    assert_eq!(
        (&item["id"], &item["created_by"], &item["revoked_at"]),
        (&made["id"], &json!("ADMIN_API_KEY"), &Value::Null)
    );
    assert!(item["last_used_at"].is_string() && item.get("key").is_none(), "{item}");
    assert_eq!(item["rate_limits"], json!({"ingestion": null, "query": 5, "default": null}));
}

#[test]
fn what_no_key_can_be_is_refused_with_its_field() {
    let server = closed();
    let cases = [
        (json!({"role": "reader"}), "name"),
        (json!({"name": "", "role": "reader"}), "name"),
        (json!({"name": "a\u{7}", "role": "reader"}), "name"),
        (json!({"name": "a"}), "role"),
        (json!({"name": "a", "role": "owner"}), "role"),
        (json!({"name": "a", "role": "reader", "expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
        (json!({"name": "a", "role": "reader", "expires_at": "soon"}), "expires_at"),
        (json!({"name": "a", "role": "reader", "rate_limits": {"query": -1}}), "rate_limits.query"),
    ];
    for (body, field) in cases {
        let reply = with_key(&server, ADMIN, "POST", KEYS, &body);
        reply.assert_problem(&[422], field, &body.to_string());
    }
    assert_eq!(get(&server, ADMIN, KEYS).json()["items"], json!([]));
    for id in ["7", "01890a5d-ac96-774b-bcce-b302099a8057", "%2e%2e"] {
        assert_eq!(
            with_key(&server, ADMIN, "DELETE", &format!("{KEYS}/{id}"), &Value::Null).status,
            404,
            "{id}"
        );
    }
}

#[test]
fn a_revoked_key_is_none_from_the_next_request_on_the_same_connection() {
    let server = closed();
    let (id, key) = make(&server, &json!({"name": "a", "role": "reader"}));
    let mut connection = server.connect();
    let header = [("x-api-key", &*key)];
    let ask = |connection: &mut crate::support::Connection| {
        connection.exchange("GET", "/api/v1/services", &header, &[]).unwrap()
    };
    assert_eq!(ask(&mut connection).status, 200);
    assert_eq!(with_key(&server, ADMIN, "DELETE", &format!("{KEYS}/{id}"), &Value::Null).status, 204);
    let refused = ask(&mut connection);
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(with_key(&server, ADMIN, "DELETE", &format!("{KEYS}/{id}"), &Value::Null).status, 404);
    let item = &get(&server, ADMIN, KEYS).json()["items"][0];
    assert!(item["revoked_at"].is_string() && item["revoked_by"] == "ADMIN_API_KEY", "{item}");
}

#[test]
fn whatever_is_wrong_with_a_key_the_answer_is_the_same() {
    let server = closed();
    let (id, revoked) = make(&server, &json!({"name": "a", "role": "reader"}));
    let end = watershed::clock::now().plus_microseconds(1_500_000).to_string();
    let (_, expiring) = make(&server, &json!({"name": "b", "role": "reader", "expires_at": end}));
    with_key(&server, ADMIN, "DELETE", &format!("{KEYS}/{id}"), &Value::Null);
    let refused = |key: &str| {
        let reply = get(&server, key, "/api/v1/services");
        let mut body = reply.json();
        assert!(body["correlation_id"].take().is_string());
        (reply.status, reply.header("www-authenticate").map(str::to_owned), body)
    };
    let first = refused("nonsense");
    assert_eq!(first.0, 401);
    let unknown = format!("ws_{}", "0".repeat(67));
    let wrong = format!("{}x", &revoked[..69]);
    eventually("the key expires", || {
        (get(&server, &expiring, "/api/v1/services").status == 401).then_some(())
    });
    for key in [&*revoked, &expiring, &unknown, &wrong] {
        assert_eq!(refused(key), first, "{key}");
    }
}

#[test]
fn keys_and_revocations_survive_restarts() {
    let mut server = closed();
    let (_, kept) = make(&server, &json!({"name": "kept", "role": "writer"}));
    let (id, gone) = make(&server, &json!({"name": "gone", "role": "reader"}));
    with_key(&server, ADMIN, "DELETE", &format!("{KEYS}/{id}"), &Value::Null);
    let holds = |server: &Server| {
        assert_eq!(get(server, &kept, "/api/v1/services").status, 200);
        assert_eq!(get(server, &gone, "/api/v1/services").status, 401);
    };
    server.crash_and_restart();
    holds(&server);
    server.stop();
    server.start_again();
    holds(&server);
    // The key of the settings goes with the settings; the others stay, and so does the door.
    server.stop();
    server.start_again_with(&[]);
    holds(&server);
    assert_eq!(get(&server, ADMIN, "/api/v1/services").status, 401);
    let used = server.data().join("api-keys");
    assert!(std::fs::read_to_string(used).unwrap().contains("\"last_used_at\":\"20"));
}

#[test]
fn a_server_is_open_only_as_long_as_it_never_had_a_key() {
    let mut server = Server::start();
    assert_eq!(server.get(KEYS).json()["items"], json!([]), "whoever is on the machine is admin");
    server.ingest(&upsert("manual").edge("a", "b"));
    let made = server.sent("POST", KEYS, &json!({"name": "first", "role": "admin"}), 201).json();
    let key = made["key"].as_str().unwrap();
    assert_eq!(server.get("/api/v1/services").status, 401, "from the first key on it is closed");
    let target = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    assert_eq!(
        with_key(&server, key, "DELETE", &target, &Value::Null).status,
        204,
        "even the last key can be revoked"
    );
    assert_eq!((server.get("/api/v1/services").status, get(&server, key, KEYS).status), (401, 401));
    server.stop();
    server.start_again();
    assert_eq!(server.get("/api/v1/services").status, 401, "and that opens nothing");
    assert_eq!(server.get("/api/v1/health").status, 200);
}

#[test]
fn without_keys_only_loopback_is_listened_on() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    for host in ["0.0.0.0", "::"] {
        let finished = refused(&data, &[("API_HOST", host)]);
        assert_eq!((finished.code, finished.stderr.lines().count()), (Some(2), 1), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("API_HOST") && finished.stderr.contains("ADMIN_API_KEY"),
            "{}",
            finished.stderr
        );
    }
    let mut create = crate::support::command(["api-keys", "create", "first", "--data-dir"]);
    assert_eq!(run(create.arg(&data)).code, Some(0));
    let server = Server::start_in(directory, &[("API_HOST", "0.0.0.0")], &[]);
    assert_eq!(server.get("/api/v1/services").status, 401);
}

#[test]
fn a_key_of_the_settings_that_does_not_do_stops_the_start_and_is_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let file = directory.path().join("key");
    std::fs::write(&file, format!("{ADMIN}\n")).unwrap();
    for settings in [
        vec![("ADMIN_API_KEY", "too-short-to-be-true")],
        vec![("ADMIN_API_KEY", "with spaces but long enough to be one")],
        vec![("ADMIN_API_KEY", ADMIN), ("ADMIN_API_KEY_FILE", file.to_str().unwrap())],
        vec![("ADMIN_API_KEY_FILE", "/nonexistent/key")],
    ] {
        let finished = refused(&data, &settings);
        assert_eq!((finished.code, finished.stderr.lines().count()), (Some(2), 1), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("ADMIN_API_KEY") && !finished.stderr.contains("short-to"),
            "{}",
            finished.stderr
        );
    }
    let server = Server::start_with(&[("ADMIN_API_KEY_FILE", file.to_str().unwrap())], &[]);
    assert_eq!((get(&server, ADMIN, KEYS).status, server.get(KEYS).status), (200, 401));
}

#[test]
fn the_audit_log_names_the_key_and_a_retry_is_the_same_holder_s() {
    let server = closed();
    let (_, one) = make(&server, &json!({"name": "deploy bot", "role": "writer"}));
    let (_, other) = make(&server, &json!({"name": "deploy bot", "role": "writer"}));
    let report = upsert("manual").edge("a", "b").json().clone();
    let send = |key: &str, body: &Value| {
        let headers = [("authorization", &*format!("Bearer {key}")), ("idempotency-key", "k-1")];
        server.request("POST", "/api/v1/services/dependencies", &headers, body.to_string().as_bytes())
    };
    let first = send(&one, &report).json();
    assert_eq!(send(&one, &report).json()["ingestion_id"], first["ingestion_id"]);
    let another = upsert("manual").edge("a", "c").json().clone();
    assert_eq!(send(&one, &another).status, 409);
    assert_eq!(send(&other, &another).status, 202, "keys of one name are two clients");
    let entries = get(&server, ADMIN, "/api/v1/admin/audit").json()["items"].clone();
    assert_eq!((&entries[0]["actor"], &entries[1]["actor"]), (&json!("deploy bot"), &json!("deploy bot")));
}

#[test]
fn a_damaged_file_of_keys_is_not_taken_for_none() {
    let mut server = closed();
    make(&server, &json!({"name": "a", "role": "reader"}));
    server.stop();
    let file = server.data().join("api-keys");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("reader", "admin")).unwrap();
    let finished = refused(&server.data(), &[]);
    assert_eq!((finished.code, finished.stderr.lines().count()), (Some(3), 1), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("api-keys offset") && finished.stderr.contains("crc mismatch"),
        "{}",
        finished.stderr
    );
}
