//! The room `sources` without its clients and its runner: a parser that is added there is added here.

#[path = "../../../src/sources/backstage/mod.rs"]
pub mod backstage;
#[path = "../../../src/sources/formats/mod.rs"]
pub mod formats;
#[path = "../../../src/sources/found.rs"]
mod found;
#[path = "../../../src/sources/kubernetes/mod.rs"]
pub mod kubernetes;
#[path = "../../../src/sources/naming.rs"]
mod naming;
#[path = "../../../src/sources/prometheus/mod.rs"]
pub mod prometheus;
#[path = "../../../src/sources/protocols.rs"]
mod protocols;
#[path = "../../../src/sources/report.rs"]
mod report;
#[path = "../../../src/sources/yaml.rs"]
pub mod yaml;

pub use found::{Found, Name, Seen, Uses};
pub use naming::{InvalidAlias, InvalidTemplate, Known, Knows, Naming, Template, aliases};
pub use report::Report;

/// A text and what to call it in a note, as in `src/sources/mod.rs`.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// What to call it.
    pub path: &'a str,
    /// The text.
    pub text: &'a str,
}
