//! In which form a file is: as it was said, or as it can be told.
//!
//! - A file in our own form is not held to a length here; one of another tool is.
//! - What stands in a tree and is nothing that we know is passed over, and counted.

use std::borrow::Cow;
use std::io::BufRead;

use bytes::Bytes;
use serde::Deserialize;

use super::document::{self, DocumentError};
use super::lines::{self, Input};
use crate::limits::FOREIGN_FILE_BYTES_MAX;
use crate::sources::formats::{Detected, detect};
use crate::types::DiscoverySource;

/// A file whose form is known.
pub(super) enum Form {
    /// Lines of our own form.
    Stream(serde_json::Map<String, serde_json::Value>, Box<dyn BufRead + Send>),
    /// A document of our own form, or what has to be taken for one.
    Document(Bytes),
    /// A file of another tool.
    Foreign(Detected, String),
    /// A file of a tree that is nothing that we know.
    Unknown,
}

/// Tells the form of a file. `said` is what the caller was told; `is_named` whether the file must be something.
pub(super) fn tell(
    path: &str,
    is_named: bool,
    said: Option<Detected>,
    input: Box<dyn BufRead + Send>,
) -> Result<Form, DocumentError> {
    let (read, rest) = match (lines::look(input)?, said) {
        (Input::Stream(first, rest), None | Some(Detected::Own)) if is_named || names_a_source(&first) => {
            return Ok(Form::Stream(first, rest));
        }
        // A text that is one line long looks like the first line of a stream.
        (Input::Stream(first, rest), _) => {
            let mut line = serde_json::to_vec(&first).expect("an object can be written");
            line.push(b'\n');
            (line, rest)
        }
        (Input::Text(read, rest), _) => (read, rest),
    };
    let text: Bytes = document::read_on(read, rest)?.into();
    match said {
        Some(Detected::Own) => Ok(Form::Document(text)),
        Some(form) => foreign(form, &text),
        None if text.len() > FOREIGN_FILE_BYTES_MAX && is_named => Ok(Form::Document(text)),
        None if text.len() > FOREIGN_FILE_BYTES_MAX => Ok(Form::Unknown),
        None => match std::str::from_utf8(&text).ok().and_then(|text| detect(path, text)) {
            Some(Detected::Own) if is_named || is_ours(&text) => Ok(Form::Document(text)),
            Some(Detected::Own) => Ok(Form::Unknown),
            Some(form) => foreign(form, &text),
            None if is_named => Ok(Form::Document(text)),
            None => Ok(Form::Unknown),
        },
    }
}

/// Whether a file of a tree, which nobody named, is a document of ours: others have these members, too.
fn is_ours(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        source: Cow<'a, str>,
    }
    serde_json::from_slice::<Head<'_>>(text).is_ok_and(|head| DiscoverySource::parse(&head.source).is_some())
}

fn names_a_source(first: &serde_json::Map<String, serde_json::Value>) -> bool {
    first.get("source").and_then(|source| source.as_str()).and_then(DiscoverySource::parse).is_some()
}

fn foreign(form: Detected, text: &[u8]) -> Result<Form, DocumentError> {
    if text.len() > FOREIGN_FILE_BYTES_MAX {
        return Err(DocumentError::ForeignTooLarge);
    }
    let text = std::str::from_utf8(text).map_err(|_| DocumentError::Encoding)?;
    Ok(Form::Foreign(form, text.to_owned()))
}

/// As whom files of a form report, unless somebody says otherwise.
pub(super) fn usual_source(form: Detected) -> DiscoverySource {
    match form {
        Detected::Kubernetes => DiscoverySource::Kubernetes,
        Detected::Jaeger => DiscoverySource::OtelServiceGraph,
        Detected::Kiali => DiscoverySource::ServiceMesh,
        Detected::Backstage | Detected::Compose | Detected::Csv | Detected::Own => DiscoverySource::Manual,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_form_is_told_or_said() {
        let cases: [(&str, Option<Detected>, &str); 14] = [
            ("{\"source\":\"manual\",\"timestamp\":\"t\"}\n{\"node\":{}}\n", None, "stream"),
            ("{\"source\":\"manual\",\"timestamp\":\"t\",\"nodes\":[]}", None, "document"),
            ("{\"source\":\"manual\"}", None, "document"),
            ("a: [", None, "document"),
            ("apiVersion: v1\nkind: Service\n", None, "kubernetes"),
            (
                "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[]}\n",
                Some(Detected::Kubernetes),
                "kubernetes",
            ),
            ("services:\n  web:\n    image: x\n", None, "compose"),
            ("[{\"parent\":\"a\",\"child\":\"b\",\"callCount\":1}]", None, "jaeger"),
            ("{\"elements\":{}}\n", Some(Detected::Kiali), "kiali"),
            ("{\"data\":[]}\n", Some(Detected::Jaeger), "jaeger"),
            ("source,target\na,b\n", None, "csv"),
            ("a: [", Some(Detected::Backstage), "backstage"),
            ("a: [", Some(Detected::Own), "document"),
            ("", None, "document"),
        ];
        for (text, said, expected) in cases {
            let form = match tell("x", true, said, Box::new(Cursor::new(text))).unwrap() {
                Form::Stream(..) => "stream",
                Form::Document(_) => "document",
                Form::Foreign(form, kept) => {
                    assert_eq!(kept.trim(), text.trim());
                    form.name()
                }
                Form::Unknown => "unknown",
            };
            assert_eq!(form, expected, "{text}");
        }
        let long = format!("{{\"nodes\":[{}]}}", " ".repeat(FOREIGN_FILE_BYTES_MAX));
        for text in ["a: 1", "{\"name\":\"x\",\"source\":\"y\",\"timestamp\":\"z\"}\n", &long] {
            let in_a_tree = tell("x.json", false, None, Box::new(Cursor::new(text.to_owned())));
            assert!(matches!(in_a_tree, Ok(Form::Unknown)), "{}", &text[..20.min(text.len())]);
        }
        let ours = "{\"source\":\"manual\",\"timestamp\":\"t\",\"nodes\":[]}";
        assert!(matches!(tell("x", false, None, Box::new(Cursor::new(ours))), Ok(Form::Document(_))));
    }

    #[test]
    fn a_foreign_file_has_a_length_and_is_text() {
        let long = vec![b' '; FOREIGN_FILE_BYTES_MAX + 1];
        let told = tell("x", true, Some(Detected::Csv), Box::new(Cursor::new(long)));
        assert!(matches!(told, Err(DocumentError::ForeignTooLarge)));
        let told = tell("x", true, Some(Detected::Csv), Box::new(Cursor::new(b"\xff,\n")));
        assert!(matches!(told, Err(DocumentError::Encoding)));
    }
}
