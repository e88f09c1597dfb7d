//! The vocabulary: what a service, a dependency, an observation and a command are.
//!
//! Values here are parsed once, at the edge, and then trusted. What they are not: wire or disk
//! shapes. `http` and `wal` have mirror types of their own and convert by hand, so that neither
//! contract moves when a domain type does.
//!
//! - No I/O, no clock, no randomness: ids and timestamps arrive in the [`Command`].
//! - A value that exists is valid: fields that could break a rule are private.

mod command;
mod dependency;
mod enums;
mod ids;
mod key;
mod metadata;
mod outcome;
mod service;
mod timestamp;

pub use command::{
    Change, Command, EdgeReport, Hash, Mode, NodeReport, Once, Received, Sweep, Upsert, Withdrawal,
};
pub use dependency::{Attributes, Dependency, Observation, Protocol, RetryConfig, confidence};
pub use enums::{
    AlertStatus, AuditAction, BackoffStrategy, CommunicationMode, Criticality, DependencyCriticality,
    Direction, DiscoverySource, LimitClass, Role, ServiceType,
};
pub use ids::{InvalidServiceId, ServiceId};
pub use key::NewKey;
pub use metadata::{InvalidMetadata, Metadata, MetadataFacts};
pub use outcome::{Conflict, CycleFound, Outcome, Remembered, Swept, Upserted};
pub use service::{Service, ServiceReport};
pub use timestamp::{InvalidTimestamp, Timestamp};
