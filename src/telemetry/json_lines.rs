//! A log line as one flat JSON object.
//!
//! `tracing-subscriber` has a JSON format of its own; it goes through a serializer and checks every piece for UTF-8
//! again. This is a subscriber by itself, without layers and registries of spans, which nothing here opens: by `perf` an
//! event was 5.2 % of the server's time of a 304 as a format of `tracing-subscriber` and is 4.1 % of less.
//!
//! - `timestamp`, `level`, `message` (where there is one), the event's fields, `target`.
//! - Values that are no numbers and no booleans are strings, escaped.

use std::cell::RefCell;
use std::fmt;
use std::io::Write as _;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;

use crate::{clock, json};

thread_local! {
    /// The line that is being written.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes each event as a line.
pub(super) struct JsonLines<W> {
    level: LevelFilter,
    writer: W,
}

impl<W> JsonLines<W> {
    /// Events down to `level` go to `writer`, one write for each.
    pub(super) fn new(level: LevelFilter, writer: W) -> Self {
        Self { level, writer }
    }
}

impl<W: for<'w> MakeWriter<'w> + 'static> Subscriber for JsonLines<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        LINE.with(|line| {
            // Taken out, as a value that logs while it is formatted must find another one.
            let mut line = Line(std::mem::take(&mut *line.borrow_mut()));
            line.write(event);
            // There is nobody left to tell.
            drop(self.writer.make_writer().write_all(&line.0));
            line.0.clear();
            LINE.with(|place| *place.borrow_mut() = line.0);
        });
    }

    // Spans leave no lines.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The fields of an event, written as they are visited.
struct Line(Vec<u8>);

impl Line {
    fn write(&mut self, event: &Event<'_>) {
        self.0.extend_from_slice(b"{\"timestamp\":");
        json::push_plain(&mut self.0, clock::now());
        self.0.extend_from_slice(b",\"level\":\"");
        self.0.extend_from_slice(event.metadata().level().as_str().as_bytes());
        self.0.push(b'"');
        event.record(self);
        self.0.extend_from_slice(b",\"target\":");
        json::push_string(&mut self.0, event.metadata().target());
        self.0.extend_from_slice(b"}\n");
    }

    fn key(&mut self, field: &Field) {
        self.0.push(b',');
        json::push_string(&mut self.0, field.name());
        self.0.push(b':');
    }
}

impl Visit for Line {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.key(field);
        json::push_integer(&mut self.0, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.key(field);
        json::push_integer(&mut self.0, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.key(field);
        json::push_bool(&mut self.0, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.key(field);
        json::push_string(&mut self.0, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.key(field);
        json::push_string(&mut self.0, &format!("{value:?}"));
    }
}
