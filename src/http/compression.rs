//! Answers in gzip, for those who ask: an answer crosses a wide network in a tenth of its bytes and costs the server
//! many times what it did to make, so nobody gets it who did not say so.
//!
//! - An answer is compressed piece by piece, as the client takes it: memory does not grow with it.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{ACCEPT_ENCODING, HeaderMap};

/// Shorter answers get longer.
pub(super) const LEAST_BYTES: usize = 1024;

/// Whether a request likes gzip better than the bytes as they are (RFC 9110 §12.5.3).
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return false;
    }
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut gzip, mut identity, mut any) = (None, None, None);
    for coding in values.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality =
            quality.map_or(Some(1.0), |text| text.parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)));
        let Some(quality) = quality else { continue };
        match () {
            () if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
                gzip = Some(quality);
            }
            () if name.eq_ignore_ascii_case("identity") => identity = Some(quality),
            () if name == "*" => any = Some(quality),
            () => {}
        }
    }
    // What is not named is acceptable only where it is the identity, and then it is the last resort.
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// Whether content of this type gets shorter.
pub(super) fn is_worth_it(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.starts_with("text/")
        || essence.ends_with("json")
        || essence.ends_with("xml")
        || essence.ends_with("javascript")
}

/// A stream of gzip that is made piece by piece.
pub(super) struct Encoder(Option<GzEncoder<Vec<u8>>>);

impl Encoder {
    pub(super) fn new() -> Self {
        // The fastest: what counts is that the wire is not what takes longest.
        Self(Some(GzEncoder::new(Vec::new(), Compression::fast())))
    }

    /// What a piece came to.
    pub(super) fn encode(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let Some(encoder) = &mut self.0 else { return Ok(Bytes::new()) };
        encoder.write_all(piece)?;
        encoder.flush()?;
        Ok(std::mem::take(encoder.get_mut()).into())
    }

    /// The end of the stream, once.
    pub(super) fn finish(&mut self) -> Option<io::Result<Bytes>> {
        self.0.take().map(|encoder| encoder.finish().map(Bytes::from))
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_for_those_who_like_it_best() {
        let wanted = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
            is_wanted(&headers)
        };
        for value in [
            "gzip",
            "GZIP",
            "deflate, gzip;q=1.0, *;q=0.5",
            "br, gzip;q=0.1",
            "*",
            "gzip;q=0.5, identity;q=0.5",
        ] {
            assert!(wanted(value), "{value}");
        }
        for value in
            ["", "identity", "br", "gzip;q=0", "*;q=0", "gzip;q=0.4, identity", "gzip;q=x", "*, gzip;q=0"]
        {
            assert!(!wanted(value), "{value}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn text_is_worth_it() {
        let types = [
            "application/json",
            "application/problem+json",
            "text/vnd.graphviz",
            "application/graphml+xml",
            "text/html; charset=utf-8",
        ];
        for content_type in types {
            assert!(is_worth_it(content_type), "{content_type}");
        }
        for content_type in ["application/octet-stream", "image/png", "application/x-ndjson-not", ""] {
            assert!(!is_worth_it(content_type), "{content_type}");
        }
    }

    #[test]
    fn pieces_come_out_as_they_go_in() {
        let mut encoder = Encoder::new();
        let (mut sent, mut whole) = (Vec::new(), Vec::new());
        for number in 0..50 {
            let piece = format!("piece {number} ").repeat(100);
            let encoded = encoder.encode(piece.as_bytes()).unwrap();
            assert!(!encoded.is_empty() && encoded.len() < piece.len());
            sent.extend_from_slice(&encoded);
            whole.extend_from_slice(piece.as_bytes());
        }
        sent.extend_from_slice(&encoder.finish().unwrap().unwrap());
        assert!(encoder.is_over() && encoder.finish().is_none());
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&*sent).read_to_end(&mut read).unwrap();
        assert_eq!(read, whole);
    }
}
