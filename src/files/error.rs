//! Why files do not make a graph, with the file and the line.

use std::io;

/// Why files do not make a graph.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk refused, or the file is not there.
    #[error("{file}: {source}")]
    Io {
        /// Which file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A row is not what the table has.
    #[error("{file}: line {line}: {what}")]
    Row {
        /// Which file.
        file: String,
        /// Where in it, from 1.
        line: u64,
        /// What is wrong there.
        what: String,
    },
    /// The manifest is none.
    #[error("manifest.json: {0}")]
    Manifest(String),
    /// Each row is sound, but not all together.
    #[error("{0}")]
    Content(String),
}

impl ReadError {
    /// Whether the rows may be those of an edited file: each can be read.
    pub fn is_of_the_whole(&self) -> bool {
        match self {
            Self::Content(_) => true,
            Self::Io { .. } | Self::Row { .. } | Self::Manifest(_) => false,
        }
    }
}
