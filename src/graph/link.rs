//! One end of a dependency as a traversal sees it: the other service, and what filters ask about.
//!
//! A [`Link`] is derived from a [`Dependency`] and stands on both sides, so that following callers
//! never has to look at the caller's own row. 8 bytes: a node's links are a few cache lines.

use std::sync::LazyLock;

use crate::types::{
    CommunicationMode, Dependency, DependencyCriticality, DiscoverySource, Observation, confidence,
};

/// A dependency seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The node index of the other end.
    pub node: u32,
    /// What filters ask about.
    pub traits: Traits,
}

/// The merged view of a dependency in 32 bits:
///
/// | bits | what |
/// | --- | --- |
/// | 0 | every observation is stale |
/// | 1 | `sync` |
/// | 2–3 | criticality |
/// | 4–5 | the source of the shown observation |
/// | 8–11 | which sources have an observation, bit 8 the first |
/// | 16–23 | times observed of the shown observation, at most 148, where confidence stops growing |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits(u32);

/// `0.02·ln(n + 1)` reaches its ceiling of 0.1 here.
const TIMES_OBSERVED_MAX: u32 = 148;

type PerTimes<T> = [T; TIMES_OBSERVED_MAX as usize + 1];

static CONFIDENCES: LazyLock<Vec<PerTimes<f64>>> = LazyLock::new(|| {
    let per_source =
        |source: &DiscoverySource| std::array::from_fn(|times| confidence(*source, times as u32));
    DiscoverySource::ALL.iter().map(per_source).collect()
});

static CONFIDENCE_TEXTS: LazyLock<Vec<PerTimes<Box<str>>>> = LazyLock::new(|| {
    let text = |confidence: &f64| serde_json::to_string(confidence).expect("a finite number").into();
    CONFIDENCES.iter().map(|row| std::array::from_fn(|times| text(&row[times]))).collect()
});

impl Traits {
    /// The merged view of a dependency.
    pub fn of(dependency: &Dependency) -> Self {
        let shown = dependency.shown();
        let sources = dependency.observations().iter().map(|each| 1 << (8 + each.source as u32));
        Self(
            u32::from(shown.is_stale())
                | u32::from(shown.attributes.communication_mode == CommunicationMode::Sync) << 1
                | (shown.attributes.criticality as u32) << 2
                | (shown.source as u32) << 4
                | sources.sum::<u32>()
                | capped_times(shown) << 16,
        )
    }

    /// Whether every observation is stale.
    #[inline]
    pub fn is_stale(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether the caller waits and fails with what it calls.
    #[inline]
    pub fn is_strong(self) -> bool {
        self.0 & 0b1110 == 0b10 | (DependencyCriticality::Hard as u32) << 2
    }

    /// Whether the caller waits for the answer.
    #[inline]
    pub fn is_sync(self) -> bool {
        self.0 & 0b10 != 0
    }

    /// Whether the caller fails with what it calls, waiting for it or not.
    #[inline]
    pub fn is_hard(self) -> bool {
        self.0 & 0b1100 == (DependencyCriticality::Hard as u32) << 2
    }

    /// A position in [`DiscoverySource::ALL`]: where the shown observation comes from.
    fn shown_source(self) -> usize {
        (self.0 >> 4 & 0b11) as usize
    }

    /// Which sources have an observation: bit `n` stands for `DiscoverySource::ALL[n]`.
    pub fn source_mask(self) -> u8 {
        (self.0 >> 8 & 0b1111) as u8
    }

    /// Whether a source has an observation of it.
    pub fn is_observed_by(self, source: DiscoverySource) -> bool {
        self.source_mask() >> source as u8 & 1 == 1
    }

    fn times(self) -> usize {
        (self.0 >> 16 & 0xff) as usize
    }

    /// The confidence in the shown observation, a ratio.
    #[inline]
    pub fn confidence(self) -> f64 {
        CONFIDENCES[self.shown_source()][self.times()]
    }

    /// [`Self::confidence`] as a JSON number.
    pub fn confidence_text(self) -> &'static str {
        &CONFIDENCE_TEXTS[self.shown_source()][self.times()]
    }
}

fn capped_times(observation: &Observation) -> u32 {
    observation.times_observed.min(TIMES_OBSERVED_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Attributes, Timestamp};

    fn observation(
        source: DiscoverySource,
        mode: CommunicationMode,
        criticality: DependencyCriticality,
        times: u32,
    ) -> Observation {
        let attributes = Attributes {
            communication_mode: mode,
            criticality,
            protocol: None,
            timeout_ms: None,
            retry_config: None,
        };
        let at = Timestamp::parse("2026-02-14T10:00:00Z").unwrap();
        Observation { times_observed: times, ..Observation::first(source, attributes, at) }
    }

    #[test]
    fn every_merged_view_survives_the_packing() {
        for &source in DiscoverySource::ALL {
            for &mode in CommunicationMode::ALL {
                for &criticality in DependencyCriticality::ALL {
                    for times in [1, 2, 147, 148, 149, u32::MAX] {
                        let traits =
                            Traits::of(&Dependency::of(observation(source, mode, criticality, times)));
                        let strong =
                            mode == CommunicationMode::Sync && criticality == DependencyCriticality::Hard;
                        assert_eq!(traits.is_strong(), strong, "{source:?} {mode:?} {criticality:?}");
                        assert_eq!(traits.is_sync(), mode == CommunicationMode::Sync);
                        assert_eq!(traits.is_hard(), criticality == DependencyCriticality::Hard);
                        assert_eq!(traits.source_mask(), 1 << source as u8);
                        assert!((traits.confidence() - confidence(source, times)).abs() < 1e-12);
                        assert!(!traits.is_stale());
                    }
                }
            }
        }
    }

    #[test]
    fn the_stale_bit_and_the_sources_are_those_of_the_whole() {
        let (sync, hard) = (CommunicationMode::Sync, DependencyCriticality::Hard);
        let mut stale = observation(DiscoverySource::Manual, sync, hard, 1);
        stale.stale_since = Some(stale.last_observed_at);
        let fresh = observation(DiscoverySource::Kubernetes, sync, hard, 1);
        let traits = Traits::of(&Dependency::of(stale.clone()).with(fresh));
        assert!(!traits.is_stale());
        assert_eq!(traits.source_mask(), 0b1001);
        assert!((traits.confidence() - confidence(DiscoverySource::Kubernetes, 1)).abs() < 1e-12);
        assert!(Traits::of(&Dependency::of(stale)).is_stale());
    }
}
