//! The closed vocabularies of the API: lowercase `snake_case` on the wire and in the log.

/// Declares an enum with its wire names, in the order in which they are ranked.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// Every wire name, in order.
            pub const NAMES: &'static [&'static str] = &[$($text,)+];

            /// The wire name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of a wire name; `None` for any other text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }

            /// The value at a position of [`Self::ALL`], as the log stores it.
            pub fn from_index(index: u8) -> Option<Self> {
                Self::ALL.get(usize::from(index)).copied()
            }
        }
    };
}

vocabulary! {
    /// How much a service matters, the most first.
    Criticality {
        /// The business stops without it.
        Critical = "critical",
        /// Customers notice at once.
        High = "high",
        /// The default.
        Medium = "medium",
        /// Nobody is called at night.
        Low = "low",
    }
}

vocabulary! {
    /// Whether the organisation runs the service itself.
    ServiceType {
        /// Run by the organisation; the default.
        Internal = "internal",
        /// Run by somebody else.
        External = "external",
    }
}

vocabulary! {
    /// How a caller talks to what it depends on. `sync` ranks before `async`.
    CommunicationMode {
        /// The caller waits for the answer.
        Sync = "sync",
        /// The caller goes on.
        Async = "async",
    }
}

vocabulary! {
    /// What the loss of a dependency does to the caller, the worst first.
    DependencyCriticality {
        /// The caller fails too; the default.
        Hard = "hard",
        /// The caller works, but worse.
        Degraded = "degraded",
        /// The caller hardly notices.
        Soft = "soft",
    }
}

vocabulary! {
    /// Where an observation comes from, the highest priority first.
    DiscoverySource {
        /// Somebody wrote it down.
        Manual = "manual",
        /// Service mesh telemetry.
        ServiceMesh = "service_mesh",
        /// OpenTelemetry service graph metrics.
        OtelServiceGraph = "otel_service_graph",
        /// Kubernetes objects.
        Kubernetes = "kubernetes",
    }
}

vocabulary! {
    /// How a caller spaces its retries.
    BackoffStrategy {
        /// Each wait a multiple of the one before.
        Exponential = "exponential",
        /// Each wait longer by the same amount.
        Linear = "linear",
        /// All waits alike.
        Constant = "constant",
    }
}

vocabulary! {
    /// How far somebody has come with a circular dependency.
    AlertStatus {
        /// Nobody has looked at it.
        Open = "open",
        /// Somebody looks after it.
        Acknowledged = "acknowledged",
        /// It was dealt with.
        Resolved = "resolved",
    }
}

vocabulary! {
    /// What somebody did, as the audit log names it.
    AuditAction {
        /// A source reported services and dependencies.
        Ingested = "ingested",
        /// A source reported all that it knows.
        Replaced = "replaced",
        /// A service was written down, or its manual metadata replaced.
        ServiceRegistered = "service_registered",
        /// A service was removed.
        ServiceRemoved = "service_removed",
        /// Observations of dependencies were taken back.
        DependencyWithdrawn = "dependency_withdrawn",
        /// The SLO target of a service was set or taken away.
        SloTargetSet = "slo_target_set",
        /// Staleness was judged.
        StalenessSwept = "staleness_swept",
        /// Somebody looks after a circular dependency.
        AlertAcknowledged = "alert_acknowledged",
        /// A circular dependency was dealt with.
        AlertResolved = "alert_resolved",
    }
}

vocabulary! {
    /// Which way a traversal goes.
    Direction {
        /// Against the calls: who needs the service.
        Upstream = "upstream",
        /// With the calls: what the service needs.
        Downstream = "downstream",
        /// The union of the two.
        Both = "both",
    }
}

vocabulary! {
    /// What a key may do, the least first; each may do what those before it may.
    Role {
        /// Reads, SLO impact analysis among them.
        Reader = "reader",
        /// Reports, and changes of services, SLOs and alerts.
        Writer = "writer",
        /// Everything.
        Admin = "admin",
    }
}

vocabulary! {
    /// The kinds of requests that are limited apart from each other.
    LimitClass {
        /// Reports and imports.
        Ingestion = "ingestion",
        /// Reads of the graph.
        Query = "query",
        /// Everything else that is limited.
        Default = "default",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_indexes_round_trip() {
        for (index, source) in DiscoverySource::ALL.iter().enumerate() {
            assert_eq!(DiscoverySource::parse(source.as_str()), Some(*source));
            assert_eq!(DiscoverySource::from_index(index as u8), Some(*source));
        }
        assert_eq!(DiscoverySource::parse("Manual"), None);
        assert_eq!(DiscoverySource::from_index(4), None);
    }

    #[test]
    fn order_is_priority() {
        assert!(DiscoverySource::Manual < DiscoverySource::ServiceMesh);
        assert!(CommunicationMode::Sync < CommunicationMode::Async);
        assert!(DependencyCriticality::Hard < DependencyCriticality::Soft);
    }
}
