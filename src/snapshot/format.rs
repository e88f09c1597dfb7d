//! The archives inside the blocks: mirror types, and the only code that knows rkyv.
//!
//! - Little endian, aligned, 32-bit relative pointers, whatever the machine. No maps, no shared
//!   pointers. Fields are ordered so that no record has padding.
//! - Reading is checked access, never anything else; what a value means is judged elsewhere.
//! - A changed record is another format version. Version 2 had no state blocks and is otherwise the same.

use std::ops::{Deref, DerefMut};

use rkyv::rancor::Error;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Serialize};

/// Services in order of index.
#[derive(Default, Archive, Serialize)]
pub(super) struct ServicesBlock {
    pub(super) services: Vec<ServiceRecord>,
}

/// One service.
#[derive(Archive, Serialize)]
pub(super) struct ServiceRecord {
    pub(super) id: [u8; 16],
    /// Microseconds since 1970, as all instants.
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) service_id: String,
    /// In order of priority, each source once.
    pub(super) reports: Vec<ReportRecord>,
}

/// What a source says about a service.
#[derive(Archive, Serialize)]
pub(super) struct ReportRecord {
    pub(super) metadata: String,
    /// A position in `DiscoverySource::ALL`, four bytes for the alignment's sake.
    pub(super) source: u32,
}

/// Observations in order of source, target and discovery source; those of a dependency stay together.
#[derive(Default, Archive, Serialize)]
pub(super) struct ObservationsBlock {
    /// What `protocol` refers to.
    pub(super) protocols: Vec<String>,
    pub(super) observations: Vec<ObservationRecord>,
}

/// One observation in 40 bytes. Enums are positions in their `ALL`; [`NONE`] stands for none.
#[derive(Archive, Serialize)]
pub(super) struct ObservationRecord {
    pub(super) last_observed_at: i64,
    /// 0 unless the flag [`STALE`] is set.
    pub(super) stale_since: i64,
    pub(super) source: u32,
    pub(super) target: u32,
    pub(super) times_observed: u32,
    /// 0 for none.
    pub(super) timeout_ms: u32,
    /// A place in `protocols`, [`NO_PROTOCOL`] for none.
    pub(super) protocol: u16,
    pub(super) discovery_source: u8,
    pub(super) communication_mode: u8,
    pub(super) criticality: u8,
    /// [`STALE`] and [`RETRY`].
    pub(super) flags: u8,
    pub(super) max_retries: u8,
    pub(super) backoff_strategy: u8,
}

/// No retries or no strategy given.
pub(super) const NONE: u8 = u8::MAX;
/// No protocol given.
pub(super) const NO_PROTOCOL: u16 = u16::MAX;
/// The observation is stale.
pub(super) const STALE: u8 = 1;
/// There is a retry configuration.
pub(super) const RETRY: u8 = 2;

/// Components in order of appearance.
#[derive(Default, Archive, Serialize)]
pub(super) struct CyclesBlock {
    pub(super) pieces: Vec<PieceRecord>,
}

/// A component, or a piece of one that is too large for a block.
#[derive(Archive, Serialize)]
pub(super) struct PieceRecord {
    pub(super) alert_id: [u8; 16],
    /// Indexes of services, ascending.
    pub(super) members: Vec<u32>,
    /// 1 when the next piece goes on with the same component, else 0.
    pub(super) goes_on: u32,
}

/// Records of the graph's state.
#[derive(Default, Archive, Serialize)]
pub(super) struct StateBlock {
    pub(super) pieces: Vec<PieceOfState>,
}

/// A record, or a piece of one that is too large for a block.
#[derive(Archive, Serialize)]
pub(super) struct PieceOfState {
    pub(super) bytes: Vec<u8>,
    /// 1 when the next piece goes on with the same record, else 0.
    pub(super) goes_on: u32,
}

/// The bytes are no archive of the kind, with what checked access says of them.
#[derive(Debug)]
pub(super) struct Malformed(pub(super) String);

/// Bytes where an archive may lie.
#[derive(Default)]
pub(super) struct Aligned(AlignedVec<16>);

impl Aligned {
    /// So many zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let mut bytes = AlignedVec::with_capacity(len);
        bytes.resize(len, 0);
        Self(bytes)
    }
}

impl Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

macro_rules! kinds {
    ($($block:ident as $archived:ident, $read:ident;)+) => { $(
        impl $block {
            /// The block as an archive.
            pub(super) fn to_archive(&self) -> Aligned {
                let archive = rkyv::to_bytes::<Error>(self);
                Aligned(archive.expect("memory is the only thing that archiving needs"))
            }
        }

        /// The archive as a block of this kind. It begins at a multiple of 16.
        pub(super) fn $read(archive: &[u8]) -> Result<&$archived, Malformed> {
            rkyv::access::<$archived, Error>(archive).map_err(|error| malformed(&error))
        }
    )+ };
}

kinds! {
    ServicesBlock as ArchivedServicesBlock, services;
    ObservationsBlock as ArchivedObservationsBlock, observations;
    CyclesBlock as ArchivedCyclesBlock, cycles;
    StateBlock as ArchivedStateBlock, state;
}

fn malformed(error: &Error) -> Malformed {
    Malformed(error.to_string().lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_documented_sizes_and_no_padding() {
        assert_eq!(size_of::<ArchivedObservationRecord>(), 40);
        assert_eq!(size_of::<ArchivedServiceRecord>(), 16 + 8 + 8 + 8 + 8);
        assert_eq!(size_of::<ArchivedReportRecord>(), 8 + 4);
        assert_eq!(size_of::<ArchivedPieceRecord>(), 16 + 8 + 4);
        assert_eq!(size_of::<ArchivedPieceOfState>(), 8 + 4);
    }
}
