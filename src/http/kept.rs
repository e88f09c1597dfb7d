//! Answers that were given, kept while the graph stays as it is.
//!
//! - What is asked over and over is answered without reading the question again, let alone the graph
//!   (`cargo bench --bench http`, the rows "asked again" and "asked for the first time").
//! - An answer belongs to one version, target and `Accept`; a write makes all of them old at once, and an old one is
//!   never given. Who asks is no part of it: keys, roles and limits were looked at before.
//! - An answer is kept when it is asked for a second time, before that only its tag: questions that nobody repeats
//!   take a few bytes, and no memory from those that are.
//! - Bounded ([`limits::KEPT_ANSWERS_BYTES_MAX`]): when it is full it begins anew.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use hyper::Method;
use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;

use super::answer::{Answer, Content};
use super::tag::{self, Condition};
use crate::limits;

/// What an entry takes beside its texts.
const ENTRY_BYTES: usize = 256;

/// The answers, by target.
#[derive(Default)]
pub(super) struct Kept {
    answers: DashMap<Box<str>, Known>,
    bytes: AtomicUsize,
}

/// What is known of the answer to a question.
#[derive(Clone)]
struct Known {
    version: u64,
    accept: Option<HeaderValue>,
    content_type: &'static str,
    etag: HeaderValue,
    /// There once it was asked for twice.
    body: Option<Bytes>,
}

impl Known {
    fn is_of(&self, version: u64, accept: Option<&HeaderValue>) -> bool {
        self.version == version && self.accept.as_ref() == accept
    }

    fn bytes(&self, target: &str) -> usize {
        ENTRY_BYTES + target.len() + self.body.as_ref().map_or(0, Bytes::len)
    }
}

impl Kept {
    /// The answer of a version to a request, and whether it met a condition; `None` where it is not known.
    pub(super) fn find(&self, version: u64, head: &Parts) -> Option<(Answer, Condition)> {
        let (target, accept) = question(head)?;
        let known = self.answers.get(target).filter(|known| known.is_of(version, accept))?.clone();
        let condition = tag::condition(&head.headers, &known.etag);
        let content = match condition {
            Condition::Holds(_) => None,
            Condition::None | Condition::Fails => Some(Content::Whole(known.body?)),
        };
        let answer = Answer {
            content_type: known.content_type,
            version: Some(version),
            ..Answer::new(StatusCode::OK, content.unwrap_or(Content::Empty))
        };
        Some((answer.tagged(known.etag, condition), condition))
    }

    /// Remembers what a request was answered.
    pub(super) fn keep(&self, head: &Parts, answer: &Answer) {
        let Some((target, accept)) = question(head) else { return };
        let (Some(version), Some(etag)) = (answer.version, &answer.etag) else { return };
        let is_known = || self.answers.get(target).is_some_and(|known| known.is_of(version, accept));
        let body = match &answer.content {
            // A copy has no room to spare, as that which was written has.
            Content::Whole(body) => is_known().then(|| Bytes::copy_from_slice(body)),
            Content::Empty if answer.status == StatusCode::NOT_MODIFIED && !tag::is_of_gzip(etag) => None,
            _ => return,
        };
        let accept = accept.cloned();
        let known = Known { version, accept, content_type: answer.content_type, etag: etag.clone(), body };
        let bytes = known.bytes(target);
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > limits::KEPT_ANSWERS_BYTES_MAX {
            self.begin_anew();
        }
        if let Some(before) = self.answers.insert(target.into(), known) {
            self.bytes.fetch_sub(before.bytes(target), Ordering::Relaxed);
        }
    }

    fn begin_anew(&self) {
        self.answers.retain(|target, known| {
            self.bytes.fetch_sub(known.bytes(target), Ordering::Relaxed);
            false
        });
    }
}

/// What an answer depends on beside the graph, where it is a read whose answer can be kept.
fn question(head: &Parts) -> Option<(&str, Option<&HeaderValue>)> {
    let is_read = head.method == Method::GET || head.method == Method::HEAD;
    let target = head.uri.path_and_query().map(PathAndQuery::as_str)?;
    is_read.then_some(())?;
    Some((target, only_accept(&head.headers)?))
}

