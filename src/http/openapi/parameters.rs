//! Parameters and bodies of requests.

use serde_json::{Value, json};

use crate::limits;

/// A part of the path.
pub(super) fn path(name: &str, description: &str, schema: &Value, example: &str) -> Value {
    json!({
        "name": name, "in": "path", "required": true, "description": description, "schema": schema, "example": example,
    })
}

/// A service id in the path, percent-encoded there.
pub(super) fn service(name: &str, example: &str) -> Value {
    path(name, "The id of a service, percent-encoded", &service_id(), example)
}

/// The id of something else in the path.
pub(super) fn id(name: &str, description: &str) -> Value {
    path(
        name,
        description,
        &json!({"type": "string", "format": "uuid"}),
        "01890a5d-ac96-774b-bcce-b302099a8057",
    )
}

/// A parameter of the query, which may be left out; an empty value is none.
pub(super) fn query(name: &str, description: &str, schema: &Value) -> Value {
    json!({
        "name": name, "in": "query", "required": false, "description": description, "schema": schema,
        "allowEmptyValue": true,
    })
}

/// One that may not.
pub(super) fn required(name: &str, description: &str, schema: &Value, example: &str) -> Value {
    json!({
        "name": name, "in": "query", "required": true, "description": description, "schema": schema, "example": example,
    })
}

pub(super) fn service_id() -> Value {
    json!({"$ref": "#/components/schemas/ServiceId"})
}

pub(super) fn flag(default: bool) -> Value {
    json!({"type": "boolean", "default": default})
}

pub(super) fn truth() -> Value {
    json!({"type": "boolean"})
}

pub(super) fn integer(least: u64, most: u64, default: u64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most, "default": default})
}

pub(super) fn one_of(names: &[&str]) -> Value {
    json!({"type": "string", "enum": names})
}

/// The two parameters of a page.
pub(super) fn page() -> [Value; 2] {
    [
        query("cursor", "Where the page begins: next_cursor of the page before", &json!({"type": "string"})),
        query(
            "limit",
            "Items of a page",
            &integer(1, limits::PAGE_ITEMS_MAX as u64, limits::PAGE_ITEMS_DEFAULT as u64),
        ),
    ]
}

/// What a conditional read sends.
pub(super) fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match", "in": "header", "required": false, "schema": {"type": "string"},
        "description": "ETags that the client has; where the current one is among them the answer is a 304",
    })
}

/// A body in JSON.
pub(super) fn body(schema: &str, example: &Value) -> Value {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    json!({"required": true, "content": {"application/json": {"schema": schema, "example": example}}})
}
