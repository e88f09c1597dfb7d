//! What the sources of discovery say, understood: each a pure function from texts to [`Found`].
//!
//! ```text
//! files, answers ─▶ parse ─▶ Found (the source's names) ─▶ Naming ─▶ Report (the graph's ids) ─▶ Upsert
//! ```
//!
//! Not a way around the checks: a [`Report`] is made of the types that ingestion makes, which cannot be invalid, and is
//! written down like that of any client. The network and the clock are in [`clients`] and [`runner`] only.
//!
//! - A parser is given what was read, and answers the same for the same.
//! - One bad document costs itself: it is noted, the others count.
//! - Whatever is given, a parser returns: no panic, no more memory than a bounded multiple of the input.

pub mod backstage;
pub mod clients;
pub mod formats;
mod found;
pub mod kubernetes;
mod naming;
pub mod prometheus;
mod protocols;
mod report;
pub mod runner;
#[cfg(test)]
mod testing;
pub mod yaml;

pub use found::{Found, Name, Seen, Uses};
pub use naming::{InvalidAlias, InvalidTemplate, Known, Knows, Naming, Template, aliases};
pub use report::Report;

/// A text and what to call it in a note: a path, or where else it came from.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// What to call it.
    pub path: &'a str,
    /// The text.
    pub text: &'a str,
}
