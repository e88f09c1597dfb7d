//! A dependency (edge) as the observations that support it.
//!
//! - A [`Dependency`] has one to four observations, at most one per source, in order of priority.
//! - What a query shows is [`Dependency::shown`]: the first observation that is not stale, else the
//!   first. The rest of the merge is arithmetic over the list.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::{BackoffStrategy, CommunicationMode, DependencyCriticality, DiscoverySource, Timestamp};

/// The name of a protocol, at most 50 bytes. Cloning shares the text.
pub type Protocol = Arc<str>;

/// How a caller uses what it depends on, as one source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Whether the caller waits.
    pub communication_mode: CommunicationMode,
    /// What the loss does to the caller.
    pub criticality: DependencyCriticality,
    /// Such as `grpc`.
    pub protocol: Option<Protocol>,
    /// How long the caller waits, 1 to 86,400,000 ms.
    pub timeout_ms: Option<NonZeroU32>,
    /// How the caller tries again.
    pub retry_config: Option<RetryConfig>,
}

#[cfg(test)]
impl Attributes {
    /// What most tests need: a caller that waits, fails, and says nothing more.
    pub(crate) fn hard_sync() -> Self {
        Self {
            communication_mode: CommunicationMode::Sync,
            criticality: DependencyCriticality::Hard,
            protocol: None,
            timeout_ms: None,
            retry_config: None,
        }
    }
}

/// How a caller tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryConfig {
    /// 0 to 100; `None` where the source did not say.
    pub max_retries: Option<u8>,
    /// How the waits grow; `None` where the source did not say.
    pub backoff_strategy: Option<BackoffStrategy>,
}

/// One source's report of one dependency, with what earlier reports of that source left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Who reported it.
    pub source: DiscoverySource,
    /// What the newest report says.
    pub attributes: Attributes,
    /// The newest report's own timestamp.
    pub last_observed_at: Timestamp,
    /// Reports so far, at least 1.
    pub times_observed: u32,
    /// When a sweep marked it stale; `None` while it is fresh.
    pub stale_since: Option<Timestamp>,
}

impl Observation {
    /// A first report.
    pub fn first(source: DiscoverySource, attributes: Attributes, observed_at: Timestamp) -> Self {
        Self { source, attributes, last_observed_at: observed_at, times_observed: 1, stale_since: None }
    }

    /// Whether a sweep marked it.
    pub fn is_stale(&self) -> bool {
        self.stale_since.is_some()
    }
}

/// The confidence in an observation, a ratio: its source's base plus what repetition adds,
/// `min(1, base + min(0.1, 0.02·ln(times_observed + 1)))`.
pub fn confidence(source: DiscoverySource, times_observed: u32) -> f64 {
    let base = match source {
        DiscoverySource::Manual => 1.00,
        DiscoverySource::ServiceMesh => 0.95,
        DiscoverySource::OtelServiceGraph => 0.85,
        DiscoverySource::Kubernetes => 0.75,
    };
    let repetition = (0.02 * (f64::from(times_observed) + 1.0).ln()).min(0.1);
    (base + repetition).min(1.0)
}

/// A dependency's observations, the highest priority first; never empty.
///
/// Nearly every dependency has one, which is then stored in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency(Observations);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Observations {
    One(Observation),
    Several(Box<[Observation]>),
}

impl Dependency {
    /// A dependency that one source reports.
    pub fn of(observation: Observation) -> Self {
        Self(Observations::One(observation))
    }

    /// A dependency from observations in any order; `None` when there are none or when two are of
    /// the same source.
    pub fn from_observations(mut observations: Vec<Observation>) -> Option<Self> {
        observations.sort_by_key(|observation| observation.source);
        let distinct = observations.windows(2).all(|pair| pair[0].source != pair[1].source);
        match observations.len() {
            0 => None,
            1 => observations.pop().map(Self::of),
            _ => distinct.then(|| Self(Observations::Several(observations.into()))),
        }
    }

    /// All observations, the highest priority first.
    pub fn observations(&self) -> &[Observation] {
        match &self.0 {
            Observations::One(observation) => std::slice::from_ref(observation),
            Observations::Several(observations) => observations,
        }
    }

    /// The observation whose attributes a query shows: the highest-priority fresh one, else the
    /// highest-priority one.
    pub fn shown(&self) -> &Observation {
        let observations = self.observations();
        observations.iter().find(|observation| !observation.is_stale()).unwrap_or(&observations[0])
    }

    /// Whether every observation is stale.
    pub fn is_stale(&self) -> bool {
        self.shown().is_stale()
    }

    /// The observation of one source.
    pub fn by(&self, source: DiscoverySource) -> Option<&Observation> {
        self.observations().iter().find(|observation| observation.source == source)
    }

    /// This dependency without one source's observation; `None` when there is no other.
    #[must_use]
    pub fn without(&self, source: DiscoverySource) -> Option<Self> {
        let others = self.observations().iter().filter(|other| other.source != source);
        Self::from_observations(others.cloned().collect())
    }

    /// This dependency with one source's observation added or replaced.
    #[must_use]
    pub fn with(&self, observation: Observation) -> Self {
        let others = self.observations().iter().filter(|other| other.source != observation.source);
        let mut all: Vec<Observation> = others.cloned().collect();
        all.push(observation);
        Self::from_observations(all).expect("one observation at least, and each source once")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(source: DiscoverySource, stale: bool) -> Observation {
        let attributes = Attributes::hard_sync();
        let at = Timestamp::parse("2026-02-14T10:00:00Z").unwrap();
        let mut observation = Observation::first(source, attributes, at);
        observation.stale_since = stale.then_some(at);
        observation
    }

    #[test]
    fn shows_the_highest_priority_that_is_fresh() {
        use DiscoverySource::{Kubernetes, Manual, ServiceMesh};
        let dependency = Dependency::of(observation(Kubernetes, false)).with(observation(Manual, false));
        assert_eq!(dependency.shown().source, Manual);
        let dependency = dependency.with(observation(Manual, true));
        assert_eq!(dependency.shown().source, Kubernetes);
        assert!(!dependency.is_stale());
        let dependency = dependency.with(observation(Kubernetes, true)).with(observation(ServiceMesh, true));
        assert_eq!(dependency.shown().source, Manual);
        assert!(dependency.is_stale());
        assert_eq!(dependency.observations().len(), 3);
    }

    #[test]
    fn a_source_observes_once() {
        let twice = vec![observation(DiscoverySource::Manual, false); 2];
        assert_eq!(Dependency::from_observations(twice), None);
        assert_eq!(Dependency::from_observations(Vec::new()), None);
    }

    #[test]
    fn confidence_follows_the_formula() {
        let cases = [
            (DiscoverySource::Manual, 1, 1.0),
            (DiscoverySource::ServiceMesh, 1, 0.95 + 0.02 * 2f64.ln()),
            (DiscoverySource::OtelServiceGraph, 9, 0.85 + 0.02 * 10f64.ln()),
            (DiscoverySource::Kubernetes, 147, 0.75 + 0.02 * 148f64.ln()),
            (DiscoverySource::Kubernetes, 148, 0.85),
            (DiscoverySource::ServiceMesh, u32::MAX, 1.0),
        ];
        for (source, times, expected) in cases {
            assert!((confidence(source, times) - expected).abs() < 1e-12, "{source:?} {times}");
        }
    }
}
