//! Answers: the errors that operations share, their headers, and what a success looks like.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

/// The errors there are.
const ERRORS: [u16; 15] = [400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 503, 507];

/// The errors of an operation that takes a body and writes something.
pub(super) const OF_A_WRITE: [u16; 6] = [400, 408, 413, 415, 422, 507];
/// The errors of a question with parameters.
pub(super) const OF_A_QUESTION: [u16; 2] = [400, 422];
/// The same about something that may not be there.
pub(super) const OF_A_QUESTION_ABOUT: [u16; 3] = [400, 404, 422];

/// The name of an error among the components.
pub(super) fn error_name(status: u16) -> String {
    let status = StatusCode::from_u16(status).ok();
    let phrase = status.and_then(|status| status.canonical_reason()).unwrap_or("Error");
    phrase.split(' ').collect()
}

/// A 200 with JSON.
pub(super) fn json_of(schema: &str, description: &str) -> Value {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    json!({"description": description, "content": {"application/json": {"schema": schema}}, "headers": {}})
}

/// The same from the graph: with its version.
pub(super) fn graph_json(schema: &str, description: &str) -> Value {
    let mut answer = json_of(schema, description);
    answer["headers"]["X-Graph-Version"] = json!({"$ref": "#/components/headers/X-Graph-Version"});
    answer
}

/// The same with a tag for conditional reads.
pub(super) fn tagged_json(schema: &str, description: &str) -> Value {
    let mut answer = graph_json(schema, description);
    answer["headers"]["ETag"] = json!({"$ref": "#/components/headers/ETag"});
    answer
}

/// A 204.
pub(super) fn nothing(description: &str) -> Value {
    json!({"description": description, "headers": {}})
}

/// A 304.
pub(super) fn not_modified() -> (u16, Value) {
    let header = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
    let headers = json!({"ETag": header("ETag"), "X-Graph-Version": header("X-Graph-Version")});
    (304, json!({"description": "The client has this answer already", "headers": headers}))
}

/// Content of another type.
pub(super) fn content(media_type: &str, description: &str) -> Value {
    let schema = json!({"type": "string"});
    json!({"description": description, "content": {media_type: {"schema": schema}}, "headers": {}})
}

pub(super) fn errors() -> Value {
    let problem = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    let mut errors = Map::new();
    for status in ERRORS {
        let mut answer = json!({"description": meaning(status), "content": problem});
        match status {
            401 => {
                answer["headers"] = json!({"WWW-Authenticate": {"schema": {"type": "string", "enum": ["Bearer"]}, "required": true}});
            }
            405 => {
                answer["headers"] = json!({"Allow": {"schema": {"type": "string"}, "required": true}});
            }
            429 => {
                answer["headers"] = json!({"Retry-After": {"$ref": "#/components/headers/Retry-After"}});
            }
            431 => answer = json!({"description": meaning(status)}),
            _ => {}
        }
        errors.insert(error_name(status), answer);
    }
    Value::Object(errors)
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "Malformed JSON, a key given twice, malformed percent-encoding or UTF-8",
        401 => "No credentials, or unusable, unknown, expired or revoked ones",
        403 => "The key's role does not allow it",
        404 => "There is no such path, service, alert, snapshot or key",
        405 => "The path does not take this method",
        408 => "The body came too slowly",
        409 => "The present state forbids it, or an Idempotency-Key came with another body",
        413 => "The body is too large",
        415 => "The endpoint does not take this content type",
        422 => "Well-formed, but not valid; `field` names what is at fault",
        429 => "More requests than the limit allows, or too many failed credentials from one address",
        431 => "Too many or too large headers",
        500 => "A bug; the server's log has the correlation id",
        503 => "Not ready, shutting down, overloaded, or writes refused because the disk failed",
        507 => "The disk is full, or a bound of the graph is reached: nothing was applied",
        _ => "Failed",
    }
}

pub(super) fn headers() -> Value {
    let number =
        |description: &str| json!({"description": description, "schema": {"type": "integer", "minimum": 0}});
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    json!({
        "X-Correlation-ID": text("The request's id in the server's log"),
        "X-Graph-Version": number("The version of the graph that answered"),
        "ETag": text("A strong tag of the data directory, the version and the representation"),
        "Retry-After": number("Seconds until it is worth trying again"),
        "X-RateLimit-Limit": number("Requests of this kind a minute"),
        "X-RateLimit-Remaining": number("Requests that are left now"),
        "X-RateLimit-Reset": number("Seconds until all of them are there again"),
    })
}
