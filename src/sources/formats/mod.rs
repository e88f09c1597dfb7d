//! Files of other tools, each understood by its own parser, and which of them a text is.
//!
//! Not Kubernetes manifests nor catalogs: those have modules of their own.

pub mod compose;
pub mod csv;
mod detect;
pub mod jaeger;
pub mod kiali;
#[cfg(test)]
pub(super) mod testing;

pub use detect::{Detected, detect};

use super::Document;
use super::yaml::{Parsed, documents as parsed_documents};

/// Reads every document of every file, in the order of their paths: nothing depends on the order in which they are
/// given. One file is held at a time.
pub(super) fn read_all(documents: &[Document<'_>], mut read: impl FnMut(Parsed)) {
    for document in in_order(documents) {
        parsed_documents(document).into_iter().for_each(&mut read);
    }
}

fn in_order<'t>(documents: &[Document<'t>]) -> Vec<Document<'t>> {
    let mut documents = documents.to_vec();
    documents.sort_by_key(|document| (document.path, document.text));
    documents
}
