//! The API's document against a real server: every example in it is sent, and what comes back is what it says.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::schema::faults;
use crate::support::{Reply, Server, upsert};

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// A request as the document shows it.
struct Example {
    id: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    answers: Value,
}

fn document(server: &Server) -> Value {
    let reply = server.get("/openapi.json");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    reply.json()
}

fn encoded(text: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if keeps(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The requests of the document, with real ids in the place of those that only a server gives.
fn examples(document: &Value, ids: &BTreeMap<&str, String>) -> Vec<Example> {
    let mut examples = Vec::new();
    for (template, path) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let Some(operation) = path.get(method) else { continue };
            let mut target = template.clone();
            let mut query = Vec::new();
            for parameter in operation["parameters"].as_array().unwrap() {
                let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
                let example = ids.get(name).map(String::as_str).or(parameter["example"].as_str());
                assert!(
                    parameter["required"] == false || example.is_some(),
                    "{template}: {name} has no example"
                );
                match (place, example) {
                    ("path", Some(example)) => {
                        target = target.replace(&format!("{{{name}}}"), &encoded(example));
                    }
                    ("query", Some(example)) => query.push(format!("{name}={}", encoded(example))),
                    (_, _) => {}
                }
            }
            if !query.is_empty() {
                target = format!("{target}?{}", query.join("&"));
            }
            let content =
                operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
            let (headers, body) = match content {
                Some((media_type, content)) => {
                    let body = match &content["example"] {
                        Value::String(lines) => lines.clone(),
                        example => example.to_string(),
                    };
                    (vec![("content-type".to_owned(), media_type.clone())], body.into_bytes())
                }
                None => (Vec::new(), Vec::new()),
            };
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let answers = operation["responses"].clone();
            examples.push(Example { id, method: method.to_uppercase(), target, headers, body, answers });
        }
    }
    examples
}

fn send(server: &Server, example: &Example) -> Reply {
    let headers: Vec<_> = example.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    server.request(&example.method, &example.target, &headers, &example.body)
}

/// Whether an answer is one that the document describes: its status, type, headers and content.
fn check(document: &Value, example: &Example, reply: &Reply) {
    let what = format!("{} {} → {}", example.method, example.target, reply.status);
    let mut answer = &example.answers[reply.status.to_string()];
    if let Some(target) = answer["$ref"].as_str() {
        answer = document.pointer(target.trim_start_matches('#')).unwrap();
    }
    assert!(!answer.is_null(), "{what} is not described: {}", reply.text());
    for (name, header) in answer["headers"].as_object().into_iter().flatten() {
        let is_limit = name.starts_with("X-RateLimit");
        assert!(
            is_limit || name == "Retry-After" || reply.header(name).is_some(),
            "{what}: no {name}: {header}"
        );
    }
    let Some(content) = answer["content"].as_object() else { return };
    let media_type = reply.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let content = content.get(media_type).or(content.get("*/*"));
    let content = content.unwrap_or_else(|| panic!("{what}: {media_type} is not described"));
    if media_type.ends_with("json") && media_type != "application/x-ndjson" {
        let found = faults(document, &content["schema"], &reply.json(), &example.id);
        assert!(found.is_empty(), "{what}: {found:#?}");
    }
}

fn prepared() -> (Server, BTreeMap<&'static str, String>) {
    let server = Server::start_with(&[], &["--sample", "platform"]);
    let report = upsert("manual").edge("circle-a", "circle-b").edge("circle-b", "circle-a");
    let receipt = server.ingest(&report);
    let made = |target: &str, body: Value, member: &str| {
        server.sent("POST", target, &body, 201).json()[member].as_str().unwrap().to_owned()
    };
    let ids = BTreeMap::from([
        ("alert_id", receipt["circular_dependencies_detected"][0]["alert_id"].as_str().unwrap().to_owned()),
        ("snapshot_id", made("/api/v1/admin/snapshots", json!({}), "snapshot_id")),
    ]);
    (server, ids)
}

