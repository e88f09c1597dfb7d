//! The API key of a client: read from the environment or a file, and never shown.
//!
//! Not an argument: arguments can be seen by every user of a machine.
//!
//! - No error and no debug text holds any part of a key.

use std::ffi::OsString;
use std::path::Path;

use hyper::header::HeaderValue;

const VARIABLE: &str = "WATERSHED_API_KEY";
const FILE_VARIABLE: &str = "WATERSHED_API_KEY_FILE";

/// Why there is no usable key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    /// Both variables are set.
    #[error("WATERSHED_API_KEY and WATERSHED_API_KEY_FILE are both set; expected one of them")]
    Both,
    /// The file cannot be read.
    #[error("WATERSHED_API_KEY_FILE from the environment is {path}; expected a readable file: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        cause: String,
    },
    /// The key cannot stand in a header.
    #[error(
        "{0} holds something that is no key; expected one line of visible ASCII characters (not shown here)"
    )]
    NotAKey(&'static str),
}

/// The value of the `Authorization` header, if there is a key. `environment` looks up a variable;
/// an empty one counts as unset.
pub(super) fn authorization(
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<HeaderValue>, KeyError> {
    let set = |name| environment(name).filter(|value| !value.is_empty());
    let (name, key) = match (set(VARIABLE), set(FILE_VARIABLE)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(KeyError::Both),
        (Some(key), None) => (VARIABLE, key.into_string().map_err(|_| KeyError::NotAKey(VARIABLE))?),
        (None, Some(path)) => (FILE_VARIABLE, read(Path::new(&path))?),
    };
    let key = key.trim_end_matches(['\r', '\n']);
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyError::NotAKey(name));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| KeyError::NotAKey(name))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn read(path: &Path) -> Result<String, KeyError> {
    std::fs::read_to_string(path)
        .map_err(|cause| KeyError::Unreadable { path: path.display().to_string(), cause: cause.to_string() })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Option<HeaderValue>, KeyError> {
        authorization(|name| pairs.iter().find(|(held, _)| *held == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn a_key_becomes_a_hidden_bearer() {
        let value = with(&[(VARIABLE, "ws_k3y"), (FILE_VARIABLE, "")]).unwrap().unwrap();
        assert_eq!(value.to_str().unwrap(), "Bearer ws_k3y");
        assert_eq!(format!("{value:?}"), "Sensitive");
        assert_eq!(with(&[]), Ok(None));
        assert_eq!(with(&[(VARIABLE, "")]), Ok(None));
    }

    #[test]
    fn a_file_may_hold_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "ws_k3y").unwrap();
        let value = with(&[(FILE_VARIABLE, file.path().to_str().unwrap())]).unwrap().unwrap();
        assert_eq!(value.to_str().unwrap(), "Bearer ws_k3y");
    }

    #[test]
    fn refuses_without_showing_it() {
        assert_eq!(with(&[(VARIABLE, "a"), (FILE_VARIABLE, "b")]), Err(KeyError::Both));
        for key in ["two words", "line\nbreak", "schlüssel", "\n"] {
            let error = with(&[(VARIABLE, key)]).unwrap_err();
            assert_eq!(error, KeyError::NotAKey(VARIABLE));
            assert!(!error.to_string().contains("words"));
        }
        let error = with(&[(FILE_VARIABLE, "/nonexistent/key")]).unwrap_err().to_string();
        assert!(error.contains("is /nonexistent/key; expected"), "{error}");
    }
}
