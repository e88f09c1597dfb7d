//! Page cursors: opaque, and checked, so that one the server did not issue is told from one it did.
//!
//! The text is base64url without padding of: version byte 1, crc32c of all that follows (4 bytes,
//! little endian), list name, 0, the last id of the page before.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const VERSION: u8 = 1;

/// The cursor that continues `list` after `last`.
pub(super) fn issue(list: &str, last: &str) -> String {
    let content = [list.as_bytes(), b"\0", last.as_bytes()].concat();
    let checksum = crc32c::crc32c(&content).to_le_bytes();
    URL_SAFE_NO_PAD.encode([&[VERSION][..], &checksum, &content].concat())
}

/// The id that a cursor of `list` continues after; `None` for what was not issued for it.
pub(super) fn read(list: &str, cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (checksum, content) = rest.split_first_chunk::<4>()?;
    let intact = *version == VERSION && u32::from_le_bytes(*checksum) == crc32c::crc32c(content);
    let last = content.strip_prefix(list.as_bytes())?.strip_prefix(b"\0")?;
    String::from_utf8(last.to_vec()).ok().filter(|_| intact)
}

/// The cursor that continues a list of pairs after one. No id holds a NUL.
pub(super) fn issue_pair(list: &str, first: &str, second: &str) -> String {
    issue(list, &[first, second].join("\0"))
}

/// The pair that a cursor of `list` continues after.
pub(super) fn read_pair(list: &str, cursor: &str) -> Option<(String, String)> {
    let last = read(list, cursor)?;
    let (first, second) = last.split_once('\0')?;
    Some((first.to_owned(), second.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_issued_is_read() {
        let cursor = issue("services", "größe/7");
        assert_eq!(read("services", &cursor).as_deref(), Some("größe/7"));
        assert_eq!(read("alerts", &cursor), None);
        for at in 0..cursor.len() {
            let mut tampered = cursor.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(read("services", std::str::from_utf8(&tampered).unwrap()), None, "at {at}");
        }
        let pair = issue_pair("divergence", "a b", "c");
        assert_eq!(read_pair("divergence", &pair), Some(("a b".to_owned(), "c".to_owned())));
        assert_eq!(read_pair("services", &pair), None);
        assert_eq!(read_pair("services", &cursor), None, "not a pair");
        assert_eq!(read("services", ""), None);
        assert_eq!(read("services", "!"), None);
    }
}