#[test]
fn every_example_works_and_answers_what_the_document_says() {
    let (server, mut ids) = prepared();
    let document = document(&server);
    // Those that take away come last; a key closes the server, so keys come behind all that has none.
    let order = |example: &Example| {
        let is_about_keys = example.id.ends_with("key") || example.id == "keys";
        (is_about_keys, example.method == "DELETE", example.id.clone())
    };
    let mut sent = 0;
    let mut examples = examples(&document, &ids);
    examples.sort_by_key(order);
    for example in examples.iter().filter(|example| !order(example).0) {
        let reply = send(&server, example);
        // What an example is about that this server has not, or does not let go of.
        let without = match &*example.id {
            "delete_snapshot" | "resolve" | "run_discovery" | "run_export" => reply.status == 409,
            "export" => reply.status == 404,
            _ => false,
        };
        assert!(reply.status < 300 || without, "{} {}: {}", example.method, example.target, reply.text());
        check(&document, example, &reply);
        sent += 1;
    }
    let create = examples.iter().find(|example| example.id == "create_key").unwrap();
    let admin = Example { body: br#"{"name":"admin","role":"admin"}"#.to_vec(), ..copy(create) };
    let key = send(&server, &admin).json()["key"].as_str().unwrap().to_owned();
    let made = server.request("POST", "/api/v1/admin/api-keys", &[("x-api-key", &key)], &create.body);
    check(&document, create, &made);
    ids.insert("key_id", made.json()["id"].as_str().unwrap().to_owned());
    for example in self::examples(&document, &ids)
        .iter()
        .filter(|example| ["keys", "revoke_key"].contains(&&*example.id))
    {
        assert_eq!(send(&server, example).status, 401, "{}", example.id);
        let reply = server.request(&example.method, &example.target, &[("x-api-key", &key)], &[]);
        assert!(reply.status < 300, "{}: {}", example.id, reply.text());
        check(&document, example, &reply);
        sent += 1;
    }
    assert_eq!(sent + 1, examples.len());
}

#[test]
fn what_is_refused_is_described_too() {
    let (server, ids) = prepared();
    let document = document(&server);
    let mut statuses = BTreeMap::new();
    for example in examples(&document, &ids).iter().filter(|example| !example.id.contains("key")) {
        let spoilt = [
            Example { body: b"{\"a\":".to_vec(), ..copy(example) },
            Example { body: b"{}".to_vec(), ..copy(example) },
            Example {
                body: b"[]".to_vec(),
                headers: vec![("content-type".into(), "text/csv".into())],
                ..copy(example)
            },
            Example {
                target: format!(
                    "{}?limit=0&depth=0&kind=x&source=x&max_paths=0",
                    example.target.split('?').next().unwrap()
                ),
                ..copy(example)
            },
            Example { target: example.target.replace("ecommerce-api", "%ff"), ..copy(example) },
        ];
        for example in
            spoilt.iter().filter(|spoilt| spoilt.method != "GET" || spoilt.target.contains(['?', '%']))
        {
            let is_removal = example.method == "DELETE" && !example.target.contains(['?', '%']);
            if is_removal || example.id.contains("snapshot") || example.id == "run_staleness" {
                continue;
            }
            let reply = send(&server, example);
            check(&document, example, &reply);
            *statuses.entry(reply.status).or_insert(0) += 1;
        }
    }
    assert!([400, 415, 422].iter().all(|status| statuses.contains_key(status)), "{statuses:?}");
}

fn copy(example: &Example) -> Example {
    Example {
        id: example.id.clone(),
        method: example.method.clone(),
        target: example.target.clone(),
        headers: example.headers.clone(),
        body: example.body.clone(),
        answers: example.answers.clone(),
    }
}

#[test]
fn the_page_has_all_its_files_here() {
    let server = Server::start_with(&[("ADMIN_API_KEY", "0123456789abcdef0123456789abcdef")], &[]);
    let page = server.get("/docs");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let text = page.text();
    assert!(text.contains("<base href=\"/docs/\">"), "{text}");
    let named: Vec<&str> =
        text.split(['"', '\'']).filter(|part| part.contains(".js") || part.contains(".css")).collect();
    assert!(named.len() >= 4, "{named:?}");
    for name in named {
        assert!(!name.contains("//"), "{name} is elsewhere");
        let reply = server.get(&format!("/docs/{}", name.trim_start_matches("./")));
        assert_eq!(reply.status, 200, "{name}");
        assert!(!reply.body.is_empty() && reply.header("content-security-policy").is_some(), "{name}");
        if name.contains("initializer") {
            assert!(reply.text().contains("/openapi.json"), "{}", reply.text());
        }
    }
    for missing in ["/docs/", "/docs/nothing.js", "/docs/..%2f..%2fCargo.toml", "/docs/index.html"] {
        assert_eq!(server.get(missing).status, 404, "{missing}");
    }
}

#[test]
fn the_checker_of_schemas_finds_what_is_wrong() {
    let document = json!({"a": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 1}}}});
    let check = |schema: &Value, value: &Value| faults(&document, schema, value, "v").len();
    let of_a = json!({"$ref": "#/a"});
    assert_eq!(check(&of_a, &json!({"n": 1, "more": true})), 0);
    for wrong in [json!({}), json!({"n": 0}), json!({"n": "1"}), json!({"n": 1.5}), json!([]), json!(null)] {
        assert!(check(&of_a, &wrong) > 0, "{wrong}");
    }
    let either = json!({"oneOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}]});
    assert_eq!(
        (check(&either, &json!("x")), check(&either, &json!(null)), check(&either, &json!("y"))),
        (0, 0, 1)
    );
    let list = json!({"type": "array", "items": {"type": "string", "minLength": 2}, "minItems": 1});
    assert_eq!(
        (check(&list, &json!(["ab"])), check(&list, &json!([])), check(&list, &json!(["a", 7]))),
        (0, 1, 2)
    );
}
