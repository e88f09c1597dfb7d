//! `watershed wal verify`: everything of a data directory read with every check, and nothing changed.
//!
//! - Stricter than a start: it reads the log from its beginning, where a start reads it behind a snapshot,
//!   and all snapshots, where a start needs one.

use serde::Serialize;

use crate::cli::console::{Console, Format, FormatOption, Sink, table};
use crate::cli::failure::Failure;
use crate::cli::offline::{self, DataDirOption};
use crate::cli::progress::Progress;
use crate::cli::snapshot::{Checked, check_all};
use crate::storage::Fs;
use crate::wal::{LogEnd, OpenError, Verdict};
use crate::writer::Offline;

const EXAMPLES: &str = "\
Examples:
  watershed wal verify --data-dir /var/lib/watershed
  watershed wal verify --data-dir /backup/watershed --format json | jq .valid

Exit codes: 0 everything holds; 3 the log or a snapshot does not, and one line says which and
where; 4 a server holds the directory. Bytes of a write that was never acknowledged are no damage.";

/// Read the log and all snapshots of a stopped server with every check; change nothing
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    data_dir: DataDirOption,
    #[command(flatten)]
    format: FormatOption,
}

/// What was looked at.
#[derive(Serialize)]
struct Report {
    valid: bool,
    /// The last lsn that could be read.
    last_version: u64,
    /// Commands that were read: the log no longer holds what snapshots made superfluous.
    commands: u64,
    torn_bytes: u64,
    snapshots: Vec<Checked>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let offline = offline::open(&options.data_dir.path)?;
    let (mut report, fault) = read_log(&offline, console.err_sink())?;
    let mut faults: Vec<String> = fault.map(|error| describe(&offline, &error)).into_iter().collect();
    report.snapshots = check_all(&offline, console.err_sink())?;
    faults.extend(report.snapshots.iter().filter_map(Checked::fault));
    report.valid = faults.is_empty();
    match console.format(options.format) {
        Format::Json => {
            console.print_line(&serde_json::to_vec(&report).expect("numbers and texts can be written"))?;
        }
        Format::Table => console.print(report.render().as_bytes())?,
    }
    if report.valid { Ok(()) } else { Err(Failure::Damaged(faults.join("; "))) }
}

/// Reads all of the log; what comes back beside the report is why it does not hold.
fn read_log(offline: &Offline<Fs>, sink: Sink) -> Result<(Report, Option<OpenError>), Failure> {
    let progress = Progress::spinner("log", sink);
    let mut report =
        Report { valid: false, last_version: 0, commands: 0, torn_bytes: 0, snapshots: Vec::new() };
    let end = offline.dump(|lsn, _| {
        report.commands += 1;
        report.last_version = lsn;
        progress.note(|| format!("lsn {lsn}"));
    });
    match end {
        Ok(LogEnd { last_version, torn_bytes }) => Ok((Report { last_version, torn_bytes, ..report }, None)),
        Err(error) if error.is_damage() => Ok((report, Some(error))),
        Err(error) => Err(Failure::failed(error)),
    }
}

/// The damage, and whether a start would mind it.
fn describe(offline: &Offline<Fs>, error: &OpenError) -> String {
    match offline.inspect() {
        Ok(Verdict::Sound(LogEnd { last_version, .. })) => format!(
            "{error} A start does not read this part: from its newest snapshot on the log is sound up to lsn \
             {last_version}, and the next snapshots make the rest superfluous."
        ),
        Ok(Verdict::Damaged(_)) | Err(_) => error.to_string(),
    }
}

impl Report {
    /// For a person.
    fn render(&self) -> String {
        let mut rows = vec![
            ["last version".to_owned(), self.last_version.to_string()],
            ["commands read".to_owned(), self.commands.to_string()],
            ["bytes of a torn write".to_owned(), self.torn_bytes.to_string()],
        ];
        rows.extend(self.snapshots.iter().map(|checked| {
            let held = if checked.valid { "holds" } else { "does not hold" };
            [format!("snapshot {} of version {}", checked.snapshot_id, checked.version), held.to_owned()]
        }));
        rows.push(["everything holds".to_owned(), if self.valid { "yes" } else { "no" }.to_owned()]);
        table(["VERIFIED", ""], rows)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::cli::offline::testing::{Damage, DataDir};

    #[test]
    fn a_sound_directory_holds() {
        let directory = DataDir::new(Damage::None);
        let (code, out, err) = directory.typed("wal verify");
        assert_eq!((code, err.as_str()), (0, ""));
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&report["valid"], &report["last_version"]), (&json!(true), &json!(5)), "{report}");
        assert_eq!((&report["commands"], &report["torn_bytes"]), (&json!(5), &json!(0)), "{report}");
        let (_, out, _) = directory.typed("wal verify --format table");
        assert!(out.lines().next().unwrap().starts_with("VERIFIED"), "{out}");
        assert!(out.lines().last().unwrap().split_whitespace().eq(["everything", "holds", "yes"]), "{out}");
    }

    #[test]
    fn a_damaged_log_is_one_line_with_the_place() {
        let (code, out, err) = DataDir::new(Damage::Flipped(3)).typed("wal verify");
        assert_eq!((code, err.lines().count()), (3, 1), "{err}");
        assert!(err.contains("wal-0000000000000001 offset ") && err.contains(" lsn 3"), "{err}");
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&report["valid"], &report["last_version"]), (&json!(false), &json!(2)), "{report}");
    }

    #[test]
    fn damage_that_a_start_does_not_read_is_told_apart() {
        let directory = DataDir::of_segments(&[3, 5], Damage::Flipped(4));
        let (code, out, err) = directory.typed("wal verify");
        assert_eq!((code, err.lines().count()), (3, 1), "{err}");
        assert!(err.contains(" lsn 4") && err.contains("A start does not read this part"), "{err}");
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["snapshots"].as_array().unwrap().len(), 2, "{report}");
        let (code, out, _) = directory.typed("wal recover");
        assert_eq!((code, out.as_str()), (0, "the log is sound up to lsn 5\n"));
    }

    #[test]
    fn a_torn_write_is_no_damage() {
        let (code, out, err) = DataDir::new(Damage::Torn).typed("wal verify");
        assert_eq!((code, err.as_str()), (0, ""));
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["last_version"], 5, "{report}");
        assert!(report["torn_bytes"].as_u64() > Some(0), "{report}");
    }
}
