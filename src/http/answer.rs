//! What a handler returns, and the body that hyper sends of it.
//!
//! A body is whole, or written piece by piece as the client takes it: a slow reader holds one piece
//! and the traversal's tables, not the answer. A download is read likewise.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::HeaderValue;
use tokio::sync::mpsc::Receiver;

use super::compression::{self, Encoder};
use super::download::Download;
use super::guarded_io::Exchange;
use super::kept::{Keeping, LongAnswer};
use super::state::ScratchPool;
use super::tag::{self, Condition, Held};
use crate::limits;
use crate::render::{DependenciesAnswer, DryRunAnswer, ImpactAnswer, SloAnswer};

/// A successful answer before it becomes a response.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content: Content,
    /// What the content is, where there is any.
    pub(super) content_type: &'static str,
    /// Headers of its own, the names in lower case.
    pub(super) extra: &'static [(&'static str, &'static str)],
    /// The name under which the content is to be kept, for what is a file.
    pub(super) file_name: Option<String>,
    /// The graph version that answered.
    pub(super) version: Option<u64>,
    /// For conditional reads.
    pub(super) etag: Option<HeaderValue>,
}

/// The content of an answer.
pub(super) enum Content {
    /// None, as in a 304.
    Empty,
    /// All of it.
    Whole(Bytes),
    /// The first piece, and what writes the others.
    Pieces(Vec<u8>, Pieces),
    /// Pieces that were written before.
    Kept(Arc<LongAnswer>),
    /// A file.
    Download(Download),
    /// Lines as they come up.
    Lines(Receiver<Bytes>),
    /// One of the others, compressed as it is taken.
    Gzip(Box<Content>),
}

impl Content {
    /// Whether it can be compressed, and is long enough for that.
    pub(super) fn may_shrink(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.len() >= compression::LEAST_BYTES,
            Self::Pieces(..) | Self::Kept(_) => true,
            Self::Empty | Self::Download(_) | Self::Lines(_) | Self::Gzip(_) => false,
        }
    }

    pub(super) fn into_gzip(self) -> Self {
        Self::Gzip(Box::new(self))
    }
}

impl Answer {
    /// Content in JSON, where there is any, that no graph version stands behind.
    pub(super) fn new(status: StatusCode, content: Content) -> Self {
        let content_type = "application/json";
        Self { status, content, content_type, extra: &[], file_name: None, version: None, etag: None }
    }

    /// 200 with a whole JSON body that no graph version stands behind.
    pub(super) fn json(body: Vec<u8>) -> Self {
        Self::new(StatusCode::OK, Content::Whole(body.into()))
    }

    /// This answer with its tag, or a 304 for who has it already.
    pub(super) fn tagged(self, tag: HeaderValue, condition: Condition) -> Self {
        match condition {
            Condition::None | Condition::Fails => Self { etag: Some(tag), ..self },
            Condition::Holds(held) => Self {
                status: StatusCode::NOT_MODIFIED,
                content: Content::Empty,
                // The client is told of the bytes that it has.
                etag: Some(if held == Held::Gzip { tag::of_gzip(&tag) } else { tag }),
                ..self
            },
        }
    }
}

/// How long pieces are together.
pub(super) fn bytes(pieces: &[Bytes]) -> u64 {
    pieces.iter().map(Bytes::len).sum::<usize>() as u64
}

/// The rest of a long answer.
pub(super) struct Pieces(Rows);

/// What writes the rest.
enum Rows {
    Dependencies(Box<DependenciesAnswer>, Arc<ScratchPool>),
    Impact(Box<ImpactAnswer>),
    Slo(Box<SloAnswer>),
    DryRun(Box<DryRunAnswer>),
    /// Nothing: all is written.
    Over,
}

impl Pieces {
    pub(super) fn new(answer: Box<DependenciesAnswer>, scratches: Arc<ScratchPool>) -> Self {
        Self(Rows::Dependencies(answer, scratches))
    }

    pub(super) fn of_impact(answer: Box<ImpactAnswer>) -> Self {
        Self(Rows::Impact(answer))
    }

    pub(super) fn of_slo(answer: Box<SloAnswer>) -> Self {
        Self(Rows::Slo(answer))
    }

    pub(super) fn of_dry_run(answer: Box<DryRunAnswer>) -> Self {
        Self(Rows::DryRun(answer))
    }

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = Vec::with_capacity(limits::ANSWER_PIECE_BYTES + 1024);
        let is_last = match &mut self.0 {
            Rows::Dependencies(answer, _) => answer.write(&mut piece, limits::ANSWER_PIECE_BYTES),
            Rows::Impact(answer) => answer.write(&mut piece, limits::ANSWER_PIECE_BYTES),
            Rows::Slo(answer) => answer.write(&mut piece, limits::ANSWER_PIECE_BYTES),
            Rows::DryRun(answer) => answer.write(&mut piece, limits::ANSWER_PIECE_BYTES),
            Rows::Over => return None,
        };
        if is_last {
            self.end();
        }
        Some(piece.into())
    }

    fn is_over(&self) -> bool {
        matches!(self.0, Rows::Over)
    }

    fn end(&mut self) {
        if let Rows::Dependencies(answer, scratches) = std::mem::replace(&mut self.0, Rows::Over) {
            scratches.give_back(answer.into_scratch());
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.end();
    }
}

