//! Tables: dependencies, or services with what is said of them.
//!
//! Not a spreadsheet: every cell is the text it is.
//!
//! - The header says what a table is: two ends (`source,target` and their like) or `service_id`.
//! - Cells are quoted as in RFC 4180, and separated by commas, semicolons or tabs, as the header is; those of a file
//!   whose name ends in `.tsv` by tabs, whatever its header.
//! - A row that is not understood costs itself, and is noted with its line.

use csv::{ReaderBuilder, StringRecord, Trim};
use serde_json::Value;

use super::in_order;
use crate::limits;
use crate::sources::{Document, Found, Name, Uses};
use crate::types::{CommunicationMode, Criticality, DependencyCriticality};

/// What the two ends are called in a header.
const ENDS: [(&str, &str); 6] = [
    ("source", "target"),
    ("from", "to"),
    ("caller", "callee"),
    ("client", "server"),
    ("source", "destination"),
    ("service", "depends_on"),
];
/// What a service is called in a header.
const IDS: [&str; 5] = ["service_id", "service", "service_name", "name", "id"];

/// Columns of a table; one with more is refused.
const COLUMNS_MAX: usize = 256;

/// What the tables say. O(bytes · log bytes).
pub fn parse(documents: &[Document<'_>]) -> Found {
    let mut found = Found::default();
    for document in in_order(documents) {
        read(document, &mut found);
    }
    found
}

/// Whether a line can be the header of a table.
pub(super) fn is_header(line: &str) -> bool {
    let mut reader = reader("", line.trim_start_matches('\u{feff}'));
    let columns = columns(reader.headers().unwrap_or(&StringRecord::new()));
    match Shape::of(&columns) {
        Some(Shape::Dependencies { .. }) => true,
        Some(Shape::Services { .. }) => columns.len() > 1,
        None => false,
    }
}

fn reader<'t>(path: &str, text: &'t str) -> csv::Reader<&'t [u8]> {
    let header = text.lines().next().unwrap_or_default();
    let often = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    // Of equally many, the last one.
    let delimiter = [b'\t', b';', b','].into_iter().max_by_key(often).unwrap_or(b',');
    let is_tsv = path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("tsv"));
    let delimiter = if is_tsv { b'\t' } else { delimiter };
    ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(Trim::All).from_reader(text.as_bytes())
}

fn columns(header: &StringRecord) -> Vec<String> {
    header.iter().map(|column| column.to_lowercase().replace([' ', '-'], "_")).collect()
}

/// What a table is of, and where what makes it so stands.
#[derive(Clone, Copy)]
enum Shape {
    Dependencies { from: usize, on: usize },
    Services { id: usize },
}

impl Shape {
    fn of(columns: &[String]) -> Option<Self> {
        let place = |name: &str| columns.iter().position(|column| column == name);
        let ends = ENDS
            .iter()
            .find_map(|(from, on)| Some(Self::Dependencies { from: place(from)?, on: place(on)? }));
        ends.or_else(|| IDS.iter().find_map(|id| place(id)).map(|id| Self::Services { id }))
    }
}

/// A header, looked through once.
struct Header {
    columns: Vec<String>,
    shape: Shape,
    /// Where the columns that we know stand.
    places: [Option<usize>; KNOWN.len()],
}

/// The columns that mean the same in every table.
const KNOWN: [&str; 6] = ["communication_mode", "mode", "criticality", "protocol", "namespace", "cluster"];

impl Header {
    fn of(columns: Vec<String>) -> Option<Self> {
        let shape = Shape::of(&columns)?;
        let places = KNOWN.map(|name| columns.iter().position(|column| column == name));
        Some(Self { columns, shape, places })
    }

    /// The cells under the columns that we know, empty where there are none.
    fn known<'r>(&self, record: &'r StringRecord) -> [&'r str; KNOWN.len()] {
        self.places.map(|place| place.and_then(|place| record.get(place)).unwrap_or_default())
    }
}

