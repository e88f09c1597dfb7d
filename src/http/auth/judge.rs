//! bcrypt for requests: few at a time, each key once.
//!
//! - Requests with the same key wait for one check (single flight). What it said of a bad key is remembered for a
//!   minute; a good one is remembered with the key.
//! - Memory is bounded, and so is the queue: who finds no place in it is told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;

use super::known::{Known, Tag};
use crate::http::limit;
use crate::keys::Token;
use crate::limits;

/// No place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoTurn;

/// Decides about keys that were not verified yet.
pub(super) struct Judge {
    /// By the tag of the key. A random one, so any hash will do.
    cases: DashMap<[u8; 32], Arc<Case>>,
    turns: Arc<Semaphore>,
    places: Semaphore,
    checks: AtomicU64,
}

struct Case {
    is_good: OnceCell<bool>,
    opened: Duration,
}

impl Judge {
    pub(super) fn new(turns: usize) -> Self {
        Self {
            cases: DashMap::new(),
            turns: Arc::new(Semaphore::new(turns)),
            places: Semaphore::new(limits::BCRYPT_QUEUE_MAX),
            checks: AtomicU64::new(0),
        }
    }

    /// Keys that took a bcrypt so far.
    pub(super) fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }

    /// Whether a key was found bad a moment ago, so that finding it bad again costs nothing.
    pub(super) fn knows_bad(&self, tag: &Tag) -> bool {
        let case = self.cases.get(&tag.0);
        case.is_some_and(|case| is_fresh(&case) && case.is_good.get() == Some(&false))
    }

    /// Whether a text is the key that it says it is.
    pub(super) async fn judge(&self, tag: Tag, known: Arc<Known>, token: Token) -> Result<bool, NoTurn> {
        let case = self.case(tag)?;
        let check = || async {
            let _place = self.places.try_acquire().map_err(|_| NoTurn)?;
            let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| NoTurn)?;
            self.checks.fetch_add(1, Ordering::Relaxed);
            let hashed = Arc::clone(&known);
            let work = move || {
                let is_good = token.matches(&hashed.hash);
                // Held to the end of the work, even where nobody waits for it any more.
                drop(turn);
                is_good
            };
            spawn_blocking(work).await.map_err(|_| NoTurn)
        };
        let is_good = *case.is_good.get_or_try_init(check).await?;
        if is_good {
            known.verify(tag);
            self.cases.remove(&tag.0);
        }
        Ok(is_good)
    }

    /// The case of a key, opened when there is none.
    fn case(&self, tag: Tag) -> Result<Arc<Case>, NoTurn> {
        if let Some(case) = self.cases.get(&tag.0).filter(|case| is_fresh(case)) {
            return Ok(Arc::clone(&case));
        }
        if self.cases.len() >= limits::BAD_KEYS_MAX {
            self.cases.retain(|_, case| is_fresh(case));
            if self.cases.len() >= limits::BAD_KEYS_MAX {
                return Err(NoTurn);
            }
        }
        let case = Arc::new(Case { is_good: OnceCell::new(), opened: limit::now() });
        self.cases.insert(tag.0, Arc::clone(&case));
        Ok(case)
    }
}

fn is_fresh(case: &Case) -> bool {
    limit::now().saturating_sub(case.opened) < limits::BAD_KEY_REMEMBERED
}
