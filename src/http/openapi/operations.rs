//! What each endpoint takes and gives.

mod admin;
mod changes;
mod graph;

use serde_json::{Value, json};

use super::answers::{content, json_of};
use super::parameters::{body, path};

/// A description. What follows from the endpoint's access is added to it.
pub(super) struct Operation {
    /// Method and template.
    pub(super) endpoint: (&'static str, &'static str),
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    /// The answer that does what was asked.
    pub(super) answer: Value,
    /// Other answers that are no errors.
    pub(super) more: Vec<(u16, Value)>,
    /// Statuses of errors, but for those that all have.
    pub(super) errors: &'static [u16],
}

impl Operation {
    fn new(
        endpoint: (&'static str, &'static str),
        id: &'static str,
        tag: &'static str,
        answer: Value,
    ) -> Self {
        let (parameters, more) = (Vec::new(), Vec::new());
        Self {
            endpoint,
            id,
            tag,
            summary: "",
            description: "",
            parameters,
            body: None,
            answer,
            more,
            errors: &[],
        }
    }

    fn says(self, summary: &'static str, description: &'static str) -> Self {
        Self { summary, description, ..self }
    }

    fn takes(self, parameters: impl IntoIterator<Item = Value>) -> Self {
        Self { parameters: parameters.into_iter().collect(), ..self }
    }

    fn reads(self, schema: &str, example: &Value) -> Self {
        Self { body: Some(body(schema, example)), ..self }
    }

    fn or(mut self, more: (u16, Value)) -> Self {
        self.more.push(more);
        self
    }

    fn fails(self, errors: &'static [u16]) -> Self {
        Self { errors, ..self }
    }
}

/// All of them.
pub(super) fn all() -> Vec<Operation> {
    let mut all = graph::all();
    all.extend(changes::all());
    all.extend(admin::all());
    all.extend(operations());
    all
}

fn operations() -> Vec<Operation> {
    const TAG: &str = "operations";
    let ready = json_of("Readiness", "It answers queries and takes writes");
    vec![
        Operation::new(("GET", "/"), "index", TAG, json_of("Index", "Name, version, links"))
            .says("What this is, and where to go on", ""),
        Operation::new(("GET", "/api/v1/health"), "health", TAG, json_of("Health", "The process lives"))
            .says("Whether the process lives", ""),
        Operation::new(("GET", "/api/v1/health/ready"), "ready", TAG, ready)
            .says("Whether queries are answered and writes taken", "")
            .or((503, json_of("Readiness", "It replays, drains, or cannot write"))),
        Operation::new(
            ("GET", "/api/v1/metrics"),
            "metrics",
            TAG,
            content("text/plain", "Text format 0.0.4"),
        )
        .says("Figures for Prometheus", "With METRICS_REQUIRE_KEY it needs a key of role reader."),
        Operation::new(("GET", "/openapi.json"), "openapi", TAG, document()).says("This document", ""),
        Operation::new(("GET", "/docs"), "docs", TAG, content("text/html", "A page for people"))
            .says("This document, to read and to try", ""),
        Operation::new(("GET", "/docs/{asset}"), "docs_asset", TAG, asset())
            .says("A file of that page", "")
            .takes([path("asset", "Its name", &json!({"type": "string"}), "swagger-ui.css")])
            .fails(&[404]),
    ]
}

fn document() -> Value {
    let schema = json!({"type": "object"});
    json!({"description": "OpenAPI 3.1", "content": {"application/json": {"schema": schema}}, "headers": {}})
}

fn asset() -> Value {
    json!({"description": "A style sheet, a script or an image", "content": {"*/*": {}}, "headers": {}})
}