fn read(document: Document<'_>, found: &mut Found) {
    let path = document.path;
    if document.text.len() > limits::FOREIGN_FILE_BYTES_MAX {
        return found.note(format!("{path}: longer than {} MiB", limits::FOREIGN_FILE_BYTES_MAX >> 20));
    }
    let text = document.text.trim_start_matches('\u{feff}');
    let mut reader = reader(path, text);
    let columns = columns(reader.headers().unwrap_or(&StringRecord::new()));
    if columns.len() > COLUMNS_MAX {
        return found.note(format!("{path}: more than {COLUMNS_MAX} columns"));
    }
    let Some(header) = Header::of(columns) else {
        return found.note(format!("{path}: the header has neither source and target nor service_id"));
    };
    let mut problems: usize = 0;
    let mut lines = Lines { text, place: 0, line: 1 };
    for record in reader.records() {
        let (position, said) = match &record {
            Ok(record) => (record.position(), row(record, &header, found)),
            Err(error) => (error.position(), Err("it cannot be read".to_owned())),
        };
        let Err(reason) = said else { continue };
        problems += 1;
        if problems > limits::CSV_NOTES_MAX {
            found.leave_out("rows that were not understood");
        } else {
            let line = lines.of(position.map_or(0, |position| position.byte() as usize));
            found.note(format!("{path}: line {line}: {reason}"));
        }
    }
}

/// Counts lines: the reader's own count is one behind where lines end in CR and LF.
struct Lines<'t> {
    text: &'t str,
    place: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of the record that begins at a place, later than the last one asked for, or just before it.
    fn of(&mut self, place: usize) -> usize {
        let bytes = self.text.as_bytes();
        let between = bytes.iter().skip(place).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let place = place + between;
        self.line += self.text.get(self.place..place).unwrap_or_default().matches('\n').count();
        self.place = self.place.max(place);
        self.line
    }
}

fn row(record: &StringRecord, header: &Header, found: &mut Found) -> Result<(), String> {
    if record.len() > header.columns.len() {
        return Err(format!("{} cells under {} columns", record.len(), header.columns.len()));
    }
    let cell = |place: usize| record.get(place).unwrap_or_default();
    let [communication_mode, mode, criticality, protocol, namespace, cluster] = header.known(record);
    match header.shape {
        Shape::Dependencies { from, on } => {
            let mode = if communication_mode.is_empty() { mode } else { communication_mode };
            let uses = uses(mode, criticality, protocol)?;
            let (from, on) = (cell(from), cell(on));
            if from.is_empty() || on.is_empty() {
                return Err("an end is missing".to_owned());
            }
            let (from, on) = (Name::bare(from), Name::bare(on));
            found.service(&from);
            found.service(&on);
            found.depends(&from, &on, uses);
        }
        Shape::Services { id } => {
            if cell(id).is_empty() {
                return Err(format!("{} is missing", header.columns[id]));
            }
            word(criticality, Criticality::NAMES, Criticality::parse)?;
            let seen = found.service(&Name::of(namespace, cell(id)).in_cluster(cluster));
            for (place, (column, text)) in header.columns.iter().zip(record).enumerate() {
                let is_name = place == id || matches!(column.as_str(), "" | "namespace" | "cluster");
                if !is_name {
                    seen.say(column, member(column, text));
                }
            }
        }
    }
    Ok(())
}

/// The two members that the graph wants as numbers are numbers.
fn member(column: &str, text: &str) -> Value {
    let ratio = || text.parse::<f64>().ok().filter(|ratio| ratio.is_finite());
    match column {
        "published_sla" | "availability" => ratio().map_or(text.into(), Value::from),
        "criticality" | "service_type" => text.to_lowercase().into(),
        _ => text.into(),
    }
}

fn uses(mode: &str, criticality: &str, protocol: &str) -> Result<Uses, String> {
    let mode = word(mode, CommunicationMode::NAMES, CommunicationMode::parse)?;
    let criticality = word(criticality, DependencyCriticality::NAMES, DependencyCriticality::parse)?;
    let uses = Uses { mode: mode.unwrap_or(CommunicationMode::Sync), ..Uses::sync() };
    Ok(uses.with_criticality(criticality.unwrap_or(DependencyCriticality::Hard)).over(protocol))
}

