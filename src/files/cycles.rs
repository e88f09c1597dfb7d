//! A circular dependency with its alert as a row.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

use uuid::Uuid;

use super::cells::Cell;
use super::table::{Field, Invalid, Row, Writer, flag};
use crate::graph::{Alert, Graph, Standing};
use crate::json;
use crate::limits;
use crate::types::{AlertStatus, ServiceId, Timestamp};

pub(super) const COLUMNS: [&str; 8] =
    ["alert_id", "status", "active", "detected_at", "acknowledged_by", "resolution_notes", "members", "path"];

/// An alert that was read.
pub struct CycleRow {
    /// The alert; where it is active, its component's key is not known.
    pub alert: Alert,
    /// The services of the cycle, in bytewise order.
    pub members: Vec<ServiceId>,
    /// A shortest way around.
    pub path: Vec<ServiceId>,
}

/// Writes the alerts of components, in their order of appearance, and then those whose component is gone, by id.
pub(super) fn write<W: Write>(
    graph: &Graph,
    out: &mut Writer<W>,
    mut written: impl FnMut(),
) -> io::Result<()> {
    for (_, component) in graph.cycles().components() {
        let alert = graph.cycles().alert(component.alert_id).expect("every component has an alert");
        let names = |nodes: &[u32]| nodes.iter().map(|node| graph.name(*node)).collect::<Vec<_>>();
        let mut members = names(&component.members);
        members.sort_unstable();
        out.row(&cells(alert, &members, &names(&component.path)))?;
        written();
    }
    for alert in graph.cycles().alerts() {
        if let Standing::Gone { members, path } = &alert.standing {
            let [members, path] = [members, path].map(|ids| ids.iter().collect::<Vec<_>>());
            out.row(&cells(alert, &members, &path))?;
            written();
        }
    }
    Ok(())
}

fn cells<'g>(alert: &'g Alert, members: &[&ServiceId], path: &[&ServiceId]) -> [Cell<'g>; COLUMNS.len()] {
    [
        Cell::Id(alert.id),
        Cell::Text(alert.status.as_str()),
        Cell::Flag(alert.is_active()),
        Cell::Instant(alert.detected_at),
        Cell::text(alert.acknowledged_by.as_deref()),
        Cell::text(alert.resolution_notes.as_deref()),
        Cell::Json(list(members)),
        Cell::Json(list(path)),
    ]
}

fn list(ids: &[&ServiceId]) -> Cow<'static, str> {
    let mut out = vec![b'['];
    for (place, id) in ids.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        json::push_string(&mut out, id.as_str());
    }
    out.push(b']');
    String::from_utf8(out).expect("JSON of texts is a text").into()
}

impl CycleRow {
    pub(super) fn read(row: &Row) -> Result<Self, Invalid> {
        let fields: [Field<'_>; COLUMNS.len()] = row.fields();
        let [id, status, active, detected_at, acknowledged_by, resolution_notes, members, path] = fields;
        let (members, path) = (members.parse(ids)?, path.parse(ids)?);
        let gone = || Standing::Gone { members: members.clone().into(), path: path.clone().into() };
        let alert = Alert {
            id: id.parse(Uuid::try_parse)?,
            detected_at: detected_at.parse(Timestamp::parse)?,
            status: status.word(AlertStatus::NAMES, AlertStatus::parse)?,
            acknowledged_by: acknowledged_by.optional(said)?,
            resolution_notes: resolution_notes.optional(said)?,
            standing: gone(),
        };
        if let Some(fault) = alert.fault() {
            return Err(fault.to_owned());
        }
        let standing = if active.parse(flag)? { Standing::Component(0) } else { alert.standing };
        Ok(Self { alert: Alert { standing, ..alert }, members, path })
    }
}

fn ids(text: &str) -> Result<Vec<ServiceId>, Invalid> {
    let texts: Vec<Cow<'_, str>> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    texts.iter().map(|text| ServiceId::parse(text).map_err(|error| error.to_string())).collect()
}

fn said(text: &str) -> Result<Arc<str>, Invalid> {
    if text.len() <= limits::ALERT_TEXT_BYTES_MAX {
        Ok(text.into())
    } else {
        Err(format!("a text has at most {} bytes", limits::ALERT_TEXT_BYTES_MAX))
    }
}
