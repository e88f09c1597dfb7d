//! Errors as clients see them: RFC 9457 problem details.
//!
//! One total match from every error to a status. What a client is told never holds a path of the
//! file system, a backtrace, or what another client sent.

use std::num::NonZeroU64;

use hyper::StatusCode;
use serde::Serialize;

use crate::ingest::{Invalid, MalformedJson};
use crate::keys::ChangeError;
use crate::limits;
use crate::query::{OverBudget, PathsError};
use crate::writer::{Refusal, SnapshotError, WriteError};

/// An answer that says why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) detail: Box<str>,
    pub(super) field: Option<Box<str>>,
    pub(super) value: Option<Box<str>>,
    pub(super) retry_after_seconds: Option<u32>,
    /// The line of a stream that is at fault.
    pub(super) line: Option<NonZeroU64>,
    /// What became of a write.
    pub(super) outcome: Option<&'static str>,
    /// The methods of a path that does not take the one that came.
    pub(super) allow: Option<&'static str>,
    /// Whether a part of the request was left unread, so that the connection cannot go on.
    pub(super) closes: bool,
    /// What the log says beyond what the client is told.
    pub(super) cause: Option<Box<str>>,
}

#[derive(Serialize)]
struct Members<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
}

const NOT_APPLIED: &str = "not_applied";
/// The type of a problem of its own: clients back off by it.
const LIMITED: &str = "https://httpstatuses.com/429";

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<Box<str>>) -> Self {
        Self {
            status,
            detail: detail.into(),
            field: None,
            value: None,
            retry_after_seconds: None,
            line: None,
            outcome: None,
            allow: None,
            closes: false,
            cause: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn internal() -> Self {
        let detail = "the server made a mistake; its log has the correlation id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    pub(super) fn unknown_service() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no service has this id; GET /api/v1/services lists them")
    }

    pub(super) fn unknown_alert() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no alert has this id; GET /api/v1/circular-dependencies lists them")
    }

    /// The same where a field of a body names it.
    pub(super) fn unknown_service_in(field: &str, service_id: &str) -> Self {
        let value: String = service_id.chars().take(limits::ERROR_VALUE_CHARS_MAX).collect();
        Self { field: Some(field.into()), value: Some(value.into()), ..Self::unknown_service() }
    }

    pub(super) fn unavailable(detail: impl Into<Box<str>>, retry_after_seconds: u32) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        Self { retry_after_seconds: Some(retry_after_seconds), ..problem }
    }

    pub(super) fn too_many_requests(detail: impl Into<Box<str>>, retry_after_seconds: u64) -> Self {
        let seconds = u32::try_from(retry_after_seconds).unwrap_or(u32::MAX);
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        Self { retry_after_seconds: Some(seconds), ..problem }
    }

    pub(super) fn not_applied(self) -> Self {
        Self { outcome: Some(NOT_APPLIED), ..self }
    }

    pub(super) fn at_line(self, line: u64) -> Self {
        Self { line: NonZeroU64::new(line), ..self }
    }

    pub(super) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    /// The body: `instance` is the path that was asked for.
    pub(super) fn body(&self, instance: &str, correlation_id: &str) -> Vec<u8> {
        let members = Members {
            r#type: if self.status == StatusCode::TOO_MANY_REQUESTS { LIMITED } else { "about:blank" },
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance,
            correlation_id,
            field: self.field.as_deref(),
            value: self.value.as_deref(),
            retry_after_seconds: self.retry_after_seconds,
            line: self.line,
            outcome: self.outcome,
        };
        serde_json::to_vec(&members).expect("strings and numbers can be written")
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, invalid.to_string());
        Self { field: Some(invalid.field.into()), value: invalid.value.map(String::into), ..problem }
    }
}

impl From<MalformedJson> for Problem {
    fn from(error: MalformedJson) -> Self {
        match error {
            MalformedJson::Syntax(_) => Self::bad_request(error.to_string()),
            MalformedJson::TooManyValues => Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        }
    }
}

impl From<OverBudget> for Problem {
    fn from(error: OverBudget) -> Self {
        let detail = format!("{error}: ask for a smaller depth or max_nodes");
        Self { field: Some("depth".into()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }
}

impl From<PathsError> for Problem {
    fn from(error: PathsError) -> Self {
        let detail = format!("{error}: ask for a smaller max_paths");
        Self { field: Some("max_paths".into()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Busy => Self::unavailable("too many writes are waiting; try again", 1).not_applied(),
            WriteError::Stopping => {
                Self::unavailable("the server has stopped taking writes and is to be restarted", 5)
                    .not_applied()
            }
            WriteError::Refused(refusal) => Self::from(refusal),
            WriteError::TooLarge => {
                let detail = "the report is too long to be written as one; split it into several requests";
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail).not_applied()
            }
            WriteError::StorageFull => {
                let detail = "the disk is full; nothing was applied, reads go on";
                let problem = Self::new(StatusCode::INSUFFICIENT_STORAGE, detail).not_applied();
                Self { retry_after_seconds: Some(5), ..problem }
            }
            WriteError::WriteFailed => {
                Self::unavailable("the disk refused the write; nothing was applied, try again", 1)
                    .not_applied()
            }
            WriteError::StorageFailed => {
                let detail =
                    "the write-ahead log cannot be written; the server takes no writes until it is restarted";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).not_applied()
            }
            WriteError::OutcomeUnknown => {
                let detail = "the write may or may not survive a restart; read it back before repeating it";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
                Self { outcome: Some("unknown"), ..problem }
            }
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown => {
                let detail = "no key that works has this id; GET /api/v1/admin/api-keys lists them";
                Self::new(StatusCode::NOT_FOUND, detail)
            }
            ChangeError::NoRoom(error) => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string()).not_applied()
            }
            ChangeError::Full => {
                let detail = "the disk is full; the keys are as they were";
                let problem = Self::new(StatusCode::INSUFFICIENT_STORAGE, detail).not_applied();
                Self { retry_after_seconds: Some(5), ..problem }
            }
            ChangeError::Io(cause) => {
                let detail = "the keys could not be written, and may be as before or as asked; try again";
                let problem = Self::unavailable(detail, 1);
                Self { outcome: Some("unknown"), cause: Some(cause.to_string().into()), ..problem }
            }
        }
    }
}

