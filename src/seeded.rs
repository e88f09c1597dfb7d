//! Bugs on demand, for the tests that have to catch them.
//!
//! A proof is worth what it would find: each [`Bug`] is a mistake that somebody could make in the log, the
//! snapshots or the writer, and a campaign is named that fails when it is made.
//!
//! - Only test builds can switch a bug on. Everywhere else `has` is the constant `false` and the code behind
//!   it is not there; a test looks for the marker text of a test build in the program that is shipped.
//! - A bug is of one thread: tests run beside each other.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A commit is not synced.
    DropDataSync,
    /// The names of a directory are not synced.
    DropDirectorySync,
    /// A file gets its name before its content is synced.
    DropTemporarySync,
    /// The rest of a short write is never written.
    IgnoreShortWrite,
    /// Frames end in zeros, like the room that was allocated for them.
    EndFramesInZeros,
    /// Frames are taken whatever came before them.
    SkipChainCheck,
    /// Frames are taken whatever sequence they begin with.
    SkipSequenceCheck,
    /// Payloads are not held against their checksum.
    SkipFrameChecksum,
    /// Frames of another segment are taken for this one's.
    AcceptForeignSalt,
    /// Whatever does not hold is the torn end of the log.
    StopAtFirstBadFrame,
    /// A sound frame behind a bad one is always damage.
    RefuseAnyLaterFrame,
    /// What snapshots say was durable is not believed.
    IgnoreSnapshotsWhenJudging,
    /// A frame says of itself that it is durable.
    ClaimDurableTooEarly,
    /// The log is used on after a failed sync.
    RetryFailedSync,
    /// The log is used on after an unclean stop as it stands in the page cache.
    TrustPageCache,
    /// A mark is not synced before the next frame is written.
    DropMarkSync,
    /// The log goes on in a new segment while the old one is not synced.
    RotateUnsynced,
    /// A segment gets its name before its header is synced.
    DropSegmentHeaderSync,
    /// A segment says that it is continued before the next one is there.
    ContinueTooEarly,
    /// Segments that should be there are not missed.
    IgnoreMissingSegment,
    /// Callers are told before the commit is written.
    AcknowledgeBeforeSync,
    /// Readers see a commit before it is written.
    PublishBeforeSync,
    /// Readers keep seeing a commit that failed.
    PublishFailedCommit,
    /// A failed write is said to be applied.
    AcknowledgeFailedCommit,
    /// Segments are removed before the manifest that does without them is durable.
    RemoveSegmentsBeforeManifest,
    /// Segments are removed that an older kept snapshot needs.
    RemoveSegmentsTooMany,
    /// Snapshots are removed before the manifest that does without them is durable.
    RemoveSnapshotsBeforeManifest,
    /// A snapshot is taken of commands that the log has not synced.
    SnapshotUnsynced,
    /// A snapshot is not read again before it counts.
    SkipSnapshotVerification,
    /// A snapshot that does not hold ends the search for one.
    NoFallBack,
    /// Commands that a snapshot holds are applied again.
    ReplayTwice,
}

/// Whether the thread is to make this mistake.
#[cfg(not(test))]
#[inline]
pub(crate) const fn has(_bug: Bug) -> bool {
    false
}

#[cfg(test)]
pub(crate) use on_demand::{assert_found, has};

#[cfg(test)]
mod on_demand {
    use std::cell::Cell;
    use std::panic::catch_unwind;

    use super::Bug;

    /// Stands in every program in which bugs can be switched on.
    static MARKER: &str = "watershed can be told to make mistakes";

    thread_local! {
        static MADE: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether the thread is to make this mistake.
    pub(crate) fn has(bug: Bug) -> bool {
        MADE.get() == Some(bug)
    }

    /// Runs a campaign with this mistake in the code, and fails unless the campaign does. A panic is a find, too:
    /// an assertion of the code, or of the campaign.
    pub(crate) fn assert_found(bug: Bug, name: &str, campaign: fn() -> Result<u64, String>) {
        println!("{MARKER}: {bug:?}");
        MADE.set(Some(bug));
        let outcome = catch_unwind(campaign);
        MADE.set(None);
        let find = match outcome {
            Ok(Ok(cases)) => panic!("{bug:?} is not found by {name} in {cases} cases"),
            Ok(Err(find)) => find,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                format!("a panic: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default())
            }
        };
        println!("{bug:?}: found by {name}: {}", find.chars().take(160).collect::<String>());
    }

    /// The program that runs this test holds the marker: looking for it can find it.
    #[test]
    fn a_program_with_bugs_on_demand_can_be_told_by_its_bytes() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(program.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()));
    }
}
