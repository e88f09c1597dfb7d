//! Which scripts of other pages may read answers (CORS, as the Fetch standard has it).
//!
//! - Origins come from the settings; without any nothing is added to an answer.
//! - No cookies: a key is a header that a script sets itself, so credentials are never allowed.

use hyper::Method;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use hyper::http::request::Parts;

use crate::config::Origins;

const ALLOWED_HEADERS: &str = "authorization, content-type, x-api-key, idempotency-key, if-none-match, x-correlation-id, traceparent, tracestate";
const EXPOSED_HEADERS: &str = "etag, retry-after, x-correlation-id, x-graph-version, x-ratelimit-limit, \
                               x-ratelimit-remaining, x-ratelimit-reset";
/// How long a browser need not ask again whether it may ask.
const MAX_AGE_SECONDS: &str = "600";

/// Whether a request only asks what a script may do, on behalf of a page that may ask something.
pub(super) fn is_preflight(origins: &Origins, head: &Parts) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && allowed(origins, &head.headers).is_some()
}

/// Says in an answer who may read it, and in that to a preflight what may be asked.
pub(super) fn describe(
    origins: &Origins,
    asked: &HeaderMap,
    preflight: Option<&'static str>,
    answer: &mut HeaderMap,
) {
    if let Origins::Listed(list) = origins {
        if list.is_empty() {
            return;
        }
        answer.append(VARY, HeaderValue::from_static("Origin"));
    }
    let Some(origin) = allowed(origins, asked) else { return };
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    match preflight {
        Some(methods) => {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
            answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_SECONDS));
        }
        None => {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
        }
    }
}

/// What to say of the origin of a request, where it is one that may read answers.
fn allowed(origins: &Origins, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    match origins {
        Origins::Any => Some(HeaderValue::from_static("*")),
        Origins::Listed(list) => {
            let text = origin.to_str().ok()?;
            list.iter().any(|listed| listed.eq_ignore_ascii_case(text)).then(|| origin.clone())
        }
    }
}
