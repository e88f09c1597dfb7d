//! The oracle of the damage tests: the bytes of a log as they were written, and what has to follow from any
//! other bytes in their place.
//!
//! It compares bytes. That a frame holds at some place means that the very bytes of a frame stand there.

use super::*;

/// A frame as it was written.
#[derive(Clone, Copy, Debug)]
struct Written {
    segment: usize,
    start: usize,
    end: usize,
    /// The next lsn when it was written.
    first: u64,
    durable: u64,
    is_continue: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// This many commands are there, and this many bytes are cut.
    Opens(u64, u64),
    Refused,
}

/// A log of some segments, and where its frames stand.
pub(super) struct Log {
    pub(super) segments: Vec<Vec<u8>>,
    /// The lsn of its last command.
    pub(super) last: u64,
    frames: Vec<Written>,
}

const HEADER: usize = 4096;

/// Records of each commit, and whether a mark follows it.
const COMMITS: [(u64, bool); 16] = [
    (1, false),
    (2, true),
    (1, false),
    (1, false),
    (1, true),
    (2, false),
    (1, true),
    (1, false),
    (1, false),
    (2, false),
    (1, true),
    (1, false),
    (1, true),
    (1, false),
    (2, true),
    (1, false),
];

/// Writes a log of three segments; `closing` is what is done last.
pub(super) fn written(closing: fn(Wal<Sim>)) -> Log {
    let sim = Sim::new(1);
    let (mut wal, ..) = open(&sim).unwrap();
    let mut frames: Vec<Written> = Vec::new();
    let mut first = 1;
    for (records, is_marked) in COMMITS {
        let place = (wal.active_segment(), wal.active_bytes());
        wal.commit(batch(first, records)).unwrap();
        note(&mut frames, place, &wal, first);
        first += records;
        if is_marked {
            let place = (wal.active_segment(), wal.active_bytes());
            wal.mark().unwrap();
            note(&mut frames, place, &wal, first);
        }
    }
    let (segment, start) = (wal.active_segment() as usize - 1, wal.active_bytes() as usize);
    closing(wal);
    let segments: Vec<Vec<u8>> = segments(&sim).iter().map(|file| content(&sim, file)).collect();
    let end = start + 48;
    if segments[segment][start..end].iter().any(|byte| *byte != 0) {
        frames.push(Written { segment, start, end, first, durable: first - 1, is_continue: false });
    }
    assert_eq!(segments.len(), segment + 1, "closing takes no segment of its own");
    assert!(segments.len() >= 3, "{}", segments.len());
    Log { segments, last: first - 1, frames }
}

/// The frame that was just written, and the end of the segment before if that is another one.
fn note(frames: &mut Vec<Written>, (segment, bytes): (u64, u64), wal: &Wal<Sim>, first: u64) {
    let at = |segment: u64, start: usize, end: usize, is_continue: bool| {
        let segment = segment as usize - 1;
        Written { segment, start, end, first, durable: first - 1, is_continue }
    };
    let mut start = bytes as usize;
    if wal.active_segment() != segment {
        frames.push(at(segment, start, start + 48, true));
        start = HEADER;
    }
    frames.push(at(wal.active_segment(), start, wal.active_bytes() as usize, false));
}

impl Log {
    fn bytes(&self, frame: &Written) -> &[u8] {
        &self.segments[frame.segment][frame.start..frame.end]
    }

    fn frames_of(&self, segment: usize) -> impl Iterator<Item = &Written> {
        self.frames.iter().filter(move |frame| frame.segment == segment)
    }

    /// A segment's header, and its frames.
    pub(super) fn parts(&self, segment: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
        let parts = self.frames_of(segment).map(|frame| self.bytes(frame).to_vec());
        (self.segments[segment][..HEADER].to_vec(), parts.collect())
    }

    /// What has to come of these bytes.
    pub(super) fn expected(&self, changed: &[Option<Vec<u8>>]) -> Verdict {
        let present = changed.iter().take_while(|bytes| bytes.is_some()).count();
        if present == 0 || changed[present..].iter().any(Option::is_some) {
            return Verdict::Refused;
        }
        let headers_hold = (0..present).all(|segment| {
            changed[segment]
                .as_ref()
                .is_some_and(|bytes| bytes.get(..HEADER) == self.segments[segment].get(..HEADER))
        });
        if !headers_hold {
            return Verdict::Refused;
        }
        let holds = |frame: &Written| stands_at(changed, frame.segment, frame.start, self.bytes(frame));
        let needed = |frame: &&Written| frame.segment + 1 < present && !frame.is_continue;
        if !self.frames.iter().filter(needed).all(holds) {
            return Verdict::Refused;
        }
        self.expected_of_last(changed, present - 1)
    }

    fn expected_of_last(&self, changed: &[Option<Vec<u8>>], segment: usize) -> Verdict {
        let bytes = changed[segment].as_ref().expect("it is present");
        let holds = |frame: &&Written| stands_at(changed, segment, frame.start, self.bytes(frame));
        let sound: Vec<&Written> = self.frames_of(segment).take_while(holds).collect();
        if sound.iter().any(|frame| frame.is_continue) {
            return Verdict::Refused;
        }
        let broken = self.frames_of(segment).nth(sound.len());
        let end = sound.last().map_or(HEADER, |frame| frame.end);
        let next = broken.map_or(self.last + 1, |frame| frame.first);
        // A frame of this segment that holds here is not the one that is due.
        if self.frames_of(segment).any(|frame| stands_at(changed, segment, end, self.bytes(frame))) {
            return Verdict::Refused;
        }
        let known = sound.iter().map(|frame| frame.durable).max().unwrap_or(0);
        for place in (end + 8..bytes.len()).step_by(8) {
            for frame in self.frames_of(segment) {
                let header_holds = stands_at(changed, segment, place, &self.bytes(frame)[..48]);
                let frame_holds = stands_at(changed, segment, place, self.bytes(frame));
                if (header_holds && frame.durable >= next) || (frame_holds && frame.first <= next) {
                    return Verdict::Refused;
                }
            }
        }
        if known >= next {
            return Verdict::Refused;
        }
        let content_end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Verdict::Opens(next - 1, content_end.saturating_sub(end) as u64)
    }
}

/// Whether the segment has these very bytes at this place.
fn stands_at(changed: &[Option<Vec<u8>>], segment: usize, place: usize, bytes: &[u8]) -> bool {
    let found = changed[segment].as_ref().and_then(|changed| changed.get(place..place + bytes.len()));
    found == Some(bytes)
}
