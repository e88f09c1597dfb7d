//! The files of a Backstage catalog: components and resources become services, `dependsOn` and consumed APIs
//! dependencies.
//!
//! Not a catalog: nothing is fetched, and locations are not followed. All files are given together, since who
//! provides an API and who consumes it mostly stand in different ones.
//!
//! - References are compared in lower case, as Backstage does; names are spelled as their own document spells them.
//! - Services of the namespace `default` have bare names, unless another namespace has the name too.
//! - A resource with the name of a component is called `resource:name`.

mod catalog;
mod describe;
mod entity;
mod reference;
#[cfg(test)]
mod tests;

use super::formats::read_all;
use super::{Document, Found};
use catalog::Catalog;

/// What the files say. O(bytes · log bytes).
pub fn parse(documents: &[Document<'_>]) -> Found {
    let mut catalog = Catalog::default();
    read_all(documents, |parsed| match parsed.value {
        Ok(value) => catalog.read(&parsed.place, &value),
        Err(_) if parsed.is_template => catalog.found.leave_out("templates that were not filled in"),
        Err(reason) => catalog.found.note(format!("{}: {reason}", parsed.place)),
    });
    catalog.into_found()
}
