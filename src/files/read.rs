//! Tables back into a graph, with every check there is.
//!
//! - Each row is judged by itself, then against those before it, then all together against the dependencies' own
//!   components, and at the end against the manifest. What passes is the graph that was written.
//! - Tables that somebody edited can be read row by row; they make no graph, for ids and times of what is new are
//!   made by a server.

use std::collections::HashSet;
use std::io::{self, BufRead};

use uuid::Uuid;

use super::dependencies::Protocols;
use super::table::{self, Invalid};
use super::{CycleRow, DependencyRow, Form, Manifest, ReadError, ServiceRow, Table};
use crate::graph::{
    Adjacency, Alert, Assembly, Dependencies, Graph, LinkTable, Rest, Roster, Services, strongly_connected,
};
use crate::ledger::{AuditLog, Ledger, Memory};
use crate::limits;
use crate::types::{Dependency, Observation, ServiceId, Timestamp};

/// Reads the rows of `services`. What `each` refuses is refused with its line.
pub fn read_services<R: BufRead>(
    form: Form,
    input: R,
    mut each: impl FnMut(ServiceRow) -> Result<(), String>,
) -> Result<(), ReadError> {
    table::read(Table::Services, form, input, |row| each(ServiceRow::read(row)?))
}

/// Reads the rows of `dependencies`.
pub fn read_dependencies<R: BufRead>(
    form: Form,
    input: R,
    mut each: impl FnMut(DependencyRow<'_>) -> Result<(), String>,
) -> Result<(), ReadError> {
    let mut protocols = Protocols::default();
    table::read(Table::Dependencies, form, input, |row| each(DependencyRow::read(row, &mut protocols)?))
}

/// Reads the rows of `cycles`.
pub fn read_cycles<R: BufRead>(
    form: Form,
    input: R,
    mut each: impl FnMut(CycleRow) -> Result<(), String>,
) -> Result<(), ReadError> {
    table::read(Table::Cycles, form, input, |row| each(CycleRow::read(row)?))
}

/// Reads all tables into the graph that the manifest names.
pub fn read<R: BufRead>(
    manifest: &Manifest,
    mut open: impl FnMut(Table) -> io::Result<R>,
) -> Result<Graph, ReadError> {
    let form = manifest.form;
    let mut open =
        |table: Table| open(table).map_err(|source| ReadError::Io { file: table.file(form), source });
    let mut assembly = Assembly::default();
    let roster = services(form, open(Table::Services)?, &mut assembly)?;
    let links = dependencies(form, open(Table::Dependencies)?, &roster, &mut assembly)?;
    let cycles = cycles(form, open(Table::Cycles)?, &roster, &links)?;
    let Cycles { components, alerts, paths } = cycles;
    let rest = Rest {
        version: manifest.version,
        components,
        // Every component's alert is among those below.
        detected_at: Timestamp::from_microseconds(0).expect("1970 is in range"),
        alerts,
        ledger: Ledger::from_parts(AuditLog::default(), Memory::default(), manifest.swept_at),
    };
    let graph = assembly.finish(&roster, &links, rest);
    for ((_, component), path) in graph.cycles().components().zip(paths) {
        if !component.path.iter().map(|node| graph.name(*node)).eq(&path) {
            let what = format!("cycles: the path of alert {} is not its shortest one", component.alert_id);
            return Err(ReadError::Content(what));
        }
    }
    held_against(manifest, &graph)?;
    Ok(graph)
}

/// Whether the graph is the one that was written.
fn held_against(manifest: &Manifest, graph: &Graph) -> Result<(), ReadError> {
    let found = Manifest::of(graph, manifest.form, manifest.directory_created_at);
    for (what, found, expected) in [
        ("services", found.services, manifest.services),
        ("dependencies", found.dependencies, manifest.dependencies),
        ("observations", found.observations, manifest.observations),
        ("cycles", found.cycles, manifest.cycles),
    ] {
        if found != expected {
            return Err(ReadError::Content(format!("{found} {what}, the manifest says {expected}")));
        }
    }
    if found.digest == manifest.digest {
        Ok(())
    } else {
        let what = format!("the digest is {}, the manifest says {}", found.digest, manifest.digest);
        Err(ReadError::Content(what))
    }
}

fn services<R: BufRead>(form: Form, input: R, assembly: &mut Assembly) -> Result<Roster, ReadError> {
    let (mut services, mut targets, mut count) = (Services::default(), Vec::new(), 0u32);
    read_services(form, input, |row| {
        if count == limits::GRAPH_SERVICES_MAX {
            return Err(format!("a graph holds at most {count} services"));
        }
        targets.extend(row.availability_target.map(|percent| (count, percent)));
        services.push(row.service);
        count += 1;
        Ok(())
    })?;
    let roster = Roster::new(services.ids().cloned().collect());
    let roster = roster.map_err(|repeated| ReadError::Content(format!("services: {repeated}")))?;
    assembly.services(services);
    for (index, percent) in targets {
        assembly.availability_target(index, percent);
    }
    Ok(roster)
}

/// Dependencies that are handed on together.
const PART_DEPENDENCIES: usize = 8_192;

/// Dependencies on their way into an assembly.
struct Gathering<'a> {
    roster: &'a Roster,
    assembly: &'a mut Assembly,
    links: LinkTable,
    part: Dependencies,
    /// Dependencies in the part, and in all.
    gathered: usize,
    count: u64,
    /// The pair whose observations come, and those that came.
    pair: Option<(u32, u32)>,
    observations: Vec<Observation>,
}

