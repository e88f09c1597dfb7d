//! The dependencies that are found, on their way into the answer.
//!
//! - What a workload is told says how it calls, and that it needs to; that it may call says no more than that, and is
//!   `soft`.
//! - Their number is bounded, and the work: what one object says of many multiplies.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::{Cluster, Target};
use crate::limits;
use crate::sources::{Found, Name, Uses, protocols};
use crate::types::{CommunicationMode, DependencyCriticality};

pub(super) struct Edges<'c> {
    pub(super) cluster: &'c Cluster,
    pub(super) found: Found,
    allowed: BTreeMap<(Name, Name), BTreeSet<&'static str>>,
    statements: usize,
}

impl<'c> Edges<'c> {
    pub(super) fn new(cluster: &'c Cluster) -> Self {
        Self { cluster, found: Found::default(), allowed: BTreeMap::new(), statements: 0 }
    }

    /// A workload is told of a target.
    pub(super) fn told(
        &mut self,
        from: &Name,
        target: &Target<'_>,
        protocol: Option<&'static str>,
        evidence: &'static str,
    ) {
        if self.statements >= limits::KUBERNETES_STATEMENTS_MAX {
            return;
        }
        for on in self.cluster.names(target) {
            let does_not_wait = protocol.is_none() && self.cluster.is_broker(&on);
            let uses = if does_not_wait { Uses::asynchronous() } else { protocols::uses(protocol) };
            self.uses(from, &on, uses.because_of(evidence));
        }
    }

    /// A dependency of which it is known how it is used.
    pub(super) fn uses(&mut self, from: &Name, on: &Name, uses: Uses) {
        if self.has_room(from, on) {
            self.found.depends(from, on, uses);
        }
    }

    /// Each may call each; more pairs than [`limits::RULE_PAIRS_MAX`] say nothing of any.
    pub(super) fn allow(&mut self, from: &BTreeSet<Name>, on: &BTreeSet<Name>, evidence: &'static str) {
        if self.are_too_many(from.len(), on.len()) {
            return;
        }
        for (from, on) in from.iter().flat_map(|from| on.iter().map(move |on| (from, on))) {
            if self.has_room(from, on) {
                self.allowed.entry((from.clone(), on.clone())).or_default().insert(evidence);
            }
        }
    }

    /// Whether a rule about so many and so many is none about single workloads; it is counted then.
    pub(super) fn are_too_many(&mut self, from: usize, on: usize) -> bool {
        let are_too_many = from.saturating_mul(on) > limits::RULE_PAIRS_MAX;
        if are_too_many {
            self.found.leave_out("rules about too many pairs of workloads");
        }
        are_too_many
    }

    /// Whether so much was said that the next object does not count; it is counted as left out then.
    pub(super) fn is_spent(&mut self) -> bool {
        let is_spent = self.statements >= limits::KUBERNETES_STATEMENTS_MAX;
        if is_spent {
            self.found.leave_out("objects beyond the most that can be said");
        }
        is_spent
    }

    fn has_room(&mut self, from: &Name, on: &Name) -> bool {
        self.statements += 1;
        if self.statements > limits::KUBERNETES_STATEMENTS_MAX {
            return false;
        }
        if self.found.dependencies().len() + self.allowed.len() < limits::KUBERNETES_DEPENDENCIES_MAX {
            return true;
        }
        let pair = (from.clone(), on.clone());
        let is_known = self.found.dependencies().contains_key(&pair) || self.allowed.contains_key(&pair);
        if !is_known {
            self.found.leave_out("dependencies beyond the most that count");
        }
        is_known
    }

    /// All that was found: what is only allowed adds its evidence, and changes nothing that is known better.
    pub(super) fn finish(mut self) -> Found {
        for ((from, on), evidence) in self.allowed {
            let known = self.found.dependencies().get(&(from.clone(), on.clone()));
            let allowed = || Uses::sync().with_criticality(DependencyCriticality::Soft);
            let mut uses = known.cloned().unwrap_or_else(allowed);
            if known.is_none() && self.cluster.is_broker(&on) {
                uses.mode = CommunicationMode::Async;
            }
            uses.evidence.extend(evidence);
            self.found.depends(&from, &on, uses);
        }
        self.found
    }
}
