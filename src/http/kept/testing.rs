//! Requests and answers for the tests of this room.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};

use super::{Kept, Known};
use crate::http::answer::{Answer, Content};

pub(super) fn head(method: &str, target: &str, headers: &[(&'static str, &'static str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

pub(super) fn kept() -> Arc<Kept> {
    Arc::default()
}

fn tag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap()
}

pub(super) fn answer(version: u64, body: &str) -> Answer {
    let content = Content::Whole(Bytes::copy_from_slice(body.as_bytes()));
    Answer { version: Some(version), etag: Some(tag(version)), ..Answer::new(StatusCode::OK, content) }
}

/// What is known of an answer before its body.
pub(super) fn known(version: u64) -> Known {
    Known { version, accept: None, content_type: "x", etag: tag(version), body: None }
}
