//! Other names of services, learnt from series that carry both: a Kubernetes Service's of the workload behind it.
//!
//! Not an alias table of the operator's: [`crate::sources::Naming`] applies that later.
//!
//! - Learnt from all series before any is read, so that their order does not matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::Name;

/// Which services an other name was seen to stand for.
#[derive(Debug, Default)]
pub(super) struct OtherNames(BTreeMap<Name, BTreeSet<Name>>);

impl OtherNames {
    /// That a name stands for this service, among others perhaps.
    pub(super) fn learn(&mut self, other: Name, service: Name) {
        self.0.entry(other).or_default().insert(service);
    }

    /// The service, where it stands for just one.
    pub(super) fn only(&self, other: &Name) -> Option<&Name> {
        self.0.get(other).filter(|services| services.len() == 1)?.first()
    }

    /// Whether it stands for more than one.
    pub(super) fn is_shared(&self, other: &Name) -> bool {
        self.0.get(other).is_some_and(|services| services.len() > 1)
    }

    /// That service where it stands for it among others, else the first.
    pub(super) fn rather(&self, other: &Name, wanted: &Name) -> Option<&Name> {
        let services = self.0.get(other)?;
        services.get(wanted).or_else(|| services.first())
    }
}
