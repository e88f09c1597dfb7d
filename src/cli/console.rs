//! Where a command writes: standard output for data, standard error for everything else.
//!
//! Not a logger. A command holds one [`Console`] and knows through it whether a person or a program
//! reads on.
//!
//! - Text from a server or a file reaches a terminal without control characters: it cannot move the
//!   cursor, recolour the screen or forge a line.
//! - A closed pipe is no error of the command.
//! - Only a person is asked: what a program runs never waits for an answer.

use std::io::{BufRead, BufReader, ErrorKind, IsTerminal, Read, Write};

use comfy_table::{Table, presets};

use super::client::Client;
use super::failure::Failure;

/// What is at the other end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    /// A person.
    Terminal,
    /// A program or a file.
    Pipe,
}

/// How a command prints its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people; the default on a terminal
    Table,
    /// For programs; the default when piped
    Json,
}

/// `--format`, the same for every command that prints an answer.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct FormatOption {
    /// How to print the answer [default: table on a terminal, json when piped]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

impl FormatOption {
    /// As if that had been said.
    pub(super) fn of(format: Option<Format>) -> Self {
        Self { format }
    }
}

/// The two streams of a command.
pub(super) struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    out_sink: Sink,
    err_sink: Sink,
    /// What a person types, if one sits at standard input.
    person: Option<Box<dyn Read>>,
}

/// An answer is a word.
const ANSWER_BYTES_MAX: u64 = 64;

impl Console {
    /// The streams of the process.
    pub(super) fn standard() -> Self {
        let (out, err) = (std::io::stdout(), std::io::stderr());
        let (out_sink, err_sink) = (sink(&out), sink(&err));
        let input = std::io::stdin();
        let person = input.is_terminal().then(|| Box::new(input) as Box<dyn Read>);
        Self { out: Box::new(out), err: Box::new(err), out_sink, err_sink, person }
    }

    /// Streams of a test.
    #[cfg(test)]
    pub(super) fn new(out: Box<dyn Write>, err: Box<dyn Write>, sink: Sink) -> Self {
        Self { out, err, out_sink: sink, err_sink: Sink::Pipe, person: None }
    }

    /// The same with a person who types this.
    #[cfg(test)]
    pub(super) fn with_person(self, typed: &'static [u8]) -> Self {
        Self { person: Some(Box::new(typed)), ..self }
    }

    /// What is at the other end of standard error.
    pub(super) fn err_sink(&self) -> Sink {
        self.err_sink
    }

    /// How to print: as asked, or as the reader at the other end needs it.
    pub(super) fn format(&self, option: FormatOption) -> Format {
        option.format.unwrap_or(match self.out_sink {
            Sink::Terminal => Format::Table,
            Sink::Pipe => Format::Json,
        })
    }

    /// Writes data as it is.
    pub(super) fn print(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.out.write_all(bytes).and_then(|()| self.out.flush());
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Failed(anyhow::Error::new(error).context("standard output cannot be written")),
        })
    }

    /// Writes data and ends its line, if the data does not.
    pub(super) fn print_line(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.print(bytes)?;
        if bytes.ends_with(b"\n") { Ok(()) } else { self.print(b"\n") }
    }

    /// Tells a person something, in one line. Lost when nobody listens: there is no other place to complain.
    pub(super) fn say(&mut self, line: &str) {
        let _ = writeln!(self.err, "{}", printable(line));
    }

    /// Asks a person whether to go on; anything but yes is a no. Where none sits there, it is a yes.
    pub(super) fn confirms(&mut self, question: &str) -> Result<bool, Failure> {
        let Some(person) = &mut self.person else { return Ok(true) };
        let asked = write!(self.err, "{} [y/N] ", printable(question)).and_then(|()| self.err.flush());
        let mut answer = Vec::new();
        let read = BufReader::new(person).take(ANSWER_BYTES_MAX).read_until(b'\n', &mut answer);
        asked.and(read).map_err(|error| {
            Failure::Failed(anyhow::Error::new(error).context("nobody can be asked; --yes does it unasked"))
        })?;
        let answer = answer.trim_ascii();
        Ok([&b"y"[..], b"yes"].iter().any(|yes| answer.eq_ignore_ascii_case(yes)))
    }
}

fn sink(stream: &impl IsTerminal) -> Sink {
    if stream.is_terminal() { Sink::Terminal } else { Sink::Pipe }
}

/// The text with a replacement character for each control character.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// Prints an answer of a server: as it came for a program, made a text for a person.
pub(super) fn show<'a, T: serde::Deserialize<'a>>(
    console: &mut Console,
    format: FormatOption,
    client: &Client,
    body: &'a [u8],
    render: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    match console.format(format) {
        Format::Json => console.print_line(body),
        Format::Table => console.print(render(&client.understand(body)?).as_bytes()),
    }
}

/// What stands for nothing in a table.
pub(super) fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

/// Rows under a header, without lines, ending in a newline.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for row in rows {
        table.add_row(row.map(|cell| printable(&cell)));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::cli::testing::capture;

    struct Closed(ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_quiet_and_a_full_disk_is_not() {
        let console = |kind| Console::new(Box::new(Closed(kind)), Box::new(io::sink()), Sink::Pipe);
        assert_eq!(console(ErrorKind::BrokenPipe).print(b"x").unwrap_err().exit_code(), 0);
        assert_eq!(console(ErrorKind::StorageFull).print(b"x").unwrap_err().exit_code(), 1);
    }

    #[test]
    fn the_reader_decides_the_format_unless_asked() {
        for (sink, asked, expected) in [
            (Sink::Terminal, None, Format::Table),
            (Sink::Pipe, None, Format::Json),
            (Sink::Terminal, Some(Format::Json), Format::Json),
            (Sink::Pipe, Some(Format::Table), Format::Table),
        ] {
            assert_eq!(capture(sink).0.format(FormatOption { format: asked }), expected);
        }
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        let cases: [(&'static [u8], bool); 8] = [
            (b"y\n", true),
            (b" YES \n", true),
            (b"yes", true),
            (b"\n", false),
            (b"", false),
            (b"no\ny\n", false),
            (b"yes please\n", false),
            (&[0xff; 100], false),
        ];
        for (typed, expected) in cases {
            let (console, captured) = capture(Sink::Terminal);
            assert_eq!(console.with_person(typed).confirms("go\non?").unwrap(), expected, "{typed:?}");
            assert_eq!(captured.err(), "go\u{fffd}on? [y/N] ");
        }
        let (mut console, captured) = capture(Sink::Terminal);
        assert!(console.confirms("go on?").unwrap(), "nobody is there");
        assert_eq!(captured.err(), "");
    }

    #[test]
    fn a_foreign_text_cannot_write_on_the_screen() {
        let text = table(["A", "B"], [["\u{1b}[31mred\n".to_owned(), "b".to_owned()]]);
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
        let (mut console, captured) = capture(Sink::Terminal);
        console.say("a\r\nforged\u{7}");
        assert_eq!(captured.err(), "a\u{fffd}\u{fffd}forged\u{fffd}\n");
    }
}
