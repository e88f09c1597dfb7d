//! `watershed snapshot download`: a snapshot of a server as a file here.
//!
//! - The file has its name only once it is whole, durable and read back with every check; until then it lies
//!   beside, under a name of its own, and goes when the command fails.
//! - Nothing is overwritten unless that is asked for.
//! - The newest one fetched again into the same directory is left as it is: its name says which one it is.
//! - Old ones go only after a new one is there, and only when that is asked for.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{Newest, PATH, keep, newest};
use crate::cli::client::{Client, ServerOption};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::offline::at;
use crate::cli::progress::Progress;
use crate::clock;
use crate::snapshot::{Header, LoadError, file_name, verify_file};
use crate::storage::FsFile;

const EXAMPLES: &str = "\
Examples:
  watershed snapshot download 0198c1de-7b1c-7c5e-9a1b-3a5a7e8f2d10 --output backup.snapshot
  watershed snapshot download --newest --output /backups --keep 30     under its own name; for cron
  watershed snapshot restore backup.snapshot --data-dir /var/lib/watershed-2

The file is verified when it is complete. Exit codes: 0 it is there; 3 what came does not hold.";

/// Fetch a snapshot from a running server
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Which one, by its id
    #[arg(value_name = "ID", required_unless_present = "newest")]
    id: Option<Uuid>,
    /// The newest one
    #[arg(long, conflicts_with = "id")]
    newest: bool,
    /// Where to put it: a file, or a directory, in which it has the server's name for it
    #[arg(long, short, value_name = "PATH")]
    output: PathBuf,
    /// Delete all but so many snapshots from the directory, the oldest first, once the newest one is there
    #[arg(long, value_name = "N", requires = "newest", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: ServerOption,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let directory = options.output.is_dir().then_some(options.output.as_path());
    if let Some(keep) = options.keep {
        keep::check(&options.output, keep)?;
    }
    let mut target = match directory {
        Some(directory) => Target { path: None, directory, force: options.force },
        None => Target::check(&options.output, options.force)?,
    };
    let id = if let Some(id) = options.id {
        id
    } else {
        let Newest { id, version } = newest(&client)?.ok_or_else(none_yet)?;
        target.name(version, id);
        if let Some(path) = target.path.as_deref().filter(|path| directory.is_some() && path.is_file())
            && !options.force
        {
            if options.keep.is_some() {
                // Before others are deleted for its sake.
                verify(id, path, console)?;
            }
            console.say(&format!("{}: version {version}, there already", path.display()));
            return keep_newest(options, console);
        }
        id
    };
    let unfinished = fetch(&client, id, target.directory, console)?;
    let Header { version, file_bytes, .. } = verify(id, &unfinished.path, console)?;
    target.name(version, id);
    let path = unfinished.finish(&target)?;
    console.say(&format!("{}: version {version}, {file_bytes} bytes, verified", path.display()));
    keep_newest(options, console)
}

/// Deletes what is too much, if that is asked for.
fn keep_newest(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let Some(keep) = options.keep else { return Ok(()) };
    for path in keep::delete_all_but(&options.output, keep)? {
        console.say(&format!("{}: deleted", path.display()));
    }
    Ok(())
}

fn none_yet() -> Failure {
    Failure::Failed(anyhow::anyhow!("the server has no snapshot yet; `watershed snapshot create` takes one"))
}

/// Fetches a snapshot into a file in a directory, durable and not yet looked at.
pub(in crate::cli) fn fetch(
    client: &Client,
    id: Uuid,
    directory: &Path,
    console: &Console,
) -> Result<Unfinished, Failure> {
    let mut unfinished = Unfinished::begin(directory)?;
    let progress = Progress::bar("downloading", console.err_sink());
    let mut done = 0;
    client.download(&format!("{PATH}/{id}"), |piece, total| {
        done += piece.len() as u64;
        progress.bytes(done, total);
        unfinished.file.write_all(piece)
    })?;
    unfinished.file.sync_all().map_err(|error| at(&unfinished.path, error))?;
    Ok(unfinished)
}

