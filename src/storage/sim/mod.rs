//! A disk in memory that forgets: what a power cut, a full disk and a failing disk do.
//!
//! What it is not: a model of time, or of bits that rot (tests write those themselves).
//!
//! - A write is seen at once and pends, as images of 512-byte sectors, until the file is synced. A
//!   change of names pends until the directory is synced. [`Sim::crash`] keeps a seeded subset: of
//!   sectors any, of names either a beginning (as ext4 does) or any (as POSIX allows).
//! - A failed sync reports once, forgets what pended and goes on showing it: the next sync succeeds
//!   and the bytes are not on the disk (what Linux does: "fsyncgate").
//! - The same seed and the same calls give the same disk. Handles of one `Sim` share it.

mod disk;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
#[expect(clippy::disallowed_types, reason = "tests share one simulated disk; no request comes here")]
use std::sync::Mutex;
use std::sync::{Arc, MutexGuard};

use super::{FileName, LockError, Poisoned, Storage, StorageFile};
use disk::Disk;

/// What an operation can be made to do instead of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Fails with EIO. A write leaves a beginning of its bytes, a sync does what [`Fault::Sync`] does.
    Io,
    /// A call that needs space fails with ENOSPC; a write leaves a beginning of its bytes.
    NoSpace,
    /// A write takes only a beginning of its bytes, and says so.
    ShortWrite,
    /// A file's sync fails, and what it was to make durable never will be.
    Sync,
    /// A sync says that it is done, and nothing is durable that was not before.
    Lie,
    /// A write flips a bit on its way.
    Garble,
    /// The power goes: this call and all later ones fail until [`Sim::crash`].
    PowerCut,
}

#[cfg(test)]
impl Fault {
    /// The ways in which any call can fail, and how many calls later: the power goes before a call, or after it.
    pub(crate) const OF_ANY_CALL: [(Self, u64); 6] = [
        (Self::Io, 0),
        (Self::NoSpace, 0),
        (Self::ShortWrite, 0),
        (Self::Sync, 0),
        (Self::PowerCut, 0),
        (Self::PowerCut, 1),
    ];
}

/// A handle to a directory of the simulated disk.
#[derive(Clone, Debug)]
pub struct Sim {
    disk: Shared,
    prefix: String,
}

/// An open file of the simulated disk. It does not survive [`Sim::crash`].
#[derive(Debug)]
pub struct SimFile {
    disk: Shared,
    inode: usize,
    life: u64,
}

/// Holds a simulated directory until it is dropped, or the power is cut.
#[derive(Debug)]
pub struct SimLock {
    _held: Arc<()>,
}

#[expect(clippy::disallowed_types, reason = "tests share one simulated disk; no request comes here")]
#[derive(Clone)]
struct Shared(Arc<Mutex<Disk>>);

impl fmt::Debug for Shared {
    /// The bytes of a disk tell nobody anything.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Disk")
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().expect("no call panics while it holds the disk")
    }
}

impl Sim {
    /// An empty disk; `seed` decides what crashes keep and how short a short write is.
    pub fn new(seed: u64) -> Self {
        #[expect(clippy::disallowed_types, reason = "tests share one simulated disk; no request comes here")]
        let disk = Shared(Arc::new(Mutex::new(Disk::new(seed))));
        Self { disk, prefix: String::new() }
    }

    /// Calls so far: the number of the next one.
    pub fn operations(&self) -> u64 {
        self.disk.lock().operations()
    }

    /// Makes the call of this number fail, as far as the fault can befall it.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.disk.lock().fail_at(operation, fault);
    }

    /// Cuts the power and brings it back: part of what was not durable is gone, open files and the
    /// lock are void, faults that were set are forgotten.
    pub fn crash(&self) {
        self.disk.lock().crash();
    }

    fn full_name(&self, name: &FileName) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Storage for Sim {
    type File = SimFile;
    type Lock = SimLock;

    fn location(&self) -> String {
        format!("sim/{}", self.prefix)
    }

    fn directory(&self, name: &FileName) -> io::Result<Self> {
        self.disk.lock().begin_allocation()?;
        Ok(Self { disk: self.disk.clone(), prefix: format!("{}{name}/", self.prefix) })
    }

    fn create(&self, name: &FileName) -> io::Result<SimFile> {
        let mut disk = self.disk.lock();
        disk.begin_allocation()?;
        let inode = disk.create(self.full_name(name))?;
        Ok(SimFile { disk: self.disk.clone(), inode, life: disk.life() })
    }

    fn open(&self, name: &FileName) -> io::Result<SimFile> {
        let mut disk = self.disk.lock();
        disk.begin()?;
        let inode = disk.find(&self.full_name(name))?;
        Ok(SimFile { disk: self.disk.clone(), inode, life: disk.life() })
    }

    fn rename(&self, from: &FileName, to: &FileName) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.begin_allocation()?;
        disk.rename(self.full_name(from), self.full_name(to))
    }

    fn remove(&self, name: &FileName) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.begin()?;
        disk.remove(self.full_name(name))
    }

    fn list(&self) -> io::Result<Vec<FileName>> {
        let mut disk = self.disk.lock();
        disk.begin()?;
        let inside = disk.names().filter_map(|name| name.strip_prefix(&self.prefix));
        Ok(inside.filter_map(|name| FileName::parse(name).ok()).collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.lock().sync_names(&self.prefix)
    }

    fn try_lock(&self) -> Result<SimLock, LockError> {
        let mut disk = self.disk.lock();
        disk.begin().map_err(LockError::Io)?;
        match disk.try_lock() {
            Some(held) => Ok(SimLock { _held: held }),
            None => Err(LockError::Held { holder: "another handle".to_owned() }),
        }
    }
}

impl StorageFile for SimFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.live()?.write(self.inode, offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.live()?;
        disk.begin()?;
        Ok(disk.read(self.inode, offset, buffer))
    }

    fn size(&self) -> io::Result<u64> {
        let mut disk = self.live()?;
        disk.begin()?;
        Ok(disk.size(self.inode))
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut disk = self.live()?;
        disk.begin_allocation()?;
        if disk.size(self.inode) < len {
            disk.set_len(self.inode, len);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.live()?;
        disk.begin_allocation()?;
        disk.set_len(self.inode, len);
        Ok(())
    }

    fn sync(self) -> Result<Self, Poisoned> {
        self.live().and_then(|mut disk| disk.sync(self.inode)).map_err(Poisoned)?;
        Ok(self)
    }
}

impl SimFile {
    /// The disk, if it has not lost its power since the file was opened.
    fn live(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.disk.lock();
        if disk.life() == self.life {
            Ok(disk)
        } else {
            Err(io::Error::other("opened before the power was cut"))
        }
    }
}
