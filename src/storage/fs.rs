//! The real file system, rooted at a directory.
//!
//! What it is not: safe against whoever else may write that directory. Directories are 0700 and
//! files 0600, and that is the boundary.
//!
//! - `LOCK` holds the directory by `flock`; the kernel lets go of it when the process ends, however
//!   it ends. What is written in it is only for the reader of an error.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::{FileName, LockError, Poisoned, Storage, StorageFile};

/// Upper case, so that no [`FileName`] names it.
const LOCK: &str = "LOCK";

/// A directory of the file system.
#[derive(Clone, Debug)]
pub struct Fs {
    root: PathBuf,
    /// Held open: syncing the directory must not depend on whether the process may open one more file.
    directory: Arc<File>,
}

/// A file of the file system.
#[derive(Debug)]
pub struct FsFile(File);

/// Holds a directory's `LOCK` until it is dropped.
#[derive(Debug)]
pub struct FsLock {
    _file: File,
}

impl Fs {
    /// The directory at `root`; made, with those above it, where it is not there.
    pub fn at(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        make_directories(&root)?;
        let directory = Arc::new(File::open(&root)?);
        Ok(Self { root, directory })
    }

    fn path(&self, name: &FileName) -> PathBuf {
        self.root.join(name.as_str())
    }
}

impl FsFile {
    /// Opens a file anywhere for reading; writing to it fails.
    pub fn read_only(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }
}

/// Makes the missing directories from the top, each durable before the next is in it.
fn make_directories(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    make_directories(parent)?;
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) if !path.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
        Ok(()) | Err(_) => {}
    }
    sync_directory(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl Storage for Fs {
    type File = FsFile;
    type Lock = FsLock;

    fn location(&self) -> String {
        self.root.display().to_string()
    }

    fn directory(&self, name: &FileName) -> io::Result<Self> {
        Self::at(self.path(name))
    }

    fn create(&self, name: &FileName) -> io::Result<FsFile> {
        let options = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).clone();
        options.open(self.path(name)).map(FsFile)
    }

    fn open(&self, name: &FileName) -> io::Result<FsFile> {
        OpenOptions::new().read(true).write(true).open(self.path(name)).map(FsFile)
    }

    fn rename(&self, from: &FileName, to: &FileName) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &FileName) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn list(&self) -> io::Result<Vec<FileName>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let name = entry.file_name().to_str().and_then(|text| FileName::parse(text).ok());
            if !entry.file_type()?.is_dir() {
                names.extend(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn try_lock(&self) -> Result<FsLock, LockError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(self.root.join(LOCK)).map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { holder: holder_of(&file) }),
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        // The text only helps whom the lock keeps out; a full disk must not keep the holder out.
        drop(describe_holder(&file));
        Ok(FsLock { _file: file })
    }
}

fn describe_holder(file: &File) -> io::Result<()> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    file.set_len(0)?;
    file.write_all_at(format!("process {} on {}", std::process::id(), host.trim()).as_bytes(), 0)
}

fn holder_of(file: &File) -> String {
    let mut text = [0; 512];
    let read = file.read_at(&mut text, 0).unwrap_or(0);
    match String::from_utf8_lossy(&text[..read]).trim() {
        "" => "another process".to_owned(),
        holder => holder.chars().filter(|character| !character.is_control()).collect(),
    }
}

impl StorageFile for FsFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        match fallocate(&self.0, FallocateFlags::empty(), 0, len) {
            // Not every file system can; zeros take the same room.
            Err(Errno::OPNOTSUPP) => write_zeros(self, self.size()?..len),
            outcome => Ok(outcome?),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(self) -> Result<Self, Poisoned> {
        match self.0.sync_data() {
            Ok(()) => Ok(self),
            Err(error) => Err(Poisoned(error)),
        }
    }
}

fn write_zeros(file: &FsFile, part: Range<u64>) -> io::Result<()> {
    let zeros = vec![0; 1024 * 1024];
    for offset in part.clone().step_by(zeros.len()) {
        let count = zeros.len().min((part.end - offset) as usize);
        StorageFile::write_all_at(file, offset, &zeros[..count])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    #[test]
    fn files_are_private_and_names_are_taken_once() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("not/yet/there");
        let fs = Fs::at(&root).unwrap();
        let file = fs.create(&name("a")).unwrap();
        file.write_all_at(3, b"xyz").unwrap();
        let file = file.sync().unwrap();
        assert_eq!(fs.create(&name("a")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs.rename(&name("a"), &name("b")).unwrap();
        fs.sync_dir().unwrap();
        let mut bytes = [1; 6];
        file.read_exact_at(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\0\0\0xyz");
        assert_eq!(file.read_exact_at(1, &mut bytes).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(root.clone()), mode(root.join("b"))), (0o700, 0o600));

        fs.directory(&name("quarantine")).unwrap().create(&name("inside")).unwrap();
        assert_eq!(fs.list().unwrap(), [name("b")], "neither directories nor LOCK");
        fs.open(&name("b")).unwrap().set_len(2).unwrap();
        assert_eq!(file.size().unwrap(), 2);
        file.allocate(9).unwrap();
        let mut bytes = [1; 9];
        file.read_exact_at(0, &mut bytes).unwrap();
        assert_eq!(bytes, [0; 9]);
        write_zeros(&file, 9..11).unwrap();
        file.allocate(4).unwrap();
        assert_eq!(file.size().unwrap(), 11, "it is never cut by this");
        fs.remove(&name("b")).unwrap();
        assert_eq!(fs.open(&name("b")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_second_holder_is_told_of_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let fs = Fs::at(directory.path()).unwrap();
        let lock = fs.try_lock().unwrap();
        let refused = fs.try_lock().unwrap_err().to_string();
        assert!(refused.starts_with(&format!("locked by process {} on ", std::process::id())), "{refused}");
        drop(lock);
        fs.try_lock().unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        File::create(&path).unwrap();
        Fs::at(&path).unwrap_err();
        Fs::at(path.join("below")).unwrap_err();
    }
}
