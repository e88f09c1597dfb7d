//! The optional settings file: TOML, one key per setting, no tables.
//!
//! Not the reader of values: a key's value is handed on as text, whether it was written as a
//! string, a number or a boolean. A key that is no setting is an error, for it is a misspelt one.
//!
//! - An error is one line with the path and, where there is one, the line in the file.

use std::path::{Path, PathBuf};

use super::{Key, SETTINGS};

/// What a settings file sets.
#[derive(Clone, Debug, Default)]
pub struct SettingsFile {
    path: PathBuf,
    values: Vec<(Key, String)>,
}

/// Why a settings file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is no such file, or it may not be read.
    #[error("--config is {path:?}; expected a readable file of UTF-8 text: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The text is no TOML.
    #[error("{}:{line} is not TOML: {cause}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What the parser said.
        cause: String,
    },
    /// A key is no setting.
    #[error("{key:?} from {} is not a setting; expected the name of one in lower case, such as api_port \
        (`watershed serve --help` lists them)", .path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A value is a list, a table or a date.
    #[error("{key} from {} is {kind}; expected a string or a number", .path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What it is.
        kind: &'static str,
    },
}

impl SettingsFile {
    /// Reads the text of the file at `path`; the path is for messages only.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let table: toml::Table = text.parse().map_err(|error| syntax(path, text, &error))?;
        let mut values = Vec::with_capacity(table.len());
        for (name, value) in table {
            let Some(setting) = SETTINGS.iter().find(|setting| setting.file_key() == name) else {
                return Err(FileError::UnknownKey { path: path.to_owned(), key: name });
            };
            let text =
                as_text(value).map_err(|kind| FileError::Kind { path: path.to_owned(), key: name, kind })?;
            values.push((setting.key, text));
        }
        Ok(Self { path: path.to_owned(), values })
    }

    /// The value of a setting, with the file that it stands in.
    pub fn get(&self, key: Key) -> Option<(&Path, &str)> {
        let (_, value) = self.values.iter().find(|(held, _)| *held == key)?;
        Some((&self.path, value))
    }
}

fn as_text(value: toml::Value) -> Result<String, &'static str> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(truth) => Ok(truth.to_string()),
        toml::Value::Datetime(_) => Err("a date"),
        toml::Value::Array(_) => Err("a list"),
        toml::Value::Table(_) => Err("a table"),
    }
}

fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> FileError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    FileError::Syntax {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        cause: error.message().replace('\n', ", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SettingsFile, String> {
        SettingsFile::parse(Path::new("w.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn strings_and_numbers_are_values() {
        let file = parse("# ours\napi_port = 9_000\ndata_dir = \"/srv/w\"\n").unwrap();
        assert_eq!(file.get(Key::ApiPort), Some((Path::new("w.toml"), "9000")));
        assert_eq!(file.get(Key::DataDir), Some((Path::new("w.toml"), "/srv/w")));
        assert_eq!(file.get(Key::LogLevel), None);
        assert!(parse("").unwrap().values.is_empty());
    }

    #[test]
    fn refuses_in_one_line() {
        let cases = [
            ("api_prt = 1", "\"api_prt\" from w.toml is not a setting; expected the name of one"),
            ("API_PORT = 1", "\"API_PORT\" from w.toml is not a setting"),
            ("[api]\nport = 1", "\"api\" from w.toml is not a setting"),
            ("api_port = [1]", "api_port from w.toml is a list; expected a string or a number"),
            ("[log_level]\na = 1", "log_level from w.toml is a table"),
            ("\n\napi_port = ", "w.toml:3 is not TOML: "),
            ("api_port = 1\napi_port = 2", "w.toml:2 is not TOML: "),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with(expected), "{text:?}: {message}");
            assert!(!message.contains('\n'), "{message:?}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = crate::config::read_file(Path::new("/nonexistent/w.toml")).unwrap_err().to_string();
        assert!(
            error.starts_with("--config is \"/nonexistent/w.toml\"; expected a readable file"),
            "{error}"
        );
    }
}
