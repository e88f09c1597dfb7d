//! What a source was found to say, under its own names: the one shape in which every parser answers.
//!
//! - Names are the source's; ids are given later, in one place ([`super::Naming`]).
//! - Order never matters: what was found first and what last give the same answer.
//! - Nothing is lost in silence: what is left out is counted, what is not understood is noted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::limits;
use crate::types::{Attributes, CommunicationMode, DependencyCriticality};

/// What a source calls a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The name itself, never empty.
    pub name: String,
    /// The namespace it stands in, where the source has such.
    pub namespace: Option<String>,
    /// The cluster, where the source tells.
    pub cluster: Option<String>,
}

impl Name {
    /// A name without a namespace.
    pub fn bare(name: impl Into<String>) -> Self {
        Self { name: name.into(), namespace: None, cluster: None }
    }

    /// A name in a namespace; an empty one counts as none.
    pub fn of(namespace: &str, name: &str) -> Self {
        let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
        Self { name: name.to_owned(), namespace, cluster: None }
    }

    /// The same in a cluster; an empty one counts as none.
    #[must_use]
    pub fn in_cluster(self, cluster: &str) -> Self {
        Self { cluster: (!cluster.is_empty()).then(|| cluster.to_owned()), ..self }
    }

    /// With all that is known, without the cluster, and alone.
    pub(super) fn spellings(&self) -> [String; 3] {
        let bare = self.name.clone();
        let local = self.namespace.as_ref().map_or(bare.clone(), |namespace| format!("{namespace}/{bare}"));
        let whole = self.cluster.as_ref().map_or(local.clone(), |cluster| format!("{cluster}/{local}"));
        [whole, local, bare]
    }
}

/// What is said of one service: metadata members.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen(Map<String, Value>);

impl Seen {
    /// Adds a member. Said twice, the lesser text stays, so that the order of files does not matter; an empty text
    /// says nothing.
    pub fn say(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        if value.as_str().is_some_and(str::is_empty) {
            return self;
        }
        let said = self.0.entry(key).or_insert_with(|| value.clone());
        let (before, now) = (said.to_string(), value.to_string());
        if now < before {
            *said = value;
        }
        self
    }

    /// That somebody else runs it: a database, a queue, an outside address.
    pub fn external(&mut self) -> &mut Self {
        self.say("service_type", "external")
    }

    /// Every member.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// How one service uses another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uses {
    /// How it waits.
    pub mode: CommunicationMode,
    /// How much it needs it.
    pub criticality: DependencyCriticality,
    /// The protocol's usual name in lower case, where known.
    pub protocol: Option<String>,
    /// What the source concluded it from, such as `environment` or `network_policy`.
    pub evidence: BTreeSet<&'static str>,
}

impl Uses {
    /// Waits for answers, and needs them.
    pub fn sync() -> Self {
        Self {
            mode: CommunicationMode::Sync,
            criticality: DependencyCriticality::Hard,
            protocol: None,
            evidence: BTreeSet::new(),
        }
    }

    /// Sends messages and does not wait.
    pub fn asynchronous() -> Self {
        Self { mode: CommunicationMode::Async, ..Self::sync() }
    }

    /// The same over a protocol; an empty one counts as none.
    #[must_use]
    pub fn over(self, protocol: &str) -> Self {
        Self { protocol: (!protocol.is_empty()).then(|| protocol.to_lowercase()), ..self }
    }

    /// The same, concluded from this too.
    #[must_use]
    pub fn because_of(mut self, evidence: &'static str) -> Self {
        self.evidence.insert(evidence);
        self
    }

    /// The same, needed that much.
    #[must_use]
    pub fn with_criticality(self, criticality: DependencyCriticality) -> Self {
        Self { criticality, ..self }
    }

    /// As the graph holds it.
    pub fn attributes(&self) -> Attributes {
        Attributes {
            communication_mode: self.mode,
            criticality: self.criticality,
            protocol: self.protocol.as_deref().map(Into::into),
            timeout_ms: None,
            retry_config: None,
        }
    }

    /// Two reports of one dependency: the stronger mode and criticality, all evidence, the lesser protocol.
    pub(super) fn join(&mut self, other: Self) {
        // Sync before async, hard before degraded before soft, as in ingestion.
        self.mode = self.mode.min(other.mode);
        self.criticality = self.criticality.min(other.criticality);
        self.evidence.extend(other.evidence);
        self.protocol = match (self.protocol.take(), other.protocol) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
    }
}

/// Everything that a source was found to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    services: BTreeMap<Name, Seen>,
    dependencies: BTreeMap<(Name, Name), Uses>,
    left_out: BTreeMap<&'static str, u64>,
    notes: Vec<String>,
}

impl Found {
    /// A service that the source knows as such, and what it says of it so far.
    pub fn service(&mut self, name: &Name) -> &mut Seen {
        self.services.entry(name.clone()).or_default()
    }

    /// A dependency. Its ends become services only where [`Self::service`] says so; another end is a reference, and
    /// becomes a placeholder of the graph.
    pub fn depends(&mut self, from: &Name, on: &Name, uses: Uses) {
        match self.dependencies.get_mut(&(from.clone(), on.clone())) {
            Some(known) => known.join(uses),
            None => drop(self.dependencies.insert((from.clone(), on.clone()), uses)),
        }
    }

    /// Counts something that is not for the graph, by its reason, plural: `"self-loops"`.
    pub fn leave_out(&mut self, what: &'static str) {
        *self.left_out.entry(what).or_default() += 1;
    }

    /// Notes something that was not understood, with its place: the rest still counts.
    pub fn note(&mut self, problem: impl AsRef<str>) {
        self.notes.push(shortened(problem.as_ref()));
    }

    /// Adds what another file or answer was found to say.
    pub fn extend(&mut self, other: Self) {
        for (name, seen) in other.services {
            let known = self.services.entry(name).or_default();
            for (key, value) in seen.0 {
                known.say(&key, value);
            }
        }
        for ((from, on), uses) in other.dependencies {
            self.depends(&from, &on, uses);
        }
        for (what, count) in other.left_out {
            *self.left_out.entry(what).or_default() += count;
        }
        self.notes.extend(other.notes);
    }

    /// The services, by name.
    pub fn services(&self) -> &BTreeMap<Name, Seen> {
        &self.services
    }

    /// The dependencies, by the names of who calls and who is called.
    pub fn dependencies(&self) -> &BTreeMap<(Name, Name), Uses> {
        &self.dependencies
    }

    /// How much was left out, by reason.
    pub fn left_out(&self) -> &BTreeMap<&'static str, u64> {
        &self.left_out
    }

    /// What was not understood.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How its names with a namespace may stand in the graph: alone, with the namespace, and with the cluster too.
    pub fn spellings(&self) -> BTreeSet<String> {
        let ends = self.dependencies.keys().flat_map(|(from, on)| [from, on]);
        let names: BTreeSet<&Name> = self.services.keys().chain(ends).collect();
        names.into_iter().filter(|name| name.namespace.is_some()).flat_map(Name::spellings).collect()
    }

    /// Whether both would report the same.
    pub fn reports_as(&self, other: &Self) -> bool {
        self.services == other.services && self.dependencies == other.dependencies
    }

    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.dependencies.is_empty()
    }
}

/// A text of somebody else, without control characters and not longer than [`limits::DISCOVERY_TEXT_CHARS_MAX`].
pub(super) fn shortened(text: &str) -> String {
    let shown = text.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    shown.take(limits::DISCOVERY_TEXT_CHARS_MAX).collect()
}