impl From<SnapshotError> for Problem {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Busy => {
                Self::unavailable("too many requests about snapshots are waiting; try again", 1)
            }
            SnapshotError::Stopped => {
                Self::unavailable("the server has stopped taking snapshots and is to be restarted", 5)
            }
            SnapshotError::Unknown => {
                let detail = "no snapshot has this id; GET /api/v1/admin/snapshots lists them";
                Self::new(StatusCode::NOT_FOUND, detail)
            }
            SnapshotError::LastResort => Self::new(StatusCode::CONFLICT, error.to_string()),
            SnapshotError::Newest => {
                let detail = "the newest snapshot is kept; take another one before this one is removed";
                Self::new(StatusCode::CONFLICT, detail)
            }
            SnapshotError::NotDurable => {
                let detail =
                    "the log could not be synced, so no snapshot was taken; those that are kept hold";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
            SnapshotError::Full => {
                let detail = "the disk is full; the snapshots are as they were";
                let problem = Self::new(StatusCode::INSUFFICIENT_STORAGE, detail);
                Self { retry_after_seconds: Some(5), ..problem }
            }
            SnapshotError::Failed(cause) => Self { cause: Some(cause.into()), ..Self::internal() },
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooManyServices | Refusal::TooManyDependencies => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, refusal.to_string()).not_applied()
            }
            Refusal::UnknownService => Self::unknown_service(),
            Refusal::UnknownDependency => {
                let detail = "there is no such dependency, or not from this source; GET \
                              /api/v1/services/{service_id}/dependencies lists those there are";
                Self::new(StatusCode::NOT_FOUND, detail)
            }
            Refusal::UnknownAlert => Self::unknown_alert(),
            Refusal::AlertState(_) => {
                let detail =
                    format!("{refusal}: an open one is acknowledged, an open or acknowledged one resolved");
                Self::new(StatusCode::CONFLICT, detail).not_applied()
            }
            Refusal::KeyReused => {
                let detail =
                    "this Idempotency-Key was used with another body; choose a new key for a new request";
                Self::new(StatusCode::CONFLICT, detail).not_applied()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_write_says_what_became_of_it_and_whether_to_come_again() {
        let table = [
            (WriteError::Busy, 503, Some(1), NOT_APPLIED),
            (WriteError::Stopping, 503, Some(5), NOT_APPLIED),
            (WriteError::TooLarge, 413, None, NOT_APPLIED),
            (WriteError::StorageFull, 507, Some(5), NOT_APPLIED),
            (WriteError::WriteFailed, 503, Some(1), NOT_APPLIED),
            (WriteError::StorageFailed, 503, None, NOT_APPLIED),
            (WriteError::OutcomeUnknown, 503, None, "unknown"),
        ];
        for (error, status, retry_after, outcome) in table {
            let problem = Problem::from(error);
            assert_eq!(
                (problem.status.as_u16(), problem.retry_after_seconds),
                (status, retry_after),
                "{error}"
            );
            assert_eq!(problem.outcome, Some(outcome), "{error}");
        }
    }

    #[test]
    fn what_failed_about_a_snapshot_is_for_the_log() {
        let table = [
            (SnapshotError::Busy, 503, Some(1)),
            (SnapshotError::Stopped, 503, Some(5)),
            (SnapshotError::Unknown, 404, None),
            (SnapshotError::Newest, 409, None),
            (SnapshotError::LastResort, 409, None),
            (SnapshotError::NotDurable, 503, None),
            (SnapshotError::Full, 507, Some(5)),
        ];
        for (error, status, retry_after) in table {
            let text = error.to_string();
            let problem = Problem::from(error);
            assert_eq!(
                (problem.status.as_u16(), problem.retry_after_seconds),
                (status, retry_after),
                "{text}"
            );
            assert_eq!(problem.cause, None, "{text}");
        }
        let problem = Problem::from(SnapshotError::Failed("open data/snap-1: refused".into()));
        assert_eq!((problem.status.as_u16(), &*problem.detail), (500, &*Problem::internal().detail));
        assert_eq!(problem.cause.as_deref(), Some("open data/snap-1: refused"));
        let body = String::from_utf8(problem.body("/", "c")).unwrap();
        assert!(!body.contains("snap-1"), "{body}");
    }
}