/// The one `Accept` there is, if any; `None` where there are several.
fn only_accept(headers: &HeaderMap) -> Option<Option<&HeaderValue>> {
    let mut given = headers.get_all(ACCEPT).iter();
    let first = given.next();
    given.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use hyper::header::IF_NONE_MATCH;

    use super::*;
    use crate::http::tag::Held;

    fn head(method: &str, target: &str, headers: &[(&'static str, &'static str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn answer(version: u64, body: &str) -> Answer {
        let etag = Some(HeaderValue::from_str(&format!("\"{version}\"")).unwrap());
        let content = Content::Whole(Bytes::copy_from_slice(body.as_bytes()));
        Answer { version: Some(version), etag, ..Answer::new(StatusCode::OK, content) }
    }

    fn body(found: Option<(Answer, Condition)>) -> Option<String> {
        match found?.0.content {
            Content::Whole(body) => Some(String::from_utf8(body.to_vec()).unwrap()),
            _ => None,
        }
    }

    #[test]
    fn an_answer_is_kept_from_the_second_time_on() {
        let (kept, asked) = (Kept::default(), head("GET", "/a?b", &[]));
        assert!(kept.find(1, &asked).is_none());
        kept.keep(&asked, &answer(1, "x"));
        assert!(kept.find(1, &asked).is_none(), "asked for once");
        kept.keep(&asked, &answer(1, "x"));
        assert_eq!(body(kept.find(1, &asked)).as_deref(), Some("x"));
        assert!(kept.find(2, &asked).is_none(), "another version");
        kept.keep(&asked, &answer(2, "y"));
        assert!(kept.find(1, &asked).is_none() && kept.find(2, &asked).is_none(), "that was the first time");
    }

    #[test]
    fn questions_are_told_apart() {
        let kept = Kept::default();
        let asked = head("GET", "/a?b", &[("accept", "text/plain")]);
        kept.keep(&asked, &answer(1, "x"));
        kept.keep(&asked, &answer(1, "x"));
        assert!(kept.find(1, &head("HEAD", "/a?b", &[("accept", "text/plain")])).is_some());
        for other in [
            head("GET", "/a?c", &[("accept", "text/plain")]),
            head("GET", "/a", &[("accept", "text/plain")]),
            head("GET", "/a?b", &[]),
            head("GET", "/a?b", &[("accept", "text/html")]),
            head("GET", "/a?b", &[("accept", "text/plain"), ("accept", "text/plain")]),
            head("POST", "/a?b", &[("accept", "text/plain")]),
        ] {
            assert!(kept.find(1, &other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_tag_is_enough_for_who_has_the_answer() {
        let kept = Kept::default();
        kept.keep(&head("GET", "/a", &[]), &answer(1, "x"));
        let found = |tag: &'static str| {
            let (answer, condition) = kept.find(1, &head("GET", "/a", &[(IF_NONE_MATCH.as_str(), tag)]))?;
            Some((answer.status, answer.etag?, condition))
        };
        let (status, etag, condition) = found("\"1-gzip\"").unwrap();
        assert_eq!((status, condition), (StatusCode::NOT_MODIFIED, Condition::Holds(Held::Gzip)));
        assert_eq!(etag, "\"1-gzip\"", "the client is told of the bytes that it has");
        assert_eq!(found("\"1\"").map(|(_, etag, _)| etag), Some(HeaderValue::from_static("\"1\"")));
        assert!(found("\"2\"").is_none(), "it needs the answer, which is not kept yet");
    }

    #[test]
    fn a_304_tells_the_tag() {
        let (kept, asked) = (Kept::default(), head("GET", "/a", &[("if-none-match", "\"1\"")]));
        let tagged = |held| answer(1, "x").tagged(HeaderValue::from_static("\"1\""), Condition::Holds(held));
        kept.keep(&asked, &tagged(Held::Gzip));
        assert!(kept.find(1, &asked).is_none(), "that tag is not the answer's own");
        kept.keep(&asked, &tagged(Held::Plain));
        assert!(kept.find(1, &asked).is_some());
        assert!(kept.find(1, &head("GET", "/a", &[])).is_none());
    }

    #[test]
    fn what_is_no_whole_answer_of_a_version_is_not_kept() {
        let (kept, asked) = (Kept::default(), head("GET", "/a", &[]));
        for answer in [
            Answer { version: None, ..answer(1, "x") },
            Answer { etag: None, ..answer(1, "x") },
            Answer { content: Content::Empty, ..answer(1, "x") },
        ] {
            kept.keep(&asked, &answer);
            kept.keep(&asked, &answer);
        }
        assert!(kept.answers.is_empty());
    }

    #[test]
    fn what_is_kept_stays_within_its_bound() {
        let kept = Kept::default();
        let large = "x".repeat(limits::ANSWER_WHOLE_BYTES_MAX);
        let fits = limits::KEPT_ANSWERS_BYTES_MAX / (large.len() + ENTRY_BYTES);
        for number in 0..fits * 2 {
            let asked = head("GET", &format!("/{number}"), &[]);
            kept.keep(&asked, &answer(1, &large));
            kept.keep(&asked, &answer(1, &large));
            assert!(kept.bytes.load(Ordering::Relaxed) <= limits::KEPT_ANSWERS_BYTES_MAX);
            assert!(body(kept.find(1, &asked)).is_some(), "the newest is there");
        }
        let sum: usize = kept.answers.iter().map(|entry| entry.bytes(entry.key())).sum();
        assert_eq!(kept.bytes.load(Ordering::Relaxed), sum);
        assert!(kept.answers.len() < fits * 2, "it began anew");
    }
}
