//! One request to the ingestion endpoint, sent until the server takes it or means its no.
//!
//! Not a blind retry: a request is sent again only where the server said that nothing was applied
//! and that it may be tried later. All tries carry one idempotency key.
//!
//! - At most [`TRIES_MAX`] tries; no wait is longer than [`WAIT_MAX`].

use std::time::Duration;

use bytes::Bytes;

use crate::cli::client::{Client, ClientError};
use crate::cli::console::{Console, printable};
use crate::clock;

use super::progress::Progress;
use super::totals::Receipt;

const PATH: &str = "/api/v1/services/dependencies";
/// How often a request is sent.
const TRIES_MAX: u32 = 10;
/// A server that wants more time than this is asked again by a person.
const WAIT_MAX: Duration = Duration::from_mins(2);
/// The first wait, where the server names none; doubled each time.
const WAIT_FIRST: Duration = Duration::from_millis(100);

/// Sends a request; waits and sends it again while the server asks for that.
pub(super) fn send(
    client: &Client,
    body: &Bytes,
    progress: &Progress,
    console: &mut Console,
) -> Result<Receipt, ClientError> {
    let id = clock::new_id();
    let mut tries = 1;
    loop {
        let problem = match client.post(PATH, body.clone(), id) {
            Ok(answer) => return client.understand(&answer),
            Err(ClientError::Refused(problem)) => problem,
            Err(error) => return Err(error),
        };
        let wait = problem.retry_after.unwrap_or(WAIT_FIRST * 2_u32.pow(tries - 1)).max(WAIT_FIRST);
        if !problem.may_be_retried() || tries == TRIES_MAX || wait > WAIT_MAX {
            return Err(ClientError::Refused(problem));
        }
        let notice = format!(
            "the server asks to wait: {} {}; next try in {} s",
            problem.status.as_u16(),
            problem.status.canonical_reason().unwrap_or_default(),
            wait.as_secs_f32()
        );
        progress.notice(&printable(&notice), console);
        client.wait(wait);
        tries += 1;
    }
}
