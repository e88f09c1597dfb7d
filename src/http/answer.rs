//! What a handler returns, and the body that hyper sends of it.
//!
//! A body is whole, or written piece by piece as the client takes it: a slow reader holds one piece
//! and the traversal's tables, not the answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::{Body, Frame, SizeHint};

use super::guarded_io::Exchange;
use super::state::ScratchPool;
use crate::limits;
use crate::render::DependenciesAnswer;

/// A successful answer before it becomes a response.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content: Content,
    /// The graph version that answered.
    pub(super) version: Option<u64>,
    /// For conditional reads.
    pub(super) etag: Option<String>,
}

/// The content of an answer.
pub(super) enum Content {
    /// None, as in a 304.
    Empty,
    /// All of it.
    Whole(Vec<u8>),
    /// The first piece, and what writes the others.
    Pieces(Vec<u8>, Pieces),
}

impl Answer {
    /// 200 with a whole JSON body that no graph version stands behind.
    pub(super) fn json(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, content: Content::Whole(body), version: None, etag: None }
    }
}

/// The rest of a long answer.
pub(super) struct Pieces {
    answer: Option<Box<DependenciesAnswer>>,
    scratches: Arc<ScratchPool>,
}

impl Pieces {
    pub(super) fn new(answer: Box<DependenciesAnswer>, scratches: Arc<ScratchPool>) -> Self {
        Self { answer: Some(answer), scratches }
    }

    fn next(&mut self) -> Option<Bytes> {
        let answer = self.answer.as_mut()?;
        let mut piece = Vec::with_capacity(limits::ANSWER_PIECE_BYTES + 1024);
        if answer.write(&mut piece, limits::ANSWER_PIECE_BYTES) {
            self.give_back();
        }
        Some(piece.into())
    }

    fn give_back(&mut self) {
        if let Some(answer) = self.answer.take() {
            self.scratches.give_back(answer.into_scratch());
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// The body of every response. While it lives, its exchange is under way.
pub(super) struct AnswerBody {
    first: Option<Bytes>,
    rest: Option<Pieces>,
    _exchange: Option<Exchange>,
}

impl AnswerBody {
    pub(super) fn new(content: Content, exchange: Option<Exchange>) -> Self {
        let (first, rest) = match content {
            Content::Empty => (None, None),
            Content::Whole(bytes) => (Some(bytes.into()), None),
            Content::Pieces(first, rest) => (Some(first.into()), Some(rest)),
        };
        Self { first, rest, _exchange: exchange }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match self.first.take() {
            Some(first) => Some(first),
            None => self.rest.as_mut().and_then(Pieces::next),
        };
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.as_ref().is_none_or(|rest| rest.answer.is_none())
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, Bytes::len) as u64;
        match self.rest {
            None => SizeHint::with_exact(first),
            Some(_) => SizeHint::default(),
        }
    }
}
