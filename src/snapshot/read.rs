//! A snapshot read with every check there is, into a graph or into nothing.
//!
//! Order of the checks: header → length → checksums of all blocks and of the whole → archives → what
//! they say → digest. Nothing is decoded before the whole file has its checksums, so the file is read
//! twice; the second time the blocks' checksums are checked again, for what the memory or the disk
//! does in between.
//!
//! - Memory follows what is in the file, never what a number in it claims.
//! - Without a graph it takes the names, 8 bytes per dependency and the blocks under way.

use std::collections::HashSet;

use uuid::Uuid;

use super::block::{BLOCK_HEADER_BYTES, BlockHeader, Kind};
use super::decode::{self, Components, Fault};
use super::error::{BlockFault, LoadError};
use super::format::Aligned;
use super::header::{HEADER_BYTES, Header, HeaderFault};
use super::parallel::in_order;
use super::state::State;
use crate::graph::{
    Adjacency, Assembly, Dependencies, Digest, Graph, LinkTable, Rest, Roster, Services, strongly_connected,
};
use crate::ledger::Ledger;
use crate::storage::StorageFile;
use crate::types::ServiceId;

/// What each dependency takes in a file at least.
const OBSERVATION_BYTES: u64 = 40;

/// Reads and checks the header and the length of a file.
pub(super) fn header<F: StorageFile>(file: &F) -> Result<Header, LoadError> {
    let found = file.size()?;
    if found < HEADER_BYTES as u64 {
        return Err(HeaderFault::Cut.into());
    }
    let mut bytes = [0; HEADER_BYTES];
    file.read_exact_at(0, &mut bytes)?;
    let header = Header::decode(&bytes)?;
    if found != header.file_bytes {
        return Err(LoadError::Length { found, expected: header.file_bytes });
    }
    Ok(header)
}

/// A block whose checksum held once.
#[derive(Clone, Copy)]
struct Block {
    header: BlockHeader,
    offset: u64,
}

impl Block {
    fn fault(&self, fault: BlockFault) -> LoadError {
        LoadError::Block { ordinal: self.header.ordinal, offset: self.offset, fault }
    }

    fn content_fault(&self, fault: Fault) -> LoadError {
        let (ordinal, offset) = (self.header.ordinal, self.offset);
        match fault {
            Fault::Archive(reason) => LoadError::Archive { ordinal, offset, reason },
            Fault::Item(item, what) => LoadError::Item { ordinal, offset, item: item as u32, what },
        }
    }

    /// The archive with the zeros behind it, checked.
    fn read<F: StorageFile>(&self, file: &F) -> Result<Aligned, LoadError> {
        let mut archive = Aligned::zeros(self.header.padded_len());
        file.read_exact_at(self.offset + BLOCK_HEADER_BYTES as u64, &mut archive)?;
        self.header.check(&archive).map_err(|fault| self.fault(fault))?;
        Ok(archive)
    }
}

/// Checks the checksum of every block and of all of them, in order. `progress` gets the offset.
fn checksums<F: StorageFile>(
    file: &F,
    header: &Header,
    mut progress: impl FnMut(u64),
) -> Result<Vec<Block>, LoadError> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut hasher = blake3::Hasher::new();
    let mut offset = HEADER_BYTES as u64;
    let mut bytes = [0; BLOCK_HEADER_BYTES];
    for ordinal in 0..header.blocks {
        let fault = |fault| LoadError::Block { ordinal, offset, fault };
        let rest = (header.file_bytes - offset).checked_sub(BLOCK_HEADER_BYTES as u64);
        let rest = rest.ok_or_else(|| fault(BlockFault::Cut))?;
        file.read_exact_at(offset, &mut bytes)?;
        let block = Block { header: BlockHeader::decode(&bytes, ordinal).map_err(fault)?, offset };
        if block.header.padded_len() as u64 > rest {
            return Err(fault(BlockFault::Cut));
        }
        if blocks.last().is_some_and(|last| last.header.kind > block.header.kind) {
            return Err(fault(BlockFault::Field("kind")));
        }
        let archive = block.read(file)?;
        hasher.update(&bytes).update(&archive);
        offset += (BLOCK_HEADER_BYTES + block.header.padded_len()) as u64;
        blocks.push(block);
        progress(offset);
    }
    if offset != header.file_bytes {
        return Err(LoadError::Length { found: header.file_bytes, expected: offset });
    }
    if *hasher.finalize().as_bytes() != header.content_hash {
        return Err(LoadError::ContentHash);
    }
    Ok(blocks)
}

