//! A server's refusal: RFC 9457 problem details, as a line for a person.
//!
//! Not a parser that can fail: an answer without the expected body still has a status, and that is
//! then all there is to say.
//!
//! - An outcome that is not known by name counts as unknown: it is not tried again.

use std::fmt;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

/// What became of a refused write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing was changed; also when the server does not say, for then it was not reached.
    NotApplied,
    /// It may be on disk, or not.
    Unknown,
}

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// How long the server asks to wait before trying again.
    pub(super) retry_after: Option<Duration>,
    /// What became of a write.
    pub(super) outcome: Outcome,
    details: Details,
}

/// The members of a problem that a person needs.
#[derive(Clone, Debug, Default, Deserialize)]
struct Details {
    title: Option<String>,
    detail: Option<String>,
    field: Option<String>,
    correlation_id: Option<String>,
    retry_after_seconds: Option<u64>,
    outcome: Option<String>,
}

impl Problem {
    /// Reads what an answer that is no success says.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut details: Details = serde_json::from_slice(body).unwrap_or_default();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if details.correlation_id.is_none() {
            details.correlation_id = header("x-correlation-id").map(str::to_owned);
        }
        let seconds = header(RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
        let outcome = match details.outcome.as_deref() {
            None | Some("not_applied") => Outcome::NotApplied,
            Some(_) => Outcome::Unknown,
        };
        let retry_after = seconds.or(details.retry_after_seconds).map(Duration::from_secs);
        Self { status, retry_after, outcome, details }
    }

    /// Whether the same request may be sent again without doing something twice.
    pub(super) fn may_be_retried(&self) -> bool {
        let later =
            self.status == StatusCode::TOO_MANY_REQUESTS || self.status == StatusCode::SERVICE_UNAVAILABLE;
        later && self.outcome == Outcome::NotApplied
    }

    /// The offending place in the request.
    pub(super) fn field(&self) -> Option<&str> {
        self.details.field.as_deref()
    }

    /// The same problem with another name for the offending place.
    pub(super) fn with_field(mut self, field: String) -> Self {
        self.details.field = Some(field);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standard = self.status.canonical_reason().unwrap_or("no known status");
        let title = self.details.title.as_deref().unwrap_or(standard);
        write!(formatter, "{} {title}", self.status.as_u16())?;
        match &self.details.detail {
            Some(detail) => write!(formatter, ": {detail}")?,
            None => formatter.write_str(" without an explanation; is this a watershed server?")?,
        }
        if let Some(field) = &self.details.field {
            write!(formatter, " [field {field}]")?;
        }
        if let Some(id) = &self.details.correlation_id {
            write!(formatter, " [correlation id {id}]")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Problem {
        let headers = headers.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Problem::read(StatusCode::from_u16(status).unwrap(), &headers.collect(), body.as_bytes())
    }

    #[test]
    fn reads_as_one_line() {
        let cases = [
            (
                r#"{"title":"Unprocessable Entity","status":422,"detail":"depth is 1 to 10","field":"depth","correlation_id":"c-1"}"#,
                "422 Unprocessable Entity: depth is 1 to 10 [field depth] [correlation id c-1]",
            ),
            (r#"{"detail":"no such service"}"#, "422 Unprocessable Entity: no such service"),
            ("<html>", "422 Unprocessable Entity without an explanation; is this a watershed server?"),
            (
                r#"{"detail":7}"#,
                "422 Unprocessable Entity without an explanation; is this a watershed server?",
            ),
            ("", "422 Unprocessable Entity without an explanation; is this a watershed server?"),
        ];
        for (body, expected) in cases {
            assert_eq!(read(422, &[], body).to_string(), expected);
        }
        assert!(read(500, &[("x-correlation-id", "h-1")], "").to_string().ends_with("[correlation id h-1]"));
    }

    #[test]
    fn only_what_was_not_applied_may_be_retried() {
        let cases = [
            (429, "{}", true),
            (503, "{}", true),
            (503, "", true),
            (503, r#"{"outcome":"not_applied"}"#, true),
            (503, r#"{"outcome":"unknown"}"#, false),
            (503, r#"{"outcome":"something new"}"#, false),
            (500, "{}", false),
            (507, r#"{"outcome":"not_applied"}"#, false),
            (422, "{}", false),
        ];
        for (status, body, expected) in cases {
            assert_eq!(read(status, &[], body).may_be_retried(), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_header_says_how_long_before_the_body_does() {
        let seconds = |headers: &[_], body| read(429, headers, body).retry_after.map(|wait| wait.as_secs());
        assert_eq!(seconds(&[("retry-after", "7")], r#"{"retry_after_seconds":9}"#), Some(7));
        assert_eq!(seconds(&[], r#"{"retry_after_seconds":9}"#), Some(9));
        assert_eq!(seconds(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], ""), None);
        assert_eq!(seconds(&[], ""), None);
    }
}
