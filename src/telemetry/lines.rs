//! Log lines on their way to standard error, written by one thread a few milliseconds at a time.
//!
//! - A request hands its line over and goes on: it makes no system call, wakes no thread in the common
//!   case, and does not wait for a slow pipe.
//! - The thread lets lines gather before it writes them. Waking it for each line, as a channel alone
//!   or `tracing-appender` does, cost a sixth of the throughput of a short query on two cores.
//! - When [`limits::LOG_LINES_MAX`] lines wait, further ones are dropped, and how many is logged.
//! - Errors of standard error are dropped: there is nobody left to tell.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use tracing_subscriber::fmt::MakeWriter;

use crate::limits;

/// Where lines are handed over.
#[derive(Clone)]
pub(super) struct Lines {
    queue: Sender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

/// Writes what still waits, then ends the thread, when it is dropped.
#[must_use = "lines that wait when it is dropped are written, later ones are not"]
pub struct Flush {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the thread.
pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<(Lines, Flush)> {
    let (queue, lines) = bounded(limits::LOG_LINES_MAX);
    let (stop, stopped) = bounded(0);
    let dropped = Arc::new(AtomicU64::new(0));
    let worker = Worker { lines, stopped, dropped: Arc::clone(&dropped), out };
    let thread = std::thread::Builder::new().name("logs".to_owned()).spawn(|| worker.run())?;
    Ok((Lines { queue, dropped }, Flush { stop: Some(stop), thread: Some(thread) }))
}

impl Drop for Flush {
    fn drop(&mut self) {
        drop(self.stop.take());
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
        if let Err(TrySendError::Full(_)) = self.queue.try_send(line.to_vec()) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Worker<W> {
    lines: Receiver<Vec<u8>>,
    stopped: Receiver<()>,
    dropped: Arc<AtomicU64>,
    out: W,
}

impl<W: Write> Worker<W> {
    fn run(mut self) {
        let mut gathered = Vec::new();
        let mut goes_on = true;
        while goes_on {
            crossbeam::select! {
                recv(self.lines) -> line => gathered.extend(line.unwrap_or_default()),
                recv(self.stopped) -> _ => goes_on = false,
            }
            if goes_on {
                goes_on = self.stopped.recv_timeout(limits::LOG_GATHER) == Err(RecvTimeoutError::Timeout);
            }
            self.write(&mut gathered);
        }
    }

    fn write(&mut self, gathered: &mut Vec<u8>) {
        for line in self.lines.try_iter().take(limits::LOG_LINES_MAX) {
            gathered.extend(line);
        }
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(dropped, "log lines were dropped: standard error is too slow");
        }
        drop(self.out.write_all(gathered).and_then(|()| self.out.flush()));
        gathered.clear();
        gathered.shrink_to(limits::LOG_BUFFER_BYTES);
    }
}

#[cfg(test)]
mod tests {
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
}