fn dependencies<R: BufRead>(
    form: Form,
    input: R,
    roster: &Roster,
    assembly: &mut Assembly,
) -> Result<LinkTable, ReadError> {
    let mut gathering = Gathering {
        roster,
        assembly,
        links: LinkTable::default(),
        part: Dependencies::default(),
        gathered: 0,
        count: 0,
        pair: None,
        observations: Vec::new(),
    };
    read_dependencies(form, input, |row| gathering.take(row))?;
    gathering.end_pair();
    gathering.end_part();
    gathering.links.pad(roster.count());
    Ok(gathering.links)
}

impl Gathering<'_> {
    fn take(&mut self, row: DependencyRow<'_>) -> Result<(), Invalid> {
        let find =
            |text: &str| self.roster.find(text).ok_or_else(|| format!("no service has the id {text:?}"));
        let pair = (find(row.source)?, find(row.target)?);
        if pair.0 == pair.1 {
            return Err(format!("{:?} depends on itself", row.source));
        }
        let last = self.pair.zip(self.observations.last().map(|last| last.source));
        if last.is_some_and(|last| last >= (pair, row.observation.source)) {
            return Err(
                "rows are in order of the services and of the sources' priority, each once".to_owned()
            );
        }
        if self.pair != Some(pair) {
            if self.count == limits::GRAPH_DEPENDENCIES_MAX {
                return Err(format!("a graph holds at most {} dependencies", self.count));
            }
            self.end_pair();
            self.pair = Some(pair);
            self.count += 1;
        }
        self.observations.push(row.observation);
        Ok(())
    }

    fn end_pair(&mut self) {
        let Some(pair) = self.pair else { return };
        let observations = std::mem::take(&mut self.observations);
        let dependency = Dependency::from_observations(observations);
        let dependency = dependency.expect("there is one for each pair, and each source came once");
        self.part.push(self.roster, pair, dependency);
        self.gathered += 1;
        if self.gathered == PART_DEPENDENCIES {
            self.end_part();
        }
    }

    fn end_part(&mut self) {
        let part = std::mem::take(&mut self.part);
        for (source, link) in part.links() {
            assert!(self.links.push(source, link), "pairs came in order, each once");
        }
        self.assembly.dependencies(part);
        self.gathered = 0;
    }
}

/// What the table of cycles says, held against the dependencies.
#[derive(Default)]
struct Cycles {
    /// Alert and members, in order of appearance.
    components: Vec<(Uuid, Vec<u32>)>,
    alerts: Vec<Alert>,
    /// The paths of the components.
    paths: Vec<Vec<ServiceId>>,
}

fn cycles<R: BufRead>(form: Form, input: R, roster: &Roster, links: &LinkTable) -> Result<Cycles, ReadError> {
    let (mut cycles, mut known) = (Cycles::default(), HashSet::new());
    read_cycles(form, input, |row| {
        if !known.insert(row.alert.id) {
            return Err("two rows have this alert_id".to_owned());
        }
        if row.alert.is_active() {
            let find = |id: &ServiceId| {
                roster.find(id.as_str()).ok_or_else(|| format!("members: no service has the id {id:?}"))
            };
            let mut members = row.members.iter().map(find).collect::<Result<Vec<u32>, _>>()?;
            members.sort_unstable();
            cycles.components.push((row.alert.id, members));
            cycles.paths.push(row.path);
        }
        cycles.alerts.push(row.alert);
        Ok(())
    })?;
    let mut stored: Vec<&[u32]> = cycles.components.iter().map(|(_, members)| members.as_slice()).collect();
    stored.sort_unstable();
    if stored != strongly_connected(links, 0..links.node_count(), |_| true) {
        let what = "the active cycles are not those that the dependencies make";
        return Err(ReadError::Content(what.to_owned()));
    }
    Ok(cycles)
}
