//! The meshes whose telemetry is understood.
//!
//! - Whatever a mesh reports, it is a call that waits for its answer: no proxy can tell a message from a request.

use std::time::Duration;

use super::answer::Answer;
use super::{hubble, istio, linkerd, note_warnings};
use crate::sources::Found;

/// A mesh that reports who calls whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mesh {
    /// Istio, with sidecars or ambient with waypoints.
    Istio,
    /// Linkerd 2.
    Linkerd,
    /// Hubble of Cilium.
    Hubble,
}

impl Mesh {
    /// The names, for a message.
    pub const NAMES: &'static [&'static str] = &["istio", "linkerd", "hubble"];

    /// The mesh of a name; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Istio, Self::Linkerd, Self::Hubble].into_iter().find(|mesh| mesh.name() == text)
    }

    /// Its name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Istio => "istio",
            Self::Linkerd => "linkerd",
            Self::Hubble => "hubble",
        }
    }

    /// What to ask for what was seen in the window.
    pub fn queries(self, window: Duration) -> Vec<String> {
        match self {
            Self::Istio => istio::queries(window),
            Self::Linkerd => linkerd::queries(window),
            Self::Hubble => hubble::queries(window),
        }
    }

    /// What the answers say, which stand in the order of the queries; one that is missing is empty.
    pub fn read(self, answers: &[Answer]) -> Found {
        let mut found = match self {
            Self::Istio => istio::read(answers),
            Self::Linkerd => linkerd::read(answers),
            Self::Hubble => hubble::read(answers),
        };
        for answer in answers {
            note_warnings(&mut found, answer);
        }
        found
    }
}
