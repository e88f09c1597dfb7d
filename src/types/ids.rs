//! The business identifier of a service.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::limits;

/// 1 to 255 bytes of UTF-8 without control characters and without white space at either end.
///
/// Ordered and compared bytewise. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(Arc<str>);

/// Why a text is no service id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServiceId {
    /// The text has no bytes.
    #[error("a service id has at least 1 byte")]
    Empty,
    /// The text is longer than [`limits::SERVICE_ID_BYTES_MAX`].
    #[error("a service id has at most 255 bytes of UTF-8")]
    TooLong,
    /// The text holds a control character.
    #[error("a service id has no control characters")]
    ControlCharacter,
    /// The text begins or ends with white space.
    #[error("a service id has no leading or trailing white space")]
    OuterWhiteSpace,
}

impl ServiceId {
    /// Checks `text` and keeps a copy of it.
    pub fn parse(text: &str) -> Result<Self, InvalidServiceId> {
        if text.is_empty() {
            return Err(InvalidServiceId::Empty);
        }
        if text.len() > limits::SERVICE_ID_BYTES_MAX {
            return Err(InvalidServiceId::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidServiceId::ControlCharacter);
        }
        if text.trim().len() != text.len() {
            return Err(InvalidServiceId::OuterWhiteSpace);
        }
        Ok(Self(text.into()))
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ServiceId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for ServiceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_landscapes_use() {
        for text in ["a", "component:default/checkout", "größe 7", "日本語", &"x".repeat(255)] {
            assert_eq!(ServiceId::parse(text).map(|id| id.as_str().to_owned()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn refuses_with_the_reason() {
        let cases = [
            ("", InvalidServiceId::Empty),
            (&"x".repeat(256), InvalidServiceId::TooLong),
            (&"é".repeat(128), InvalidServiceId::TooLong),
            ("a\nb", InvalidServiceId::ControlCharacter),
            ("a\u{7f}", InvalidServiceId::ControlCharacter),
            ("a\u{85}b", InvalidServiceId::ControlCharacter),
            (" a", InvalidServiceId::OuterWhiteSpace),
            ("a\u{3000}", InvalidServiceId::OuterWhiteSpace),
        ];
        for (text, expected) in cases {
            assert_eq!(ServiceId::parse(text), Err(expected), "{text:?}");
        }
    }
}
