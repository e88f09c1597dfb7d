//! The credentials of a request, as its headers have them.

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::limits;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const SCHEME: &str = "bearer";

/// What a request shows to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credentials<'h> {
    /// Nothing.
    None,
    /// One key, which may be any text without spaces.
    Key(&'h str),
    /// Something that is no key, or several that differ.
    Unusable,
}

impl<'h> Credentials<'h> {
    /// Both headers count, each as often as it comes.
    pub(super) fn of(headers: &'h HeaderMap) -> Self {
        let bearers = headers.get_all(AUTHORIZATION).iter().map(bearer);
        let keys = headers.get_all(API_KEY).iter().map(visible);
        bearers.chain(keys).fold(Self::None, |so_far, next| match (so_far, next) {
            (Self::None, Some(key)) => Self::Key(key),
            (Self::Key(first), Some(key)) if first == key => Self::Key(first),
            _ => Self::Unusable,
        })
    }
}

/// The key of `Bearer <key>`, the scheme in any case.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case(SCHEME) { usable(key.trim_start_matches(' ')) } else { None }
}

fn visible(value: &HeaderValue) -> Option<&str> {
    usable(value.to_str().ok()?)
}

fn usable(key: &str) -> Option<&str> {
    let is_usable = (1..=limits::ADMIN_KEY_BYTES_MAX).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic());
    is_usable.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &str)]) -> (bool, Option<String>) {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        match Credentials::of(&headers) {
            Credentials::None => (false, None),
            Credentials::Key(key) => (false, Some(key.to_owned())),
            Credentials::Unusable => (true, None),
        }
    }

    #[test]
    fn a_key_is_found_in_either_header_and_in_both() {
        let found = (false, Some("k3y".to_owned()));
        let cases: [&[(&str, &str)]; 7] = [
            &[("authorization", "Bearer k3y")],
            &[("authorization", "bearer k3y")],
            &[("authorization", "BEARER   k3y")],
            &[("x-api-key", "k3y")],
            &[("x-api-key", "k3y"), ("x-api-key", "k3y")],
            &[("authorization", "Bearer k3y"), ("x-api-key", "k3y")],
            &[("authorization", "Bearer k3y"), ("authorization", "bearer k3y")],
        ];
        for case in cases {
            assert_eq!(of(case), found, "{case:?}");
        }
        assert_eq!(of(&[("cookie", "k3y")]), (false, None));
    }

    #[test]
    fn what_is_no_key_spoils_one_that_is() {
        let long = "x".repeat(1025);
        let cases: [&[(&str, &str)]; 13] = [
            &[("authorization", "")],
            &[("authorization", "k3y")],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer ")],
            &[("authorization", "Basic k3y")],
            &[("authorization", "Bearer\tk3y")],
            &[("authorization", "Bearer k3 y")],
            &[("authorization", "Bearer Bearer k3y")],
            &[("x-api-key", "")],
            &[("x-api-key", "Bearer k3y")],
            &[("x-api-key", &long)],
            &[("authorization", "Basic dTpw"), ("x-api-key", "k3y")],
            &[("authorization", "Bearer k3y"), ("x-api-key", "other")],
        ];
        for case in cases {
            assert_eq!(of(case), (true, None), "{case:?}");
        }
    }
}
