//! Long answers that are kept: noted while they are written piece by piece, and given again likewise.
//!
//! What they take is bounded ([`limits::KEPT_LONG_BYTES_MAX`]) from when one begins to be kept until it is neither kept
//! nor under way to anybody: however many clients are slow to take old ones, and however many ask at once, they hold no
//! more than that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::{Body, Kept, Known};
use crate::limits;

/// A long answer that was written before.
pub(in crate::http) struct LongAnswer {
    pieces: Vec<Bytes>,
    room: Room,
}

impl LongAnswer {
    pub(in crate::http) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    pub(super) fn bytes(&self) -> usize {
        self.room.bytes
    }
}

/// Bytes that all long answers have in use.
pub(super) type Taken = Arc<AtomicUsize>;

/// A part of the room for long answers. Given back when it is dropped.
pub(super) struct Room {
    taken: Taken,
    bytes: usize,
}

impl Room {
    /// Room for one more answer, however long it gets; `None` where there is none.
    pub(super) fn take(taken: &Taken) -> Option<Self> {
        let bytes = limits::KEPT_ANSWER_BYTES_MAX;
        let more = |used: usize| Some(used + bytes).filter(|used| *used <= limits::KEPT_LONG_BYTES_MAX);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self { taken: Arc::clone(taken), bytes })
    }

    /// Gives back what is more than `bytes`.
    fn shrink(&mut self, bytes: usize) {
        self.taken.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// An answer that is to be kept, while it is written.
pub(in crate::http) struct Keeping {
    kept: Arc<Kept>,
    target: Box<str>,
    known: Known,
    pieces: Vec<Bytes>,
    bytes: usize,
    room: Room,
}

impl Keeping {
    pub(super) fn new(kept: &Arc<Kept>, target: &str, known: Known, room: Room) -> Self {
        Self { kept: Arc::clone(kept), target: target.into(), known, pieces: Vec::new(), bytes: 0, room }
    }

    /// Takes the next piece; `None` when it is too much to be kept.
    pub(in crate::http) fn with(mut self, piece: &Bytes) -> Option<Self> {
        self.bytes += piece.len();
        if self.bytes > limits::KEPT_ANSWER_BYTES_MAX {
            return None;
        }
        // A copy has no room to spare, as that which was written has.
        self.pieces.push(Bytes::copy_from_slice(piece));
        Some(self)
    }

    /// There are no more pieces: from now on it is kept.
    pub(in crate::http) fn end(mut self) {
        self.room.shrink(self.bytes);
        let answer = LongAnswer { pieces: self.pieces, room: self.room };
        let known = Known { body: Some(Body::Long(Arc::new(answer))), ..self.known };
        self.kept.insert(&self.target, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::answer::{Answer, Content};
    use crate::http::kept::testing::{head, kept, known};

    fn keeping(kept: &Arc<Kept>, target: &str, version: u64) -> Option<Keeping> {
        Some(Keeping::new(kept, target, known(version), Room::take(&kept.long)?))
    }

    fn pieces(kept: &Kept, target: &str, version: u64) -> Option<Arc<LongAnswer>> {
        match kept.find(version, &head("GET", target, &[]))?.0 {
            Answer { content: Content::Kept(answer), .. } => Some(answer),
            _ => None,
        }
    }

    fn taken(kept: &Kept) -> usize {
        kept.long.load(Ordering::Relaxed)
    }

    const PIECE: Bytes = Bytes::from_static(b"piece ");

    #[test]
    fn pieces_are_kept_when_the_last_was_taken() {
        let kept = kept();
        drop(keeping(&kept, "/a", 1).unwrap().with(&PIECE).unwrap());
        assert!(pieces(&kept, "/a", 1).is_none(), "whoever asked has gone before the end");
        assert_eq!(taken(&kept), 0);
        keeping(&kept, "/a", 1).unwrap().with(&PIECE).unwrap().with(&PIECE).unwrap().end();
        assert_eq!(pieces(&kept, "/a", 1).unwrap().pieces().concat(), b"piece piece ");
        assert_eq!(taken(&kept), 12);
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let kept = kept();
        let most = Bytes::from(vec![0; limits::KEPT_ANSWER_BYTES_MAX]);
        keeping(&kept, "/a", 1).unwrap().with(&most).unwrap().end();
        assert!(pieces(&kept, "/a", 1).is_some(), "as much as may be");
        assert!(keeping(&kept, "/b", 1).unwrap().with(&most).unwrap().with(&PIECE).is_none());
        assert_eq!(taken(&kept), most.len(), "what was given up takes nothing");
    }

    /// A client that takes its time holds an answer that is not kept any more.
    #[test]
    fn what_is_under_way_takes_room_until_it_is_there() {
        let kept = kept();
        let most = Bytes::from(vec![0; limits::KEPT_ANSWER_BYTES_MAX]);
        let fits = limits::KEPT_LONG_BYTES_MAX / most.len();
        let mut under_way = Vec::new();
        for number in 0..fits {
            let target = format!("/{number}");
            keeping(&kept, &target, 1).unwrap().with(&most).unwrap().end();
            under_way.push(pieces(&kept, &target, 1).unwrap());
        }
        assert!(keeping(&kept, "/more", 1).is_none(), "there is no room");
        kept.begin_anew();
        assert!(pieces(&kept, "/0", 1).is_none());
        assert!(keeping(&kept, "/more", 1).is_none(), "all of them are still under way");
        under_way.pop();
        assert!(keeping(&kept, "/more", 1).is_some());
        drop(under_way);
        assert_eq!(taken(&kept), 0);
    }

    #[test]
    fn one_that_comes_late_does_not_displace_a_newer_one() {
        let kept = kept();
        let late = keeping(&kept, "/a", 1).unwrap().with(&PIECE).unwrap();
        keeping(&kept, "/a", 2).unwrap().with(&PIECE).unwrap().end();
        late.end();
        assert!(pieces(&kept, "/a", 2).is_some() && pieces(&kept, "/a", 1).is_none());
        assert_eq!(taken(&kept), PIECE.len());
    }
}
