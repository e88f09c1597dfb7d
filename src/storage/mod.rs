//! Files, as few calls as the rooms above need: the seam at which tests take the disk away.
//!
//! What it is not: a file system. There are directories of files with checked names, one level of
//! them, and nothing else. [`Fs`] is the real one, [`Sim`] forgets what was not synced and fails on
//! demand.
//!
//! - Bytes are durable after [`StorageFile::sync`]; names (created, renamed, removed) are durable
//!   after [`Storage::sync_dir`]. Before that a power cut may keep any part of them.
//! - A failed sync is final: [`StorageFile::sync`] takes the file, so nobody can try again on a
//!   descriptor whose dirty pages the kernel may have marked clean.
//! - A name cannot leave its directory: [`FileName`] has no separator and no leading dot.

mod fs;
mod sim;

use std::fmt;
use std::io;
use std::ops::Range;

use crate::seeded::{self, Bug};

pub use fs::{Fs, FsFile, FsLock};
pub use sim::{Fault, Sim, SimFile, SimLock};

/// A directory of files.
pub trait Storage: Clone {
    /// An open file.
    type File: StorageFile;
    /// Holds the directory against other processes until it is dropped.
    type Lock;

    /// Where the files are, for the text of an error.
    fn location(&self) -> String;
    /// The directory of this name inside this one; made, durably, when it is not there.
    fn directory(&self, name: &FileName) -> io::Result<Self>;
    /// Makes a file for reading and writing that only its owner may open; fails when the name is taken.
    fn create(&self, name: &FileName) -> io::Result<Self::File>;
    /// Opens a file for reading and writing.
    fn open(&self, name: &FileName) -> io::Result<Self::File>;
    /// Gives a file another name, in place of the file that had it. Whole or not at all.
    fn rename(&self, from: &FileName, to: &FileName) -> io::Result<()>;
    /// Takes a file away.
    fn remove(&self, name: &FileName) -> io::Result<()>;
    /// The files whose names are [`FileName`]s, in order. Others are somebody else's.
    fn list(&self) -> io::Result<Vec<FileName>>;
    /// Makes every change of names so far durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// Takes the directory for this process; never waits.
    fn try_lock(&self) -> Result<Self::Lock, LockError>;
}

/// An open file.
pub trait StorageFile: Sized {
    /// Writes a beginning of `bytes`, perhaps not all of them, and says how many.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;
    /// Reads into a beginning of `buffer`, perhaps not all of it; 0 at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// The length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Lengthens the file to `len` zeros with room on the disk for all of them, so that writing there needs
    /// no more space. Never shortens it.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// Cuts the file, or lengthens it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes every byte written so far durable, and gives the file back only if that is so.
    fn sync(self) -> Result<Self, Poisoned>;

    /// Writes all of `bytes`. After an error any part of them may have been written.
    fn write_all_at(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(offset, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) if seeded::has(Bug::IgnoreShortWrite) => return Ok(()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    offset += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Fills `buffer`; an error when the file ends before that.
    fn read_exact_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read_at(offset, buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    buffer = &mut buffer[read..];
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Copies `part` of a file into another one, or elsewhere in the same one.
pub fn copy<F: StorageFile>(from: &F, part: Range<u64>, to: &F, mut at: u64) -> io::Result<()> {
    const COPY_BYTES: u64 = 1024 * 1024;
    let mut buffer = vec![0; COPY_BYTES.min(part.end - part.start) as usize];
    let mut offset = part.start;
    while offset < part.end {
        let piece = &mut buffer[..COPY_BYTES.min(part.end - offset) as usize];
        from.read_exact_at(offset, piece)?;
        to.write_all_at(at, piece)?;
        offset += piece.len() as u64;
        at += piece.len() as u64;
    }
    Ok(())
}

/// Whether an error says that there is no space left, for this user or at all.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What names of files end in that are not finished. Nothing reads them; a start takes them away.
pub const TEMPORARY: &str = ".tmp";

/// The unfinished file that is to have `name`.
pub fn temporary(name: &FileName) -> FileName {
    FileName::parse(format!("{name}{TEMPORARY}")).expect("a file name of ours leaves room for an ending")
}

/// Makes the unfinished file that is to have `name`, in place of one that was left behind.
pub fn begin<S: Storage>(storage: &S, name: &FileName) -> io::Result<S::File> {
    let temporary = temporary(name);
    match storage.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    storage.create(&temporary)
}

/// Gives an unfinished file that is synced its name, durably, in place of the one that had it.
pub fn finish<S: Storage>(storage: &S, name: &FileName) -> io::Result<()> {
    storage.rename(&temporary(name), name)?;
    if seeded::has(Bug::DropDirectorySync) { Ok(()) } else { storage.sync_dir() }
}

/// Makes a file that has `name` only once its content is durable, in place of the one that had it.
pub fn install<S: Storage>(
    storage: &S,
    name: &FileName,
    write: impl FnOnce(&S::File) -> io::Result<()>,
) -> io::Result<S::File> {
    let file = begin(storage, name)?;
    write(&file)?;
    let file = if seeded::has(Bug::DropTemporarySync) {
        file
    } else {
        file.sync().map_err(|poisoned| poisoned.0)?
    };
    finish(storage, name)?;
    Ok(file)
}

/// Takes away the unfinished files whose names begin with `prefix`.
pub fn remove_temporaries<S: Storage>(storage: &S, prefix: &str) -> io::Result<()> {
    for file in storage.list()? {
        if file.as_str().starts_with(prefix) && file.as_str().ends_with(TEMPORARY) {
            storage.remove(&file)?;
        }
    }
    Ok(())
}

/// A sync failed: what was written since the last one may or may not be on the disk, and no later
/// sync of the same file can tell.
#[derive(Debug, thiserror::Error)]
#[error("sync failed: {0}")]
pub struct Poisoned(#[source] pub io::Error);

/// Why a directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("locked by {holder}")]
    Held {
        /// What that process wrote about itself.
        holder: String,
    },
    /// The lock file could not be used.
    #[error("cannot lock: {0}")]
    Io(#[source] io::Error),
}

/// The longest name, in bytes; every file system takes more.
const FILE_NAME_BYTES_MAX: usize = 120;

/// 1 to 120 bytes of `a`–`z`, `0`–`9`, `-` and `.`, and no dot at the beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

/// The text is no [`FileName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file name is 1 to 120 of a-z, 0-9, '-' and '.', and does not begin with a dot")]
pub struct InvalidFileName;

impl FileName {
    /// Checks `text`.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidFileName> {
        let text = text.into();
        let known =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        let fits = (1..=FILE_NAME_BYTES_MAX).contains(&text.len());
        if fits && !text.starts_with('.') && text.bytes().all(known) {
            Ok(Self(text))
        } else {
            Err(InvalidFileName)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_directory() {
        for text in ["wal-0000000000000001", "a", "snap-1.tmp", &"x".repeat(120)] {
            assert_eq!(FileName::parse(text).map(|name| name.to_string()), Ok(text.to_owned()));
        }
        for text in ["", ".", "..", ".hidden", "a/b", "../a", "LOCK", "a b", "a\0", "é", &"x".repeat(121)] {
            assert_eq!(FileName::parse(text), Err(InvalidFileName), "{text:?}");
        }
    }
}
