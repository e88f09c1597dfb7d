//! A service as a row.
//!
//! - The derived columns are for readers: they have to say what follows from what the sources say, so that nobody
//!   edits one of them and takes it for done.

use std::io::{self, Write};

use uuid::Uuid;

use super::cells::Cell;
use super::table::{Field, Invalid, Row, Writer, flag, quoted};
use crate::graph::{Graph, Node};
use crate::types::{DiscoverySource, Metadata, Service, ServiceId, ServiceReport, Timestamp};

pub(super) const COLUMNS: [&str; 13] = [
    "service_id",
    "id",
    "team",
    "criticality",
    "service_type",
    "discovered",
    "availability_target",
    "created_at",
    "updated_at",
    "metadata_manual",
    "metadata_service_mesh",
    "metadata_otel_service_graph",
    "metadata_kubernetes",
];

/// A service that was read.
pub struct ServiceRow {
    /// The service, without its SLO target.
    pub service: Service,
    /// That, in percent.
    pub availability_target: Option<f64>,
}

/// Writes all services in order of index.
pub(super) fn write<W: Write>(
    graph: &Graph,
    out: &mut Writer<W>,
    mut written: impl FnMut(),
) -> io::Result<()> {
    for service in (0..graph.node_count()).filter_map(|index| graph.get(index)).map(Node::service) {
        let said = |source: DiscoverySource| {
            let report = service.reports().iter().find(|report| report.source == source);
            report.map_or(Cell::None, |report| Cell::Json(report.metadata.json().into()))
        };
        let [manual, mesh, otel, kubernetes] = SOURCES.map(said);
        out.row(&[
            Cell::Text(service.service_id().as_str()),
            Cell::Id(service.id()),
            Cell::text(service.team()),
            Cell::Text(service.criticality().as_str()),
            Cell::Text(service.service_type().as_str()),
            Cell::Flag(service.is_discovered()),
            service.availability_target().map_or(Cell::None, Cell::Percent),
            Cell::Instant(service.created_at()),
            Cell::Instant(service.updated_at()),
            manual,
            mesh,
            otel,
            kubernetes,
        ])?;
        written();
    }
    Ok(())
}

/// In the order of their columns, which is that of their priority.
const SOURCES: [DiscoverySource; 4] = [
    DiscoverySource::Manual,
    DiscoverySource::ServiceMesh,
    DiscoverySource::OtelServiceGraph,
    DiscoverySource::Kubernetes,
];

impl ServiceRow {
    pub(super) fn read(row: &Row) -> Result<Self, Invalid> {
        let fields: [Field<'_>; COLUMNS.len()] = row.fields();
        let [
            service_id,
            id,
            team,
            criticality,
            service_type,
            discovered,
            target,
            created,
            updated,
            said @ ..,
        ] = fields;
        let mut reports = Vec::new();
        for (source, said) in SOURCES.into_iter().zip(said) {
            let metadata = said.optional(Metadata::from_json)?;
            reports.extend(metadata.map(|metadata| ServiceReport { source, metadata }));
        }
        let service = Service::from_reports(
            service_id.parse(ServiceId::parse)?,
            id.parse(Uuid::try_parse)?,
            created.parse(Timestamp::parse)?,
            updated.parse(Timestamp::parse)?,
            reports,
        );
        follows(team, service.team())?;
        follows(criticality, Some(service.criticality().as_str()))?;
        follows(service_type, Some(service.service_type().as_str()))?;
        if discovered.parse(flag)? != service.is_discovered() {
            return Err("discovered: it is true where no source says anything of the service".to_owned());
        }
        Ok(Self { service, availability_target: target.optional(percent)? })
    }
}

/// Whether a derived column says what the sources do.
fn follows(field: Field<'_>, derived: Option<&str>) -> Result<(), Invalid> {
    if field.text == derived {
        return Ok(());
    }
    let column = field.column;
    let derived = derived.map_or("nothing".to_owned(), quoted);
    Err(format!("{column}: the sources say {derived}; change what a source says, in its metadata_… column"))
}

fn percent(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent),
        Ok(_) | Err(_) => Err("an SLO target is above 0 and at most 100"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_its_column() {
        assert_eq!(SOURCES, DiscoverySource::ALL);
        for (source, column) in SOURCES.iter().zip(&COLUMNS[9..]) {
            assert_eq!(format!("metadata_{}", source.as_str()), *column);
        }
    }

    #[test]
    fn a_target_is_a_percentage() {
        for (text, expected) in [
            ("99.95", Some(99.95)),
            ("100", Some(100.0)),
            ("1e-3", Some(0.001)),
            ("0", None),
            ("100.1", None),
            ("NaN", None),
            ("inf", None),
            ("99,9", None),
        ] {
            assert_eq!(percent(text).ok(), expected, "{text}");
        }
    }
}
