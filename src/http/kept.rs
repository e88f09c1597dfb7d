//! Answers that were given, kept while the graph stays as it is.
//!
//! - What is asked over and over is answered without reading the question again, let alone the graph
//!   (`cargo bench --bench http`, the rows "asked again" and "asked for the first time").
//! - An answer belongs to one version, target and `Accept`; a write makes all of them old at once, and an old one is
//!   never given. Who asks is no part of it: keys, roles and limits were looked at before.
//! - An answer is kept when it is asked for a second time: questions that nobody repeats take no memory from those
//!   that are. A long one, which is written piece by piece, is kept when its last piece was taken.
//! - Bounded ([`limits::KEPT_ANSWERS_BYTES_MAX`]): when it is full it begins anew.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use hyper::header::{ACCEPT, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode};

use super::answer::{Answer, Content};
use super::tag::{self, Condition};
use crate::limits;

/// What an entry takes beside its texts.
const ENTRY_BYTES: usize = 256;

/// The answers, by target.
pub(super) struct Kept {
    answers: DashMap<Box<str>, Known>,
    bytes: AtomicUsize,
    /// Hashes of questions that were asked once, each at the place that it names; the last one there counts.
    asked: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// What is known of the answer to a question.
#[derive(Clone)]
struct Known {
    version: u64,
    accept: Option<HeaderValue>,
    content_type: &'static str,
    etag: HeaderValue,
    /// In one piece or in several; nothing where only the tag is known.
    body: Option<Arc<[Bytes]>>,
}

impl Known {
    fn bytes(&self, target: &str) -> usize {
        ENTRY_BYTES
            + target.len()
            + self.body.iter().flat_map(|body| body.iter()).map(Bytes::len).sum::<usize>()
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            answers: DashMap::new(),
            bytes: AtomicUsize::new(0),
            asked: (0..limits::ASKED_ONCE_MAX).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Kept {
    /// The answer of a version to a request, and whether it met a condition; `None` where it is not known.
    pub(super) fn find(&self, version: u64, head: &Parts) -> Option<(Answer, Condition)> {
        let (target, accept) = question(head)?;
        let is_it = |known: &Known| known.version == version && known.accept.as_ref() == accept;
        let known = self.answers.get(target).filter(|known| is_it(known))?.clone();
        let condition = tag::condition(&head.headers, &known.etag);
        let content = match condition {
            Condition::Holds(_) => Content::Empty,
            Condition::None | Condition::Fails => Content::kept(known.body?),
        };
        let answer = Answer {
            content_type: known.content_type,
            version: Some(version),
            ..Answer::new(StatusCode::OK, content)
        };
        Some((answer.tagged(known.etag, condition), condition))
    }

    /// Remembers what a request was answered. For an answer that is written piece by piece there is something to be
    /// told of each.
    pub(super) fn keep(self: &Arc<Self>, head: &Parts, answer: &Answer) -> Option<Keeping> {
        let (target, accept) = question(head)?;
        let (version, etag) = answer.version.zip(answer.etag.clone())?;
        let known =
            |body| Known { version, accept: accept.cloned(), content_type: answer.content_type, etag, body };
        let is_new = || !self.was_asked(version, target, accept);
        match &answer.content {
            Content::Whole(_) | Content::Pieces(..) if is_new() => {}
            // A copy has no room to spare, as that which was written has.
            Content::Whole(body) => self.insert(target, known(Some([Bytes::copy_from_slice(body)].into()))),
            Content::Pieces(..) => {
                let (kept, target) = (Arc::clone(self), target.into());
                return Some(Keeping { kept, target, known: known(None), pieces: Vec::new(), bytes: 0 });
            }
            Content::Empty if answer.status == StatusCode::NOT_MODIFIED => {
                let known = known(None);
                if !tag::is_of_gzip(&known.etag) {
                    self.insert(target, known);
                }
            }
            _ => {}
        }
        None
    }

    /// Whether the question was asked before at this version, as far as that is remembered. Now it was.
    fn was_asked(&self, version: u64, target: &str, accept: Option<&HeaderValue>) -> bool {
        let hash = self.hasher.hash_one((version, target, accept.map(HeaderValue::as_bytes)));
        self.asked[hash as usize % self.asked.len()].swap(hash, Ordering::Relaxed) == hash
    }

    fn insert(&self, target: &str, known: Known) {
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

/// An answer that is to be kept, while it is written piece by piece.
pub(super) struct Keeping {
    kept: Arc<Kept>,
    target: Box<str>,
    known: Known,
    pieces: Vec<Bytes>,
    bytes: usize,
}

impl Keeping {
    /// Takes the next piece; `None` when it is too much to be kept.
    pub(super) fn with(mut self, piece: &Bytes) -> Option<Self> {
        self.bytes += piece.len();
        self.pieces.push(piece.clone());
        (self.bytes <= limits::KEPT_ANSWER_BYTES_MAX).then_some(self)
    }

    /// There are no more pieces: from now on it is kept.
    pub(super) fn end(self) {
        let known = Known { body: Some(self.pieces.into()), ..self.known };
        self.kept.insert(&self.target, known);
    }
}

/// What an answer depends on beside the graph, where it is a read whose answer can be kept: it has one `Accept` at most.
fn question(head: &Parts) -> Option<(&str, Option<&HeaderValue>)> {
    let is_read = head.method == Method::GET || head.method == Method::HEAD;
    let target = head.uri.path_and_query().map(PathAndQuery::as_str)?;
    let mut accepted = head.headers.get_all(ACCEPT).iter();
    let accept = accepted.next();
    (is_read && accepted.next().is_none()).then_some((target, accept))
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

    fn kept() -> Arc<Kept> {
        Arc::default()
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
        let (kept, asked) = (kept(), head("GET", "/a?b", &[]));
        assert!(kept.find(1, &asked).is_none());
        kept.keep(&asked, &answer(1, "x"));
        assert!(kept.find(1, &asked).is_none(), "asked for once");
        kept.keep(&asked, &answer(1, "x"));
        assert_eq!(body(kept.find(1, &asked)).as_deref(), Some("x"));
        assert!(kept.find(2, &asked).is_none(), "another version");
        kept.keep(&asked, &answer(2, "y"));
        assert!(kept.find(2, &asked).is_none(), "that was the first time");
        kept.keep(&asked, &answer(2, "y"));
        assert_eq!(body(kept.find(2, &asked)).as_deref(), Some("y"));
        assert!(kept.find(1, &asked).is_none(), "the old one is gone");
    }

    #[test]
    fn questions_are_told_apart() {
        let kept = kept();
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
        let kept = kept();
        for _ in 0..2 {
            kept.keep(&head("GET", "/a", &[]), &answer(1, "x"));
        }
        let found = |tag: &'static str| {
            let (answer, condition) = kept.find(1, &head("GET", "/a", &[(IF_NONE_MATCH.as_str(), tag)]))?;
            Some((answer.status, answer.etag?, condition))
        };
        let (status, etag, condition) = found("\"1-gzip\"").unwrap();
        assert_eq!((status, condition), (StatusCode::NOT_MODIFIED, Condition::Holds(Held::Gzip)));
        assert_eq!(etag, "\"1-gzip\"", "the client is told of the bytes that it has");
        assert_eq!(found("\"1\"").map(|(_, etag, _)| etag), Some(HeaderValue::from_static("\"1\"")));
        assert_eq!(found("\"2\"").map(|(status, ..)| status), Some(StatusCode::OK), "it needs the answer");
    }

    #[test]
    fn a_304_tells_the_tag() {
        let (kept, asked) = (kept(), head("GET", "/a", &[("if-none-match", "\"1\"")]));
        let tagged = |held| answer(1, "x").tagged(HeaderValue::from_static("\"1\""), Condition::Holds(held));
        kept.keep(&asked, &tagged(Held::Gzip));
        assert!(kept.find(1, &asked).is_none(), "that tag is not the answer's own");
        kept.keep(&asked, &tagged(Held::Plain));
        assert!(kept.find(1, &asked).is_some());
        assert!(kept.find(1, &head("GET", "/a", &[])).is_none());
    }

    #[test]
    fn what_is_no_whole_answer_of_a_version_is_not_kept() {
        let (kept, asked) = (kept(), head("GET", "/a", &[]));
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
    fn pieces_are_kept_when_the_last_was_taken() {
        let piece = |text: &'static str| Bytes::from_static(text.as_bytes());
        let kept = kept();
        let (asked, etag) = (head("GET", "/a", &[]), HeaderValue::from_static("\"1\""));
        let keeping = || {
            let known = Known { version: 1, accept: None, content_type: "x", etag: etag.clone(), body: None };
            Keeping { kept: Arc::clone(&kept), target: "/a".into(), known, pieces: Vec::new(), bytes: 0 }
        };
        let unfinished = keeping().with(&piece("ab")).unwrap();
        drop(unfinished);
        assert!(kept.find(1, &asked).is_none());
        keeping().with(&piece("ab")).unwrap().with(&piece("c")).unwrap().end();
        let Some((Answer { content: Content::Kept(pieces), .. }, _)) = kept.find(1, &asked) else { panic!() };
        assert_eq!(pieces.concat(), b"abc");
        let large = Bytes::from(vec![0; limits::KEPT_ANSWER_BYTES_MAX]);
        assert!(keeping().with(&large).unwrap().with(&piece("x")).is_none(), "too much");
    }

    #[test]
    fn what_is_kept_stays_within_its_bound() {
        let kept = kept();
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
