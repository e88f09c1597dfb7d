//! A stream with the time-outs that hyper lacks.
//!
//! - From the first byte of a request head to its end: `header`, else the read fails and the
//!   connection answers 408. hyper's own timer would count the idle time before it, too.
//! - Between requests: `idle`, then the stream reads as ended.
//! - A write that the peer does not take for `write` fails.
//! - At the end it half-closes and takes what the peer still sends for a moment: closing with unread
//!   bytes would reset the connection and could cost the peer the answer.
//!
//! One timer serves both waits of a read and is set again only when it fires too early or would
//! fire too late, so a busy connection sets none.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::stream::Stream;
use crate::{clock, limits};

/// The clock's time in the runtime's terms.
fn now() -> Instant {
    Instant::from_std(clock::monotonic())
}

/// How long a connection may take.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) header: Duration,
    pub(super) idle: Duration,
    pub(super) write: Duration,
}

/// Where a connection stands between requests; shared with the service that hyper calls.
#[derive(Clone, Default)]
pub(super) struct Phase(Arc<AtomicU8>);

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

impl Phase {
    /// A head is complete: an exchange begins, and ends when what comes back is dropped.
    pub(super) fn exchange(&self) -> Exchange {
        self.set(BUSY);
        Exchange(self.clone())
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }
}

/// An exchange that is under way.
pub(super) struct Exchange(Phase);

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.set(IDLE);
    }
}

/// The guarded stream.
pub(super) struct GuardedIo {
    stream: Stream,
    patience: Patience,
    phase: Phase,
    /// When the current wait of a read ends.
    read_deadline: Option<Instant>,
    read_timer: Pin<Box<Sleep>>,
    write_timer: Option<Pin<Box<Sleep>>>,
    /// Set once a head did not come in time.
    head_timed_out: bool,
    /// The end of the time in which bytes are still taken after the server has said its last.
    linger: Option<Pin<Box<Sleep>>>,
}

impl GuardedIo {
    /// A stream whose first request head has `patience.header` from now.
    pub(super) fn new(stream: Stream, patience: Patience, phase: Phase) -> Self {
        let deadline = now() + patience.header;
        phase.set(HEAD);
        Self {
            stream,
            patience,
            phase,
            read_deadline: Some(deadline),
            read_timer: Box::pin(sleep_until(deadline)),
            write_timer: None,
            head_timed_out: false,
            linger: None,
        }
    }

    /// Whether a read failed because a request's head did not come in time.
    pub(super) fn head_came_too_slowly(&self) -> bool {
        self.head_timed_out
    }

    /// What becomes of a read that has nothing to give.
    fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.phase.get();
        if phase == BUSY {
            self.read_deadline = None;
            return Poll::Pending;
        }
        let idle = self.patience.idle;
        let deadline = *self.read_deadline.get_or_insert_with(|| now() + idle);
        loop {
            if self.read_timer.deadline() > deadline || self.read_timer.is_elapsed() {
                self.read_timer.as_mut().reset(deadline);
            }
            ready!(self.read_timer.as_mut().poll(context));
            if now() >= deadline {
                break;
            }
        }
        // An idle connection simply ends.
        self.head_timed_out = phase == HEAD;
        Poll::Ready(if self.head_timed_out { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) })
    }

    /// Bytes came: outside an exchange they are those of a head.
    fn note_bytes(&mut self) {
        if self.phase.get() == IDLE {
            self.phase.set(HEAD);
            self.read_deadline = Some(now() + self.patience.header);
        }
    }

    /// Ready once the peer has closed, too, or its time is over.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let end = self.linger.get_or_insert_with(|| Box::pin(sleep_until(now() + limits::LINGER)));
        if end.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut bytes = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }

    fn poll_written<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_timer = None;
            return written;
        }
        let write = self.patience.write;
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep_until(now() + write)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for GuardedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.poll_wait(context),
            Poll::Ready(result) => {
                if buffer.filled().len() > before {
                    self.note_bytes();
                }
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncWrite for GuardedIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.poll_written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.poll_written(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        self.poll_linger(context).map(Ok)
    }
}
