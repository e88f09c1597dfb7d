//! How a command can fail, and the exit code of each.
//!
//! Not the causes themselves: each room has its own. They meet here, at the last step before the
//! process ends.
//!
//! - The exit codes are those of the contract; nothing else ends the process with another one.

use std::fmt::Display;

use hyper::StatusCode;

use super::client::ClientError;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was tried and did not work.
    Failed(anyhow::Error),
    /// It cannot be tried like this.
    Usage(String),
    /// It cannot be tried like this, and the reason is already on standard error.
    UsageExplained,
    /// The data directory is damaged.
    Damaged(String),
    /// Another process holds the data directory.
    Locked(String),
    /// Nobody reads standard output any more.
    ClosedPipe,
}

impl Failure {
    /// A cause that leads to exit code 1.
    pub(super) fn failed(cause: impl Into<anyhow::Error>) -> Self {
        Self::Failed(cause.into())
    }

    /// The failure of a request about `subject`, which is named when the server knows no such thing.
    pub(super) fn about(subject: impl Display, error: ClientError) -> Self {
        let unknown =
            matches!(&error, ClientError::Refused(problem) if problem.status == StatusCode::NOT_FOUND);
        match Self::from(error) {
            Self::Failed(cause) if unknown => Self::Failed(cause.context(subject.to_string())),
            failure => failure,
        }
    }

    /// What the contract says the process ends with.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) | Self::UsageExplained => 2,
            Self::Damaged(_) => 3,
            Self::Locked(_) => 4,
        }
    }

    /// What a person is told, if there is anything left to tell.
    pub(super) fn message(&self) -> Option<String> {
        match self {
            Self::ClosedPipe | Self::UsageExplained => None,
            Self::Failed(cause) => Some(format!("{cause:#}")),
            Self::Usage(text) | Self::Damaged(text) | Self::Locked(text) => Some(text.clone()),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Url(_) | ClientError::Key(_) => Self::Usage(error.to_string()),
            ClientError::Unreachable { .. }
            | ClientError::TimedOut { .. }
            | ClientError::Broken { .. }
            | ClientError::TooLarge { .. }
            | ClientError::Foreign { .. }
            | ClientError::Authorities(_)
            | ClientError::Runtime(_)
            | ClientError::Keep(_)
            | ClientError::Refused(_) => Self::failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderMap;

    use super::*;
    use crate::cli::problem::Problem;
    use crate::cli::url::UrlError;

    #[test]
    fn only_what_is_unknown_is_named() {
        for (status, expected) in [
            (StatusCode::NOT_FOUND, "a: 404 Not Found without"),
            (StatusCode::CONFLICT, "409 Conflict without"),
            (StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error without"),
        ] {
            let problem = Problem::read(status, &HeaderMap::new(), b"");
            let failure = Failure::about("a", ClientError::Refused(Box::new(problem)));
            assert_eq!(failure.exit_code(), 1);
            assert!(failure.message().unwrap().starts_with(expected), "{failure:?}");
        }
        let failure = Failure::about("a", ClientError::Url(UrlError::UserName));
        assert_eq!((failure.exit_code(), failure.message().unwrap().starts_with("a:")), (2, false));
    }

    #[test]
    fn codes_are_those_of_the_contract() {
        let cases = [
            (Failure::ClosedPipe, 0, None),
            (Failure::Failed(anyhow::anyhow!("a").context("b")), 1, Some("b: a")),
            (Failure::Usage("u".into()), 2, Some("u")),
            (Failure::UsageExplained, 2, None),
            (Failure::Damaged("d".into()), 3, Some("d")),
            (Failure::Locked("l".into()), 4, Some("l")),
        ];
        for (failure, code, message) in cases {
            assert_eq!((failure.exit_code(), failure.message().as_deref()), (code, message), "{failure:?}");
        }
    }
}
