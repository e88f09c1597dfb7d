//! Addresses of a server: the base that a person gives, and the paths and queries made on top of it.
//!
//! Not a general URL parser: http and https, no credentials, no query in the base.
//!
//! - A service id is one path segment, whatever it holds: everything outside the unreserved
//!   characters of RFC 3986 is percent-encoded.

use hyper::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a server is, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl(String);

/// Why a text is no address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UrlError {
    /// The address holds a user name or a password.
    #[error("--url or WATERSHED_URL holds a user name; the key of a server is read from WATERSHED_API_KEY")]
    UserName,
    /// Anything else.
    #[error("--url or WATERSHED_URL is {0:?}; expected an address such as http://127.0.0.1:8000")]
    Malformed(String),
}

impl BaseUrl {
    pub(super) fn parse(text: &str) -> Result<Self, UrlError> {
        if text.contains('@') {
            return Err(UrlError::UserName);
        }
        let malformed = || UrlError::Malformed(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(malformed());
        }
        if uri.query().is_some() || text.contains('#') || uri.host().is_none_or(str::is_empty) {
            return Err(malformed());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The address of a path of the API, which begins with a slash and is encoded already.
    pub(super) fn join(&self, path: &str) -> Result<Uri, UrlError> {
        let text = format!("{}{path}", self.0);
        text.parse().map_err(|_| UrlError::Malformed(text))
    }

    /// Whether the server shows a certificate.
    pub(super) fn is_tls(&self) -> bool {
        self.0.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text as one path segment or one value of a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// `?name=value&…` of the parameters that have a value; nothing when none has.
pub(super) fn query(parameters: &[(&str, Option<String>)]) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if let Some(value) = value {
            text.push(if text.is_empty() { '?' } else { '&' });
            text.push_str(name);
            text.push('=');
            text.push_str(&encode(value));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_of_servers() {
        let cases = [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/api"),
            ("http://[::1]:8000/", "http://[::1]:8000/api"),
            ("http://graph.example/watershed/", "http://graph.example/watershed/api"),
            ("HTTP://graph.example", "http://graph.example/api"),
            ("HTTPS://graph.example", "https://graph.example/api"),
        ];
        for (text, expected) in cases {
            let base = BaseUrl::parse(text).unwrap();
            assert_eq!(base.join("/api").unwrap().to_string(), expected);
            assert_eq!(base.is_tls(), expected.starts_with("https"));
        }
    }

    #[test]
    fn refuses_anything_else() {
        for text in [
            "",
            "localhost",
            "localhost:8000",
            "/",
            "ftp://a",
            "http://",
            "http://a?b=c",
            "http://a#b",
            "http://a b",
        ] {
            assert_eq!(BaseUrl::parse(text), Err(UrlError::Malformed(text.to_owned())), "{text:?}");
        }
        assert_eq!(BaseUrl::parse("http://user:secret@a"), Err(UrlError::UserName));
        assert!(!BaseUrl::parse("http://user:secret@a").unwrap_err().to_string().contains("secret"));
    }

    #[test]
    fn a_service_id_is_one_segment() {
        let cases = [
            ("checkout-service", "checkout-service"),
            ("component:default/checkout", "component%3Adefault%2Fcheckout"),
            ("größe 7+%", "gr%C3%B6%C3%9Fe%207%2B%25"),
            ("../x?y#z", "..%2Fx%3Fy%23z"),
            ("a_b.c~d", "a_b.c~d"),
        ];
        for (text, expected) in cases {
            assert_eq!(encode(text), expected);
        }
    }

    #[test]
    fn a_query_holds_what_was_given() {
        assert_eq!(query(&[("a", None)]), "");
        assert_eq!(query(&[("a", None), ("q", Some("x&y".into())), ("n", Some("1".into()))]), "?q=x%26y&n=1");
    }
}