/// What becomes of the parts of a graph.
pub(super) trait Keep {
    fn services(&mut self, part: Services);
    fn dependencies(&mut self, part: Dependencies);
}

impl Keep for Assembly {
    fn services(&mut self, part: Services) {
        self.services(part);
    }

    fn dependencies(&mut self, part: Dependencies) {
        self.dependencies(part);
    }
}

/// Keeps nothing: the parts are only checked.
pub(super) struct Nothing;

impl Keep for Nothing {
    fn services(&mut self, _part: Services) {}
    fn dependencies(&mut self, _part: Dependencies) {}
}

/// What spans the blocks of a snapshot, all of it checked.
pub(super) struct Outline {
    pub(super) roster: Roster,
    pub(super) links: LinkTable,
    /// Alert and members, in order of appearance.
    pub(super) components: Vec<(Uuid, Vec<u32>)>,
    pub(super) state: State,
}

/// Reads and checks all that follows the header. `progress` gets the bytes done out of twice the file.
pub(super) fn content<F: StorageFile>(
    file: &F,
    header: &Header,
    threads: usize,
    keep: &mut impl Keep,
    mut progress: impl FnMut(u64, u64),
) -> Result<Outline, LoadError> {
    let total = 2 * header.file_bytes;
    let blocks = checksums(file, header, |offset| progress(offset, total))?;
    // A few blocks are decoded before the threads would have started.
    let threads = if blocks.len() < 4 { 0 } else { threads };
    let mut reading = Reading {
        file,
        header,
        blocks: &blocks,
        threads,
        digest: Digest::default(),
        progress: |offset| progress(header.file_bytes + offset, total),
    };
    let roster = reading.services(keep)?;
    let links = reading.dependencies(&roster, keep)?;
    let components = reading.components(&roster, &links)?;
    let state = reading.state(&roster, &components)?;
    if reading.digest != header.digest {
        return Err(LoadError::Digest { stored: header.digest, computed: reading.digest });
    }
    progress(total, total);
    Ok(Outline { roster, links, components, state })
}

/// The second time through the file, kind by kind.
struct Reading<'a, F, P> {
    file: &'a F,
    header: &'a Header,
    blocks: &'a [Block],
    threads: usize,
    digest: Digest,
    progress: P,
}

