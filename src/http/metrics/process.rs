//! The process and its allocator.

use prometheus::process_collector::ProcessCollector;
use prometheus::{IntGauge, Registry};
use tikv_jemalloc_ctl::{epoch, stats};

use super::families::{gauge, set};

/// Figures that the system and jemalloc have.
pub(super) struct Process {
    allocated: IntGauge,
    active: IntGauge,
    resident: IntGauge,
    mapped: IntGauge,
}

impl Process {
    pub(super) fn new(to: &Registry) -> Self {
        to.register(Box::new(ProcessCollector::for_self())).expect("each family is registered once");
        Self {
            allocated: gauge(to, "jemalloc_allocated_bytes", "Bytes that the program asked for and has."),
            active: gauge(to, "jemalloc_active_bytes", "Bytes in pages that hold something."),
            resident: gauge(to, "jemalloc_resident_bytes", "Bytes in physical memory that jemalloc holds."),
            mapped: gauge(to, "jemalloc_mapped_bytes", "Bytes of address space that jemalloc holds."),
        }
    }

    /// Looks. What jemalloc does not tell stays as it was.
    pub(super) fn look(&self) {
        if epoch::advance().is_err() {
            return;
        }
        let figures = [
            (&self.allocated, stats::allocated::read()),
            (&self.active, stats::active::read()),
            (&self.resident, stats::resident::read()),
            (&self.mapped, stats::mapped::read()),
        ];
        for (gauge, figure) in figures {
            if let Ok(bytes) = figure {
                set(gauge, bytes as u64);
            }
        }
    }
}
