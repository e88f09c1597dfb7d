//! Logs: where they go and how they look.
//!
//! Not what is logged, which is each room's own affair. Lines go to standard error, so that
//! standard output stays free for data.
//!
//! - Set up once, by `serve`; other commands do not log.
//! - A line carries its time (RFC 3339, UTC), level, target and message, and the fields of the event
//!   beside them. Times come from [`crate::clock`].

mod json_lines;
mod lines;

pub use lines::Flush;

use std::fmt;
use std::io;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock;
use crate::config::{LogFormat, LogLevel};
use json_lines::JsonLines;

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Another subscriber is in place.
    #[error("logging is already set up in this process")]
    AlreadySet,
    /// The operating system gave no thread.
    #[error("cannot start the logs' thread: {0}")]
    Thread(io::Error),
}

/// Sends the log lines of the whole process to standard error.
pub fn init(level: LogLevel, format: LogFormat) -> Result<Flush, TelemetryError> {
    let (lines, flush) = lines::to(io::stderr()).map_err(TelemetryError::Thread)?;
    tracing::subscriber::set_global_default(subscriber(level, format, lines))
        .map_err(|_| TelemetryError::AlreadySet)?;
    Ok(flush)
}

/// A subscriber that writes lines to `writer`.
fn subscriber<W>(level: LogLevel, format: LogFormat, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    match format {
        LogFormat::Json => Box::new(JsonLines::new(filter(level), writer)),
        LogFormat::Text => Box::new(
            tracing_subscriber::fmt()
                .with_max_level(filter(level))
                .with_timer(WallClock)
                .with_writer(writer)
                .log_internal_errors(false)
                .finish(),
        ),
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

struct WallClock;

impl FormatTime for WallClock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", clock::now())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crossbeam::channel::{Sender, unbounded};

    use super::*;
    use crate::types::Timestamp;

    struct Lines(Sender<Vec<u8>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while `body` runs.
    fn written(level: LogLevel, format: LogFormat, body: fn()) -> String {
        let (sender, receiver) = unbounded();
        let writer = move || Lines(sender.clone());
        tracing::subscriber::with_default(subscriber(level, format, writer), body);
        String::from_utf8(receiver.try_iter().flatten().collect()).unwrap()
    }

    #[test]
    fn a_json_line_is_flat() {
        let text = written(LogLevel::Info, LogFormat::Json, || {
            tracing::info!(target: "watershed::test", correlation_id = "c-1", bytes = 7, "a \"quoted\"\nline");
        });
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(Timestamp::parse(line["timestamp"].as_str().unwrap()).is_ok(), "{line}");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["target"], "watershed::test");
        assert_eq!(line["message"], "a \"quoted\"\nline");
        assert_eq!((&line["correlation_id"], &line["bytes"]), (&"c-1".into(), &7.into()));
    }

    #[test]
    fn a_text_line_has_no_escape_codes() {
        let text = written(LogLevel::Info, LogFormat::Text, || tracing::warn!(bytes = 7, "full"));
        assert!(text.contains("WARN") && text.contains("full bytes=7"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn less_important_lines_are_left_out() {
        let all = || {
            tracing::error!("1");
            tracing::warn!("2");
            tracing::info!("3");
            tracing::debug!("4");
            tracing::trace!("5");
        };
        let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
        for (place, level) in levels.into_iter().enumerate() {
            assert_eq!(written(level, LogFormat::Json, all).lines().count(), place + 1, "{level:?}");
        }
    }
}