impl<F: StorageFile, P: FnMut(u64)> Reading<'_, F, P> {
    /// Decodes the blocks of a kind on the threads and takes what they hold in order.
    fn each<T: Send>(
        &mut self,
        kind: Kind,
        decode: impl Fn(&[u8]) -> Result<T, Fault> + Sync,
        mut take: impl FnMut(&mut Digest, Block, T) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        let mut blocks = self.blocks.iter().filter(|block| block.header.kind == kind);
        in_order(
            self.threads,
            || blocks.next().map(|block| Ok((*block, block.read(self.file)?))),
            |(block, archive)| match decode(block.header.archive(&archive)) {
                Ok(part) => Ok((block, part)),
                Err(fault) => Err(block.content_fault(fault)),
            },
            |(block, part)| {
                (self.progress)(block.offset);
                take(&mut self.digest, block, part)
            },
        )
    }

    fn services(&mut self, keep: &mut impl Keep) -> Result<Roster, LoadError> {
        let mut ids: Vec<ServiceId> = Vec::new();
        self.each(Kind::Services, decode::services, |digest, _, part| {
            *digest += part.digest();
            ids.extend(part.ids().cloned());
            keep.services(part);
            Ok(())
        })?;
        expect_count("services", ids.len() as u64, u64::from(self.header.services))?;
        Roster::new(ids).map_err(|repeated| LoadError::Content(repeated.to_string()))
    }

    fn dependencies(&mut self, roster: &Roster, keep: &mut impl Keep) -> Result<LinkTable, LoadError> {
        // The header's number is only a claim; the length of the file is not.
        let possible = self.header.file_bytes / OBSERVATION_BYTES;
        let links = self.header.dependencies.min(possible) as usize;
        let mut links = LinkTable::with_capacity(roster.count() as usize, links);
        let decode = |archive: &[u8]| decode::dependencies(archive, roster);
        let mut count = 0;
        self.each(Kind::Observations, decode, |digest, block, part| {
            *digest += part.digest();
            for (item, (source, link)) in part.links().enumerate() {
                if !links.push(source, link) {
                    let what = "dependencies are not in order, each once".to_owned();
                    return Err(block.content_fault(Fault::Item(item, what)));
                }
                count += 1;
            }
            keep.dependencies(part);
            Ok(())
        })?;
        links.pad(roster.count());
        expect_count("dependencies", count, self.header.dependencies)?;
        Ok(links)
    }

    /// The components, held against those that the links make.
    fn components(&mut self, roster: &Roster, links: &LinkTable) -> Result<Vec<(Uuid, Vec<u32>)>, LoadError> {
        let mut components = Components::default();
        for block in self.blocks.iter().filter(|block| block.header.kind == Kind::Cycles) {
            (self.progress)(block.offset);
            let archive = block.read(self.file)?;
            components.extend(block.header.archive(&archive)).map_err(|fault| block.content_fault(fault))?;
        }
        if components.is_cut() {
            return Err(LoadError::Content("the last component misses its end".to_owned()));
        }
        let components = components.whole;
        let mut stored: Vec<&[u32]> = components.iter().map(|(_, members)| members.as_slice()).collect();
        stored.sort_unstable();
        if stored != strongly_connected(links, 0..links.node_count(), |_| true) {
            return Err(LoadError::Content("the components are not those of the dependencies".to_owned()));
        }
        let mut alerts: Vec<_> = components.iter().map(|(alert_id, _)| *alert_id).collect();
        alerts.sort_unstable();
        if !alerts.is_sorted_by(|a, b| a < b) {
            return Err(LoadError::Content("two components have the same alert".to_owned()));
        }
        for (alert_id, members) in &components {
            self.digest += roster.component_digest(*alert_id, members);
        }
        Ok(components)
    }

    /// The rest, alerts held against the components.
    fn state(&mut self, roster: &Roster, components: &[(Uuid, Vec<u32>)]) -> Result<State, LoadError> {
        let mut state = State::default();
        for block in self.blocks.iter().filter(|block| block.header.kind == Kind::State) {
            (self.progress)(block.offset);
            let archive = block.read(self.file)?;
            decode::state(block.header.archive(&archive), roster, &mut state)
                .map_err(|fault| block.content_fault(fault))?;
        }
        if state.is_cut() {
            return Err(LoadError::Content("the last record of the state misses its end".to_owned()));
        }
        let standing: HashSet<Uuid> = components.iter().map(|(alert_id, _)| *alert_id).collect();
        for alert in &state.alerts {
            if alert.is_active() != standing.contains(&alert.id) {
                return Err(LoadError::Content("an alert does not fit the components".to_owned()));
            }
            self.digest += alert.digest();
        }
        for (service, percent) in &state.targets {
            self.digest += roster.target_digest(*service, *percent);
        }
        Ok(state)
    }
}

fn expect_count(what: &str, found: u64, expected: u64) -> Result<(), LoadError> {
    if found == expected {
        Ok(())
    } else {
        Err(LoadError::Content(format!("{found} {what}, the header says {expected}")))
    }
}

/// Reads and checks everything, into a graph.
pub(super) fn load<F: StorageFile>(
    file: &F,
    threads: usize,
    progress: impl FnMut(u64, u64),
) -> Result<(Header, Graph), LoadError> {
    let header = header(file)?;
    let mut assembly = Assembly::default();
    let Outline { roster, links, components, state } =
        content(file, &header, threads, &mut assembly, progress)?;
    for (service, percent) in &state.targets {
        assembly.availability_target(*service, *percent);
    }
    let rest = Rest {
        version: header.version,
        components,
        detected_at: header.created_at,
        alerts: state.alerts,
        ledger: Ledger::from_parts(state.audit, state.memory, header.swept_at),
    };
    let graph = assembly.finish(&roster, &links, rest);
    Ok((header, graph))
}

/// Reads and checks everything, on this thread, into nothing.
pub(super) fn verify<F: StorageFile>(file: &F, progress: impl FnMut(u64, u64)) -> Result<Header, LoadError> {
    let header = header(file)?;
    content(file, &header, 0, &mut Nothing, progress)?;
    Ok(header)
}
