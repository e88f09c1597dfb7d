//! Log lines on their way to standard error, written by one thread a few milliseconds at a time.
//!
//! - A request appends its line to a buffer and goes on: it makes no system call, wakes the thread only where the
//!   buffer was empty, and does not wait for a slow pipe.
//! - The thread lets lines gather before it writes them. Waking it for each line, as a channel alone
//!   or `tracing-appender` does, cost a sixth of the throughput of a short query on two cores.
//! - When [`limits::LOG_LINES_MAX`] lines wait, further ones are dropped, and how many is logged.
//! - Errors of standard error are dropped: there is nobody left to tell.

#![expect(clippy::disallowed_types, reason = "no reader of the graph waits here for more than an append")]

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tracing_subscriber::fmt::MakeWriter;

use crate::limits;

/// Where lines are handed over.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

/// Between those who log and the thread.
#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is a first line, or an end.
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    lines: usize,
    dropped: u64,
    is_over: bool,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock; what is in the buffer would be good all the same.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what still waits, then ends the thread, when it is dropped.
#[must_use = "lines that wait when it is dropped are written, later ones are not"]
pub struct Flush {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the thread.
pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<(Lines, Flush)> {
    let shared = Arc::new(Shared::default());
    let worker = Worker { shared: Arc::clone(&shared), out };
    let thread = std::thread::Builder::new().name("logs".to_owned()).spawn(|| worker.run())?;
    Ok((Lines(Arc::clone(&shared)), Flush { shared, thread: Some(thread) }))
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.shared.waiting().is_over = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has no way to panic; if it did, there would be no log to say so in.
            drop(thread.join());
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.waiting();
        if waiting.lines < limits::LOG_LINES_MAX && !waiting.is_over {
            waiting.bytes.extend_from_slice(line);
            waiting.lines += 1;
            if waiting.lines == 1 {
                drop(waiting);
                self.0.changed.notify_one();
            }
        } else {
            waiting.dropped += 1;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Worker<W> {
    shared: Arc<Shared>,
    out: W,
}

impl<W: Write> Worker<W> {
    fn run(mut self) {
        let mut gathered = Vec::new();
        let mut goes_on = true;
        while goes_on {
            goes_on = self.gather(&mut gathered);
            drop(self.out.write_all(&gathered).and_then(|()| self.out.flush()));
            gathered.clear();
            gathered.shrink_to(limits::LOG_BUFFER_BYTES);
        }
    }

    /// Waits for a line and for those that follow it; says whether more may come. `gathered` is empty before.
    fn gather(&self, gathered: &mut Vec<u8>) -> bool {
        let is_quiet = |waiting: &mut Waiting| waiting.lines == 0 && !waiting.is_over;
        let waiting = self.shared.changed.wait_while(self.shared.waiting(), is_quiet);
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let goes_on = |waiting: &mut Waiting| !waiting.is_over;
        let waited = self.shared.changed.wait_timeout_while(waiting, limits::LOG_GATHER, goes_on);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut waiting.bytes, gathered);
        waiting.lines = 0;
        let (dropped, is_over) = (std::mem::take(&mut waiting.dropped), waiting.is_over);
        drop(waiting);
        if dropped > 0 && !is_over {
            tracing::warn!(dropped, "log lines were dropped: standard error is too slow");
        }
        !is_over
    }
}

#[cfg(test)]
mod tests {
    use crossbeam::channel::{Sender, bounded};

    use super::*;

    /// Tells each write, and fails it.
    struct Broken(Sender<Vec<u8>>);

    impl Write for Broken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            drop(self.0.send(bytes.to_vec()));
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_waits_is_written_before_the_end() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let (lines, flush) = to(path.reopen().unwrap()).unwrap();
        for number in 0..1_000 {
            (&lines).write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        drop(flush);
        let written = std::fs::read_to_string(path.path()).unwrap();
        assert!(written.lines().eq((0..1_000).map(|number| number.to_string())), "all of them, in order");
        (&lines).write_all(b"after the end").unwrap();
    }

    #[test]
    fn a_broken_pipe_harms_nobody() {
        let (sender, writes) = bounded(100);
        let (lines, flush) = to(Broken(sender)).unwrap();
        (&lines).write_all(b"first").unwrap();
        assert_eq!(writes.recv().unwrap(), b"first");
        (&lines).write_all(b"second").unwrap();
        assert_eq!(writes.recv().unwrap(), b"second", "the thread goes on");
        drop(flush);
    }

    #[test]
    fn what_is_too_much_is_dropped_and_counted() {
        let (sender, writes) = bounded(0);
        let (lines, flush) = to(Broken(sender)).unwrap();
        (&lines).write_all(b"first").unwrap();
        // The thread is writing by the time that somebody takes it from its hands, and waits there.
        let waits = || lines.0.waiting().lines;
        while waits() > 0 {
            std::thread::yield_now();
        }
        for _ in 0..limits::LOG_LINES_MAX + 7 {
            (&lines).write_all(b"x").unwrap();
        }
        assert_eq!((waits(), lines.0.waiting().dropped), (limits::LOG_LINES_MAX, 7));
        assert_eq!(writes.recv().unwrap(), b"first");
        assert_eq!(writes.recv().unwrap().len(), limits::LOG_LINES_MAX, "all that had room");
        drop((writes, flush));
    }
}
