//! How far an import is: a bar on a terminal, a line per event elsewhere.
//!
//! Not the result: totals are printed at the end, and to standard output.
//!
//! - Nothing is drawn unless standard error is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::console::{Console, Sink, printable};

/// What a person sees while entries are sent.
pub(super) enum Progress {
    /// A bar that counts entries.
    Bar(ProgressBar),
    /// Nothing moves; events are lines.
    Lines,
}

impl Progress {
    /// Begins with a file of that many entries, where that is known.
    pub(super) fn start(file: &str, entries: Option<usize>, sink: Sink) -> Self {
        match sink {
            Sink::Pipe => Self::Lines,
            Sink::Terminal => {
                let target = ProgressDrawTarget::stderr();
                let bar = ProgressBar::with_draw_target(entries.map(|entries| entries as u64), target);
                let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} entries {msg}");
                bar.set_style(style.expect("the template is fixed and well-formed"));
                bar.set_prefix(printable(file));
                Self::Bar(bar)
            }
        }
    }

    /// So many entries have arrived.
    pub(super) fn stands_at(&self, entries: u64) {
        match self {
            Self::Bar(bar) => bar.set_position(entries),
            Self::Lines => {}
        }
    }

    /// Says why nothing moves.
    pub(super) fn notice(&self, text: &str, console: &mut Console) {
        match self {
            Self::Bar(bar) => bar.set_message(text.to_owned()),
            Self::Lines => console.say(&format!("watershed: {text}")),
        }
    }

    /// Makes room for what is printed next.
    pub(super) fn end(&self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines => {}
        }
    }
}