/// Reads what came with every check, and that it is what was asked for.
fn verify(id: Uuid, path: &Path, console: &Console) -> Result<Header, Failure> {
    let progress = Progress::bar("verifying", console.err_sink());
    let file = FsFile::read_only(path).map_err(|error| at(path, error))?;
    match verify_file(&file, |done, total| progress.bytes(done, Some(total))) {
        Ok(header) if header.id == id => Ok(header),
        Ok(header) => Err(Failure::Damaged(format!("what came is snapshot {}, not {id}", header.id))),
        Err(LoadError::Io(error)) => Err(at(path, error)),
        Err(error) => Err(Failure::Damaged(format!("what came does not hold: {error}"))),
    }
}

/// Where the file is to be.
struct Target<'a> {
    /// Not known while only its directory is.
    path: Option<PathBuf>,
    directory: &'a Path,
    force: bool,
}

impl<'a> Target<'a> {
    fn check(path: &'a Path, force: bool) -> Result<Self, Failure> {
        let (Some(_), Some(parent)) = (path.file_name(), path.parent()) else {
            return Err(Failure::Usage(format!("{} is no name of a file", path.display())));
        };
        let directory = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let target = Self { path: Some(path.to_owned()), directory, force };
        target.free_path()?;
        Ok(target)
    }

    /// Gives the file the server's name for it, if it has none.
    fn name(&mut self, version: u64, id: Uuid) {
        self.path.get_or_insert_with(|| self.directory.join(file_name(version, id).as_str()));
    }

    /// The path, if it may be written.
    fn free_path(&self) -> Result<&Path, Failure> {
        let path = self.path.as_deref().expect("it is named before it is asked for");
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path),
            Err(error) => Err(at(path, error)),
            Ok(found) if found.is_dir() => Err(at(path, io::Error::from(io::ErrorKind::IsADirectory))),
            Ok(_) if self.force => Ok(path),
            Ok(_) => Err(Failure::Failed(anyhow::anyhow!(
                "{} is there already; --force overwrites it",
                path.display()
            ))),
        }
    }
}

