//! A value that is never shown.

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// A secret of the settings: not in debug output, wiped when it is dropped.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret in.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_compared_and_not_shown() {
        let secret = Secret::new("open sesame".to_owned());
        assert!(secret == Secret::new("open sesame".to_owned()) && secret != Secret::new("open".to_owned()));
        assert_eq!(secret.expose(), "open sesame");
        assert!(!format!("{secret:?}").contains("sesame"));
    }
}
