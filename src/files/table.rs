//! Rows of a table, out and in: cells under columns, whichever form the file has.
//!
//! - Writing holds a row at a time, and reading too.
//! - A row that does not have the columns of its table is refused with its line.

use std::io::{self, BufRead, Write};

use csv::{ErrorKind, StringRecord};
use serde_json::{Map, Value};

use super::cells::{Cell, unescape};
use super::{Form, ReadError, Table};

/// A table that is being written.
pub(super) struct Writer<W: Write> {
    columns: &'static [&'static str],
    rows: Out<W>,
}

enum Out<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Ndjson { out: W, line: Vec<u8> },
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(table: Table, form: Form, out: W) -> io::Result<Self> {
        let columns = table.columns();
        let rows = match form {
            Form::Csv => {
                let mut out = csv::Writer::from_writer(out);
                out.write_record(columns)?;
                Out::Csv(Box::new(out))
            }
            Form::Ndjson => Out::Ndjson { out, line: Vec::new() },
        };
        Ok(Self { columns, rows })
    }

    /// Writes a row: a cell for each column.
    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        match &mut self.rows {
            Out::Csv(out) => {
                for cell in cells {
                    out.write_field(cell.to_csv().as_bytes())?;
                }
                Ok(out.write_record(None::<&[u8]>)?)
            }
            Out::Ndjson { out, line } => {
                line.clear();
                for (column, cell) in self.columns.iter().zip(cells) {
                    line.push(if line.is_empty() { b'{' } else { b',' });
                    line.push(b'"');
                    line.extend_from_slice(column.as_bytes());
                    line.extend_from_slice(b"\":");
                    cell.push_json(line);
                }
                line.extend_from_slice(b"}\n");
                out.write_all(line)
            }
        }
    }

    /// Gives back what it was written to, with all rows in it.
    pub(super) fn finish(self) -> io::Result<W> {
        match self.rows {
            Out::Csv(out) => out.into_inner().map_err(csv::IntoInnerError::into_error),
            Out::Ndjson { mut out, .. } => out.flush().map(|()| out),
        }
    }
}

/// What is wrong with a row.
pub(super) type Invalid = String;

/// A value on its way in, with the name of its column.
#[derive(Clone, Copy)]
pub(super) struct Field<'r> {
    pub(super) column: &'static str,
    pub(super) text: Option<&'r str>,
}

impl<'r> Field<'r> {
    /// The text, which has to be there.
    pub(super) fn required(self) -> Result<&'r str, Invalid> {
        self.text.ok_or_else(|| format!("{} is missing", self.column))
    }

    /// The value, where there is one.
    pub(super) fn optional<T, E: ToString>(
        self,
        parse: impl FnOnce(&'r str) -> Result<T, E>,
    ) -> Result<Option<T>, Invalid> {
        let named = |error: E| format!("{}: {}", self.column, error.to_string());
        self.text.map(|text| parse(text).map_err(named)).transpose()
    }

    /// The value, which has to be there.
    pub(super) fn parse<T, E: ToString>(
        self,
        parse: impl FnOnce(&'r str) -> Result<T, E>,
    ) -> Result<T, Invalid> {
        self.optional(parse)?.ok_or_else(|| format!("{} is missing", self.column))
    }

    /// A word of one of our vocabularies.
    pub(super) fn word<T>(self, names: &[&str], parse: fn(&str) -> Option<T>) -> Result<T, Invalid> {
        self.parse(|text| word(text, names, parse))
    }
}

/// A word of one of our vocabularies.
pub(super) fn word<T>(text: &str, names: &[&str], parse: fn(&str) -> Option<T>) -> Result<T, Invalid> {
    parse(text).ok_or_else(|| format!("{} is none of {}", quoted(text), names.join(", ")))
}

/// A yes or no.
pub(super) fn flag(text: &str) -> Result<bool, Invalid> {
    text.parse().map_err(|_| format!("{} is neither true nor false", quoted(text)))
}

/// A text in an error, not longer than a line.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(crate::limits::ERROR_VALUE_CHARS_MAX).collect::<String>())
}

/// The values of a row, in order of the columns.
pub(super) struct Row {
    columns: &'static [&'static str],
    texts: Vec<Option<String>>,
}

impl Row {
    /// One for each of the `N` columns of the table.
    pub(super) fn fields<const N: usize>(&self) -> [Field<'_>; N] {
        std::array::from_fn(|place| Field { column: self.columns[place], text: self.texts[place].as_deref() })
    }
}

/// Reads a table and gives each row to `each`.
pub(super) fn read<R: BufRead>(
    table: Table,
    form: Form,
    input: R,
    each: impl FnMut(&Row) -> Result<(), Invalid>,
) -> Result<(), ReadError> {
    match form {
        Form::Csv => read_csv(table, input, each),
        Form::Ndjson => read_ndjson(table, input, each),
    }
}

fn read_csv<R: BufRead>(
    table: Table,
    input: R,
    mut each: impl FnMut(&Row) -> Result<(), Invalid>,
) -> Result<(), ReadError> {
    let (file, columns) = (table.file(Form::Csv), table.columns());
    let mut reader = csv::Reader::from_reader(input);
    let header = reader.headers().map_err(|error| csv_error(&file, error))?;
    if header.iter().ne(columns.iter().copied()) {
        let what = format!("the header is not {}", columns.join(","));
        return Err(ReadError::Row { file, line: 1, what });
    }
    let (mut record, mut row) = (StringRecord::new(), Row { columns, texts: Vec::new() });
    while reader.read_record(&mut record).map_err(|error| csv_error(&file, error))? {
        row.texts.clear();
        row.texts.extend(record.iter().map(|cell| unescape(cell).map(str::to_owned)));
        let line = record.position().map_or(0, csv::Position::line);
        each(&row).map_err(|what| ReadError::Row { file: file.clone(), line, what })?;
    }
    Ok(())
}

fn csv_error(file: &str, error: csv::Error) -> ReadError {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.into_kind() {
        ErrorKind::Io(source) => return ReadError::Io { file: file.to_owned(), source },
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells, not {expected_len}; is the file cut?")
        }
        ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        other => format!("{other:?}"),
    };
    ReadError::Row { file: file.to_owned(), line, what }
}

fn read_ndjson<R: BufRead>(
    table: Table,
    mut input: R,
    mut each: impl FnMut(&Row) -> Result<(), Invalid>,
) -> Result<(), ReadError> {
    let (file, columns) = (table.file(Form::Ndjson), table.columns());
    let (mut text, mut row) = (Vec::new(), Row { columns, texts: Vec::new() });
    for line in 1.. {
        text.clear();
        let length = input
            .read_until(b'\n', &mut text)
            .map_err(|source| ReadError::Io { file: file.clone(), source })?;
        if length == 0 {
            break;
        }
        let taken = object(&text, &mut row).and_then(|()| each(&row));
        taken.map_err(|what| ReadError::Row { file: file.clone(), line, what })?;
    }
    Ok(())
}

fn object(text: &[u8], row: &mut Row) -> Result<(), Invalid> {
    let mut object: Map<String, Value> =
        serde_json::from_slice(text).map_err(|error| format!("it is no JSON object: {error}"))?;
    row.texts.clear();
    for column in row.columns {
        let value = object.remove(*column).ok_or_else(|| format!("{column} is missing"))?;
        row.texts.push(match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        });
    }
    match object.keys().next() {
        None => Ok(()),
        Some(name) => Err(format!("there is no column {}", quoted(name))),
    }
}