/// The body of every response. While it lives, its exchange is under way.
pub(super) struct AnswerBody {
    first: Option<Bytes>,
    rest: Rest,
    gzip: Option<Encoder>,
    keeping: Option<Keeping>,
    /// Pieces since others had their turn.
    in_a_row: usize,
    _exchange: Option<Exchange>,
}

/// What follows the first piece.
enum Rest {
    Nothing,
    Pieces(Pieces),
    /// Pieces, and how many of them are gone.
    Kept(Arc<LongAnswer>, usize),
    Download(Download),
    Lines(Receiver<Bytes>),
}

impl AnswerBody {
    /// `keeping` is told of the pieces of an answer that is to be kept.
    pub(super) fn new(content: Content, exchange: Option<Exchange>, keeping: Option<Keeping>) -> Self {
        let (content, gzip) = match content {
            Content::Gzip(content) => (*content, Some(Encoder::new())),
            content => (content, None),
        };
        let (first, rest) = match content {
            // Nothing is compressed twice.
            Content::Empty | Content::Gzip(_) => (None, Rest::Nothing),
            Content::Whole(bytes) => (Some(bytes), Rest::Nothing),
            Content::Pieces(first, rest) => (Some(first.into()), Rest::Pieces(rest)),
            Content::Kept(answer) => (None, Rest::Kept(answer, 0)),
            Content::Download(download) => (None, Rest::Download(download)),
            Content::Lines(lines) => (None, Rest::Lines(lines)),
        };
        Self { first, rest, gzip, keeping, in_a_row: 0, _exchange: exchange }
    }
}

impl AnswerBody {
    /// The next piece as it was written.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match (self.first.take(), &mut self.rest) {
            (Some(first), _) => Poll::Ready(Some(Ok(first))),
            (None, Rest::Nothing) => Poll::Ready(None),
            // A client that takes them as fast as they are written would keep the thread from all others.
            (None, Rest::Pieces(_) | Rest::Kept(..))
                if self.in_a_row == limits::ANSWER_PIECES_IN_A_ROW_MAX =>
            {
                self.in_a_row = 0;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            (None, Rest::Pieces(pieces)) => {
                self.in_a_row += 1;
                Poll::Ready(pieces.next().map(Ok))
            }
            (None, Rest::Kept(answer, gone)) => {
                self.in_a_row += 1;
                *gone += 1;
                Poll::Ready(answer.pieces().get(*gone - 1).cloned().map(Ok))
            }
            (None, Rest::Download(download)) => download.poll_piece(context),
            (None, Rest::Lines(lines)) => lines.poll_recv(context).map(|line| line.map(Ok)),
        }
    }
}

impl AnswerBody {
    /// Tells who keeps the answer of a piece, and of the end, which comes with the last one.
    fn note(&mut self, piece: Option<&io::Result<Bytes>>) {
        let Some(keeping) = self.keeping.take() else { return };
        let keeping = match piece {
            Some(Ok(piece)) => keeping.with(piece),
            Some(Err(_)) => None,
            None => Some(keeping),
        };
        match &self.rest {
            Rest::Pieces(pieces) if pieces.is_over() => keeping.into_iter().for_each(Keeping::end),
            _ => self.keeping = keeping,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = ready!(self.poll_piece(context));
        self.note(piece.as_ref());
        let piece = match (piece, &mut self.gzip) {
            (Some(Ok(piece)), Some(encoder)) => Some(encoder.encode(&piece)),
            (None, Some(encoder)) => encoder.finish(),
            (piece, _) => piece,
        };
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.gzip.as_ref().is_none_or(Encoder::is_over)
            && self.first.is_none()
            && match &self.rest {
                Rest::Nothing => true,
                Rest::Pieces(pieces) => pieces.is_over(),
                Rest::Kept(answer, gone) => *gone >= answer.pieces().len(),
                Rest::Download(download) => download.is_over(),
                Rest::Lines(lines) => lines.is_closed() && lines.is_empty(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        if self.gzip.is_some() {
            return SizeHint::default();
        }
        match &self.rest {
            Rest::Nothing => SizeHint::with_exact(self.first.as_ref().map_or(0, Bytes::len) as u64),
            Rest::Pieces(_) | Rest::Lines(_) => SizeHint::default(),
            Rest::Kept(answer, gone) => SizeHint::with_exact(bytes(&answer.pieces()[*gone..])),
            Rest::Download(download) => SizeHint::with_exact(download.rest()),
        }
    }
}