/// A word of one of our vocabularies; `None` for an empty cell.
fn word<T>(text: &str, names: &[&str], parse: fn(&str) -> Option<T>) -> Result<Option<T>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let problem = || {
        let text: String = text.chars().take(limits::ERROR_VALUE_CHARS_MAX).collect();
        format!("{text:?} is none of {}", names.join(", "))
    };
    parse(&text.to_lowercase()).map(Some).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::formats::testing::mutate_texts;
    use crate::sources::testing::{check_golden, lines};

    const DEPENDENCIES: &str = "\u{feff}Source,Target,Communication Mode,criticality,protocol,comment\r\n\
        web,cart,sync,hard,HTTP,\"said \"\"so\"\", twice\"\r\n\
        cart, redis ,async,,,\r\n\
        web,,sync\r\n\
        web,cart,maybe\r\n\
        web,search,SYNC,soft\r\n\
        \"a,\nb\",web\r\n\
        a,b,sync,hard,http,x,y\r\n";
    const SERVICES: &str = "service_id;team;criticality;namespace;availability;tier\n\
        web;shop;High;eu;0.99;1\n\
        cart;shop;;eu;;\n\
        ;lost\n\
        redis;data;dire\n\
        search\n";

    fn found(path: &str, text: &str) -> Found {
        parse(&[Document { path, text }])
    }

    #[test]
    fn tables_of_dependencies_and_of_services() {
        check_golden("csv/dependencies.txt", &found("d.csv", DEPENDENCIES));
        check_golden("csv/services.txt", &found("s.csv", SERVICES));
        let (one, two) = (Document { path: "d", text: DEPENDENCIES }, Document { path: "s", text: SERVICES });
        assert_eq!(parse(&[one, two]), parse(&[two, one]));
    }

    #[test]
    fn headers_have_several_spellings() {
        for header in ["source,target", "From;To", "caller\tcallee", "\"client\",\"server\"", "x,to,from"] {
            let row = if header.starts_with('x') { "1,b,a" } else { "a,b" };
            let text =
                format!("{header}\n{}\n", row.replace(',', if header.contains(';') { ";" } else { "," }));
            let text = if header.contains('\t') { text.replace(',', "\t") } else { text };
            assert!(lines(&found("x", &text)).contains("dependency a -> b sync hard -"), "{header}");
            assert!(is_header(header), "{header}");
        }
        for header in ["", "a,b", "name", "source", "id"] {
            assert!(!is_header(header), "{header}");
        }
        let expected = "note: x: the header has neither source and target nor service_id\n";
        assert_eq!(lines(&found("x", "a,b\n1,2\n")), expected);
    }

    #[test]
    fn the_cells_of_a_tsv_file_are_separated_by_tabs() {
        let text = "service_id\tteams, all; of them\nweb\ta, b; c\n";
        for path in ["x.tsv", "a.b/X.TSV"] {
            let expected = "service web {\"teams,_all;_of_them\":\"a, b; c\"}\n";
            assert_eq!(lines(&found(path, text)), expected);
        }
        assert!(found("x.csv", text).is_empty());
    }

    #[test]
    fn what_is_too_much_is_counted_or_refused() {
        let bad = found("x", &format!("source,target\n{}", "a\n".repeat(1000)));
        assert_eq!(bad.notes().len(), limits::CSV_NOTES_MAX);
        assert_eq!(bad.left_out()["rows that were not understood"], 1000 - limits::CSV_NOTES_MAX as u64);
        let long = found("x", &"a".repeat(limits::FOREIGN_FILE_BYTES_MAX + 1));
        assert_eq!(long.notes(), ["x: longer than 16 MiB"]);
        for (columns, is_refused) in [(COLUMNS_MAX, false), (COLUMNS_MAX + 1, true)] {
            let wide = found("x", &format!("service_id{}\na,1\n", ",c".repeat(columns - 1)));
            assert_eq!((wide.is_empty(), wide.notes().len()), (is_refused, usize::from(is_refused)));
        }
    }

    #[test]
    fn whatever_is_given_is_parsed() {
        mutate_texts(3000, &[DEPENDENCIES, SERVICES], parse);
    }
}
