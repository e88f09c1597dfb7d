//! The API's documentation: the document, and Swagger UI to read and try it, both from the binary.

use std::sync::{Arc, LazyLock};

use hyper::StatusCode;
use utoipa_swagger_ui::{Config, serve};

use crate::http::answer::{Answer, Content};
use crate::http::openapi;
use crate::http::problem::Problem;
use crate::http::query_string::decode;

/// Nothing from elsewhere, and nothing inline.
const POLICY: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
];
const INDEX: &str = "index.html";

/// `GET /openapi.json`
pub(in crate::http) fn openapi_document() -> Answer {
    Answer::json(openapi::document().to_vec())
}

/// `GET /docs`: the page. Its files are below the path, which has no slash at its end.
pub(in crate::http) fn docs() -> Result<Answer, Problem> {
    let (bytes, content_type) = file(INDEX).ok_or_else(Problem::internal)?;
    let page = String::from_utf8_lossy(&bytes).replacen("<head>", "<head><base href=\"/docs/\">", 1);
    Ok(answer(page.into_bytes(), content_type))
}

/// `GET /docs/{asset}`
pub(in crate::http) fn docs_asset(encoded: &str) -> Result<Answer, Problem> {
    let name = decode(encoded)?;
    // The page stands above its files only, where they are found.
    let file = if name == INDEX || name.is_empty() { None } else { file(&name) };
    let (bytes, content_type) = file.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "the documentation has no such file; GET /docs is its page")
    })?;
    Ok(answer(bytes, content_type))
}

fn answer(bytes: Vec<u8>, content_type: &'static str) -> Answer {
    Answer { content_type, extra: POLICY, ..Answer::new(StatusCode::OK, Content::Whole(bytes.into())) }
}

/// A file of Swagger UI, as it is to be shown here, and what it is.
fn file(name: &str) -> Option<(Vec<u8>, &'static str)> {
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from("/openapi.json").validator_url("none")));
    let found = serve(name, Arc::clone(&CONFIG)).ok()??;
    let content_type = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    };
    Some((found.bytes.into_owned(), content_type))
}