/// The file before it has its name. Goes with this value.
pub(in crate::cli) struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn begin(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join(format!(".watershed-{}.tmp", clock::new_id().simple()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| at(directory, error))?;
        Ok(Self { path, file })
    }

    pub(in crate::cli) fn path(&self) -> &Path {
        &self.path
    }

    fn finish<'t>(self, target: &'t Target) -> Result<&'t Path, Failure> {
        let path = target.free_path()?;
        fs::rename(&self.path, path)
            .and_then(|()| File::open(target.directory)?.sync_all())
            .map_err(|error| at(path, error))?;
        Ok(path)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename there is nothing under this name.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::offline::testing::{Damage, DataDir, typed};
    use crate::cli::testing::{StubServer, json, problem};

    fn download(server: &StubServer, id: Uuid, output: &Path, more: &[&str]) -> (u8, String, String) {
        let words = ["snapshot", "download", &id.to_string(), "--url", &server.url, "--output"];
        let mut words: Vec<std::ffi::OsString> = words.into_iter().map(Into::into).collect();
        words.push(output.into());
        words.extend(more.iter().map(Into::into));
        typed(words)
    }

    fn whole(bytes: &[u8], length: usize) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), bytes].concat()
    }

    #[test]
    fn what_arrives_whole_is_there_and_nothing_is_overwritten() {
        let directory = DataDir::with_snapshots(&[3], Damage::None);
        let bytes = fs::read(directory.snapshot(0)).unwrap();
        let answers = vec![whole(&bytes, bytes.len()), whole(&bytes, bytes.len())];
        let (server, id) = (StubServer::start_with_bytes(answers), directory.snapshots[0].id);
        fs::create_dir(directory.beside("downloads")).unwrap();
        let output = directory.beside("downloads/My Backup");
        let (code, out, err) = download(&server, id, &output, &[]);
        assert_eq!((code, out.as_str()), (0, ""), "{err}");
        assert_eq!(fs::read(&output).unwrap(), bytes);
        let expected = format!("GET /api/v1/admin/snapshots/{id} HTTP/1.1\r\n");
        assert!(server.requests()[0].starts_with(&expected));

        fs::write(&output, "mine").unwrap();
        let (code, _, err) = download(&server, id, &output, &[]);
        assert_eq!(code, 1, "{err}");
        assert_eq!(fs::read(&output).unwrap(), b"mine");
        assert_eq!(download(&server, id, &output, &["--force"]).0, 0);
        assert_eq!(fs::read(&output).unwrap(), bytes);
    }

    #[test]
    fn in_a_directory_it_has_the_servers_name() {
        let directory = DataDir::with_snapshots(&[3], Damage::None);
        let (bytes, id) = (fs::read(directory.snapshot(0)).unwrap(), directory.snapshots[0].id);
        let backups = directory.beside("backups");
        fs::create_dir(&backups).unwrap();
        let expected = backups.join(directory.snapshot(0).file_name().unwrap());
        let server = StubServer::start_with_bytes(vec![whole(&bytes, bytes.len())]);
        let (code, _, err) = download(&server, id, &backups, &[]);
        assert_eq!((code, fs::read(&expected).unwrap() == bytes), (0, true), "{err}");

        let list = |items: &str| json(&format!(r#"{{"items":[{items}],"next_cursor":null}}"#)).into_bytes();
        let item = format!(
            r#"{{"snapshot_id":"{id}","version":3,"bytes":1,"nodes":1,"edges":1,"duration_ms":1,"created_at":"t"}}"#
        );
        let newest = |answers: Vec<Vec<u8>>, output: &Path, more: &[&str]| {
            let server = StubServer::start_with_bytes(answers);
            let mut words: Vec<std::ffi::OsString> =
                ["snapshot", "download", "--newest", "--url", &server.url, "--output"].map(Into::into).into();
            words.push(output.into());
            words.extend(more.iter().map(Into::into));
            typed(words)
        };
        let (code, _, err) = newest(vec![list(&item)], &backups, &[]);
        assert_eq!((code, err.contains("there already")), (0, true), "nothing is fetched: {err}");
        fs::write(&expected, "damaged").unwrap();
        let (code, _, err) = newest(vec![list(&item)], &backups, &["--keep", "1"]);
        assert_eq!(
            (code, expected.exists()),
            (3, true),
            "nothing is deleted for the sake of what does not hold: {err}"
        );
        let answers = || vec![list(&item), whole(&bytes, bytes.len())];
        assert_eq!(newest(answers(), &backups, &["--force"]).0, 0);
        let file = directory.beside("newest");
        assert_eq!(newest(answers(), &file, &[]).0, 0);
        assert!(fs::read(&expected).unwrap() == bytes && fs::read(&file).unwrap() == bytes);
        assert_eq!(newest(vec![], &file, &[]).0, 1, "a file that is there is not overwritten");

        let (code, _, err) = newest(vec![list(&item)], &backups, &["--keep", "1"]);
        assert_eq!((code, err.lines().count()), (0, 1), "there is nothing to delete: {err}");
        assert_eq!(newest(vec![], &file, &["--keep", "1"]).0, 2, "a file is no directory");
        let (code, _, err) = newest(vec![list("")], &backups, &["--keep", "1"]);
        assert_eq!((code, err.contains("no snapshot yet")), (1, true), "{err}");
        fs::remove_file(&expected).unwrap();
        fs::create_dir(&expected).unwrap();
        assert_eq!(newest(answers(), &backups, &["--force"]).0, 1, "a directory is in the way");
        assert_eq!(fs::read_dir(&backups).unwrap().count(), 1, "no half file");
    }

    #[test]
    fn what_does_not_arrive_or_does_not_hold_leaves_nothing() {
        let directory = DataDir::with_snapshots(&[3], Damage::None);
        let bytes = fs::read(directory.snapshot(0)).unwrap();
        let mut flipped = bytes.clone();
        flipped[600] ^= 1;
        let id = directory.snapshots[0].id;
        let gone = problem("404 Not Found", "", r#"{"detail":"no such snapshot"}"#).into_bytes();
        let cases = [
            (whole(&bytes[..700], bytes.len()), id, 1),
            (whole(&flipped, bytes.len()), id, 3),
            (whole(&bytes, bytes.len()), Uuid::nil(), 3),
            (gone, id, 1),
            (json("{}").into_bytes(), id, 1),
        ];
        let downloads = directory.beside("downloads");
        fs::create_dir(&downloads).unwrap();
        for (answer, id, expected) in cases {
            let server = StubServer::start_with_bytes(vec![answer]);
            let (code, _, err) = download(&server, id, &downloads.join("backup"), &[]);
            assert_eq!((code, err.lines().count()), (expected, 1), "{err}");
            assert_eq!(fs::read_dir(&downloads).unwrap().count(), 0, "{err}");
        }
    }
}
