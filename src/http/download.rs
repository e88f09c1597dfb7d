//! The body of a download: a snapshot's file, read off the async threads as the client takes it.
//!
//! - Nothing is read before a piece is asked for: HEAD reads nothing.
//! - One piece is read ahead of the one that is sent. A slow client holds these two and the open file, but no
//!   thread.
//! - A read that fails, or a file that ends early, is an error of the body, which ends the connection: what a
//!   client took for whole has all its bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::limits;
use crate::writer::SnapshotBytes;

type File = Box<dyn SnapshotBytes>;

/// A file on its way to a client.
pub(super) struct Download {
    length: u64,
    /// Where the next piece begins.
    offset: u64,
    source: Source,
    _turn: OwnedSemaphorePermit,
}

enum Source {
    Waiting(File),
    Reading(JoinHandle<io::Result<(File, Bytes)>>),
    Done,
}

impl Download {
    /// The first `length` bytes of a file. `turn` is held until the download is over.
    pub(super) fn new(file: File, length: u64, turn: OwnedSemaphorePermit) -> Self {
        Self { length, offset: 0, source: Source::Waiting(file), _turn: turn }
    }

    /// Bytes that are still to be given.
    pub(super) fn rest(&self) -> u64 {
        self.length - self.offset
    }

    /// Whether every byte was given.
    pub(super) fn is_over(&self) -> bool {
        self.rest() == 0
    }

    /// The next piece; `None` behind the last one, and behind an error.
    pub(super) fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let mut reading = match std::mem::replace(&mut self.source, Source::Done) {
            Source::Waiting(file) if !self.is_over() => self.read(file),
            Source::Waiting(_) | Source::Done => return Poll::Ready(None),
            Source::Reading(reading) => reading,
        };
        let Poll::Ready(read) = Pin::new(&mut reading).poll(context) else {
            self.source = Source::Reading(reading);
            return Poll::Pending;
        };
        let read = read.unwrap_or_else(|broken| Err(io::Error::other(broken)));
        Poll::Ready(Some(read.map(|(file, piece)| {
            self.offset += piece.len() as u64;
            if !self.is_over() {
                self.source = Source::Reading(self.read(file));
            }
            piece
        })))
    }

    fn read(&self, file: File) -> JoinHandle<io::Result<(File, Bytes)>> {
        let (offset, length) = (self.offset, self.rest().min(limits::ANSWER_PIECE_BYTES as u64) as usize);
        spawn_blocking(move || {
            let piece = read_piece(&*file, offset, length).inspect_err(|error| {
                tracing::error!(%error, offset, "a snapshot could not be read; its download was broken off");
            })?;
            Ok((file, piece))
        })
    }
}

fn read_piece(file: &dyn SnapshotBytes, offset: u64, length: usize) -> io::Result<Bytes> {
    let mut piece = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(offset + filled as u64, &mut piece[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(piece.into())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    /// Counts up from 0, a few bytes at a time, and fails at a place or ends there.
    struct Counting {
        end: u64,
        fails: bool,
    }

    impl SnapshotBytes for Counting {
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            if offset >= self.end {
                return if self.fails { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(0) };
            }
            let count = buffer.len().min(30_000).min((self.end - offset) as usize);
            (offset..).zip(&mut buffer[..count]).for_each(|(at, byte)| *byte = (at % 251) as u8);
            Ok(count)
        }
    }

    async fn all(length: u64, file: Counting) -> (Vec<u8>, Option<io::ErrorKind>) {
        let turns = Arc::new(Semaphore::new(1));
        let turn = Arc::clone(&turns).try_acquire_owned().unwrap();
        let mut download = Download::new(Box::new(file), length, turn);
        assert_eq!((download.rest(), download.is_over()), (length, length == 0));
        let mut taken = Vec::new();
        loop {
            match poll_fn(|context| download.poll_piece(context)).await {
                None => break,
                Some(Ok(piece)) => {
                    assert!((1..=limits::ANSWER_PIECE_BYTES).contains(&piece.len()));
                    taken.extend_from_slice(&piece);
                }
                Some(Err(error)) => {
                    assert!(poll_fn(|context| download.poll_piece(context)).await.is_none());
                    assert!(!download.is_over());
                    return (taken, Some(error.kind()));
                }
            }
        }
        assert!(download.is_over());
        drop(download);
        assert_eq!(turns.available_permits(), 1);
        (taken, None)
    }

    #[tokio::test]
    async fn every_byte_comes_once_and_in_order() {
        let piece = limits::ANSWER_PIECE_BYTES as u64;
        for length in [0, 1, piece - 1, piece, piece + 1, 5 * piece + 7] {
            let (bytes, error) = all(length, Counting { end: u64::MAX, fails: true }).await;
            assert_eq!((bytes.len() as u64, error), (length, None));
            assert!((0..).zip(bytes).all(|(at, byte): (u64, u8)| byte == (at % 251) as u8));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error_and_no_end() {
        let piece = limits::ANSWER_PIECE_BYTES as u64;
        for end in [0, 5, piece, piece + 5] {
            let whole_pieces = (end / piece * piece) as usize;
            for (fails, kind) in
                [(true, io::ErrorKind::PermissionDenied), (false, io::ErrorKind::UnexpectedEof)]
            {
                let (bytes, error) = all(3 * piece, Counting { end, fails }).await;
                assert_eq!((bytes.len(), error), (whole_pieces, Some(kind)), "end at {end}");
            }
        }
    }
}
