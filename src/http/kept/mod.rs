//! Answers that were given, kept while the graph stays as it is.
//!
//! - What is asked over and over is answered without reading the question again, let alone the graph: over 16
//!   connections three hops of graph M come at 0.80 of the floor's rate instead of 0.59, those of L at 0.80 instead of
//!   0.44 (`cargo bench --bench http`, the rows "asked again" and "asked for the first time").
//! - An answer belongs to one version, target and `Accept`; a write makes all of them old at once, and an old one is
//!   never given. Who asks is no part of it: keys, roles and limits were looked at before.
//! - An answer is kept when it is asked for a second time: questions that nobody repeats take no memory from those
//!   that are. A long one, which is written piece by piece, is kept when its last piece was taken.
//! - Bounded ([`limits::KEPT_ANSWERS_BYTES_MAX`]): when it is full it begins anew. What of long ones is under way to
//!   somebody is bounded, too.

mod long;
#[cfg(test)]
mod testing;

pub(super) use long::{Keeping, LongAnswer};

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;

use super::answer::{Answer, Content};
use super::tag::{self, Condition};
use crate::limits;
use long::{Room, Taken};

/// What an entry takes beside its texts.
const ENTRY_BYTES: usize = 256;

/// The answers, by target.
pub(super) struct Kept {
    answers: DashMap<Box<str>, Known>,
    bytes: AtomicUsize,
    long: Taken,
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
    /// Nothing where only the tag is known.
    body: Option<Body>,
}

#[derive(Clone)]
enum Body {
    Whole(Bytes),
    Long(Arc<LongAnswer>),
}

impl Known {
    fn bytes(&self, target: &str) -> usize {
        let body = match &self.body {
            None => 0,
            Some(Body::Whole(body)) => body.len(),
            Some(Body::Long(answer)) => answer.bytes(),
        };
        ENTRY_BYTES + target.len() + body
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            answers: DashMap::new(),
            bytes: AtomicUsize::new(0),
            long: Taken::default(),
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
            Condition::None | Condition::Fails => match known.body? {
                Body::Whole(body) => Content::Whole(body),
                Body::Long(answer) => Content::Kept(answer),
            },
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
            Content::Whole(body) => {
                self.insert(target, known(Some(Body::Whole(Bytes::copy_from_slice(body)))));
            }
            Content::Pieces(..) => {
                let room = Room::take(&self.long).or_else(|| {
                    // What is old may be all that is in the way.
                    self.begin_anew();
                    Room::take(&self.long)
                })?;
                return Some(Keeping::new(self, target, known(None), room));
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
        // A long answer can be complete when there is one of a newer graph already.
        if self.answers.get(target).is_some_and(|other| other.version > known.version) {
            return;
        }
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

/// What the answer to a read depends on beside the graph; `None` where a request has several `Accept`.
fn question(head: &Parts) -> Option<(&str, Option<&HeaderValue>)> {
    let target = head.uri.path_and_query().map(PathAndQuery::as_str)?;
    let mut accepted = head.headers.get_all(ACCEPT).iter();
    let accept = accepted.next();
    accepted.next().is_none().then_some((target, accept))
}

#[cfg(test)]
mod tests {
    use hyper::header::IF_NONE_MATCH;

    use super::testing::{answer, head, kept};
    use super::*;
    use crate::http::tag::Held;

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
