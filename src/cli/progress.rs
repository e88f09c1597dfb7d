//! What moves on a terminal while a command works.
//!
//! Not the result, and not for programs.
//!
//! - Nothing is drawn unless standard error is a terminal; what was drawn is gone when it is dropped.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::{Sink, printable};

const TICK: Duration = Duration::from_millis(100);

/// A bar or a spinner, or nothing.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// A spinner beside a text, for work of unknown length.
    pub(super) fn spinner(text: &str, sink: Sink) -> Self {
        Self::begin(text, "{spinner} {prefix} {msg}", sink)
    }

    /// A bar that counts rows; see [`Self::stands_at`].
    pub(super) fn rows(text: &str, sink: Sink) -> Self {
        Self::begin(text, "{prefix} {bar:30} {pos}/{len} rows", sink)
    }

    /// A bar that counts bytes; see [`Self::bytes`].
    pub(super) fn bar(text: &str, sink: Sink) -> Self {
        Self::begin(text, "{prefix} {bar:30} {bytes}/{total_bytes}", sink)
    }

    fn begin(text: &str, template: &str, sink: Sink) -> Self {
        if sink == Sink::Pipe {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template(template).expect("the template is fixed and well-formed"));
        bar.set_prefix(printable(text));
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }

    /// So many bytes are done, of so many where that is known.
    pub(super) fn bytes(&self, done: u64, total: Option<u64>) {
        self.stands_at(done, total);
    }

    /// So much is done, of so much where that is known.
    pub(super) fn stands_at(&self, done: u64, total: Option<u64>) {
        if let Some(bar) = &self.0 {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(done);
        }
    }

    /// Another text beside the spinner.
    pub(super) fn note(&self, text: impl FnOnce() -> String) {
        if let Some(bar) = &self.0 {
            bar.set_message(text());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_sees_nothing_move() {
        let progress = Progress::spinner("x", Sink::Pipe);
        progress.bytes(1, Some(2));
        progress.note(|| unreachable!("a text that nobody reads is not made"));
    }
}
