//! What the handles of a [`super::Sim`] share: files, names, what pends, faults to come.
//!
//! - `seen` is what calls see (the page cache), `durable` what survives; they differ by `pending`, and
//!   after a failed sync by what was forgotten.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Weak};

use super::Fault;

const SECTOR_BYTES: usize = 512;

#[derive(Debug)]
pub(super) struct Disk {
    random: u64,
    life: u64,
    files: Vec<File>,
    seen_names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending_names: Vec<NameChange>,
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    has_power: bool,
    lock: Weak<()>,
}

#[derive(Debug, Default)]
struct File {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Sector { start: usize, image: Vec<u8> },
    Length(usize),
}

#[derive(Debug)]
enum NameChange {
    Create { name: String, inode: usize },
    Rename { from: String, to: String, inode: usize },
    Remove { name: String },
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: seed,
            life: 0,
            files: Vec::new(),
            seen_names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
            operations: 0,
            faults: BTreeMap::new(),
            has_power: true,
            lock: Weak::new(),
        }
    }

    pub(super) fn operations(&self) -> u64 {
        self.operations
    }

    pub(super) fn life(&self) -> u64 {
        self.life
    }

    pub(super) fn fail_at(&mut self, operation: u64, fault: Fault) {
        self.faults.insert(operation, fault);
    }

    /// Counts a call and tells what is to befall it.
    fn next_fault(&mut self) -> io::Result<Option<Fault>> {
        let fault = self.faults.remove(&self.operations);
        self.operations += 1;
        if fault == Some(Fault::PowerCut) {
            self.has_power = false;
        }
        if self.has_power { Ok(fault) } else { Err(io::Error::other("the power is cut")) }
    }

    /// Begins a call that needs no space.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        match self.next_fault()? {
            Some(Fault::Io) => Err(io_error()),
            Some(
                Fault::NoSpace
                | Fault::ShortWrite
                | Fault::Sync
                | Fault::Lie
                | Fault::Garble
                | Fault::PowerCut,
            )
            | None => Ok(()),
        }
    }

    /// Begins a call that may need space.
    pub(super) fn begin_allocation(&mut self) -> io::Result<()> {
        match self.next_fault()? {
            Some(Fault::Io) => Err(io_error()),
            Some(Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::ShortWrite | Fault::Sync | Fault::Lie | Fault::Garble | Fault::PowerCut) | None => {
                Ok(())
            }
        }
    }

    pub(super) fn write(&mut self, inode: usize, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let fault = self.next_fault()?;
        let beginning = if bytes.is_empty() { 0 } else { self.below(bytes.len()) };
        match fault {
            Some(Fault::Io) => {
                self.files[inode].write(offset, &bytes[..beginning]);
                Err(io_error())
            }
            Some(Fault::NoSpace) => {
                self.files[inode].write(offset, &bytes[..beginning]);
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(Fault::ShortWrite) => {
                let beginning = beginning.max(1).min(bytes.len());
                self.files[inode].write(offset, &bytes[..beginning]);
                Ok(beginning)
            }
            Some(Fault::Garble) if !bytes.is_empty() => {
                let bit = self.below(bytes.len() * 8);
                let mut garbled = bytes.to_vec();
                garbled[bit / 8] ^= 1 << (bit % 8);
                self.files[inode].write(offset, &garbled);
                Ok(bytes.len())
            }
            Some(Fault::Sync | Fault::Lie | Fault::Garble | Fault::PowerCut) | None => {
                self.files[inode].write(offset, bytes);
                Ok(bytes.len())
            }
        }
    }

    pub(super) fn read(&self, inode: usize, offset: u64, buffer: &mut [u8]) -> usize {
        let seen = &self.files[inode].seen;
        let rest = seen.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        count
    }

    pub(super) fn size(&self, inode: usize) -> u64 {
        self.files[inode].seen.len() as u64
    }

    pub(super) fn set_len(&mut self, inode: usize, len: u64) {
        let file = &mut self.files[inode];
        file.seen.resize(len as usize, 0);
        file.pending.push(Change::Length(len as usize));
    }

    pub(super) fn sync(&mut self, inode: usize) -> io::Result<()> {
        let fault = self.next_fault()?;
        if fault == Some(Fault::Lie) {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.files[inode].pending);
        match fault {
            Some(Fault::Io | Fault::Sync) => Err(io_error()),
            Some(Fault::NoSpace | Fault::ShortWrite | Fault::Lie | Fault::Garble | Fault::PowerCut)
            | None => {
                for change in &pending {
                    self.files[inode].apply(change);
                }
                Ok(())
            }
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.seen_names.keys().map(String::as_str)
    }

    pub(super) fn find(&self, name: &str) -> io::Result<usize> {
        self.seen_names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn create(&mut self, name: String) -> io::Result<usize> {
        if self.seen_names.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = self.files.len();
        self.files.push(File::default());
        self.change_names(NameChange::Create { name, inode });
        Ok(inode)
    }

    pub(super) fn rename(&mut self, from: String, to: String) -> io::Result<()> {
        let inode = self.find(&from)?;
        self.change_names(NameChange::Rename { from, to, inode });
        Ok(())
    }

    pub(super) fn remove(&mut self, name: String) -> io::Result<()> {
        self.find(&name)?;
        self.change_names(NameChange::Remove { name });
        Ok(())
    }

    fn change_names(&mut self, change: NameChange) {
        change.apply(&mut self.seen_names);
        self.pending_names.push(change);
    }

    /// Makes the names directly inside one directory durable.
    pub(super) fn sync_names(&mut self, prefix: &str) -> io::Result<()> {
        match self.next_fault()? {
            Some(Fault::Io) => return Err(io_error()),
            Some(Fault::Lie) => return Ok(()),
            Some(Fault::NoSpace | Fault::ShortWrite | Fault::Sync | Fault::Garble | Fault::PowerCut)
            | None => {}
        }
        for change in std::mem::take(&mut self.pending_names) {
            if change.directory() == prefix {
                change.apply(&mut self.durable_names);
            } else {
                self.pending_names.push(change);
            }
        }
        Ok(())
    }

    pub(super) fn try_lock(&mut self) -> Option<Arc<()>> {
        if self.lock.strong_count() > 0 {
            return None;
        }
        let held = Arc::new(());
        self.lock = Arc::downgrade(&held);
        Some(held)
    }

    pub(super) fn crash(&mut self) {
        let in_order = self.below(2) == 0;
        let changes = std::mem::take(&mut self.pending_names);
        let beginning = self.below(changes.len() + 1);
        for (place, change) in changes.iter().enumerate() {
            if if in_order { place < beginning } else { self.below(2) == 0 } {
                change.apply(&mut self.durable_names);
            }
        }
        for inode in 0..self.files.len() {
            for change in std::mem::take(&mut self.files[inode].pending) {
                if self.below(2) == 0 {
                    self.files[inode].apply(&change);
                }
            }
            let file = &mut self.files[inode];
            file.seen.clone_from(&file.durable);
        }
        self.seen_names.clone_from(&self.durable_names);
        self.faults.clear();
        self.has_power = true;
        self.lock = Weak::new();
        self.life += 1;
    }

    /// A number below `bound`, by `SplitMix64` (Steele, Lea and Flood, 2014).
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

impl File {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let (begin, end) = (offset as usize, offset as usize + bytes.len());
        if self.seen.len() < end {
            self.seen.resize(end, 0);
        }
        self.seen[begin..end].copy_from_slice(bytes);
        let mut start = begin - begin % SECTOR_BYTES;
        while start < end {
            let image = self.seen[start..self.seen.len().min(start + SECTOR_BYTES)].to_vec();
            self.pending.push(Change::Sector { start, image });
            start += SECTOR_BYTES;
        }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Sector { start, image } => {
                let end = start + image.len();
                if self.durable.len() < end {
                    self.durable.resize(end, 0);
                }
                self.durable[*start..end].copy_from_slice(image);
            }
            Change::Length(len) => self.durable.resize(*len, 0),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create { name, inode } => {
                names.insert(name.clone(), *inode);
            }
            Self::Rename { from, to, inode } => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
            Self::Remove { name } => {
                names.remove(name);
            }
        }
    }

    fn directory(&self) -> &str {
        let (Self::Create { name, .. } | Self::Rename { to: name, .. } | Self::Remove { name }) = self;
        name.rfind('/').map_or("", |separator| &name[..=separator])
    }
}

fn io_error() -> io::Error {
    const EIO: i32 = 5;
    io::Error::from_raw_os_error(EIO)
}
