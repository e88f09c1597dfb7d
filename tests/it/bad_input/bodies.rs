//! Ingestion bodies that must be refused.

use serde_json::{Value, json};

use super::Case;

const SYNTAX: u16 = 400;
const TYPE: u16 = 415;
const CONTENT: u16 = 422;

/// Every case with a body.
pub(super) fn cases() -> Vec<Case> {
    [syntax(), nesting(), media_types(), top_level(), nodes(), metadata(), edges(), attributes()]
        .into_iter()
        .flatten()
        .collect()
}

/// Bytes around a node's metadata, for what a JSON builder would not let us say.
fn raw(metadata: &str) -> String {
    let head =
        r#"{"source":"manual","timestamp":"2026-02-14T10:00:00Z","nodes":[{"service_id":"x","metadata":"#;
    format!("{head}{metadata}}}]}}")
}

fn syntax() -> Vec<Case> {
    let valid = raw("{}");
    let mut cases: Vec<Case> = [1, valid.len() / 3, valid.len() / 2, valid.len() - 1]
        .into_iter()
        .map(|end| Case::post("truncated", &valid[..end], SYNTAX, None))
        .collect();
    let bodies: [(&str, Vec<u8>); 21] = [
        ("empty", b"".into()),
        ("white space only", b" \r\n ".into()),
        ("no JSON", b"hello".into()),
        ("form", b"a=b".into()),
        ("trailing comma", raw(r#"{"a":1,}"#).into()),
        ("comment", raw("{}/* */").into()),
        ("single quotes", raw("{'a':1}").into()),
        ("not a number", raw(r#"{"a":NaN}"#).into()),
        ("leading zero", raw(r#"{"a":01}"#).into()),
        ("two documents", format!("{valid}{valid}").into()),
        ("trailing garbage", format!("{valid}x").into()),
        ("raw NUL", raw("{\"a\":\"\0\"}").into()),
        ("NUL after the end", format!("{valid}\0").into()),
        ("raw line feed in a string", raw("{\"a\":\"\n\"}").into()),
        ("bad escape", raw(r#"{"a":"\x"}"#).into()),
        ("lone high surrogate", raw(r#"{"a":"\ud800"}"#).into()),
        ("lone low surrogate", raw(r#"{"a":"\udc00x"}"#).into()),
        ("byte order mark", format!("\u{FEFF}{valid}").into()),
        ("invalid UTF-8", [br#"{"source":""#.as_slice(), b"\xff", br#""}"#].concat()),
        ("overlong UTF-8", [br#"{"source":""#.as_slice(), b"\xc0\xaf", br#""}"#].concat()),
        ("UTF-16", valid.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ];
    cases.extend(bodies.into_iter().map(|(name, body)| Case::post(name, body, SYNTAX, None)));
    let twice = [
        r#"{"source":"manual","source":"manual","timestamp":"2026-02-14T10:00:00Z"}"#.to_owned(),
        r#"{"source":"manual","timestamp":"2026-02-14T10:00:00Z","sou\u0072ce":"manual"}"#.to_owned(),
        r#"{"source":"manual","timestamp":"2026-02-14T10:00:00Z","unknown":{"a":1,"a":1}}"#.to_owned(),
        raw(r#"{"a":1,"b":2,"a":1}"#),
        raw(r#"{"a":[[{"b":{"c":1,"c":2}}]]}"#),
        raw(r#"{"":1,"":2}"#),
        raw(r#"{},"service_id":"y""#),
    ];
    cases.extend(twice.into_iter().map(|body| Case::post("a key twice", body, SYNTAX, None)));
    cases
}

fn nesting() -> Vec<Case> {
    let depth = 100_000;
    let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    // Too deep to read is malformed, too large for metadata is not valid: either is an answer.
    let case = |name: &str, body: String| Case::post(name, body, SYNTAX, None).or(CONTENT);
    vec![
        case("deep arrays", arrays.clone()),
        case("deep arrays, never closed", "[".repeat(depth)),
        case("deep objects", objects.clone()),
        case("deep arrays in metadata", raw(&format!(r#"{{"a":{arrays}}}"#))),
        case("deep objects in metadata", raw(&objects)),
        case("deep in an unknown field", format!(r#"{{"source":"manual","x":{arrays}}}"#)),
    ]
}

fn media_types() -> Vec<Case> {
    let case = |kind: &str| Case::post(kind, raw("{}"), TYPE, None).header("Content-Type", kind);
    let kinds = [
        "text/plain",
        "application/xml",
        "application/x-ndjson",
        "multipart/form-data",
        "application/jsonx",
        "json",
    ];
    let mut cases: Vec<Case> = kinds.into_iter().map(case).collect();
    for coding in ["gzip", "br", "deflate"] {
        cases.push(Case::post(coding, raw("{}"), TYPE, None).header("Content-Encoding", coding));
    }
    cases
}

/// The valid body of all others, to be spoiled in one place.
fn valid() -> Value {
    json!({"source": "manual", "timestamp": "2026-02-14T10:00:00Z",
        "nodes": [{"service_id": "ok", "metadata": {}}, {"service_id": "x", "metadata": {"team": "t"}}],
        "edges": [{"source": "ok", "target": "fine", "attributes": {"communication_mode": "sync"}},
            {"source": "x", "target": "y", "attributes": {"communication_mode": "sync", "criticality": "hard",
                "retry_config": {"max_retries": 3, "backoff_strategy": "linear"}}}]})
}

/// The valid body with the value at a JSON pointer replaced; `field` is what must be named.
fn spoiled(pointer: &str, value: Value, field: &str) -> Case {
    let mut body = valid();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let name = format!("{field} = {:.60}", value.to_string());
    body.pointer_mut(parent).unwrap()[key] = value;
    Case::post(&name, body.to_string(), CONTENT, Some(field))
}

/// The valid body without what a JSON pointer names.
fn without(pointer: &str, field: &str) -> Case {
    let mut body = valid();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    Case::post(&format!("without {pointer}"), body.to_string(), CONTENT, Some(field))
}

fn many(pointer: &str, field: &str, values: impl IntoIterator<Item = Value>) -> Vec<Case> {
    values.into_iter().map(|value| spoiled(pointer, value, field)).collect()
}

fn top_level() -> Vec<Case> {
    let any = "*";
    let mut cases = vec![
        Case::post("an array", "[]", CONTENT, Some(any)).or(SYNTAX),
        Case::post("a string", "\"x\"", CONTENT, Some(any)).or(SYNTAX),
        Case::post("null", "null", CONTENT, Some(any)).or(SYNTAX),
        without("/source", "source"),
        without("/timestamp", "timestamp"),
    ];
    let wrong_sources = [
        json!("nobody"),
        json!("Manual"),
        json!(""),
        json!(" manual"),
        json!(1),
        json!(null),
        json!(["manual"]),
    ];
    cases.extend(many("/source", "source", wrong_sources));
    let wrong_times = [
        json!("yesterday"),
        json!("2026-02-14"),
        json!("2026-02-14T10:00:00"),
        json!("2026-13-14T10:00:00Z"),
        json!("2026-02-30T10:00:00Z"),
        json!("2999-01-01T00:00:00Z"),
        json!(1_771_063_200),
        json!(null),
        json!(""),
    ];
    cases.extend(many("/timestamp", "timestamp", wrong_times));
    cases.extend(many("/mode", "mode", [json!("merge"), json!("UPSERT"), json!(1)]));
    cases.extend(many("/nodes", "nodes", [json!({}), json!("x"), json!(1)]));
    cases.extend(many("/edges", "edges", [json!({}), json!("x"), json!(true)]));
    cases
}

fn wrong_ids() -> Vec<Value> {
    let texts =
        ["", " x", "x ", "\tx", "x\n", "\u{a0}x", "x\u{2003}", "a\u{0}b", "a\nb", "\u{7f}", "a\u{85}b"];
    let long = ["x".repeat(256), "é".repeat(128), "x".repeat(100_000)];
    let mut values: Vec<Value> =
        texts.into_iter().map(Value::from).chain(long.into_iter().map(Value::from)).collect();
    values.extend([json!(1), json!(null), json!(["x"]), json!({})]);
    values
}

fn nodes() -> Vec<Case> {
    let mut cases = many("/nodes/1/service_id", "nodes[1].service_id", wrong_ids());
    cases.push(without("/nodes/1/service_id", "nodes[1].service_id"));
    cases.extend([json!("x"), json!(1), json!([]), json!(null)].map(|value| {
        let mut body = valid();
        body["nodes"][1] = value;
        Case::post("a node that is none", body.to_string(), CONTENT, Some("nodes[1]*"))
    }));
    cases
}

fn metadata() -> Vec<Case> {
    let field = |name: &str| format!("nodes[1].metadata.{name}");
    let pointer = |name: &str| format!("/nodes/1/metadata/{name}");
    let of = |name: &str, values: Vec<Value>| many(&pointer(name), &field(name), values);
    let mut cases =
        many("/nodes/1/metadata", "nodes[1].metadata", [json!([]), json!("x"), json!(1), json!(false)]);
    cases.push(spoiled("/nodes/1/metadata", json!({"text": "x".repeat(16 * 1024)}), "nodes[1].metadata"));
    cases.push(spoiled("/nodes/1/metadata", json!({"list": vec![1; 10_000]}), "nodes[1].metadata"));
    cases.extend(of("team", vec![json!("t".repeat(256)), json!(1), json!(["t"])]));
    cases.extend(of("criticality", vec![json!("urgent"), json!("High"), json!(1)]));
    cases.extend(of("service_type", vec![json!("saas"), json!(""), json!(true)]));
    let ratios = || vec![json!(0), json!(-0.1), json!(1.5), json!(99.9), json!("0.99"), json!([0.9])];
    cases.extend(of("published_sla", ratios()));
    cases.extend(of("availability", ratios()));
    cases
}

fn edges() -> Vec<Case> {
    let mut cases = many("/edges/1/source", "edges[1].source", wrong_ids());
    cases.extend(many("/edges/1/target", "edges[1].target", wrong_ids()));
    cases.push(without("/edges/1/source", "edges[1].source"));
    cases.push(without("/edges/1/target", "edges[1].target"));
    cases.push(without("/edges/1/attributes", "edges[1].attributes*"));
    cases.push(spoiled("/edges/1/target", json!("x"), "edges[1].target"));
    cases.extend([json!("x"), json!(1), json!(null)].map(|value| {
        let mut body = valid();
        body["edges"][1] = value;
        Case::post("an edge that is none", body.to_string(), CONTENT, Some("edges[1]*"))
    }));
    for value in [json!("sync"), json!([]), json!(null)] {
        cases.push(spoiled("/edges/1/attributes", value, "edges[1].attributes*"));
    }
    cases
}

fn attributes() -> Vec<Case> {
    let field = |name: &str| format!("edges[1].attributes.{name}");
    let pointer = |name: &str| format!("/edges/1/attributes/{name}");
    let of = |name: &str, values: Vec<Value>| many(&pointer(name), &field(name), values);
    let mut cases =
        vec![without("/edges/1/attributes/communication_mode", "edges[1].attributes.communication_mode")];
    cases.extend(of(
        "communication_mode",
        vec![json!("batch"), json!("Sync"), json!(""), json!(null), json!(1)],
    ));
    cases.extend(of("criticality", vec![json!("critical"), json!("HARD"), json!(3)]));
    cases.extend(of("protocol", vec![json!("p".repeat(51)), json!("é".repeat(26)), json!(1), json!({})]));
    let times =
        vec![json!(0), json!(-1), json!(86_400_001), json!(1.5), json!("5000"), json!(true), json!(u64::MAX)];
    cases.extend(of("timeout_ms", times));
    cases.extend(of("retry_config", vec![json!(3), json!("linear"), json!([])]));
    let retry = |name: &str| {
        (format!("/edges/1/attributes/retry_config/{name}"), field(&format!("retry_config.{name}")))
    };
    let (path, named) = retry("max_retries");
    cases.extend(many(&path, &named, [json!(101), json!(-1), json!(2.5), json!("3")]));
    let (path, named) = retry("backoff_strategy");
    cases.extend(many(&path, &named, [json!("random"), json!("Linear"), json!(1)]));
    // A number beyond what a double holds: no number that we can read, or none that is valid.
    let huge = valid().to_string().replace(r#""max_retries":3"#, r#""max_retries":1e400"#);
    assert!(huge.contains("1e400"));
    cases.push(Case::post("1e400", huge, SYNTAX, None).or(CONTENT));
    cases
}
