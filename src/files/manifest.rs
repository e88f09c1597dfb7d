//! What the tables are of: small enough to be read by a person, and what they are held against when they are read.

use serde::{Deserialize, Serialize};

use super::{Form, ReadError};
use crate::graph::Graph;
use crate::types::Timestamp;

/// Tells our manifests from other files of the name.
const KIND: &str = "watershed graph";
/// Of the tables; another one is refused.
const FORMAT_VERSION: u32 = 1;

/// What the tables are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Which form the tables have.
    pub form: Form,
    /// The version of the graph.
    pub version: u64,
    /// Its digest, as text.
    pub digest: String,
    /// Rows of `services`.
    pub services: u64,
    /// Dependencies; most have one row.
    pub dependencies: u64,
    /// Rows of `dependencies`.
    pub observations: u64,
    /// Rows of `cycles`.
    pub cycles: u64,
    /// When the data directory that it comes from was made, where that is known.
    pub directory_created_at: Option<Timestamp>,
    /// When staleness was last judged.
    pub swept_at: Option<Timestamp>,
}

/// The same as its file has it.
#[derive(Serialize, Deserialize)]
struct Wire {
    kind: String,
    format_version: u32,
    format: String,
    version: u64,
    digest: String,
    services: u64,
    dependencies: u64,
    observations: u64,
    cycles: u64,
    directory_created_at: Option<String>,
    swept_at: Option<String>,
}

impl Manifest {
    /// The name of its file.
    pub const FILE: &str = "manifest.json";

    /// What tables of a graph are of.
    pub fn of(graph: &Graph, form: Form, directory_created_at: Option<Timestamp>) -> Self {
        let counts = graph.counts();
        Self {
            form,
            version: graph.version(),
            digest: graph.digest().to_string(),
            services: counts.services.into(),
            dependencies: counts.dependencies,
            observations: counts.observations,
            cycles: graph.cycles().alerts().count() as u64,
            directory_created_at,
            swept_at: graph.ledger().swept_at(),
        }
    }

    /// As the bytes of its file.
    pub fn to_json(&self) -> Vec<u8> {
        let text = |instant: Option<Timestamp>| instant.map(|instant| instant.to_string());
        let wire = Wire {
            kind: KIND.to_owned(),
            format_version: FORMAT_VERSION,
            format: self.form.name().to_owned(),
            version: self.version,
            digest: self.digest.clone(),
            services: self.services,
            dependencies: self.dependencies,
            observations: self.observations,
            cycles: self.cycles,
            directory_created_at: text(self.directory_created_at),
            swept_at: text(self.swept_at),
        };
        let mut json = serde_json::to_vec_pretty(&wire).expect("numbers and texts can be written");
        json.push(b'\n');
        json
    }

    /// Whether some bytes are meant to be a manifest of ours, sound or not.
    pub fn is_meant(bytes: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Kind {
            kind: String,
        }
        serde_json::from_slice::<Kind>(bytes).is_ok_and(|wire| wire.kind == KIND)
    }

    /// Reads the bytes of its file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReadError> {
        let invalid = |what: &str| ReadError::Manifest(what.to_owned());
        let wire: Wire = serde_json::from_slice(bytes).map_err(|error| invalid(&error.to_string()))?;
        if wire.kind != KIND {
            return Err(ReadError::Manifest(format!("its kind is not {KIND:?}")));
        }
        if wire.format_version != FORMAT_VERSION {
            let what = format!("format version {}; this program reads {FORMAT_VERSION}", wire.format_version);
            return Err(ReadError::Manifest(what));
        }
        // The next ones follow it, and databases hold them with a sign.
        if i64::try_from(wire.version).is_err() {
            return Err(invalid("the version is out of range"));
        }
        let instant = |text: Option<String>| {
            let parsed = text.map(|text| Timestamp::parse(&text)).transpose();
            parsed.map_err(|error| invalid(&error.to_string()))
        };
        Ok(Self {
            form: Form::parse(&wire.format).ok_or_else(|| invalid("the format is neither csv nor ndjson"))?,
            version: wire.version,
            digest: wire.digest,
            services: wire.services,
            dependencies: wire.dependencies,
            observations: wire.observations,
            cycles: wire.cycles,
            directory_created_at: instant(wire.directory_created_at)?,
            swept_at: instant(wire.swept_at)?,
        })
    }
}
